import { afterEach, describe, expect, it, vi } from 'vitest';
import { waiting } from '../../../src/domain/delivery/lifecycle.ts';
import { Admission } from '../../../src/outbox/books/admission.ts';
import { Store } from '../../../src/outbox/books/store.ts';
import { driveDate } from '../../support/clock.ts';
import { deliveriesOf, endpointInbox, givenOrganization, givenWebhook, outboxOf, untilEnded } from '../../support/deliveries.ts';
import { deliver, findDelivery, inOutbox, newDeliveries, newDelivery } from '../../support/outbox.ts';

driveDate();
afterEach(() => {
  vi.restoreAllMocks();
});

/** The rows of an outbox of its own. */
function withStore<T>(work: (store: Store, fill: (count: number) => void) => Promise<T>): Promise<T> {
  const webhook = `whk_${crypto.randomUUID()}`;
  return inOutbox(webhook, (_, storage) => {
    const store = new Store(storage);
    const fill = (count: number) => {
      for (const delivery of newDeliveries(webhook, count)) store.insert(delivery, waiting(Date.now()), null);
    };
    return work(store, fill);
  });
}

/** Asks for room as the outbox does. */
async function admits(admission: Admission, count = 1): Promise<boolean> {
  if (admission.isCountDue(Date.now())) await admission.count(Date.now());
  return admission.admits(count);
}

/** Asks for room one by one until there is none, and takes it; returns how many were let in. */
async function admitted(admission: Admission, fill: (count: number) => void): Promise<number> {
  let count = 0;
  for (; count < 1_000 && (await admits(admission)); count++) fill(1);
  return count;
}

describe('an outbox takes in what would wait', () => {
  it('up to a number', async () => {
    await withStore(async (store, fill) => {
      const admission = new Admission(store, 30);
      expect(await admitted(admission, fill)).toBe(30);
      expect(store.due(Date.now(), 100)).toHaveLength(30);
      expect(await admits(admission)).toBe(false);
    });
  });

  it('up to a number to which counts what an object before it has brought about', async () => {
    await withStore(async (store, fill) => {
      fill(25);
      expect(await admitted(new Admission(store, 30), fill)).toBe(5);
    });
  });

  it('as a whole or not: what would go beyond it is not taken in parts', async () => {
    await withStore(async (store, fill) => {
      const admission = new Admission(store, 30);
      expect(await admits(admission, 31)).toBe(false);
      expect(await admits(admission, 30)).toBe(true);
      fill(30);
      expect(await admits(admission, 1)).toBe(false);
    });
  });

  it('again when there is room, minutes later', async () => {
    await withStore(async (store, fill) => {
      const admission = new Admission(store, 30);
      await admitted(admission, fill);
      store.sql.exec('DELETE FROM deliveries');
      vi.setSystemTime(Date.now() + 600_000);
      expect(await admitted(admission, fill)).toBe(30);
    });
  });

  it('again when there is room, also where it had never been quite full', async () => {
    await withStore(async (store, fill) => {
      const admission = new Admission(store, 30);
      expect(await admits(admission, 25)).toBe(true);
      fill(25);
      expect(await admits(admission, 10)).toBe(false);
      store.sql.exec('DELETE FROM deliveries');
      vi.setSystemTime(Date.now() + 600_000);
      expect(await admits(admission, 10)).toBe(true);
    });
  });

  it('up to a size, whatever their number', async () => {
    await withStore(async (store, fill) => {
      fill(10);
      const admission = new Admission(store, 1_000_000, store.sql.databaseSize + 100_000);
      expect(await admitted(admission, fill)).toBeLessThan(500);
      vi.setSystemTime(Date.now() + 3_600_000);
      expect(await admits(admission)).toBe(false);
    });
  });
});

describe('an outbox that is full', () => {
  it('counts what waits before it refuses what comes', async () => {
    const endpoint = endpointInbox();
    await endpoint.script([{ status: 500 }]);
    const webhook = await givenWebhook(await givenOrganization(), { url: endpoint.url });
    await deliver(webhook, ...newDeliveries(webhook, 12));
    expect(await outboxOf(webhook).status()).toMatchObject({ health: 'open' });
    const calls: string[] = [];
    const [count, admits] = [Admission.prototype.count, Admission.prototype.admits];
    vi.spyOn(Admission.prototype, 'isCountDue').mockReturnValue(true);
    vi.spyOn(Admission.prototype, 'count').mockImplementation(async function (this: Admission, now) {
      await count.call(this, now);
      calls.push('counted');
    });
    vi.spyOn(Admission.prototype, 'admits').mockImplementation(function (this: Admission, deliveries) {
      calls.push('asked');
      return admits.call(this, deliveries);
    });
    await deliver(webhook, ...newDeliveries(webhook, 3));
    expect(calls).toEqual(['counted', 'asked']);
  });

  /** A webhook whose endpoint worked, and is down now with its circuit open, and which takes nothing in any more. */
  async function givenFull() {
    const [endpoint, listening, organization] = [endpointInbox(), endpointInbox(), await givenOrganization()];
    await endpoint.script([{ status: 200 }, { status: 500 }]);
    const webhook = await givenWebhook(organization, { url: endpoint.url, events: ['visitor.*'] });
    const listener = await givenWebhook(organization, { url: listening.url, events: ['webhook.*'] });
    await deliver(webhook, newDelivery(webhook));
    await deliver(webhook, ...newDeliveries(webhook, 12));
    expect(await outboxOf(webhook).status()).toMatchObject({ health: 'open' });
    const admits = vi.spyOn(Admission.prototype, 'admits').mockReturnValue(false);
    return { endpoint, listening, webhook, listener, admits };
  }

  it('discards what comes without its payload, tells so, and acknowledges it', async () => {
    const { endpoint, webhook } = await givenFull();
    const sent = (await endpoint.requests()).length;
    const deliveries = newDeliveries(webhook, 3);
    await deliver(webhook, ...deliveries);
    for (const { id } of deliveries)
      expect(await findDelivery(webhook, id)).toMatchObject({ status: 'discarded', reason: 'outbox_full', attemptCount: 0, attempts: [] });
    const bytes = await inOutbox(webhook, (_, { sql }) =>
      sql.exec<{ n: number }>("SELECT sum(length(payload)) AS n FROM deliveries WHERE reason = 'outbox_full'").one(),
    );
    expect(bytes.n).toBe(0);
    expect(await endpoint.requests()).toHaveLength(sent);
  });

  it('tells its organization once, however much is discarded', async () => {
    const { listening, webhook } = await givenFull();
    for (let call = 0; call < 5; call++) await deliver(webhook, ...newDeliveries(webhook, 3));
    await vi.waitFor(async () => {
      await inOutbox(webhook, (outbox) => outbox.alarm());
      expect(await listening.requests()).toHaveLength(1);
    });
    await deliver(webhook, ...newDeliveries(webhook, 3));
    await inOutbox(webhook, (outbox) => outbox.alarm());
    expect(await inOutbox(webhook, (_, { kv }) => kv.get<{ notices?: unknown[] }>('report')?.notices)).toBeUndefined();
    expect((await listening.requests()).map(({ headers }) => headers['x-bullseye-event'])).toEqual(['webhook.failing']);
  });

  it('takes in again when there is room; what it has discarded has nothing left to send', async () => {
    const { endpoint, webhook, admits } = await givenFull();
    const [lost, later] = [newDelivery(webhook), newDelivery(webhook)];
    await deliver(webhook, lost);
    admits.mockRestore();
    await deliver(webhook, later);
    await endpoint.script([{ status: 200 }]);
    expect(await outboxOf(webhook).retryNow(lost.id)).toEqual({ kind: 'erased' });
    vi.setSystemTime(Date.now() + 1_000);
    expect(await outboxOf(webhook).recover(0, Date.now())).toBe(0);
    await untilEnded(webhook);
    expect(await findDelivery(webhook, lost.id)).toMatchObject({ status: 'discarded', reason: 'outbox_full' });
    expect(await findDelivery(webhook, later.id)).toMatchObject({ status: 'delivered' });
    expect((await deliveriesOf(webhook)).filter(({ status }) => status === 'delivered')).toHaveLength(1 + 12 + 1);
  });
});
