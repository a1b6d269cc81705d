import { ulid } from 'ulid';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { AttemptRecord } from '../../../src/domain/delivery/delivery.ts';
import { waiting } from '../../../src/domain/delivery/lifecycle.ts';
import { HOUR_MS } from '../../../src/domain/delivery/statistics.ts';
import { deliveryId, mintId } from '../../../src/domain/ids.ts';
import { Store } from '../../../src/outbox/books/store.ts';
import type { ArchivedDelivery } from '../../../src/outbox/log/bundle.ts';
import { OutboxStatistics, type Statistics } from '../../../src/outbox/log/statistics.ts';
import { driveDate } from '../../support/clock.ts';
import { inOutbox } from '../../support/outbox.ts';

driveDate(Math.ceil(Date.now() / HOUR_MS) * HOUR_MS);
afterEach(() => {
  vi.restoreAllMocks();
});

const WEBHOOK = mintId('webhook', 0);

/** The rows of an outbox of its own. */
function withStore<T>(work: (store: Store) => Promise<T>): Promise<T> {
  return inOutbox(mintId('webhook', Date.now()), (_, storage) => work(new Store(storage)));
}

/** Rows of deliveries from a time on, each with one attempt. */
function insertRows({ sql }: Store, from: number, count: number, status = 'delivered'): void {
  sql.exec(
    `WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ? - 1)
     INSERT INTO deliveries (created_at, id, event_id, event, status, attempt_count, failures, expires_at, due_at, trigger, last_duration_ms,
       last_response_status, payload)
     SELECT ? + i, printf('dlv_%d_%06d', ?, i), 'evt', 'e', ?, 1, 0, 0, NULL, 'event', 10, 200, x'00' FROM n`,
    count,
    from,
    from,
    status,
  );
}

/** Archived deliveries from a time on. */
function archived(from: number, count: number): ArchivedDelivery[] {
  const attempt: AttemptRecord = {
    ...{ number: 1, trigger: 'event', startedAt: from, durationMs: 5, outcome: 'succeeded', requestHeaders: {}, responseStatus: 200 },
    ...{ responseHeaders: {}, responseBody: '', responseBodyEncoding: 'utf-8', responseBodyTruncated: false, error: null },
  };
  return Array.from({ length: count }, (_, index) => {
    const acceptedAt = from + index;
    const eventId = `evt_${ulid(acceptedAt)}`;
    const delivery = { id: deliveryId(eventId, WEBHOOK), eventId, event: 'e', sessionId: null, acceptedAt, payload: new Uint8Array([1]) };
    const ended = { status: 'delivered', attemptCount: 1, dueAt: null, finishedAt: acceptedAt, lastResponseStatus: 200 } as const;
    return { delivery, state: { ...waiting(acceptedAt), ...ended, lastDurationMs: 5 }, attempt };
  });
}

const totals = (statistics: Statistics | null) => {
  const sum = (key: 'delivered' | 'failed' | 'attempts') => statistics?.buckets.reduce((total, { tally }) => total + tally[key], 0);
  return { delivered: sum('delivered'), failed: sum('failed'), attempts: sum('attempts') };
};

/** Each pause between two steps takes a millisecond of the driven date; the 23 empty hours of a day have one each. */
function havePausesTake1Ms(): void {
  vi.spyOn(scheduler, 'wait').mockImplementation(async () => {
    vi.setSystemTime(Date.now() + 1);
  });
}

/** A call has time for the empty hours, and for two pauses more. */
const SHORT_MS = 24;

/** Asks again and again until there is an answer, as a client does that is told to. */
async function asked(statistics: OutboxStatistics, most = 30): Promise<{ answer: Statistics | null; calls: number }> {
  for (let calls = 1; calls <= most; calls++) {
    const answer = await statistics.of('24h', Date.now());
    if (answer) return { answer, calls };
  }
  return { answer: null, calls: most };
}

describe('statistics of a past hour', () => {
  const pastHour = () => Math.floor(Date.now() / HOUR_MS) * HOUR_MS - HOUR_MS;

  it('that has more deliveries than one call has time for come in the end: each call goes on where the last one stopped', async () => {
    await withStore(async (store) => {
      insertRows(store, pastHour(), 12_000);
      store.addToArchive(archived(pastHour() + 20_000, 12_000));
      havePausesTake1Ms();
      const { answer, calls } = await asked(new OutboxStatistics(store, () => 0, SHORT_MS));
      expect(totals(answer)).toEqual({ delivered: 24_000, failed: 0, attempts: 24_000 });
      expect(calls).toBeGreaterThan(2);
    });
  });

  it('are kept: they are counted once', async () => {
    await withStore(async (store) => {
      insertRows(store, pastHour(), 12_000);
      havePausesTake1Ms();
      expect((await asked(new OutboxStatistics(store, () => 0, SHORT_MS), 1)).answer).toBeNull();
      await new OutboxStatistics(store).of('24h', Date.now());
      expect(await asked(new OutboxStatistics(store, () => 0, SHORT_MS))).toMatchObject({ calls: 1 });
    });
  });

  it('are kept of an hour of which nothing could be rendered, too', async () => {
    await withStore(async (store) => {
      insertRows(store, pastHour(), 3, 'failed');
      store.sql.exec('UPDATE deliveries SET attempt_count = 0, last_response_status = NULL, last_duration_ms = NULL');
      const statistics = await new OutboxStatistics(store).of('24h', Date.now());
      expect(totals(statistics)).toEqual({ delivered: 0, failed: 3, attempts: 0 });
      expect(store.sql.exec('SELECT start FROM hours').toArray()).toEqual([{ start: pastHour() }]);
    });
  });

  it('are right though something changes between two calls', async () => {
    await withStore(async (store) => {
      insertRows(store, pastHour(), 12_000);
      havePausesTake1Ms();
      const statistics = new OutboxStatistics(store, () => 0, SHORT_MS);
      expect(await statistics.of('24h', Date.now())).toBeNull();
      const [first] = archived(pastHour() + 5, 1);
      const { delivery, state } = first!;
      store.insert(delivery, { ...state, status: 'failed' }, null);
      expect(totals((await asked(statistics)).answer)).toEqual({ delivered: 12_000, failed: 1, attempts: 12_001 });
    });
  });

  it('are right though something changes between two steps of a call', async () => {
    await withStore(async (store) => {
      insertRows(store, pastHour(), 5_000);
      const [late] = archived(pastHour() + 4_999, 1);
      const { delivery, state } = late!;
      const pauses = vi.spyOn(scheduler, 'wait').mockImplementation(async () => {
        // The newest are counted first: this one comes when its place has been counted.
        const place = { createdAt: delivery.acceptedAt, id: delivery.id };
        if (pauses.mock.calls.length === 2 && !store.at(place)) store.insert(delivery, { ...state, status: 'failed' }, null);
      });
      const statistics = new OutboxStatistics(store);
      await statistics.of('24h', Date.now());
      expect(totals(await statistics.of('24h', Date.now()))).toEqual({ delivered: 5_000, failed: 1, attempts: 5_001 });
    });
  });

  it('let other calls be served meanwhile', async () => {
    await withStore(async (store) => {
      insertRows(store, pastHour(), 30_000);
      let turns = 0;
      const turning = setInterval(() => turns++, 0);
      await new OutboxStatistics(store).of('24h', Date.now());
      clearInterval(turning);
      expect(turns).toBeGreaterThan(0);
    });
  });
});

describe('statistics of the hour that is not over', () => {
  it('are never kept, however far they have come', async () => {
    await withStore(async (store) => {
      const now = Math.floor(Date.now() / HOUR_MS) * HOUR_MS + HOUR_MS / 2;
      vi.setSystemTime(now);
      insertRows(store, now - 60_000, 200);
      const statistics = new OutboxStatistics(store);
      expect(totals(await statistics.of('24h', now))).toMatchObject({ delivered: 200 });
      insertRows(store, now - 30_000, 100);
      expect(totals(await statistics.of('24h', now))).toMatchObject({ delivered: 300 });
    });
  });

  it('count what waits in rows and in memory', async () => {
    await withStore(async (store) => {
      const [first] = archived(Date.now(), 1);
      store.insert(first!.delivery, waiting(Date.now()), null);
      expect(await new OutboxStatistics(store, () => 7).of('1h', Date.now())).toMatchObject({ waiting: 8 });
    });
  });
});
