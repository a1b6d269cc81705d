import { evictDurableObject, runInDurableObject } from 'cloudflare:test';
import { ulid } from 'ulid';
import { describe, expect, it, vi } from 'vitest';
import type { AttemptRecord, DeliveryPosition, NewDelivery } from '../../../src/domain/delivery/delivery.ts';
import { begin, discard, waiting } from '../../../src/domain/delivery/lifecycle.ts';
import { deliveryId, mintId } from '../../../src/domain/ids.ts';
import { Ledger } from '../../../src/outbox/books/ledger.ts';
import { Store } from '../../../src/outbox/books/store.ts';
import { Fresh } from '../../../src/outbox/fresh.ts';
import type { ArchivedDelivery, BundledDelivery } from '../../../src/outbox/log/bundle.ts';
import { OutboxLog } from '../../../src/outbox/log/log.ts';
import { OutboxStatistics } from '../../../src/outbox/log/statistics.ts';
import { driveDate } from '../../support/clock.ts';
import { deliveriesOf, endpointInbox, givenOrganization, givenWebhook, outboxOf } from '../../support/deliveries.ts';
import { deliver, rowsOf } from '../../support/outbox.ts';
import type { Inbox } from '../../support/receiver.ts';

const DAY_MS = 86_400_000;
const WEBHOOK = mintId('webhook', 0);

driveDate();

async function given() {
  const endpoint = endpointInbox();
  await endpoint.script([{ status: 200, body: 'thank you' }]);
  return { endpoint, webhook: await givenWebhook(await givenOrganization(), { url: endpoint.url }) };
}

/** Does something with the rows of an outbox of its own. */
function withStore<T>(work: (store: Store, storage: DurableObjectStorage) => T | Promise<T>): Promise<T> {
  return runInDurableObject(outboxOf(mintId('webhook', Date.now())), (_, { storage }) => work(new Store(storage), storage));
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

/** The log of an outbox with nothing in memory. */
function logOf(store: Store): OutboxLog {
  const ledger = new Ledger(store, { scheduleMs: [], random: () => 0 });
  return new OutboxLog(store, new Fresh(store, ledger), () => null);
}

const positionOf = ({ delivery: { id, acceptedAt: createdAt } }: ArchivedDelivery): DeliveryPosition => ({ createdAt, id });

const rowsIn = (store: Store, pattern: string) =>
  store.sql
    .exec<{ name: string }>('SELECT name FROM sqlite_master WHERE type = ? AND name GLOB ?', 'table', pattern)
    .toArray()
    .reduce((sum, { name }) => sum + store.sql.exec<{ n: number }>(`SELECT count(*) AS n FROM ${name}`).one().n, 0);

/** Reads a log page by page. */
function pages(store: Store, limit: number): string[] {
  const ids: string[] = [];
  for (let after: DeliveryPosition | null = null; ; ) {
    const { deliveries, next } = logOf(store).page({}, limit, after);
    ids.push(...deliveries.map(({ id }) => id));
    if (!next) return ids;
    after = next;
  }
}

describe('deliveries that were delivered at the first attempt', () => {
  const several = (count: number) => Array.from({ length: count }, () => delivered(Date.now()).delivery);
  const FIRST = { number: 1, trigger: 'event', outcome: 'succeeded', responseStatus: 200, responseBody: 'thank you' };
  const eventsAt = async (endpoint: Inbox) => (await endpoint.requests()).map(({ headers }) => headers['webhook-id']);

  it('are one row for all that a call brings, and each is found with its payload and its attempt', async () => {
    const { webhook } = await given();
    const deliveries = several(5);
    await deliver(webhook, ...deliveries);
    expect(await rowsOf(webhook)).toMatchObject({ archived: 1, deliveries: 0 });
    for (const { id, eventId, payload } of deliveries) {
      const found = await outboxOf(webhook).find(id);
      expect(found).toMatchObject({ eventId, status: 'delivered', attemptCount: 1, attempts: [FIRST] });
      expect(found?.attempts[0]?.requestHeaders).toMatchObject({ 'X-Bullseye-Delivery': id, 'webhook-id': eventId });
      expect(found?.payload).toBe(new TextDecoder().decode(payload));
    }
  });

  it('are recorded once, however often they are brought, and in whatever company', async () => {
    const { endpoint, webhook } = await given();
    const [one, two, three] = several(3) as [NewDelivery, NewDelivery, NewDelivery];
    await deliver(webhook, one, two);
    await deliver(webhook, two, one);
    await deliver(webhook, two, three, three);
    expect(await deliveriesOf(webhook)).toHaveLength(3);
    expect((await eventsAt(endpoint)).toSorted()).toEqual([one, two, three].map(({ eventId }) => eventId).toSorted());
  });

  it('are told from others whose fields repeat their ids', async () => {
    const { endpoint, webhook } = await given();
    const [one, two] = several(2) as [NewDelivery, NewDelivery];
    await deliver(webhook, { ...two, sessionId: one.id });
    await deliver(webhook, one);
    expect(await outboxOf(webhook).find(one.id)).toMatchObject({ eventId: one.eventId, attempts: [FIRST] });
    await deliver(webhook, one);
    expect(await eventsAt(endpoint)).toEqual([two.eventId, one.eventId]);
    expect(await deliveriesOf(webhook)).toHaveLength(2);
  });

  it('are forgotten with their day, whatever was read just before', async () => {
    await withStore(async (store) => {
      const { delivery, state, attempt } = delivered(Date.now() - 10 * DAY_MS);
      store.addToArchive([{ delivery, state, attempt }]);
      const own = delivered(Date.now());
      store.insert(own.delivery, own.state, null);
      store.contents(positionOf(own));
      expect(await new OutboxStatistics(store).of('24h', Date.now())).not.toBeNull();
      expect(store.archive.dropBefore(Date.now() - DAY_MS)).not.toBeNull();
      expect(store.find(delivery.id)).toBeNull();
    });
  });

  it('are known to whoever brings them again, after the outbox has vanished, too: no second attempt is made', async () => {
    const { endpoint, webhook } = await given();
    const [one, two] = several(2) as [NewDelivery, NewDelivery];
    await deliver(webhook, one);
    await evictDurableObject(outboxOf(webhook));
    await deliver(webhook, one, two);
    expect(await eventsAt(endpoint)).toEqual([one.eventId, two.eventId]);
    expect(await deliveriesOf(webhook)).toMatchObject(Array(2).fill({ status: 'delivered', attemptCount: 1 }));
  });

  it('leave the archive when somebody retries them, and the others stay', async () => {
    const { webhook } = await given();
    const [one, two, three] = several(3) as [NewDelivery, NewDelivery, NewDelivery];
    await deliver(webhook, one, two, three);
    expect(await outboxOf(webhook).retryNow(two.id)).toMatchObject({ kind: 'begun', delivery: { attemptCount: 2 } });
    await vi.waitFor(async () => {
      const found = await outboxOf(webhook).find(two.id);
      expect(found).toMatchObject({ status: 'delivered', attempts: [FIRST, { number: 2, trigger: 'manual' }] });
    });
    expect(await deliveriesOf(webhook)).toHaveLength(3);
    for (const { id } of [one, three]) expect(await outboxOf(webhook).find(id)).toMatchObject({ attempts: [FIRST] });
  });

  it('leave the archive when their payload is erased', async () => {
    const { webhook } = await given();
    const [one, two] = several(2) as [NewDelivery, NewDelivery];
    await deliver(webhook, one, two);
    expect(await outboxOf(webhook).erasePayload(one.id)).toBe('erased');
    expect(await outboxOf(webhook).find(one.id)).toMatchObject({ status: 'delivered', payload: null });
    expect((await outboxOf(webhook).find(two.id))?.payload).not.toBeNull();
  });

  it('are there after the outbox has vanished', async () => {
    const { webhook } = await given();
    await deliver(webhook, ...several(2));
    await evictDurableObject(outboxOf(webhook));
    await deliver(webhook, ...several(1));
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
        store.addToArchive(archived);
        const at = start + batch * 1_000 + 500;
        const { delivery } = delivered(at);
        store.insert(delivery, discard(waiting(at), 'webhook_disabled', at)!, null);
        ids.push(...archived.map(({ delivery: { id } }) => id), delivery.id);
      }
      // Ids sort by time.
      const newestFirst = ids.toSorted().toReversed();
      for (const limit of [1, 7, 100, 1_000]) expect(pages(store, limit)).toEqual(newestFirst);
      expect(logOf(store).page({ status: 'discarded' }, 100, null).deliveries).toHaveLength(60);
      expect(logOf(store).page({ from: start + 30_000, to: start + 31_000 }, 100, null).deliveries.length).toBeGreaterThan(0);
    });
  });

  it('keeps bundles below the size of a row', async () => {
    await withStore((store) => {
      const large = Array.from({ length: 30 }, (_, index) => delivered(DAY_MS + index, 'x'.repeat(100_000)));
      store.addToArchive(large);
      expect(rowsIn(store, 'archive_*')).toBeGreaterThan(2);
      for (const each of large) expect(store.contents(positionOf(each)).payload).toHaveLength(100_000);
    });
  });

  it('survives a record that fails half-way', async () => {
    await withStore((store) => {
      const failing = () =>
        store.atomically(() => {
          store.addToArchive([delivered(DAY_MS)]);
          throw new Error('half-way');
        });
      expect(failing).toThrow('half-way');
      store.addToArchive([delivered(DAY_MS)]);
      expect(pages(store, 10)).toHaveLength(1);
    });
  });
});

describe('archived days', () => {
  it('are dropped when they have ended before a time, and the others stay', async () => {
    await withStore((store) => {
      const deliveries = [10, 11, 12].map((day) => delivered(day * DAY_MS + 5));
      store.addToArchive(deliveries);
      expect(store.archive.dropBefore(12 * DAY_MS - 1)).toBe(11 * DAY_MS);
      expect(pages(store, 10)).toEqual([deliveries[2], deliveries[1]].map((each) => each!.delivery.id));
      expect(store.archive.dropBefore(12 * DAY_MS - 1)).toBeNull();
    });
  });

  it('go oldest first where room is needed, the last one bit by bit', async () => {
    await withStore((store) => {
      for (let bundle = 0; bundle < 50; bundle++) store.addToArchive([delivered(11 * DAY_MS + bundle * 2_000)]);
      store.addToArchive([delivered(10 * DAY_MS)]);
      expect(store.archive.dropOldest()).toBe(11 * DAY_MS);
      expect(pages(store, 100)).toHaveLength(50);
      expect(store.archive.dropOldest()).toBeGreaterThan(11 * DAY_MS + 19 * 2_000);
      expect(pages(store, 100)).toHaveLength(30);
      expect(store.archive.dropOldest()).not.toBeNull();
      expect(store.archive.dropOldest()).not.toBeNull();
      expect(pages(store, 100)).toEqual([]);
      expect(store.archive.dropOldest()).toBeNull();
    });
  });
});

describe('an open bundle', () => {
  const DAY = 11;
  /** A delivery whose first attempt runs, or is about to. */
  const open = (acceptedAt: number, startedAt: number | null): BundledDelivery => {
    const { delivery } = delivered(acceptedAt);
    const fresh = waiting(acceptedAt);
    if (startedAt === null) return { delivery, state: fresh, attempt: null };
    const attempt: AttemptRecord = { ...ATTEMPT, startedAt, durationMs: null, outcome: 'interrupted', responseStatus: null };
    return { delivery, state: begin(fresh, startedAt)!, attempt };
  };
  const ended = ({ delivery }: BundledDelivery): ArchivedDelivery => ({ ...delivered(delivery.acceptedAt), delivery });
  const negative = (store: Store) => store.sql.exec<{ n: number }>(`SELECT count(*) AS n FROM archive_${DAY} WHERE place < 0`).one().n;

  it('is in neither log until it is closed, by the same row', async () => {
    await withStore((store) => {
      const deliveries = [open(DAY * DAY_MS, 1), open(DAY * DAY_MS + 1, null)];
      const [bundle] = store.archive.open(deliveries);
      expect(bundle!.ids).toEqual(deliveries.map(({ delivery }) => delivery.id));
      expect(pages(store, 10)).toEqual([]);
      expect(store.find(deliveries[0]!.delivery.id)).toBeNull();
      expect([rowsIn(store, 'archive_*'), negative(store)]).toEqual([1, 1]);
      store.archive.close(bundle!, deliveries.map(ended));
      store.archive.closed(bundle!);
      expect([rowsIn(store, 'archive_*'), negative(store)]).toEqual([1, 0]);
      expect(pages(store, 10)).toEqual(deliveries.map(({ delivery }) => delivery.id).reverse());
    });
  });

  it('goes where nothing of it is left to archive', async () => {
    await withStore((store) => {
      const [bundle] = store.archive.open([open(DAY * DAY_MS, 1)]);
      store.archive.close(bundle!, []);
      expect(rowsIn(store, 'archive_*')).toBe(0);
    });
  });

  it('keeps its place from what is archived meanwhile, at the same moment', async () => {
    await withStore((store) => {
      const at = DAY * DAY_MS;
      const [one, two] = [open(at, 1), open(at, 1)];
      const [first] = store.archive.open([one]);
      const [second] = store.archive.open([two]);
      const third = delivered(at);
      store.addToArchive([third]);
      store.archive.close(first!, [ended(one)]);
      store.archive.close(second!, [ended(two)]);
      expect(pages(store, 10).toSorted()).toEqual([one, two, third].map(({ delivery }) => delivery.id).toSorted());
    });
  });

  it('is taken out whole by an object that is loaded: what ran and what did not', async () => {
    await withStore((store, storage) => {
      const deliveries = [open(DAY * DAY_MS, 7), open((DAY - 1) * DAY_MS, null)];
      store.archive.open(deliveries);
      store.addToArchive([delivered(DAY * DAY_MS + 5)]);
      const taken = new Store(storage).archive.takeOpen();
      expect(taken.map(({ delivery, attempt }) => [delivery.id, attempt?.startedAt ?? null]).toSorted()).toEqual(
        [
          [deliveries[0]!.delivery.id, 7],
          [deliveries[1]!.delivery.id, null],
        ].toSorted(),
      );
      for (const { delivery } of deliveries)
        expect(taken.find((each) => each.delivery.id === delivery.id)?.delivery.payload).toEqual(delivery.payload);
      expect(pages(store, 10)).toHaveLength(1);
      expect(new Store(storage).archive.takeOpen()).toEqual([]);
    });
  });

  it('is neither swept by age nor by size, and its day stays until it is closed', async () => {
    await withStore((store) => {
      const one = open(DAY * DAY_MS, 1);
      const [bundle] = store.archive.open([one]);
      store.addToArchive([delivered(DAY * DAY_MS + 5)]);
      expect(store.archive.dropBefore((DAY + 2) * DAY_MS)).toBe((DAY + 1) * DAY_MS);
      expect(pages(store, 10)).toEqual([]);
      store.archive.dropOldest();
      expect(negative(store)).toBe(1);
      store.archive.close(bundle!, [ended(one)]);
      store.archive.closed(bundle!);
      expect(pages(store, 10)).toEqual([one.delivery.id]);
    });
  });

  it('that has grown too large with its attempts is closed as several rows', async () => {
    await withStore((store) => {
      const deliveries = Array.from({ length: 60 }, (_, index) => open(DAY * DAY_MS + index, 1));
      const [bundle, ...others] = store.archive.open(deliveries);
      expect(others).toEqual([]);
      const attempt = { ...ATTEMPT, responseBody: 'x'.repeat(30_000) };
      store.archive.close(
        bundle!,
        deliveries.map((each) => ({ ...ended(each), attempt })),
      );
      store.archive.closed(bundle!);
      expect(rowsIn(store, 'archive_*')).toBeGreaterThan(1);
      expect(pages(store, 100)).toHaveLength(60);
    });
  });
});
