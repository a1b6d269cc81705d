import { describe, expect, it, vi } from 'vitest';
import { waiting } from '../../src/domain/delivery/lifecycle.ts';
import { Store } from '../../src/outbox/books/store.ts';
import { driveDate } from '../support/clock.ts';
import {
  alarmOf,
  deliveriesOf,
  endpointInbox,
  givenOrganization,
  givenWebhook,
  outboxOf,
  runAlarm,
  untilEnded,
} from '../support/deliveries.ts';
import { bring, configOf, deliver, findDelivery, inOutbox, newDeliveries, newDelivery, rowsOf, vanish } from '../support/outbox.ts';
import type { Reply } from '../support/receiver.ts';

driveDate();

async function given(script: Reply[], options: { maxConcurrent?: number } = {}) {
  const endpoint = endpointInbox();
  await endpoint.script(script);
  const webhook = await givenWebhook(await givenOrganization(), { url: endpoint.url, ...options });
  return { endpoint, webhook };
}

/** A delivery's attempts, each with its number, what made it happen, and how it ended. */
async function attemptsOf(webhook: string, id: string) {
  return (await findDelivery(webhook, id)).attempts.map(({ number, trigger, outcome }) => [number, trigger, outcome]);
}

describe('an object that vanishes in the middle of first attempts', () => {
  it('leaves everything in rows: what had begun is interrupted, what had not is attempted, and all of it ends', async () => {
    const { endpoint, webhook } = await given([{ hang: true }], { maxConcurrent: 2 });
    const deliveries = newDeliveries(webhook, 6);
    await bring(webhook, ...deliveries);
    expect(await rowsOf(webhook)).toEqual({ deliveries: 0, archived: 0, open: 1 });
    const begun = new Set((await endpoint.requests()).map(({ headers }) => headers['x-bullseye-delivery']));
    expect(begun.size).toBe(2);

    await endpoint.script([{ status: 200 }]);
    await vanish(webhook);
    await untilEnded(webhook);

    expect(await deliveriesOf(webhook)).toMatchObject(Array(6).fill({ status: 'delivered' }));
    for (const { id } of deliveries) {
      const interrupted = [1, 'event', 'interrupted'];
      const expected = begun.has(id) ? [interrupted, [2, 'schedule', 'succeeded']] : [[1, 'event', 'succeeded']];
      expect(await attemptsOf(webhook, id)).toEqual(expected);
    }
    expect(await endpoint.requests()).toHaveLength(2 + 6);
    expect((await rowsOf(webhook)).open).toBe(0);
  });

  it('does not repeat what was acknowledged, though the body of the answer has not ended yet', async () => {
    const { endpoint, webhook } = await given([{ status: 200, endless: { chunk: 'slow', everyMs: 50 } }]);
    const [first, second] = newDeliveries(webhook, 2);
    await bring(webhook, first!);
    void outboxOf(webhook).sendTest(second!);
    await endpoint.arrived(2);
    // Half a second later, and long before it ends.
    while ((await deliveriesOf(webhook)).filter(({ status }) => status === 'delivered').length < 2) await scheduler.wait(20);
    await vanish(webhook);
    await outboxOf(webhook).deliver(await configOf(webhook), [first!], Date.now());
    vi.setSystemTime(Date.now() + 3_600_000);
    await inOutbox(webhook, (outbox) => outbox.alarm());
    expect(await attemptsOf(webhook, first!.id)).toEqual([[1, 'event', 'succeeded']]);
    expect(await endpoint.requests()).toHaveLength(2);
  });

  it('takes nothing back that the log has shown, though others that came with it still run', async () => {
    const { endpoint, webhook } = await given([{ held: 'first' }, { hang: true }]);
    await bring(webhook, ...newDeliveries(webhook, 2));
    const id = (await endpoint.arrived(2))[0]!.headers['x-bullseye-delivery']!;
    await endpoint.release('first', { status: 200 });
    await vi.waitFor(async () => expect((await outboxOf(webhook).status()).lastDeliveredAt).not.toBeNull());

    const listed = (await deliveriesOf(webhook)).find((each) => each.id === id);
    const attempts = await attemptsOf(webhook, id);
    const found = (await outboxOf(webhook).list({ status: 'delivered' }, 10, null)).deliveries;
    await vanish(webhook);
    const isDelivered = (await deliveriesOf(webhook)).find((each) => each.id === id)?.status === 'delivered';
    // On a busy machine all of it can have been kept by then.
    if (isDelivered) return;
    expect({ status: listed?.status, attempts, found }).toEqual({ status: 'pending', attempts: [], found: [] });
  });

  it('has an alarm set whatever happens, by which it goes on though nobody calls', async () => {
    const { webhook } = await given([{ hang: true }]);
    await bring(webhook, newDelivery(webhook));
    // An attempt, its body and its recording: no longer.
    expect((await alarmOf(webhook))! - Date.now()).toBeLessThanOrEqual(60_000);
  });

  it('has several open rows taken over, of several days', async () => {
    const { endpoint, webhook } = await given([{ hang: true }]);
    const midnight = Math.ceil(Date.now() / 86_400_000) * 86_400_000;
    vi.setSystemTime(midnight - 1_000);
    const today = newDelivery(webhook);
    await bring(webhook, today);
    vi.setSystemTime(midnight + 1_000);
    const tomorrow = newDelivery(webhook);
    await bring(webhook, tomorrow);
    expect(await rowsOf(webhook)).toMatchObject({ open: 2 });
    await endpoint.script([{ status: 200 }]);
    await vanish(webhook);
    await untilEnded(webhook);
    for (const { id } of [today, tomorrow]) expect(await findDelivery(webhook, id)).toMatchObject({ status: 'delivered', attemptCount: 2 });
  });

  it('keeps what had been kept: it is not attempted again', async () => {
    const { endpoint, webhook } = await given([{ status: 200, delayMs: 900 }, { hang: true }]);
    const [arrived, hanging] = newDeliveries(webhook, 2) as [never, never] as ReturnType<typeof newDeliveries>;
    await bring(webhook, arrived!, hanging!);
    await vi.waitFor(async () => expect(await rowsOf(webhook)).toMatchObject({ archived: 1, open: 1 }), { timeout: 10_000 });
    await endpoint.script([{ status: 200 }]);
    await vanish(webhook);
    await untilEnded(webhook);
    expect(await attemptsOf(webhook, arrived!.id)).toEqual([[1, 'event', 'succeeded']]);
    expect(await attemptsOf(webhook, hanging!.id)).toEqual([
      [1, 'event', 'interrupted'],
      [2, 'schedule', 'succeeded'],
    ]);
  });

  it('before it has answered keeps nothing: the call fails, and the queue brings the message again', async () => {
    const { endpoint, webhook } = await given([{ hang: true }]);
    const delivery = newDelivery(webhook);
    const config = await configOf(webhook);
    const call = outboxOf(webhook).deliver(config, [delivery], Date.now());
    const outcome = call.then(
      () => 'answered',
      () => 'failed',
    );
    await endpoint.arrived(1);
    await endpoint.script([{ status: 200 }]);
    await vanish(webhook);
    if ((await outcome) === 'failed') {
      expect(await deliveriesOf(webhook)).toEqual([]);
      await deliver(webhook, delivery);
      expect(await attemptsOf(webhook, delivery.id)).toEqual([[1, 'event', 'succeeded']]);
    }
  });
});

describe('an object that vanishes in the middle of', () => {
  it('a retry: it counts as interrupted, and the next is scheduled', async () => {
    const { endpoint, webhook } = await given([{ status: 500 }, { hang: true }]);
    const delivery = newDelivery(webhook);
    await deliver(webhook, delivery);
    vi.setSystemTime((await findDelivery(webhook, delivery.id)).nextAttemptAt!);
    const alarm = runAlarm(webhook).catch(() => {});
    await endpoint.arrived(2);
    await endpoint.script([{ status: 200 }]);
    await vanish(webhook);
    await alarm;
    const interrupted = await findDelivery(webhook, delivery.id);
    expect(interrupted).toMatchObject({ status: 'retrying', attemptCount: 2 });
    expect(interrupted.nextAttemptAt! - Date.now()).toBeGreaterThanOrEqual(5 * 60_000);
    await untilEnded(webhook);
    expect(await attemptsOf(webhook, delivery.id)).toEqual([
      [1, 'event', 'failed'],
      [2, 'schedule', 'interrupted'],
      [3, 'schedule', 'succeeded'],
    ]);
  });

  it('the last retry: the delivery has failed', async () => {
    const { endpoint, webhook } = await given([{ status: 500 }, { status: 500 }, { status: 500 }, { hang: true }]);
    const delivery = newDelivery(webhook);
    await deliver(webhook, delivery);
    for (let retry = 0; retry < 2; retry++) {
      vi.setSystemTime((await findDelivery(webhook, delivery.id)).nextAttemptAt!);
      await runAlarm(webhook);
    }
    vi.setSystemTime((await findDelivery(webhook, delivery.id)).nextAttemptAt!);
    const alarm = runAlarm(webhook).catch(() => {});
    await endpoint.arrived(4);
    await vanish(webhook);
    await alarm;
    expect(await findDelivery(webhook, delivery.id)).toMatchObject({ status: 'failed', reason: 'attempts_exhausted', attemptCount: 4 });
    expect((await attemptsOf(webhook, delivery.id)).at(-1)).toEqual([4, 'schedule', 'interrupted']);
  });

  it('a retry by hand of what was delivered: it stays delivered, with the attempt on record', async () => {
    const { endpoint, webhook } = await given([{ status: 200 }, { hang: true }]);
    const delivery = newDelivery(webhook);
    await deliver(webhook, delivery);
    expect(await outboxOf(webhook).retryNow(delivery.id)).toMatchObject({ kind: 'begun' });
    await endpoint.arrived(2);
    await endpoint.script([{ status: 200 }]);
    await vanish(webhook);
    expect(await findDelivery(webhook, delivery.id)).toMatchObject({ status: 'delivered', attemptCount: 2, nextAttemptAt: null });
    expect(await attemptsOf(webhook, delivery.id)).toEqual([
      [1, 'event', 'succeeded'],
      [2, 'manual', 'interrupted'],
    ]);
    vi.setSystemTime(Date.now() + 3_600_000);
    await outboxOf(webhook).poke();
    expect(await endpoint.requests()).toHaveLength(2);
  });

  it('a test: it is not made again', async () => {
    const { endpoint, webhook } = await given([{ hang: true }]);
    const test = outboxOf(webhook).sendTest(newDelivery(webhook));
    const outcome = test.catch(() => 'failed');
    await endpoint.arrived(1);
    await endpoint.script([{ status: 200 }]);
    await vanish(webhook);
    expect(await outcome).toBe('failed');
    expect((await outboxOf(webhook).poke()).waiting).toBeNull();
    expect(await deliveriesOf(webhook)).toEqual([]);
    expect(await endpoint.requests()).toHaveLength(1);
  });

  it('says nothing of the endpoint: interrupted attempts open no circuit', async () => {
    const { endpoint, webhook } = await given([{ hang: true }]);
    for (let round = 0; round < 4; round++) {
      await bring(webhook, ...newDeliveries(webhook, 5));
      await vanish(webhook);
    }
    expect(await outboxOf(webhook).status()).toMatchObject({ health: 'healthy' });
    await endpoint.script([{ status: 200 }]);
    await untilEnded(webhook);
    expect(await deliveriesOf(webhook)).toMatchObject(Array(20).fill({ status: 'delivered' }));
  });
});

it('what a version before left running of a webhook that is disabled now ends, and the outbox comes to rest', async () => {
  const webhook = await givenWebhook(await givenOrganization(), { url: endpointInbox().url, enabled: false });
  const left = newDelivery(webhook);
  await deliver(webhook, newDelivery(webhook));
  await inOutbox(webhook, (_, storage) => {
    const now = Date.now();
    const store = new Store(storage);
    store.insert(left, { ...waiting(now), attemptCount: 1, leasedAt: now }, null);
  });
  await vanish(webhook);
  vi.setSystemTime(Date.now() + 1_000);
  await inOutbox(webhook, (outbox) => outbox.alarm());
  expect(await outboxOf(webhook).find(left.id)).toMatchObject({
    status: 'discarded',
    reason: 'webhook_disabled',
    attempts: [{ number: 1, outcome: 'interrupted' }],
  });
  // Nothing more is due but the next look for what need not be kept.
  expect(await alarmOf(webhook)).toBeGreaterThan(Date.now() + 3_600_000);
});
