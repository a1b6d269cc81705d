import { encodeTime } from 'ulid';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Ledger } from '../../../src/outbox/books/ledger.ts';
import { Store } from '../../../src/outbox/books/store.ts';
import { Recoveries } from '../../../src/outbox/bulk/recoveries.ts';
import { Dispatcher } from '../../../src/outbox/dispatcher.ts';
import { driveDate } from '../../support/clock.ts';
import { alarmOf, endpointInbox, givenOrganization, givenWebhook, outboxOf, runAlarm, untilEnded } from '../../support/deliveries.ts';
import { bring, deliver, findDelivery, inOutbox, newDeliveries, newDelivery, vanish } from '../../support/outbox.ts';
import type { Reply } from '../../support/receiver.ts';

// Ahead of the clock: alarms are run by hand alone.
driveDate(Date.now() + 86_400_000);
afterEach(() => {
  vi.restoreAllMocks();
});

async function given(script: Reply[], options: { enabled?: boolean } = {}) {
  const endpoint = endpointInbox();
  await endpoint.script(script);
  const webhook = await givenWebhook(await givenOrganization(), { url: endpoint.url, ...options });
  return { endpoint, webhook };
}

/** Rows of deliveries that have failed, of events accepted from a time on; written straight into the outbox. */
function insertFailed({ sql }: Store, from: number, count: number, reason = 'attempts_exhausted', hasPayload = true): void {
  sql.exec(
    `WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ? - 1)
     INSERT INTO deliveries (created_at, id, event_id, event, status, reason, attempt_count, failures, expires_at, due_at, trigger, payload)
     SELECT ?, 'dlv_' || ? || printf('%016d', i) || substr(?, 1, 6), 'evt_' || i, 'visitor.identified', 'failed', ?, 4, 4, ${hasPayload ? '9e15' : '0'}, NULL,
       'schedule', ${hasPayload ? "x'7b7d'" : "x''"} FROM n`,
    count,
    from,
    encodeTime(from, 10),
    `${reason}______`.toUpperCase(),
    reason,
  );
}

/** How many rows there are, by their status. */
const statusesOf = (webhook: string): Promise<Record<string, number>> =>
  inOutbox(webhook, (_, { sql }) => {
    const rows = sql.exec<{ status: string; n: number }>('SELECT status, count(*) AS n FROM deliveries GROUP BY status').toArray();
    return Object.fromEntries(rows.map(({ status, n }) => [status, n]));
  });

describe('what a recovery would start over', () => {
  it('is counted in bounded steps, without tests and what has no payload, in exactly its span', { timeout: 60_000 }, async () => {
    const webhook = `whk_${crypto.randomUUID()}`;
    const steps = await inOutbox(webhook, (_, storage) => {
      const store = new Store(storage);
      const now = Date.now();
      insertFailed(store, now - 1, 10);
      insertFailed(store, now, 120_000);
      insertFailed(store, now + 1, 500, 'test_failed');
      insertFailed(store, now + 2, 500, 'outbox_full', false);
      insertFailed(store, now + 3, 10);
      return [...store.countRecoverable(now, now + 3, ['failed', 'discarded'])];
    });
    expect(steps.reduce((sum, count) => sum + count, 0)).toBe(120_000);
    // 121,000 index entries, 50,000 in a step.
    expect(steps).toHaveLength(3);
  });

  it('is nothing in an outbox in which nothing was ever recorded, and that stays empty', async () => {
    const webhook = `whk_${crypto.randomUUID()}`;
    expect(
      await inOutbox(webhook, (_, storage) => [...new Store(storage).countRecoverable(0, Date.now(), ['failed', 'discarded'])]),
    ).toEqual([]);
  });
});

describe('a recovery', () => {
  it('starts everything over in steps of 200, and is then finished', { timeout: 60_000 }, async () => {
    const { webhook } = await given([{ status: 200 }]);
    await inOutbox(webhook, (_, storage) => insertFailed(new Store(storage), Date.now() - 3_600_000, 10_500));
    // Nothing is sent here: what is looked at is the recovery.
    await vanish(webhook);
    const recovered = await inOutbox(webhook, async (_, storage) => {
      const store = new Store(storage);
      const recoveries = new Recoveries(storage.kv, store, new Ledger(store, { scheduleMs: [], random: () => 0 }));
      recoveries.request({ since: 0, until: Date.now() }, 10_500, Date.now());
      let steps = 0;
      for (; recoveries.jobs.areUnfinished; steps++) store.atomically(() => recoveries.step(Date.now(), () => false));
      return { steps, list: recoveries.jobs.list() };
    });
    expect(recovered.steps).toBe(53);
    expect(recovered.list).toMatchObject([{ recovered: 10_500, finishedAt: Date.now() }]);
    expect(await statusesOf(webhook)).toEqual({ retrying: 10_500 });
  });

  it('takes so many steps in an alarm, between which other calls are served, and has the next alarm go on', async () => {
    const { webhook } = await given([{ status: 200 }]);
    await deliver(webhook, newDelivery(webhook));
    await inOutbox(webhook, (_, storage) => insertFailed(new Store(storage), Date.now() - 3_600_000, 10_500));
    // What starts over does not go out here.
    vi.spyOn(Dispatcher.prototype, 'pump').mockImplementation(() => {});
    expect(await outboxOf(webhook).recover(0, Date.now())).toBe(10_500);
    // The first step is made with the request.
    expect(await outboxOf(webhook).recoveries()).toMatchObject([{ recovered: 200, finishedAt: null }]);
    const step = vi.spyOn(Recoveries.prototype, 'step');
    let turns = 0;
    const turning = setInterval(() => turns++, 0);
    await inOutbox(webhook, (outbox) => outbox.alarm());
    clearInterval(turning);
    expect(turns).toBeGreaterThan(5);
    expect(step).toHaveBeenCalledTimes(50);
    expect(await outboxOf(webhook).recoveries()).toMatchObject([{ recovered: 10_200, finishedAt: null }]);
    expect(await alarmOf(webhook)).toBeLessThanOrEqual(Date.now() + 1);
    await inOutbox(webhook, (outbox) => outbox.alarm());
    expect(await outboxOf(webhook).recoveries()).toMatchObject([{ recovered: 10_500, finishedAt: expect.any(Number) }]);
  });

  it('neither counts nor starts over what has had its payload erased', async () => {
    const { endpoint, webhook } = await given([{ status: 500 }]);
    const deliveries = newDeliveries(webhook, 3);
    await deliver(webhook, ...deliveries);
    await untilEnded(webhook);
    expect(await outboxOf(webhook).erasePayload(deliveries[1]!.id)).toBe('erased');
    await endpoint.script([{ status: 200 }]);
    vi.setSystemTime(Date.now() + 1);
    expect(await outboxOf(webhook).recover(0, Date.now())).toBe(2);
    await runAlarm(webhook);
    await untilEnded(webhook);
    const statuses = await Promise.all(deliveries.map(async ({ id }) => (await findDelivery(webhook, id)).status));
    expect(statuses).toEqual(['delivered', 'failed', 'delivered']);
    expect(await outboxOf(webhook).recoveries()).toMatchObject([{ recovered: 2 }]);
  });

  it('goes on where it was when the object has vanished, and starts nothing over twice', async () => {
    const { endpoint, webhook } = await given([{ status: 200 }], { enabled: false });
    const deliveries = newDeliveries(webhook, 450);
    await deliver(webhook, ...deliveries);
    const after = await inOutbox(webhook, async (_, storage) => {
      const store = new Store(storage);
      const recoveries = () => new Recoveries(storage.kv, store, new Ledger(store, { scheduleMs: [], random: () => 0 }));
      recoveries().request({ since: 0, until: Date.now() + 1 }, 450, Date.now());
      const counts = [];
      // Each time anew, as an object that was loaded.
      while (recoveries().jobs.areUnfinished) counts.push(store.atomically(() => recoveries().step(Date.now(), () => false)));
      return counts;
    });
    expect(after).toEqual([200, 200, 50]);
    expect(await endpoint.requests()).toEqual([]);
  });

  it('that is long takes no step while the circuit is open, and goes on with the next probe', async () => {
    const { endpoint, webhook } = await given([{ status: 500 }]);
    await deliver(webhook, ...newDeliveries(webhook, 12));
    await inOutbox(webhook, (_, storage) => insertFailed(new Store(storage), Date.now() - 3_600_000, 10_500));
    expect(await outboxOf(webhook).status()).toMatchObject({ health: 'open' });
    expect(await outboxOf(webhook).recover(0, Date.now())).toBe(10_500);
    // A person has asked: the endpoint is probed at once, and is still down.
    await inOutbox(webhook, (outbox) => outbox.alarm());
    const before = await outboxOf(webhook).recoveries();
    expect(before).toMatchObject([{ recovered: 10_200, finishedAt: null }]);
    const { health, nextProbeAt } = await outboxOf(webhook).status();
    expect(health).toBe('open');
    for (let alarm = 0; alarm < 3; alarm++) await inOutbox(webhook, (outbox) => outbox.alarm());
    expect(await outboxOf(webhook).recoveries()).toEqual(before);
    expect(await alarmOf(webhook)).toBe(nextProbeAt);

    await endpoint.script([{ hang: true }]);
    vi.setSystemTime(nextProbeAt!);
    // Not awaited: it waits for the probe.
    void inOutbox(webhook, (outbox) => outbox.alarm());
    await vi.waitFor(async () =>
      expect(await outboxOf(webhook).recoveries()).toMatchObject([{ recovered: 10_500, finishedAt: expect.any(Number) }]),
    );
  });

  it('waits while the circuit is open: it costs no turn, is not lost, and goes on when a probe arrives', async () => {
    const { endpoint, webhook } = await given([{ status: 500 }]);
    await deliver(webhook, ...newDeliveries(webhook, 12));
    await untilEnded(webhook);
    await deliver(webhook, newDelivery(webhook));
    expect(await outboxOf(webhook).status()).toMatchObject({ health: 'open' });
    vi.setSystemTime(Date.now() + 1);
    const step = vi.spyOn(Recoveries.prototype, 'step');
    expect(await outboxOf(webhook).recover(0, Date.now())).toBe(12);
    // Its probe fails: the endpoint is still down.
    await runAlarm(webhook);
    const stepped = step.mock.calls.length;
    for (let call = 0; call < 10; call++) {
      await bring(webhook, newDelivery(webhook));
      await outboxOf(webhook).poke();
    }
    const { health, nextProbeAt } = await outboxOf(webhook).status();
    expect(health).toBe('open');
    await inOutbox(webhook, (outbox) => outbox.alarm());
    expect(step.mock.calls.length).toBe(stepped);
    // Nothing is due before the next probe.
    expect(await alarmOf(webhook)).toBe(nextProbeAt);

    await endpoint.script([{ status: 200 }]);
    await untilEnded(webhook);
    expect(await outboxOf(webhook).recoveries()).toMatchObject([{ recovered: 12, finishedAt: expect.any(Number) }]);
    const { deliveries } = await outboxOf(webhook).list({}, 100, null);
    expect(deliveries).toHaveLength(23);
    expect(deliveries.every(({ status }) => status === 'delivered')).toBe(true);
  });

  it('takes no delivery that somebody is having attempted: that attempt decides what becomes of it', async () => {
    const { endpoint, webhook } = await given([{ status: 410 }]);
    const delivery = newDelivery(webhook);
    await deliver(webhook, delivery);
    const config = await inOutbox(webhook, (_, { kv }) => kv.get<{ webhook: object }>('config'));
    expect(config).toBeDefined();
    await endpoint.script([{ status: 200, delayMs: 500 }]);
    expect(await outboxOf(webhook).retryNow(delivery.id)).toMatchObject({ kind: 'begun' });
    vi.setSystemTime(Date.now() + 1);
    await outboxOf(webhook).recover(0, Date.now());
    await inOutbox(webhook, (outbox) => outbox.alarm());
    expect(await outboxOf(webhook).recoveries()).toMatchObject([{ recovered: 0, finishedAt: expect.any(Number) }]);
    await vi.waitFor(async () => expect(await findDelivery(webhook, delivery.id)).toMatchObject({ status: 'delivered' }));
    expect(await findDelivery(webhook, delivery.id)).toMatchObject({ status: 'delivered', attemptCount: 2 });
    expect(await endpoint.requests()).toHaveLength(2);
  });
});

it('a step of a recovery that could not be kept is made again: nothing is passed over', async () => {
  await inOutbox(`whk_${crypto.randomUUID()}`, (_, storage) => {
    const store = new Store(storage);
    const ledger = new Ledger(store, { scheduleMs: [60_000], random: () => 0 });
    const recoveries = new Recoveries(storage.kv, store, ledger);
    const now = Date.now();
    insertFailed(store, now, 300);
    recoveries.request({ since: now, until: now + 1 }, 300, now);
    expect(() =>
      store.atomically(() => {
        recoveries.step(now, () => false);
        throw new Error('the storage is full');
      }),
    ).toThrow('full');
    expect(recoveries.jobs.list()).toMatchObject([{ recovered: 0, finishedAt: null }]);
    let started = 0;
    while (recoveries.jobs.areUnfinished) started += store.atomically(() => recoveries.step(now, () => false));
    expect(started).toBe(300);
    expect(recoveries.jobs.list()).toMatchObject([{ recovered: 300 }]);
  });
});
