import { evictDurableObject, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { EndpointPace } from '../../../src/domain/endpoint/endpoint-pace.ts';
import type { Counts } from '../../../src/domain/service/figures.ts';
import { logError, takeFaults } from '../../../src/log.ts';
import { Meter } from '../../../src/meter/meter.ts';
import { meterOf } from '../../../src/meter/meter-object.ts';
import { driveDate } from '../../support/clock.ts';
import { deliveriesOf, givenScripted, outboxOf, runAlarm } from '../../support/deliveries.ts';
import { configOf, havePatience, newDeliveries, newDelivery, runWhenDue } from '../../support/outbox.ts';

driveDate();
afterEach(() => {
  vi.restoreAllMocks();
});

/** Brings deliveries, as a consumer does; what the outbox answers. */
const bring = async (webhook: string, count = 1) => {
  havePatience();
  return await outboxOf(webhook).deliver(await configOf(webhook), newDeliveries(webhook, count), Date.now());
};

describe('an outbox answers a consumer', () => {
  it('with what has ended since it was last asked, once', async () => {
    const { webhook } = await givenScripted([{ status: 200 }, { status: 200 }, { status: 503 }, { status: 200 }]);
    expect(await bring(webhook, 2)).toEqual({ counts: { succeeded: 2, delivered: 2 }, faults: {} });
    expect(await bring(webhook)).toMatchObject({ counts: { has_errors: 1, retried: 1 }, faults: {} });
    expect((await outboxOf(webhook).poke()).counts).toEqual({});
  });

  it('with how its endpoint stands where an attempt has failed, and when it no longer fails', async () => {
    const { webhook } = await givenScripted([{ status: 200 }, { status: 503 }, { status: 500 }, { status: 200 }]);
    const endpoint = { webhookId: webhook, health: 'healthy', at: Date.now() };
    expect(await bring(webhook)).not.toHaveProperty('endpoints');
    const failingSince = Date.now();
    expect((await bring(webhook)).endpoints).toEqual([{ ...endpoint, failingSince, cause: 'has_errors', status: 503 }]);
    expect(await outboxOf(webhook).poke()).not.toHaveProperty('endpoints');
    expect((await bring(webhook)).endpoints).toEqual([{ ...endpoint, failingSince, cause: 'has_errors', status: 500 }]);
    expect((await bring(webhook)).endpoints).toEqual([{ ...endpoint, failingSince: null, cause: null, status: null }]);
    expect(await bring(webhook)).not.toHaveProperty('endpoints');
  });

  it('with the faults that were logged beside it', async () => {
    const { webhook } = await givenScripted([]);
    takeFaults();
    logError('outbox.faulted', new Error('out of order'));
    expect((await bring(webhook)).faults).toEqual({ 'outbox.faulted': { count: 1, at: Date.now(), error: 'out of order' } });
  });

  it('without tests, which count for nothing', async () => {
    const { webhook } = await givenScripted([]);
    await outboxOf(webhook).sendTest({ ...newDelivery(webhook), eventId: 'evt_test_01JDCQ7Z8W5M3KXN4R2T6V9YBA' });
    expect((await outboxOf(webhook).poke()).counts).toEqual({});
  });
});

describe('an outbox answers the cron', () => {
  it('with what waits, since when it fails, and why; how that ended it has told by itself', async () => {
    const { webhook } = await givenScripted([{ status: 422 }, { status: 200 }]);
    const delivery = newDelivery(webhook);
    havePatience();
    await outboxOf(webhook).deliver(await configOf(webhook), [delivery], Date.now());
    const failingSince = Date.now();
    expect((await outboxOf(webhook).poke()).waiting).toEqual({
      ...{ webhookId: webhook, waiting: 1, dueAt: expect.any(Number), health: 'healthy', failingSince, cause: 'rejects', status: 422 },
    });
    await runWhenDue(webhook, delivery.id);
    expect(await outboxOf(webhook).poke()).toEqual({ waiting: null, counts: {}, faults: {} });
  });

  it('that nothing waits where there never was anything, and stays empty', async () => {
    const outbox = env.OUTBOX.getByName('whk_never_used');
    expect((await outbox.poke()).waiting).toBeNull();
  });
});

/** What the Meter has been told in all. */
const totals = async () => (await meterOf(env).read(1)).totals;

/** What it is told more than before, once it is told that. */
async function toldSince(before: Counts, name: keyof Counts): Promise<Counts> {
  for (;;) {
    const { counts } = await totals();
    const more = Object.entries(counts).map(([each, count]) => [each, count - (before[each as keyof Counts] ?? 0)] as const);
    const told: Counts = Object.fromEntries(more.filter(([, count]) => count !== 0));
    if (told[name] !== undefined) return told;
    // Not vi.waitFor: it moves a driven date.
    await scheduler.wait(5);
  }
}

describe('an outbox that nobody calls', () => {
  it('can be hibernated when its alarm is done: nothing is pending, which would be billed', async () => {
    const { webhook } = await givenScripted([{ status: 503 }, { status: 200 }]);
    const delivery = newDelivery(webhook);
    havePatience();
    await outboxOf(webhook).deliver(await configOf(webhook), [delivery], Date.now());
    await runWhenDue(webhook, delivery.id);
    const loaded = await runInDurableObject(outboxOf(webhook), (outbox) => outbox);
    // It waits for what is pending.
    await evictDurableObject(outboxOf(webhook));
    expect(await runInDurableObject(outboxOf(webhook), (outbox) => outbox === loaded)).toBe(false);
  });

  it('tells the Meter by itself how retries ended: it is hibernated before it is asked', async () => {
    const { webhook } = await givenScripted([{ status: 503 }, { status: 503 }, { status: 200 }]);
    const delivery = newDelivery(webhook);
    havePatience();
    await outboxOf(webhook).deliver(await configOf(webhook), [delivery], Date.now());
    for (const [end, expected] of [
      ['has_errors', { has_errors: 1, retried: 1 }],
      ['succeeded', { succeeded: 1, delivered: 1 }],
    ] as const) {
      const { counts } = await totals();
      await runWhenDue(webhook, delivery.id);
      expect(await toldSince(counts, end)).toEqual(expected);
      // As it is when it is idle: this waits for as long as anything keeps it awake.
      await evictDurableObject(outboxOf(webhook));
    }
    expect((await outboxOf(webhook).poke()).counts).toEqual({});
  });

  it('tells it of a first attempt that fails after its call was answered', async () => {
    vi.spyOn(EndpointPace.prototype, 'patienceMs').mockReturnValue(0);
    const { webhook } = await givenScripted([{ status: 503, delayMs: 100 }]);
    const { counts } = await totals();
    const answer = await outboxOf(webhook).deliver(await configOf(webhook), [newDelivery(webhook)], Date.now());
    expect(answer.counts).toEqual({});
    expect(await toldSince(counts, 'has_errors')).toEqual({ has_errors: 1, retried: 1 });
  });

  it('tells it which endpoint fails, though others of its attempts run on; and then no more than once a minute', async () => {
    vi.spyOn(EndpointPace.prototype, 'patienceMs').mockReturnValue(0);
    const told = vi.spyOn(Meter.prototype, 'tell');
    const { webhook, endpoint } = await givenScripted([{ held: 'first' }, { held: 'second' }, { hang: true }]);
    const tellings = () => told.mock.calls.filter(([{ endpoints = [] }]) => endpoints.some(({ webhookId }) => webhookId === webhook));
    const retried = () => deliveriesOf(webhook).then((all) => all.filter(({ status }) => status === 'retrying').length);
    await outboxOf(webhook).deliver(await configOf(webhook), newDeliveries(webhook, 4), Date.now());
    await endpoint.arrived(4);
    await endpoint.release('first', { status: 504 });
    while (tellings().length === 0) await scheduler.wait(5);
    const failing = { webhookId: webhook, at: Date.now(), failingSince: Date.now(), health: 'healthy', cause: 'has_errors', status: 504 };
    expect(tellings()[0]![0]).toMatchObject({ counts: { has_errors: 1, retried: 1 }, endpoints: [failing] });
    await endpoint.release('second', { status: 504 });
    while ((await retried()) < 2) await scheduler.wait(5);
    // It is taken along by who calls next.
    expect((await outboxOf(webhook).poke()).counts).toEqual({ has_errors: 1, retried: 1 });
    expect(tellings()).toHaveLength(1);
  });

  it('tells it of faults that were logged beside an alarm', async () => {
    const { webhook } = await givenScripted([]);
    await bring(webhook);
    takeFaults();
    logError('ended.test', new Error('out of order'));
    await runAlarm(webhook);
    while (!('ended.test' in (await totals()).faults)) await scheduler.wait(5);
    expect(takeFaults()).toEqual({});
  });
});
