import { evictDurableObject, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { ulid } from 'ulid';
import { describe, expect, it, vi } from 'vitest';
import { readWebhook } from '../../src/db/configuration.ts';
import type { ArchivedDelivery } from '../../src/delivery/archive-bundle.ts';
import { OutboxLog } from '../../src/delivery/outbox-log.ts';
import { OutboxStatistics } from '../../src/delivery/outbox-statistics.ts';
import { OutboxStore } from '../../src/delivery/outbox-store.ts';
import type { AttemptRecord, DeliveryPosition } from '../../src/domain/delivery.ts';
import { deliveryId, mintId } from '../../src/domain/ids.ts';
import { discard, waiting } from '../../src/domain/lifecycle.ts';
import { driveDate } from '../support/clock.ts';
import { deliveriesOf, endpointInbox, givenOrganization, givenWebhook, outboxOf } from '../support/deliveries.ts';

const DAY_MS = 86_400_000;
const WEBHOOK = mintId('webhook', 0);

driveDate();

/** A webhook with a log, to which deliveries are recorded as the consumer does. */
async function given() {
  const endpoint = endpointInbox();
  const webhook = await givenWebhook(await givenOrganization(), { url: endpoint.url });
  const config = (await readWebhook(env.DB, webhook))!;
  const record = (deliveries: ArchivedDelivery[]) =>
    outboxOf(webhook).record(
      config,
      deliveries.map(({ delivery, attempt }) => ({ kind: 'attempted', delivery, result: { record: attempt, retryAfterMs: null } })),
    );
  return { endpoint, webhook, record };
}

/** Does something with the rows of an outbox of its own. */
function withStore<T>(work: (store: OutboxStore) => T): Promise<T> {
  return runInDurableObject(outboxOf(mintId('webhook', Date.now())), (_, { storage }) => work(new OutboxStore(storage)));
}

const ATTEMPT: AttemptRecord = {
  ...{ number: 1, trigger: 'event', startedAt: 1, durationMs: 2, outcome: 'succeeded', requestHeaders: { 'webhook-id': 'evt' } },
  ...{
    responseStatus: 200,
    responseHeaders: {},
    responseBody: 'thank you',
    responseBodyEncoding: null,
    responseBodyTruncated: false,
    error: null,
  },
};

/** A delivery that was delivered at the first attempt, of an event accepted at a time. */
function delivered(acceptedAt: number, payload = `{"at":${acceptedAt}}`): ArchivedDelivery {
  // Not minted: that never goes back in time.
  const eventId = `evt_${ulid(acceptedAt)}`;
  const delivery = { id: deliveryId(eventId, WEBHOOK), eventId, event: 'visitor.identified', sessionId: null, acceptedAt };
  const ended = {
    status: 'delivered',
    attemptCount: 1,
    dueAt: null,
    finishedAt: acceptedAt + 5,
    lastResponseStatus: 200,
    lastDurationMs: 2,
  } as const;
  return {
    delivery: { ...delivery, payload: new TextEncoder().encode(payload) },
    state: { ...waiting(acceptedAt), ...ended },
    attempt: ATTEMPT,
  };
}

const positionOf = ({ delivery: { id, acceptedAt: createdAt } }: ArchivedDelivery): DeliveryPosition => ({ createdAt, id });

const rowsIn = (store: OutboxStore, pattern: string) =>
  store.sql
    .exec<{ name: string }>('SELECT name FROM sqlite_master WHERE type = ? AND name GLOB ?', 'table', pattern)
    .toArray()
    .reduce((sum, { name }) => sum + store.sql.exec<{ n: number }>(`SELECT count(*) AS n FROM ${name}`).one().n, 0);

/** Reads a log page by page. */
function pages(store: OutboxStore, limit: number): string[] {
  const ids: string[] = [];
  for (let after: DeliveryPosition | null = null; ; ) {
    const { deliveries, next } = new OutboxLog(store).page({}, limit, after);
    ids.push(...deliveries.map(({ id }) => id));
    if (!next) return ids;
    after = next;
  }
}

describe('deliveries that were delivered at the first attempt', () => {
  const several = (count: number) => Array.from({ length: count }, () => delivered(Date.now()));

  it('are one row for all of a batch, and each is found with its payload and its attempt', async () => {
    const { webhook, record } = await given();
    const deliveries = several(5);
    expect(await record(deliveries)).toHaveLength(5);
    const rows = await runInDurableObject(outboxOf(webhook), (_, { storage }) => {
      const store = new OutboxStore(storage);
      return { archived: rowsIn(store, 'archive_*'), others: rowsIn(store, 'deliveries') };
    });
    expect(rows).toEqual({ archived: 1, others: 0 });
    for (const { delivery } of deliveries) {
      const found = await outboxOf(webhook).find(delivery.id);
      expect(found).toMatchObject({ eventId: delivery.eventId, status: 'delivered', attemptCount: 1, attempts: [ATTEMPT] });
      expect(found?.payload).toBe(new TextDecoder().decode(delivery.payload));
    }
  });

  it('are recorded once, however often they are, and in whatever company', async () => {
    const { webhook, record } = await given();
    const [one, two, three] = several(3) as [ArchivedDelivery, ArchivedDelivery, ArchivedDelivery];
    await record([one, two]);
    expect(await record([two, one])).toEqual([]);
    expect(await record([two, three, three])).toEqual([three.delivery.id]);
    expect(await deliveriesOf(webhook)).toHaveLength(3);
  });

  it('are told from others whose fields repeat their ids', async () => {
    const { webhook, record } = await given();
    const [one, two] = several(2) as [ArchivedDelivery, ArchivedDelivery];
    await record([{ ...two, delivery: { ...two.delivery, sessionId: one.delivery.id } }]);
    await record([one]);
    expect(await outboxOf(webhook).find(one.delivery.id)).toMatchObject({ eventId: one.delivery.eventId, attempts: [ATTEMPT] });
    expect(await record([one])).toEqual([]);
    expect(await deliveriesOf(webhook)).toHaveLength(2);
  });

  it('are forgotten with their day, whatever was read just before', async () => {
    await withStore((store) => {
      const { delivery, state, attempt } = delivered(Date.now() - 10 * DAY_MS);
      store.archive([{ delivery, state, attempt }]);
      const own = delivered(Date.now());
      store.insert(own.delivery, own.state, null);
      store.payload(positionOf(own));
      expect(new OutboxStatistics(store, 0).of('24h', Date.now())).toBeNull();
      expect(store.forgetDaysBefore(Date.now() - DAY_MS)).not.toBeNull();
      expect(store.find(delivery.id)).toBeNull();
    });
  });

  it('are not claimed a second time', async () => {
    const { webhook, record } = await given();
    const [one] = several(1) as [ArchivedDelivery];
    await record([one]);
    const config = (await readWebhook(env.DB, webhook))!;
    expect(await outboxOf(webhook).record(config, [{ kind: 'leased', delivery: one.delivery, startedAt: Date.now() }])).toEqual([]);
    expect(await deliveriesOf(webhook)).toMatchObject([{ status: 'delivered' }]);
  });

  it('leave the archive when somebody retries them, and the others stay', async () => {
    const { endpoint, webhook, record } = await given();
    const [one, two, three] = several(3) as [ArchivedDelivery, ArchivedDelivery, ArchivedDelivery];
    await record([one, two, three]);
    expect(await outboxOf(webhook).retryNow(two.delivery.id)).toMatchObject({ kind: 'begun', delivery: { attemptCount: 2 } });
    await endpoint.arrived(1);
    await vi.waitFor(async () => {
      const found = await outboxOf(webhook).find(two.delivery.id);
      expect(found).toMatchObject({ status: 'delivered', attempts: [ATTEMPT, { number: 2, trigger: 'manual' }] });
    });
    expect(await deliveriesOf(webhook)).toHaveLength(3);
    for (const { delivery } of [one, three]) expect(await outboxOf(webhook).find(delivery.id)).toMatchObject({ attempts: [ATTEMPT] });
  });

  it('leave the archive when their payload is erased', async () => {
    const { webhook, record } = await given();
    const [one, two] = several(2) as [ArchivedDelivery, ArchivedDelivery];
    await record([one, two]);
    expect(await outboxOf(webhook).erasePayload(one.delivery.id)).toBe('erased');
    expect(await outboxOf(webhook).find(one.delivery.id)).toMatchObject({ status: 'delivered', payload: null });
    expect((await outboxOf(webhook).find(two.delivery.id))?.payload).not.toBeNull();
  });

  it('are there after the outbox has vanished', async () => {
    const { webhook, record } = await given();
    await record(several(2));
    await evictDurableObject(outboxOf(webhook));
    await record(several(1));
    expect(await deliveriesOf(webhook)).toHaveLength(3);
  });
});

describe('the log of both', () => {
  it('is read newest first, whatever stands where and however large the pages are', async () => {
    await withStore((store) => {
      const start = 1_000 * DAY_MS - 30_000;
      const ids: string[] = [];
      // Batches that overlap in time, over midnight, with deliveries between them that were not delivered.
      for (let batch = 0; batch < 60; batch++) {
        const times = Array.from(
          { length: 1 + (batch % 4) },
          (_, index) => start + batch * 1_000 + ((batch * 7_919 + index * 611) % 2_500),
        );
        const archived = times.map((at) => delivered(at));
        store.archive(archived);
        const at = start + batch * 1_000 + 500;
        const { delivery } = delivered(at);
        store.insert(delivery, discard(waiting(at), 'webhook_disabled', at)!, null);
        ids.push(...archived.map(({ delivery: { id } }) => id), delivery.id);
      }
      // Ids sort by time.
      const newestFirst = ids.toSorted().toReversed();
      for (const limit of [1, 7, 100, 1_000]) expect(pages(store, limit)).toEqual(newestFirst);
      expect(new OutboxLog(store).page({ status: 'discarded' }, 100, null).deliveries).toHaveLength(60);
      expect(new OutboxLog(store).page({ from: start + 30_000, to: start + 31_000 }, 100, null).deliveries.length).toBeGreaterThan(0);
    });
  });

  it('keeps bundles below the size of a row', async () => {
    await withStore((store) => {
      const large = Array.from({ length: 30 }, (_, index) => delivered(DAY_MS + index, 'x'.repeat(100_000)));
      store.archive(large);
      expect(rowsIn(store, 'archive_*')).toBeGreaterThan(2);
      for (const each of large) expect(store.payload(positionOf(each))).toHaveLength(100_000);
    });
  });

  it('survives a record that fails half-way', async () => {
    await withStore((store) => {
      const failing = () =>
        store.atomically(() => {
          store.archive([delivered(DAY_MS)]);
          throw new Error('half-way');
        });
      expect(failing).toThrow('half-way');
      store.archive([delivered(DAY_MS)]);
      expect(pages(store, 10)).toHaveLength(1);
    });
  });
});

describe('archived days', () => {
  it('are dropped when they have ended before a time, and the others stay', async () => {
    await withStore((store) => {
      const deliveries = [10, 11, 12].map((day) => delivered(day * DAY_MS + 5));
      store.archive(deliveries);
      expect(store.forgetDaysBefore(12 * DAY_MS - 1)).toBe(11 * DAY_MS);
      expect(pages(store, 10)).toEqual([deliveries[2], deliveries[1]].map((each) => each!.delivery.id));
      expect(store.forgetDaysBefore(12 * DAY_MS - 1)).toBeNull();
    });
  });

  it('go oldest first where room is needed, the last one bit by bit', async () => {
    await withStore((store) => {
      for (let bundle = 0; bundle < 50; bundle++) store.archive([delivered(11 * DAY_MS + bundle * 2_000)]);
      store.archive([delivered(10 * DAY_MS)]);
      expect(store.forgetOldest()).toBe(11 * DAY_MS);
      expect(pages(store, 100)).toHaveLength(50);
      expect(store.forgetOldest()).toBeGreaterThan(11 * DAY_MS + 19 * 2_000);
      expect(pages(store, 100)).toHaveLength(30);
      expect(store.forgetOldest()).not.toBeNull();
      expect(store.forgetOldest()).not.toBeNull();
      expect(pages(store, 100)).toEqual([]);
      expect(store.forgetOldest()).toBeNull();
    });
  });
});
