import type { DeliveryPosition, DeliveryStatus } from '../../domain/delivery/delivery.ts';
import { isUnreached } from '../../domain/delivery/edge-answer.ts';
import {
  add,
  bucketStarts,
  count,
  countResponses,
  emptyTally,
  HOUR_MS,
  PERIODS,
  type Period,
  type Tally,
} from '../../domain/delivery/statistics.ts';
import type { StoredDelivery } from '../books/delivery-row.ts';
import { inSteps } from '../books/steps.ts';
import type { Store } from '../books/store.ts';

/** Rows, and archived deliveries, counted in one step; calls are served between two. */
const STEP_ROWS = 2_000;
/** How long a call counts: a later one goes on, and finds the hours that are counted kept. The client waits for 20 s. */
const COUNT_MS = 15_000;

const COUNTED = "(created_at, id) < (?, ?) AND created_at >= ? AND event_id NOT GLOB 'evt_test_*'";
/** Such a delivery's only response is in its row: of a webhook that does well, no record is read. */
const AT_FIRST_ATTEMPT = "status = 'delivered' AND attempt_count = 1";

const SQL = {
  // Of those that took more than one attempt, what their attempts' records say; earlier versions have one record in the row, and the others
  // apart. Only the statuses are read of them: a record can have 16 kB of a response's body.
  rows: `SELECT created_at, id, status, attempt_count, last_duration_ms, last_response_status,
      CASE WHEN ${AT_FIRST_ATTEMPT} OR first_attempt IS NULL THEN NULL
        WHEN first_attempt GLOB '[[]*' THEN (SELECT json_group_array(json_extract(value, '$.responseStatus')) FROM json_each(first_attempt))
        ELSE json_array(json_extract(first_attempt, '$.responseStatus')) END AS statuses,
      CASE WHEN attempt_count < 2 THEN NULL
        ELSE (SELECT json_group_array(json_extract(record, '$.responseStatus')) FROM attempts WHERE delivery_id = id) END AS further
    FROM deliveries WHERE ${COUNTED} ORDER BY created_at DESC, id DESC LIMIT ${STEP_ROWS}`,
  kept: 'SELECT start, tally FROM hours WHERE start >= ? AND start < ?',
  keep: 'INSERT OR REPLACE INTO hours (start, tally) VALUES (?, ?)',
} as const;

type CountedRow = {
  created_at: number;
  id: string;
  status: DeliveryStatus;
  attempt_count: number;
  last_duration_ms: number | null;
  last_response_status: number | null;
  statuses: string | null;
  further: string | null;
};

/** Statistics of a period. Times are milliseconds since the epoch. */
export interface Statistics {
  from: number;
  to: number;
  bucketMs: number;
  /** Deliveries that have not ended, as the log shows them, of whatever age. */
  waiting: number;
  buckets: { start: number; tally: Tally }[];
}

/** An hour, or a part of one, while it is counted: from its end to its beginning. */
interface Counting {
  tally: Tally;
  rows: DeliveryPosition | null;
  archived: Generator<StoredDelivery> | null;
  repeated: Generator<number> | null;
  /** What the store said of the hour when this began (Store.voidsOf). */
  voids: number;
}

/**
 * Counts an outbox's log when somebody asks, and keeps the count of each past hour. A delivery on its way costs nothing for it:
 * no counter is written with it. A kept hour is forgotten when one of its deliveries changes after all. It counts in steps, between which
 * the object serves other calls.
 */
export class OutboxStatistics {
  readonly #store: Store;
  readonly #waitingInMemory: () => number;
  readonly #countMs: number;
  /** What a call has counted of a past hour that it had no time to finish. */
  readonly #unfinished = new Map<number, Counting>();

  constructor(store: Store, waitingInMemory: () => number = () => 0, countMs = COUNT_MS) {
    this.#store = store;
    this.#waitingInMemory = waitingInMemory;
    this.#countMs = countMs;
  }

  /** The statistics of a period; null where there is more to count than one call has time for: a later call goes on. */
  async of(period: Period, now: number): Promise<Statistics | null> {
    const { bucketMs } = PERIODS[period];
    const starts = bucketStarts(period, now);
    const [from = now] = starts;
    const partMs = Math.min(bucketMs, HOUR_MS);
    const kept = this.#kept(from, now);
    const until = Date.now() + this.#countMs;
    const buckets: Statistics['buckets'] = [];
    for (const start of starts) {
      const tally = emptyTally();
      for (let at = start; at < start + bucketMs && at <= now; at += partMs) {
        const part = (partMs === HOUR_MS ? kept.get(at) : undefined) ?? (await this.#count(at, partMs, now, until));
        if (part === null) return null;
        add(tally, part);
      }
      buckets.push({ start, tally });
    }
    if (!this.#store.isEmpty) addFiltered(buckets, from, bucketMs, this.#store.filtered.counts(from));
    const waiting = (await inSteps(this.#store.countDue())) + this.#waitingInMemory();
    return { from, to: from + PERIODS[period].lengthMs, bucketMs, waiting, buckets };
  }

  #kept(from: number, to: number): Map<number, Tally> {
    if (this.#store.isEmpty) return new Map();
    const rows = this.#store.sql.exec<{ start: number; tally: string }>(SQL.kept, from, to).toArray();
    return new Map(rows.map(({ start, tally }) => [start, JSON.parse(tally)]));
  }

  /** Counts an hour or a part of one; null where the time is over before. */
  async #count(start: number, lengthMs: number, now: number, until: number): Promise<Tally | null> {
    if (this.#store.isEmpty) return emptyTally();
    const end = start + lengthMs;
    const isPast = lengthMs === HOUR_MS && end <= now;
    const counting = this.#begin(start, end);
    while (this.#step(counting, start, end)) {
      if (Date.now() >= until) {
        if (isPast) this.#unfinished.set(start, counting);
        return null;
      }
      await scheduler.wait(0);
    }
    this.#unfinished.delete(start);
    const { tally } = counting;
    // One of its deliveries may have changed between two steps.
    const isRight = counting.voids === this.#store.voidsOf(start);
    if (isPast && isRight && tally.delivered + tally.failed + tally.attempts + tally.discarded + tally.repeated > 0)
      this.#store.sql.exec(SQL.keep, start, JSON.stringify(tally));
    return tally;
  }

  #begin(start: number, end: number): Counting {
    const unfinished = this.#unfinished.get(start);
    // Rows that have changed since may have been counted as they were.
    const voids = this.#store.voidsOf(start);
    if (unfinished?.voids === voids) return unfinished;
    return { tally: emptyTally(), rows: { createdAt: end, id: '' }, archived: null, repeated: null, voids };
  }

  /** Counts a step's rows, or, after the last of them, a step's archived deliveries, or repeated events. Returns whether there is more. */
  #step(counting: Counting, start: number, end: number): boolean {
    const { tally } = counting;
    if (counting.rows) {
      const { createdAt, id } = counting.rows;
      const rows = this.#store.sql.exec<CountedRow>(SQL.rows, createdAt, id, start).toArray();
      for (const row of rows) countRow(tally, row);
      const last = rows.at(-1);
      counting.rows = last && rows.length === STEP_ROWS ? { createdAt: last.created_at, id: last.id } : null;
      return true;
    }
    counting.archived ??= this.#store.archive.before({ createdAt: end, id: '' }, start);
    for (let counted = 0; counted < STEP_ROWS; counted++) {
      const { done, value } = counting.archived.next();
      if (done) return this.#countRepeated(counting, start, end);
      const { status, attemptCount, lastResponseStatus, lastDurationMs } = value.state;
      count(tally, { status, attemptCount, answeredMs: answeredMs(lastResponseStatus, lastDurationMs) });
      countResponses(tally, lastResponseStatus);
    }
    return true;
  }

  #countRepeated(counting: Counting, start: number, end: number): boolean {
    counting.repeated ??= this.#store.repeated.count(start, end);
    const { done, value } = counting.repeated.next();
    if (!done) counting.tally.repeated += value;
    return !done;
  }
}

/**
 * Counts what was filtered into the buckets that it belongs to. Not with an hour, whose count is kept: what consumers tell comes when the hour may
 * be past, and costs no more to read than to have.
 */
function addFiltered(
  buckets: Statistics['buckets'],
  from: number,
  bucketMs: number,
  counts: Iterable<[slot: number, count: number]>,
): void {
  for (const [slot, number] of counts) {
    const bucket = buckets[Math.floor((slot - from) / bucketMs)];
    if (bucket) bucket.tally.filtered += number;
  }
}

function countRow(tally: Tally, { status, attempt_count, last_duration_ms, last_response_status, statuses, further }: CountedRow): void {
  count(tally, { status, attemptCount: attempt_count, answeredMs: answeredMs(last_response_status, last_duration_ms) });
  if (status === 'delivered' && attempt_count === 1) countResponses(tally, last_response_status);
  for (const list of [statuses, further]) for (const each of JSON.parse(list ?? '[]') as (number | null)[]) countResponses(tally, each);
}

/** How long the endpoint took to answer; null where it did not: what a timeout took is no response time, here or at Cloudflare. */
function answeredMs(responseStatus: number | null, durationMs: number | null): number | null {
  return responseStatus === null || isUnreached(responseStatus) ? null : durationMs;
}
