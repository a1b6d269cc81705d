import { env } from 'cloudflare:workers';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { databaseOf } from '../../src/db/client.ts';
import { deleteWebhook, findWebhook } from '../../src/db/webhooks.ts';
import { EndpointPace } from '../../src/domain/endpoint/endpoint-pace.ts';
import { KEEP_AFTER_MS } from '../../src/outbox/dispatcher.ts';
import { sweep } from '../../src/upkeep/sweep.ts';
import { anEntry } from '../support/audit.ts';
import { driveDate } from '../support/clock.ts';
import {
  alarmOf,
  deliveriesOf,
  endedDeliveriesOf,
  endpointInbox,
  givenOrganization,
  givenWebhook,
  outboxOf,
  runAlarm,
  untilEnded,
} from '../support/deliveries.ts';
import { bring, configOf, deliver, findDelivery, havePatience, newDeliveries, newDelivery, rowsOf } from '../support/outbox.ts';
import type { Reply } from '../support/receiver.ts';
import { watchTimers } from '../support/timers.ts';

driveDate();
afterEach(() => {
  vi.restoreAllMocks();
});

async function given(script: Reply[], options: { enabled?: boolean; maxConcurrent?: number } = {}) {
  const endpoint = endpointInbox();
  await endpoint.script(script);
  const organization = await givenOrganization();
  const webhook = await givenWebhook(organization, { url: endpoint.url, ...options });
  return { endpoint, organization, webhook };
}

describe('what a call brings', () => {
  it('is in the log when it is answered: what has ended as one row, and no alarm but the sweep’s', async () => {
    havePatience();
    const { endpoint, webhook } = await given([{ status: 200 }]);
    await bring(webhook, ...newDeliveries(webhook, 12));
    expect(await deliveriesOf(webhook)).toMatchObject(Array(12).fill({ status: 'delivered', attemptCount: 1 }));
    expect(await rowsOf(webhook)).toEqual({ deliveries: 0, archived: 1, open: 0 });
    expect(await endpoint.requests()).toHaveLength(12);
    expect(await alarmOf(webhook)).toBe(Date.now() + 12 * 3_600_000);
  });

  it('is one open row where its endpoint takes its time, which is closed when the last of it has ended', async () => {
    const { endpoint, webhook } = await given([{ status: 200, delayMs: 1_200 }]);
    const deliveries = newDeliveries(webhook, 5);
    await bring(webhook, ...deliveries);
    // The call has not waited for it.
    expect(await rowsOf(webhook)).toEqual({ deliveries: 0, archived: 0, open: 1 });
    expect(await deliveriesOf(webhook)).toMatchObject(Array(5).fill({ status: 'pending', attemptCount: 1, nextAttemptAt: null }));
    expect(await findDelivery(webhook, deliveries[0]!.id)).toMatchObject({ payload: expect.stringContaining('visitor'), attempts: [] });
    await endedDeliveriesOf(webhook, 5);
    await vi.waitFor(async () => expect(await rowsOf(webhook)).toEqual({ deliveries: 0, archived: 1, open: 0 }));
    expect(await deliveriesOf(webhook)).toMatchObject(Array(5).fill({ status: 'delivered', attemptCount: 1 }));
    expect(await endpoint.requests()).toHaveLength(5);
  });

  it('is kept as it ends, though others that are stored with it hang', async () => {
    const { endpoint, webhook } = await given([{ status: 200, delayMs: 900 }, { status: 500, delayMs: 900 }, { hang: true }]);
    await bring(webhook, ...newDeliveries(webhook, 3));
    expect(await rowsOf(webhook)).toEqual({ deliveries: 0, archived: 0, open: 1 });
    await vi.waitFor(async () => expect(await rowsOf(webhook)).toEqual({ deliveries: 1, archived: 1, open: 1 }), { timeout: 10_000 });
    expect((await deliveriesOf(webhook)).map(({ status }) => status).toSorted()).toEqual(['delivered', 'pending', 'retrying']);
    expect(await endpoint.requests()).toHaveLength(3);
  });

  describe('leaves no timer behind once all of it is kept, which would keep the object awake,', () => {
    async function givenTwoUnderWay() {
      const patience = vi.spyOn(EndpointPace.prototype, 'patienceMs').mockReturnValue(0);
      const { endpoint, webhook } = await given(['first', 'second', 'third'].map((held) => ({ held })));
      const timers = watchTimers();
      const keeping = () => [...timers.values()].filter((ms) => ms === KEEP_AFTER_MS);
      await bring(webhook, ...newDeliveries(webhook, 2));
      await endpoint.arrived(2);
      await endpoint.release('first', { status: 200 });
      while ((await outboxOf(webhook).status()).lastDeliveredAt === null) await scheduler.wait(5);
      expect(vi.mocked(globalThis.setTimeout).mock.calls.map(([, ms]) => ms)).toContain(KEEP_AFTER_MS);
      return { endpoint, webhook, patience, keeping };
    }

    it('where the last of it ends', async () => {
      const { endpoint, webhook, keeping } = await givenTwoUnderWay();
      await endpoint.release('second', { status: 200 });
      while ((await rowsOf(webhook)).open > 0) await scheduler.wait(5);
      expect(keeping()).toEqual([]);
    });

    it('where the last of it ends while another call waits, and with that call', async () => {
      const { endpoint, webhook, patience, keeping } = await givenTwoUnderWay();
      patience.mockReturnValue(15_000);
      const call = bring(webhook, newDelivery(webhook));
      await endpoint.arrived(3);
      await endpoint.release('second', { status: 200 });
      while ((await rowsOf(webhook)).open > 0) await scheduler.wait(5);
      await endpoint.release('third', { status: 200 });
      await call;
      expect(await deliveriesOf(webhook)).toMatchObject(Array(3).fill({ status: 'delivered' }));
      expect(keeping()).toEqual([]);
    });
  });

  it('has a row of its own where its first attempt has failed', async () => {
    const { webhook } = await given([{ status: 500 }]);
    await deliver(webhook, ...newDeliveries(webhook, 2));
    expect(await rowsOf(webhook)).toEqual({ deliveries: 2, archived: 0, open: 0 });
    expect(await deliveriesOf(webhook)).toMatchObject(Array(2).fill({ status: 'retrying', attemptCount: 1 }));
  });

  it('is recorded as discarded, and nothing is sent, where the webhook is disabled', async () => {
    const { endpoint, webhook } = await given([{ status: 200 }], { enabled: false });
    await deliver(webhook, ...newDeliveries(webhook, 2));
    const discarded = { status: 'discarded', reason: 'webhook_disabled', attemptCount: 0, finishedAt: Date.now() };
    expect(await deliveriesOf(webhook)).toMatchObject(Array(2).fill(discarded));
    expect(await endpoint.requests()).toEqual([]);
  });

  it('all ends, each once, where it is more than memory takes', { timeout: 60_000 }, async () => {
    const { endpoint, webhook } = await given([{ status: 200, delayMs: 5 }]);
    const deliveries = newDeliveries(webhook, 1_400);
    await Promise.all([0, 500, 1_000].map((from) => bring(webhook, ...deliveries.slice(from, from + 500))));
    for (;;) {
      const { deliveries: waiting } = await outboxOf(webhook).list({ status: 'pending' }, 1, null);
      if (waiting.length === 0) break;
      await scheduler.wait(50);
    }
    const { deliveries: ended } = await outboxOf(webhook).list({ status: 'delivered' }, 2_000, null);
    expect(new Set(ended.map(({ id }) => id))).toEqual(new Set(deliveries.map(({ id }) => id)));
    const received = await endpoint.requests();
    expect(received).toHaveLength(1_400);
    expect(new Set(received.map(({ headers }) => headers['x-bullseye-delivery'])).size).toBe(1_400);
  });
});

describe('the same deliveries', () => {
  it('brought again when they have ended are not attempted again', async () => {
    const { endpoint, webhook } = await given([{ status: 200 }, { status: 500 }]);
    const deliveries = newDeliveries(webhook, 2);
    await deliver(webhook, ...deliveries);
    const before = await deliveriesOf(webhook);
    await deliver(webhook, ...deliveries);
    expect(await deliveriesOf(webhook)).toEqual(before);
    expect(await endpoint.requests()).toHaveLength(2);
  });

  it('brought by two calls at once are attempted once, and both calls are answered when they are kept', async () => {
    havePatience();
    const { endpoint, webhook } = await given([{ status: 200, delayMs: 100 }]);
    const deliveries = newDeliveries(webhook, 4);
    await Promise.all([bring(webhook, ...deliveries), bring(webhook, ...deliveries.toReversed()), bring(webhook, deliveries[0]!)]);
    expect(await rowsOf(webhook)).toMatchObject({ deliveries: 0, open: 0 });
    expect(await deliveriesOf(webhook)).toMatchObject(Array(4).fill({ status: 'delivered', attemptCount: 1 }));
    expect(await endpoint.requests()).toHaveLength(4);
  });

  it('brought again while their attempts run are not attempted again', async () => {
    const { endpoint, webhook } = await given([{ hang: true }]);
    const deliveries = newDeliveries(webhook, 2);
    await bring(webhook, ...deliveries);
    await bring(webhook, ...deliveries);
    expect(await rowsOf(webhook)).toEqual({ deliveries: 0, archived: 0, open: 1 });
    expect(await endpoint.requests()).toHaveLength(2);
  });

  it('within one call are one', async () => {
    const { endpoint, webhook } = await given([{ status: 200 }]);
    const delivery = newDelivery(webhook);
    await deliver(webhook, delivery, delivery);
    expect(await deliveriesOf(webhook)).toHaveLength(1);
    expect(await endpoint.requests()).toHaveLength(1);
  });

  it('brought by one call with others that are new: those alone are attempted', async () => {
    const { endpoint, webhook } = await given([{ status: 200 }]);
    const [known, fresh] = [newDelivery(webhook), newDelivery(webhook)];
    await deliver(webhook, known);
    await deliver(webhook, fresh, known);
    expect((await endpoint.requests()).map(({ headers }) => headers['x-bullseye-delivery'])).toEqual([known.id, fresh.id]);
  });
});

describe('what falls due while attempts of others hang', () => {
  it('is attempted all the same: connections are free', async () => {
    const { endpoint, webhook } = await given([{ status: 500 }, { hang: true }]);
    const [first] = [newDelivery(webhook)];
    await deliver(webhook, first!);
    await bring(webhook, newDelivery(webhook));
    await endpoint.script([{ status: 200 }]);
    vi.setSystemTime((await findDelivery(webhook, first!.id)).nextAttemptAt!);
    // Not awaited: it waits for the attempt that hangs.
    const alarm = runAlarm(webhook);
    await vi.waitFor(async () => expect(await findDelivery(webhook, first!.id)).toMatchObject({ status: 'delivered' }));
    expect((await deliveriesOf(webhook)).filter(({ finishedAt }) => finishedAt === null)).toHaveLength(1);
    void alarm;
  });
});

describe('what falls due while the alarm waits for an attempt that hangs', () => {
  it('is attempted when it is due, though no other alarm comes', async () => {
    const { endpoint, webhook } = await given([
      { status: 429, headers: { 'retry-after': '120' } },
      { status: 429, headers: { 'retry-after': '121' } },
    ]);
    const [first, second] = [newDelivery(webhook), newDelivery(webhook)];
    await deliver(webhook, first);
    await deliver(webhook, second);
    await endpoint.script([{ hang: true }, { status: 200 }]);
    vi.setSystemTime((await findDelivery(webhook, first.id)).nextAttemptAt!);
    const alarm = runAlarm(webhook);
    await endpoint.arrived(3);
    // From here on the date moves by itself.
    const ticking = setInterval(() => vi.setSystemTime(Date.now() + 20), 10);
    await endpoint.arrived(4);
    while ((await findDelivery(webhook, second.id)).status !== 'delivered') await scheduler.wait(10);
    clearInterval(ticking);
    expect(await findDelivery(webhook, first.id)).toMatchObject({ status: 'retrying', attemptCount: 2, nextAttemptAt: null });
    void alarm;
  });
});

describe('a webhook that was deleted and erased', () => {
  const deleted = async (organization: string, webhook: string) => {
    const db = databaseOf(env.DB);
    await deleteWebhook(db, (await findWebhook(db, organization, webhook))!, Date.now(), anEntry(organization));
  };

  it('gets nothing from somebody who still has a configuration of long ago, and its outbox stays empty', async () => {
    const { endpoint, organization, webhook } = await given([{ status: 200 }]);
    const [config, readAt] = [await configOf(webhook), Date.now()];
    await deleted(organization, webhook);
    vi.setSystemTime(Date.now() + 200_000);
    await sweep(env, Date.now());
    await outboxOf(webhook).deliver(config, [newDelivery(webhook)], readAt);
    expect(await endpoint.requests()).toEqual([]);
    expect(await deliveriesOf(webhook)).toEqual([]);
    expect(await alarmOf(webhook)).toBeNull();
  });

  it('gets nothing by a configuration of seconds ago either: what was read before its erasure is not believed', async () => {
    const { endpoint, organization, webhook } = await given([{ status: 200 }]);
    const [config, readAt] = [await configOf(webhook), Date.now()];
    await deleted(organization, webhook);
    await outboxOf(webhook).erase();
    await outboxOf(webhook).deliver(config, [newDelivery(webhook)], readAt);
    expect(await endpoint.requests()).toEqual([]);
    expect(await deliveriesOf(webhook)).toEqual([]);
    // Whatever else such a call may have left goes with the second erasure.
    vi.setSystemTime(Date.now() + 200_000);
    await sweep(env, Date.now());
    expect(await alarmOf(webhook)).toBeNull();
  });
});

describe('an old configuration of a webhook that is there', () => {
  it('serves while D1 cannot be reached', async () => {
    const { endpoint, webhook } = await given([{ status: 200 }]);
    const [config, readAt] = [await configOf(webhook), Date.now()];
    vi.setSystemTime(Date.now() + 600_000);
    const d1 = vi.spyOn(Object.getPrototypeOf(env.DB), 'prepare').mockImplementation(() => {
      throw new Error('D1_ERROR: D1 DB is overloaded');
    });
    await outboxOf(webhook).deliver(config, [newDelivery(webhook)], readAt);
    await untilEnded(webhook);
    d1.mockRestore();
    expect(await deliveriesOf(webhook)).toMatchObject([{ status: 'delivered', attemptCount: 1 }]);
    expect(await endpoint.requests()).toHaveLength(1);
  });
});
