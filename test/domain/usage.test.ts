import { describe, expect, it } from 'vitest';
import { DAY_MS, dayOf } from '../../src/domain/text/day.ts';
import {
  countingWebhook,
  countUse,
  dayText,
  everyDay,
  firstOpenDay,
  mergedUse,
  noUse,
  parseDay,
  type Use,
} from '../../src/domain/usage.ts';

const use = (events: number, deliveries = events, attempts = deliveries): Use => ({ events, deliveries, attempts });

describe('a day', () => {
  it('is written and read as the calendar has it', () => {
    const day = dayOf(Date.UTC(2028, 1, 29, 23, 59, 59, 999));
    expect(dayText(day)).toBe('2028-02-29');
    expect(parseDay('2028-02-29')).toBe(day);
    expect(parseDay('2028-03-01')).toBe(day + 1);
  });

  it.each(['2027-02-29', '2027-2-1', '2027-13-01', '2027-01-01T00:00:00Z', '', 'today'])('is not %j', (text) => {
    expect(parseDay(text)).toBeNull();
  });

  it('can still change for as long as deliveries are kept, and wait, and for some days more', () => {
    const now = Date.UTC(2027, 5, 30, 12);
    expect(dayText(firstOpenDay(now, 30 * DAY_MS))).toBe('2027-05-28');
    expect(dayText(firstOpenDay(now, DAY_MS))).toBe('2027-06-19');
  });
});

describe('what is counted', () => {
  const delivery = { eventId: 'evt_1', event: 'visitor.identified', attemptCount: 3, isCountedElsewhere: false };

  it('of a delivery: its event, unless another webhook counts that, and its attempts', () => {
    const counted = noUse();
    countUse(counted, delivery);
    countUse(counted, { ...delivery, isCountedElsewhere: true, attemptCount: 0 });
    expect(counted).toEqual(use(1, 2, 3));
  });

  it.each([
    ['a test', { eventId: 'evt_test_1' }],
    ["the service's own event about a webhook", { event: 'webhook.failing' }],
    ["the service's own event about a person", { event: 'visitor.erased' }],
  ])('of %s: nothing', (_, extra) => {
    const counted = noUse();
    countUse(counted, { ...delivery, ...extra });
    expect(counted).toEqual(noUse());
  });

  it('by the webhook that was made first, in whatever order they come', () => {
    const webhooks = ['whk_02', 'whk_01', 'whk_03'].map((id) => ({ id }));
    expect(countingWebhook(webhooks)?.id).toBe('whk_01');
    expect(countingWebhook(webhooks.toReversed())?.id).toBe('whk_01');
    expect(countingWebhook([])).toBeNull();
  });
});

describe('the use of some days', () => {
  const totals = new Map([
    [10, use(100)],
    [11, use(20)],
  ]);

  it('is what D1 has, where no outbox says more', () => {
    expect(mergedUse(totals, new Map(), [])).toEqual(totals);
  });

  it('grows by what an outbox says beyond what it has told, and takes nothing twice', () => {
    const told = new Map([['one', new Map([[11, use(5, 5, 6)]])]]);
    const days = new Map([
      [11, use(7, 7, 9)],
      [12, use(3)],
    ]);
    const live = [{ source: 'one', days }];
    expect([...mergedUse(totals, told, live)]).toEqual([
      [10, use(100)],
      [11, use(22, 22, 23)],
      [12, use(3)],
    ]);
    // What D1 was told after the outbox had answered.
    const newer = new Map([['one', new Map([[11, use(8, 8, 9)]])]]);
    expect(mergedUse(totals, newer, live).get(11)).toEqual(use(20));
    expect(totals.get(11)).toEqual(use(20));
  });

  it('has each day of a range, those without any as well', () => {
    expect(everyDay({ from: 9, to: 11 }, totals)).toEqual([
      [9, use(0)],
      [10, use(100)],
      [11, use(20)],
    ]);
  });
});
