import type { DeliveryStatus } from '../domain/delivery.ts';
import { add, bucketStarts, count, countResponses, emptyTally, HOUR_MS, PERIODS, type Period, type Tally } from '../domain/statistics.ts';
import type { OutboxStore } from './outbox-store.ts';

/**
 * Deliveries and attempts' records counted in one call at most: an hour that was not reached is counted by a later call, which
 * finds the others kept.
 */
const MAX_COUNTED_ROWS = 1_000_000;

const COUNTED = "created_at >= ? AND created_at < ? AND trigger <> 'test'";
/** Such a delivery's only response is in its row: of a webhook that does well, no record is read. */
const AT_FIRST_ATTEMPT = "status = 'delivered' AND attempt_count = 1";
const atFirstAttempt = (row: CountedRow) => row.status === 'delivered' && row.attempt_count === 1;

const SQL = {
  rows: `SELECT status, attempt_count, last_duration_ms, last_response_status FROM deliveries WHERE ${COUNTED} LIMIT ?`,
  // Of all others, what their attempts' records say: an attempt has one when it has ended. Grouped here, since there are several
  // to a delivery, and a record can have 16 kB of a response's body.
  responses: `SELECT status, count(*) AS attempts FROM (
      SELECT json_extract(first_attempt, '$.responseStatus') AS status FROM deliveries
      WHERE ${COUNTED} AND NOT (${AT_FIRST_ATTEMPT}) AND first_attempt IS NOT NULL
      UNION ALL
      SELECT json_extract(record, '$.responseStatus') FROM deliveries JOIN attempts ON delivery_id = id
      WHERE ${COUNTED} AND NOT (${AT_FIRST_ATTEMPT})
    ) GROUP BY status`,
  kept: 'SELECT start, tally FROM hours WHERE start >= ? AND start < ?',
  keep: 'INSERT OR REPLACE INTO hours (start, tally) VALUES (?, ?)',
  waiting: 'SELECT count(*) AS count FROM deliveries WHERE due_at IS NOT NULL AND leased_at IS NULL',
  leased: 'SELECT count(*) AS count FROM deliveries WHERE leased_at IS NOT NULL',
} as const;

type CountedRow = {
  status: DeliveryStatus;
  attempt_count: number;
  last_duration_ms: number | null;
  last_response_status: number | null;
};
type CountedResponses = { status: number | null; attempts: number };

/** Statistics of a period. Times are milliseconds since the epoch. */
export interface Statistics {
  from: number;
  to: number;
  bucketMs: number;
  /** Deliveries that have not ended, of whatever age. */
  waiting: number;
  buckets: { start: number; tally: Tally }[];
}

/**
 * Counts an outbox's log when somebody asks, and keeps the count of each past hour. A delivery on its way costs nothing for it:
 * no counter is written with it. A kept hour is forgotten when one of its deliveries changes after all.
 */
export class OutboxStatistics {
  readonly #store: OutboxStore;
  readonly #sql: SqlStorage;
  readonly #maxRows: number;

  constructor(store: OutboxStore, maxRows = MAX_COUNTED_ROWS) {
    this.#store = store;
    this.#sql = store.sql;
    this.#maxRows = maxRows;
  }

  /** The statistics of a period; null where there is more to count than one call may: a later call goes on. */
  of(period: Period, now: number): Statistics | null {
    const { bucketMs } = PERIODS[period];
    const starts = bucketStarts(period, now);
    const [from = now] = starts;
    const budget = { rows: this.#maxRows };
    const kept = this.#kept(from, now);
    const buckets: Statistics['buckets'] = [];
    for (const start of starts) {
      const tally = emptyTally();
      const partMs = Math.min(bucketMs, HOUR_MS);
      for (let at = start; at < start + bucketMs; at += partMs) {
        const whole = partMs === HOUR_MS ? kept.get(at) : undefined;
        const part = whole ?? this.#count(at, partMs, now, budget);
        if (part === null) return null;
        add(tally, part);
      }
      buckets.push({ start, tally });
    }
    return { from, to: from + PERIODS[period].lengthMs, bucketMs, waiting: this.#waiting(), buckets };
  }

  #kept(from: number, to: number): Map<number, Tally> {
    const rows = this.#sql.exec<{ start: number; tally: string }>(SQL.kept, from, to);
    return new Map([...rows].map(({ start, tally }) => [start, JSON.parse(tally)]));
  }

  #count(start: number, lengthMs: number, now: number, budget: { rows: number }): Tally | null {
    const tally = emptyTally();
    const end = start + lengthMs;
    let others = 0;
    // To its end, which the budget bounds: a cursor that is left before would keep SQLite from dropping a table.
    for (const row of this.#sql.exec<CountedRow>(SQL.rows, start, end, budget.rows + 1)) {
      budget.rows -= atFirstAttempt(row) ? 1 : 1 + row.attempt_count;
      count(tally, { status: row.status, attemptCount: row.attempt_count, durationMs: row.last_duration_ms });
      if (atFirstAttempt(row)) countResponses(tally, row.last_response_status);
      else others++;
    }
    if (budget.rows < 0) return null;
    for (const { state } of this.#store.archivedBefore({ createdAt: end, id: '' }, start)) {
      if (budget.rows-- <= 0) return null;
      count(tally, { status: state.status, attemptCount: state.attemptCount, durationMs: state.lastDurationMs });
      countResponses(tally, state.lastResponseStatus);
    }
    if (others > 0) {
      for (const { status, attempts } of this.#sql.exec<CountedResponses>(SQL.responses, start, end, start, end)) {
        countResponses(tally, status, attempts);
      }
    }
    if (lengthMs === HOUR_MS && end <= now && tally.attempts + tally.discarded > 0) this.#sql.exec(SQL.keep, start, JSON.stringify(tally));
    return tally;
  }

  #waiting(): number {
    return [SQL.waiting, SQL.leased].reduce((sum, query) => sum + this.#sql.exec<{ count: number }>(query).one().count, 0);
  }
}
