import { ulid } from 'ulid';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { AttemptRecord, NewDelivery } from '../../../src/domain/delivery/delivery.ts';
import { waiting } from '../../../src/domain/delivery/lifecycle.ts';
import { deliveryId, mintId } from '../../../src/domain/ids.ts';
import type { OutboxUse, Use } from '../../../src/domain/usage.ts';
import { Ledger } from '../../../src/outbox/books/ledger.ts';
import { Store } from '../../../src/outbox/books/store.ts';
import { Fresh } from '../../../src/outbox/fresh.ts';
import type { ArchivedDelivery } from '../../../src/outbox/log/bundle.ts';
import { Retention } from '../../../src/outbox/log/retention.ts';
import { OutboxUsage } from '../../../src/outbox/log/usage.ts';
import { UsedValues } from '../../../src/outbox/used-values.ts';
import { driveDate } from '../../support/clock.ts';
import { inOutbox } from '../../support/outbox.ts';

const DAY = 86_400_000;
const HOUR = 3_600_000;
/** Noon of some day; so many days are open, of which this is the last. */
const NOON = (Math.floor(Date.now() / DAY) + 0.5) * DAY;
const OPEN_DAYS = 33;

driveDate(NOON);
afterEach(() => {
  vi.restoreAllMocks();
});

const WEBHOOK = mintId('webhook', 0);
const today = () => Math.floor(Date.now() / DAY);
const use = (events: number, deliveries = events, attempts = deliveries): Use => ({ events, deliveries, attempts });

interface Parts {
  store: Store;
  usage: OutboxUsage;
  storage: DurableObjectStorage;
  /** What is counted, by how many days ago it is. */
  count(usage?: OutboxUsage): Promise<Record<number, Use> | null>;
  sweep(policy?: { keptDays?: number; maxBytes?: number }): Promise<void>;
}

/** The log of an outbox of its own, and what counts it. */
function withLog<T>(work: (parts: Parts) => Promise<T>): Promise<T> {
  return inOutbox(mintId('webhook', Date.now()), async (_, storage) => {
    const store = new Store(storage);
    const fresh = new Fresh(store, new Ledger(store, { scheduleMs: [1_000], random: Math.random }));
    const usage = new OutboxUsage(store, fresh);
    const count = async (counter = usage) => byDaysAgo(await counter.since(today() - OPEN_DAYS, Date.now()));
    const sweep: Parts['sweep'] = async ({ keptDays = 30, maxBytes = 1e12 } = {}) => {
      const retention = new Retention(storage, store, new UsedValues(storage.kv, store, WEBHOOK), {
        retentionMs: () => keptDays * DAY,
        maxBytes,
      });
      storage.kv.put('sweepAt', 0);
      for (let sweeps = 0; sweeps < 20 && (retention.dueAt() ?? 0) <= Date.now(); sweeps++) await retention.sweep(Date.now());
    };
    return await work({ store, usage, storage, count, sweep });
  });
}

function byDaysAgo(counted: OutboxUse | null): Record<number, Use> | null {
  return counted && Object.fromEntries([...counted.days].map(([day, each]) => [today() - day, each]));
}

let made = 0;

/** A delivery of an event that was accepted then. */
function deliveryAt(at: number, extra: Partial<NewDelivery> = {}): NewDelivery {
  made++;
  const eventId = `evt_${ulid(at)}`;
  const payload = new TextEncoder().encode(JSON.stringify({ event: 'visitor.identified', session_id: `ses_${made},true]` }));
  return { id: deliveryId(eventId, WEBHOOK), eventId, event: 'visitor.identified', sessionId: `,true]`, acceptedAt: at, payload, ...extra };
}

/** The same as the archive has it: it was delivered at once. */
function archivedAt(at: number, extra: Partial<NewDelivery> = {}): ArchivedDelivery {
  const attempt: AttemptRecord = {
    ...{ number: 1, trigger: 'event', startedAt: at, durationMs: 5, outcome: 'succeeded', requestHeaders: {}, responseStatus: 200 },
    ...{ responseHeaders: {}, responseBody: '', responseBodyEncoding: 'utf-8', responseBodyTruncated: false, error: null },
  };
  const ended = { status: 'delivered', attemptCount: 1, dueAt: null, finishedAt: at, lastResponseStatus: 200 } as const;
  return { delivery: deliveryAt(at, extra), state: { ...waiting(at), ...ended, lastDurationMs: 5 }, attempt };
}

/** A delivery with a row of its own, which has failed after some attempts. */
function addFailed(store: Store, at: number, attemptCount = 4, extra: Partial<NewDelivery> = {}): NewDelivery {
  const delivery = deliveryAt(at, extra);
  store.insert(
    delivery,
    { ...waiting(at), status: 'failed', reason: 'attempts_exhausted', attemptCount, dueAt: null, finishedAt: at },
    null,
  );
  return delivery;
}

describe('an outbox counts its use', () => {
  it('of rows and of the archive by the day of acceptance, to the millisecond', async () => {
    await withLog(async ({ store, count }) => {
      const midnight = today() * DAY;
      store.addToArchive([archivedAt(midnight - 1), archivedAt(midnight)]);
      addFailed(store, midnight - 1);
      addFailed(store, midnight, 2);
      expect(await count()).toEqual({ 0: use(2, 2, 3), 1: use(2, 2, 5) });
    });
  });

  it('without the events that another webhook counts, in the archive, in rows and among the repeated', async () => {
    await withLog(async ({ store, count }) => {
      const at = Date.now() - DAY;
      const elsewhere = { isCountedElsewhere: true };
      store.addToArchive([archivedAt(at), archivedAt(at, elsewhere), archivedAt(at)]);
      addFailed(store, at, 4, elsewhere);
      addFailed(store, at, 4);
      store.addRepeated(deliveryAt(at), null);
      store.addRepeated(deliveryAt(at, elsewhere), null);
      expect(await count()).toEqual({ 1: use(4, 5, 11) });
    });
  });

  it("without tests and the service's own events", async () => {
    await withLog(async ({ store, count }) => {
      const at = Date.now() - DAY;
      store.addToArchive([archivedAt(at), archivedAt(at, { event: 'webhook.recovered' })]);
      addFailed(store, at, 4, { event: 'visitor.erased' });
      addFailed(store, at, 1, { eventId: `evt_test_${ulid(at)}` });
      expect(await count()).toEqual({ 1: use(1) });
    });
  });

  it('of events that the filter kept back, as far as it is the one to count them', async () => {
    await withLog(async ({ store, count }) => {
      const [today0, slot] = [today(), Date.now()];
      store.addFiltered({ counts: new Map([[slot, 7]]), events: new Map([[today0, 3]]), latest: [] });
      // As a consumer of the version before tells.
      store.addFiltered({ counts: new Map([[slot, 2]]), latest: [] });
      expect(await count()).toEqual({ 0: use(3, 0) });
      expect([...store.filtered.counts(0)]).toEqual([[slot, 9]]);
    });
  });

  it('of what an earlier version has stored: each event counts, since none of it says otherwise', async () => {
    await withLog(async ({ store, count }) => {
      const at = Date.now() - DAY;
      store.sql.exec(
        `INSERT INTO deliveries (created_at, id, event_id, event, status, attempt_count, failures, expires_at, due_at, trigger, payload)
         VALUES (?, 'dlv_1', 'evt_1', 'visitor.identified', 'failed', 4, 4, 0, NULL, 'schedule', x'00')`,
        at,
      );
      const table = `repeated_${today() - 1}`;
      store.sql.exec(
        `CREATE TABLE ${table} (accepted_at INTEGER NOT NULL, event_id TEXT NOT NULL, event TEXT NOT NULL, subject TEXT, PRIMARY KEY (accepted_at, event_id)) WITHOUT ROWID`,
      );
      store.sql.exec(`CREATE INDEX ${table}_keyed ON ${table} (event_id) WHERE event_id >= 'evt_Z'`);
      store.sql.exec(`INSERT INTO ${table} VALUES (?, 'evt_2', 'visitor.identified', NULL)`, at);
      expect(await count()).toEqual({ 1: use(2, 1, 4) });
      store.addRepeated(deliveryAt(at, { isCountedElsewhere: true }), null);
      store.addRepeated(deliveryAt(at), null);
      expect(await count()).toEqual({ 1: use(3, 1, 4) });
    });
  });

  it('once of past days: what is kept is read, until one of their deliveries changes', async () => {
    await withLog(async ({ store, count, storage }) => {
      const at = Date.now() - 2 * DAY;
      const delivery = addFailed(store, at, 1);
      expect(await count()).toEqual({ 2: use(1) });
      // Unknown to who counts: the kept figures stand.
      store.sql.exec('UPDATE deliveries SET attempt_count = 9');
      const anew = () => new OutboxUsage(new Store(storage), new Fresh(store, new Ledger(store, { scheduleMs: [], random: Math.random })));
      expect(await count(anew())).toEqual({ 2: use(1) });
      const { state } = store.find(delivery.id)!;
      store.save({ createdAt: at, id: delivery.id }, { ...state, attemptCount: 2 });
      expect(await count()).toEqual({ 2: use(1, 1, 2) });
    });
  });

  it('in steps: a call that has no time for all of it says so, and the next ones go on', async () => {
    await withLog(async ({ store, count }) => {
      const hours = [1, 2, 3].map((hour) => today() * DAY + hour * HOUR);
      for (const at of hours)
        store.sql.exec(
          `WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 6999)
           INSERT INTO deliveries (created_at, id, event_id, event, status, attempt_count, failures, expires_at, due_at, trigger, payload)
           SELECT ? + i, printf('dlv_%d_%06d', ?, i), 'evt', 'e', 'failed', 1, 0, 0, NULL, 'event', x'00' FROM n`,
          at,
          at,
        );
      vi.spyOn(scheduler, 'wait').mockImplementation(async () => {
        vi.setSystemTime(Date.now() + 1);
      });
      const fresh = new Fresh(store, new Ledger(store, { scheduleMs: [], random: Math.random }));
      const hasty = new OutboxUsage(store, fresh, 5);
      let calls = 1;
      let counted = await count(hasty);
      for (; counted === null && calls < 10; calls++) counted = await count(hasty);
      expect(counted).toEqual({ 0: use(21_000) });
      expect(calls).toBeGreaterThan(1);
    });
  });

  it('with what is stored while its first attempt runs', async () => {
    await withLog(async ({ store, storage }) => {
      const fresh = new Fresh(store, new Ledger(store, { scheduleMs: [1_000], random: Math.random }));
      const kept = fresh.add(deliveryAt(Date.now(), { isCountedElsewhere: true }), Date.now());
      fresh.begin(kept, 'https://hooks.example.com/in', Date.now());
      const usage = new OutboxUsage(store, fresh);
      store.bringUpToDate();
      // In memory alone it is in a message of the queue: nobody has it yet.
      expect(byDaysAgo(await usage.since(today() - OPEN_DAYS, Date.now()))).toEqual({});
      fresh.keep([kept]);
      const told = await usage.since(today() - OPEN_DAYS, Date.now());
      expect(byDaysAgo(told)).toEqual({ 0: use(0, 1) });
      expect(told?.source).toBe(storage.kv.get<{ source: string }>('usage')?.source);
    });
  });

  it('nothing of what was there before its storage was emptied, also while it counts', async () => {
    await withLog(async ({ store, usage, count, storage }) => {
      const at = today() * DAY + HOUR;
      for (let index = 0; index < 2_500; index++) addFailed(store, at - DAY + index, 1);
      addFailed(store, at, 1);
      const wait = scheduler.wait.bind(scheduler);
      let isEmptied = false;
      vi.spyOn(scheduler, 'wait').mockImplementation(async (delay) => {
        if (isEmptied) return await wait(delay);
        isEmptied = true;
        await storage.deleteAll();
        store.reset();
        usage.reset();
        addFailed(store, Date.now(), 1);
      });
      expect(await count()).toEqual({});
      expect(isEmptied).toBe(true);
      expect(storage.kv.get('usage')).toBeUndefined();
      expect(await count()).toEqual({ 0: use(1) });
    });
  });

  it('no day again that was told for the last time, though more days are told of later, and nothing has come since', async () => {
    await withLog(async ({ store, usage, count, sweep, storage }) => {
      addFailed(store, Date.now() - 2 * DAY, 1);
      store.addFiltered({ counts: new Map([[Date.now() - 30 * DAY, 5]]), events: new Map([[today() - 30, 5]]), latest: [] });
      expect(await count()).toEqual({ 2: use(1), 30: use(5, 0) });
      vi.setSystemTime(Date.now() + 40 * DAY);
      const put = vi.spyOn(Object.getPrototypeOf(storage.kv), 'put');
      expect(await count()).toEqual({});
      expect(await count()).toEqual({});
      expect(put.mock.calls.map(([key]) => key)).toEqual(['usage']);
      put.mockRestore();
      await sweep();
      expect(byDaysAgo(await usage.since(today() - 100, Date.now()))).toEqual({});
    });
  });

  it('of filtered events also those of a past day that come while a later one is counted', async () => {
    await withLog(async ({ store, count }) => {
      const filtered = (events: number) => ({
        counts: new Map([[Date.now() - 2 * DAY, events]]),
        events: new Map([[today() - 2, events]]),
        latest: [],
      });
      store.addFiltered(filtered(3));
      for (let index = 0; index < 2_500; index++) addFailed(store, Date.now() - DAY + index, 1);
      const wait = scheduler.wait.bind(scheduler);
      let hasCome = false;
      vi.spyOn(scheduler, 'wait').mockImplementation(async (delay) => {
        if (!hasCome) store.addFiltered(filtered(4));
        hasCome = true;
        return await wait(delay);
      });
      expect(await count()).toEqual({ 1: use(2_500), 2: use(3, 0) });
      expect(await count()).toEqual({ 1: use(2_500), 2: use(7, 0) });
    });
  });

  it('makes nothing in an outbox that has nothing', async () => {
    await withLog(async ({ count, storage }) => {
      expect(await count()).toEqual({});
      expect([...storage.kv.list()].map(([key]) => key)).toEqual([]);
    });
  });
});

describe('what the log loses', () => {
  it('to retention is counted all the same, also what came since somebody has asked', async () => {
    for (const isCounted of [true, false]) {
      await withLog(async ({ store, count, sweep }) => {
        addFailed(store, Date.now() - DAY, 1);
        await count();
        const at = Date.now() - 31.6 * DAY;
        store.addToArchive([archivedAt(at), archivedAt(at, { isCountedElsewhere: true })]);
        addFailed(store, at);
        store.addFiltered({ counts: new Map([[at, 5]]), events: new Map([[Math.floor(at / DAY), 5]]), latest: [] });
        store.addToArchive([archivedAt(Date.now() - DAY)]);
        const all = { 1: use(2), 32: use(7, 3, 6) };
        if (isCounted) expect(await count()).toEqual(all);
        await sweep();
        expect(store.sql.exec('SELECT 1 FROM deliveries').toArray()).toHaveLength(1);
        expect(store.archive.daysBefore(at + DAY)).toEqual([]);
        expect(await count()).toEqual(all);
      });
    }
  });

  it('of a day that changes afterwards is counted with the change', async () => {
    await withLog(async ({ store, count, sweep }) => {
      const early = Date.now() - 30.2 * DAY;
      const late = Date.now() - 29.9 * DAY;
      addFailed(store, early);
      const kept = addFailed(store, late, 4);
      expect(Math.floor(early / DAY)).toBe(Math.floor(late / DAY));
      await count();
      await sweep();
      expect(store.find(kept.id)).not.toBeNull();
      store.save({ createdAt: late, id: kept.id }, { ...store.find(kept.id)!.state, attemptCount: 5 });
      expect(await count()).toEqual({ 30: use(2, 2, 9) });
    });
  });

  it('because it grew too large is counted all the same', async () => {
    await withLog(async ({ store, count, sweep }) => {
      for (let hour = 0; hour < 60; hour++)
        store.addToArchive([archivedAt(Date.now() - hour * HOUR, { isCountedElsewhere: hour % 2 === 0 })]);
      addFailed(store, Date.now() - 40 * HOUR);
      store.addRepeated(deliveryAt(Date.now() - 30 * HOUR), null);
      const before = await count();
      await sweep({ maxBytes: 1 });
      expect(store.archive.newestAt()).toBeNull();
      expect(await count()).toEqual(before);
    });
  });

  it('before anybody has ever asked costs nothing, and is not missed', async () => {
    await withLog(async ({ store, count, sweep, storage }) => {
      addFailed(store, Date.now() - 31 * DAY);
      store.addToArchive([archivedAt(Date.now() - 32 * DAY)]);
      await sweep();
      expect(storage.kv.get('usage')).toBeUndefined();
      expect(await count()).toEqual({});
    });
  });

  it('while it is counted is counted once', async () => {
    await withLog(async ({ store, count, sweep }) => {
      addFailed(store, Date.now() - DAY, 1);
      await count();
      const at = Date.now() - 31.6 * DAY;
      for (let index = 0; index < 2_500; index++) addFailed(store, at + index, 1);
      const wait = scheduler.wait.bind(scheduler);
      let hasSwept = false;
      vi.spyOn(scheduler, 'wait').mockImplementation(async (delay) => {
        if (hasSwept) return await wait(delay);
        hasSwept = true;
        await sweep();
      });
      expect(await count()).toEqual({ 1: use(1), 32: use(2_500) });
      expect(hasSwept).toBe(true);
    });
  });
});

it('a delivery keeps its mark wherever it goes: stored while it runs, taken out of the archive, and left by an object that vanished', async () => {
  await withLog(async ({ store, count }) => {
    const at = Date.now() - DAY;
    const [one, two] = [archivedAt(at, { isCountedElsewhere: true }), archivedAt(at)];
    store.addToArchive([one, two]);
    store.save({ createdAt: at, id: one.delivery.id }, { ...one.state, status: 'failed', attemptCount: 2 });
    store.save({ createdAt: at, id: two.delivery.id }, { ...two.state, status: 'failed', attemptCount: 2 });
    expect(await count()).toEqual({ 1: use(1, 2, 4) });
    const running = [archivedAt(at, { isCountedElsewhere: true }), archivedAt(at)];
    store.archive.open(running.map((each) => ({ ...each, attempt: null })));
    const ledger = new Ledger(store, { scheduleMs: [1_000], random: Math.random });
    ledger.addLeft(store.archive.takeOpen(), Date.now());
    expect(await count()).toEqual({ 1: use(2, 4, 4) });
  });
});
