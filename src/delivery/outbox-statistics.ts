import type { DeliveryStatus } from '../domain/delivery.ts';
import { add, bucketStarts, count, emptyTally, HOUR_MS, PERIODS, type Period, type Tally } from '../domain/statistics.ts';

/** Rows counted in one call at most: an hour that was not reached is counted by a later call, which finds the others kept. */
const MAX_COUNTED_ROWS = 1_000_000;

const SQL = {
  rows: "SELECT status, attempt_count, last_duration_ms FROM deliveries WHERE created_at >= ? AND created_at < ? AND trigger <> 'test'",
  kept: 'SELECT start, tally FROM hours WHERE start >= ? AND start < ?',
  keep: 'INSERT OR REPLACE INTO hours (start, tally) VALUES (?, ?)',
  waiting: 'SELECT count(*) AS count FROM deliveries WHERE due_at IS NOT NULL AND leased_at IS NULL',
  leased: 'SELECT count(*) AS count FROM deliveries WHERE leased_at IS NOT NULL',
} as const;

type CountedRow = { status: DeliveryStatus; attempt_count: number; last_duration_ms: number | null };

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
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** The statistics of a period; null where there is more to count than one call may: a later call goes on. */
  of(period: Period, now: number): Statistics | null {
    const { bucketMs } = PERIODS[period];
    const starts = bucketStarts(period, now);
    const [from = now] = starts;
    const budget = { rows: MAX_COUNTED_ROWS };
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
    for (const row of this.#sql.exec<CountedRow>(SQL.rows, start, start + lengthMs)) {
      if (budget.rows-- === 0) return null;
      count(tally, { status: row.status, attemptCount: row.attempt_count, durationMs: row.last_duration_ms });
    }
    if (lengthMs === HOUR_MS && start + HOUR_MS <= now && tally.attempts + tally.discarded > 0)
      this.#sql.exec(SQL.keep, start, JSON.stringify(tally));
    return tally;
  }

  #waiting(): number {
    return [SQL.waiting, SQL.leased].reduce((sum, query) => sum + this.#sql.exec<{ count: number }>(query).one().count, 0);
  }
}
