import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { UntoldEvents } from '../../src/consumer/untold-events.ts';
import type { FilteredBundle } from '../../src/domain/delivery/skipped-event.ts';
import type { FilteredWebhook } from '../../src/domain/webhook/webhook.ts';
import { Isolate } from '../platform/isolate.ts';
import { LIMITS } from '../platform/limits.ts';
import { VirtualTime } from '../platform/virtual-time.ts';

const START = Date.UTC(2027, 0, 1);
const SECOND = 1_000;

const time = new VirtualTime();
beforeEach(() => time.start(START));
afterEach(() => time.stop());

/** A webhook that wants none of these events. */
function webhookOf(id: string): FilteredWebhook {
  return {
    id,
    filter: {
      all: [
        { field: 'event', operator: 'exists' },
        { field: 'company.name', operator: 'equals', value: 'Acme' },
      ],
    },
  } as FilteredWebhook;
}

function eventOf(id: string, acceptedAt = Date.now(), event = 'visitor.identified') {
  return { id, event, acceptedAt, value: { event, visitor: { email: 'ada@x.example' } } };
}

/** An isolate of the Worker, and what it tells outboxes: when, which, and of what. */
function isolate(tell = async (_webhook: string): Promise<void> => {}) {
  const told: { at: number; webhook: string; bundle: FilteredBundle }[] = [];
  const getByName = (webhook: string) => ({
    tellSkipped: async (bundle: FilteredBundle) => {
      told.push({ at: Date.now() - START, webhook, bundle: structuredClone(bundle) });
      await tell(webhook);
    },
  });
  const untold = new UntoldEvents();
  const runtime = new Isolate({ OUTBOX: { getByName } as unknown as Env['OUTBOX'] }, LIMITS, time);
  /** An invocation that meets events which filters keep back. */
  const invocation = (...events: [webhook: string, id: string][]) =>
    runtime.run(async (env, ctx) => {
      for (const [webhook, id] of events) untold.note(webhookOf(webhook), eventOf(id));
      untold.tellSoon(env, (work) => ctx.waitUntil(work), Date.now());
    });
  return { told, untold, runtime, invocation };
}

const brief = ({ at, webhook, bundle }: { at: number; webhook: string; bundle: FilteredBundle }) => [
  at,
  webhook,
  [...bundle.counts.values()].reduce((sum, count) => sum + count, 0),
  bundle.latest.map(({ eventId }) => eventId),
];

describe('an isolate tells', () => {
  it('each outbox in one call of what it has met in 24 seconds, with how many there were when, and which', async () => {
    const { told, invocation } = isolate();
    for (let second = 0; second < 25; second += 5) {
      await invocation(['whk_1', `evt_${second}`], ...(second === 5 ? [['whk_2', 'evt_b'] as [string, string]] : []));
      await time.runFor(5 * SECOND);
    }
    expect(told.map(brief)).toEqual([
      [24 * SECOND, 'whk_1', 5, ['evt_0', 'evt_5', 'evt_10', 'evt_15', 'evt_20']],
      [24 * SECOND, 'whk_2', 1, ['evt_b']],
    ]);
    expect(told[0]!.bundle.counts).toEqual(new Map([[START, 5]]));
    expect(told[1]!.bundle.latest).toEqual([
      {
        eventId: 'evt_b',
        event: 'visitor.identified',
        subject: 'ada@x.example',
        who: { name: '', email: 'ada@x.example', company: '', domain: '' },
        at: START + 5 * SECOND,
        failedConditions: ['filter.all[1]'],
      },
    ]);
  });

  it('nobody of nothing, and later of what comes later', async () => {
    const { told, invocation } = isolate();
    await invocation();
    await time.runFor(60 * SECOND);
    await invocation(['whk_1', 'evt_1']);
    await time.runFor(60 * SECOND);
    await invocation(['whk_1', 'evt_2']);
    await time.runFor(60 * SECOND);
    expect(told.map(brief)).toEqual([
      [84 * SECOND, 'whk_1', 1, ['evt_1']],
      [144 * SECOND, 'whk_1', 1, ['evt_2']],
    ]);
  });

  it('with a later invocation what one was cut off before it could tell', async () => {
    const { told, invocation, runtime } = isolate();
    await invocation(['whk_1', 'evt_1']);
    runtime.die();
    await time.runFor(25 * SECOND);
    // Whether that one is still to tell is not known yet.
    await invocation(['whk_1', 'evt_2']);
    await time.runFor(5 * SECOND);
    await invocation(['whk_1', 'evt_3']);
    await time.runFor(25 * SECOND);
    expect(told.map(brief)).toEqual([[54 * SECOND, 'whk_1', 3, ['evt_1', 'evt_2', 'evt_3']]]);
  });

  it('within the time that the platform gives it, whatever an outbox does; what cannot be told is dropped, and said', async () => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => {});
    const tell = async (webhook: string) => {
      if (webhook === 'whk_hangs') await new Promise(() => {});
      if (webhook === 'whk_throws') throw new Error('there is no such method');
    };
    const { told, invocation, runtime } = isolate(tell);
    await invocation(['whk_hangs', 'evt_1'], ['whk_throws', 'evt_2'], ['whk_well', 'evt_3']);
    await time.runFor(24 * SECOND);
    expect(told.map(({ webhook }) => webhook)).toEqual(['whk_hangs', 'whk_throws', 'whk_well']);
    expect(runtime.invocations.size).toBe(1);
    await time.runFor(5 * SECOND + 1);
    expect(runtime.invocations.size).toBe(0);
    const lines = log.mock.calls.map(([line]) => JSON.parse(String(line)));
    expect(lines).toMatchObject([
      { event: 'outbox.not_told_of_filtered', webhook: 'whk_throws', events: 1 },
      { event: 'outbox.not_told_of_filtered', webhook: 'whk_hangs', events: 1 },
    ]);
    await invocation(['whk_throws', 'evt_4']);
    await time.runFor(25 * SECOND);
    expect(brief(told.at(-1)!).slice(1)).toEqual(['whk_throws', 1, ['evt_4']]);
  });
});

describe('what an isolate remembers is bounded', () => {
  const bundles = async (note: (untold: UntoldEvents) => void) => {
    const { told, untold, invocation } = isolate();
    note(untold);
    await invocation();
    await time.runFor(25 * SECOND);
    return told;
  };

  it('to the latest 100 of a webhook; the others are counted', async () => {
    const [told] = await bundles((untold) => {
      for (let event = 0; event < 250; event++) untold.note(webhookOf('whk_1'), eventOf(`evt_${event}`, START + event * 4_000));
    });
    expect(told!.bundle.latest.map(({ eventId }) => eventId)).toEqual(Array.from({ length: 100 }, (_, index) => `evt_${150 + index}`));
    expect([...told!.bundle.counts]).toEqual([
      [START, 75],
      [START + 300_000, 75],
      [START + 600_000, 75],
      [START + 900_000, 25],
    ]);
  });

  it('to a thousand webhooks', async () => {
    const told = await bundles((untold) => {
      for (let webhook = 0; webhook < 1_100; webhook++) {
        for (let event = 0; event < 2; event++) untold.note(webhookOf(`whk_${webhook}`), eventOf(`evt_${event}`));
      }
    });
    expect(told).toHaveLength(1_000);
    expect(told.every(({ bundle }) => bundle.counts.get(START) === 2)).toBe(true);
  });

  it('to two million characters of what is listed; the others are counted', async () => {
    const told = await bundles((untold) => {
      for (let webhook = 0; webhook < 900; webhook++) {
        for (let event = 0; event < 20; event++) untold.note(webhookOf(`whk_${webhook}`), eventOf(`evt_${event}`, START, 'x'.repeat(256)));
      }
    });
    const characters = told.reduce((sum, { bundle }) => sum + JSON.stringify(bundle.latest).length, 0);
    expect(characters).toBeGreaterThan(2_000_000);
    expect(characters).toBeLessThan(4_000_000);
    expect(told.reduce((sum, { bundle }) => sum + bundle.counts.get(START)!, 0)).toBe(18_000);
  });

  it('anew after each telling', async () => {
    const { told, untold, invocation } = isolate();
    for (let round = 0; round < 3; round++) {
      for (let event = 0; event < 9_000; event++) untold.note(webhookOf(`whk_${event % 900}`), eventOf('evt_1', START, 'x'.repeat(256)));
      await invocation();
      await time.runFor(25 * SECOND);
    }
    const listed = Map.groupBy(told, ({ at }) => at)
      .values()
      .map((bundles) => bundles.reduce((sum, { bundle }) => sum + bundle.latest.length, 0));
    expect(new Set(listed).size).toBe(1);
  });
});
