import type { NewDelivery } from '../../domain/delivery/delivery.ts';
import { MAX_SKIPPED, type SkippedEvent } from '../../domain/delivery/skipped-event.ts';
import { isKeyed } from '../../domain/ids.ts';
import { DAY_MS, dayOf } from '../../domain/text/day.ts';
import { MARK, Marks } from '../books/marks.ts';
import { Tables } from '../books/tables.ts';

/** Rows counted in one step. */
const COUNT_STEP = 50_000;
/** Rows whose subjects are forgotten in one step. */
const FORGET_STEP = 500;

const WITHIN = '(accepted_at, event_id) > (?, ?) AND accepted_at < ?';
/** Events with an Idempotency-Key, which can be accepted more than once: their ids sort behind all others (domain/ids.ts). */
const KEYED = "event_id >= 'evt_Z'";

const SQL = {
  make: (table: string) => [
    `CREATE TABLE ${table}
      (accepted_at INTEGER NOT NULL, event_id TEXT NOT NULL, event TEXT NOT NULL, subject TEXT, PRIMARY KEY (accepted_at, event_id)) WITHOUT ROWID`,
    `CREATE INDEX ${table}_keyed ON ${table} (event_id) WHERE ${KEYED}`,
  ],
  add: (table: string) => `INSERT INTO ${table} (accepted_at, event_id, event, subject) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING`,
  addMarked: (table: string) =>
    `INSERT INTO ${table} (accepted_at, event_id, event, subject, ${MARK}) VALUES (?, ?, ?, ?, 1) ON CONFLICT DO NOTHING`,
  countEvents: (table: string, mark: string) =>
    `SELECT count(*) - count(${MARK}) AS events FROM (SELECT ${mark} FROM ${table} WHERE accepted_at >= ? AND accepted_at < ?)`,
  findKeyed: (table: string) => `SELECT 1 FROM ${table} WHERE event_id = ? AND ${KEYED}`,
  latest: (table: string) => `SELECT * FROM ${table} ORDER BY accepted_at DESC, event_id DESC LIMIT ?`,
  stepEnd: (table: string) =>
    `SELECT accepted_at, event_id FROM ${table} WHERE ${WITHIN} ORDER BY accepted_at, event_id LIMIT 1 OFFSET ${COUNT_STEP - 1}`,
  forgottenTo: (table: string) =>
    `SELECT accepted_at, event_id FROM ${table} WHERE ${WITHIN} ORDER BY accepted_at, event_id LIMIT 1 OFFSET ${FORGET_STEP - 1}`,
  forgetSubjects: (table: string) =>
    `UPDATE ${table} SET subject = NULL WHERE subject IS NOT NULL AND ${WITHIN} AND (accepted_at, event_id) <= (?, ?)`,
  count: (table: string) => `SELECT count(*) AS count FROM ${table} WHERE ${WITHIN}`,
} as const;

type Row = { accepted_at: number; event_id: string; event: string; subject: string | null };

/**
 * The events that `once` has kept back: a row for each, however often its message comes, in a table for each day of acceptance. (One with an
 * Idempotency-Key is two: it is found again whenever it was accepted.) It says so where another webhook counts the event as used.
 */
export class RepeatedEvents {
  readonly #sql: () => SqlStorage;
  readonly #losing: (day: number) => void;
  readonly #days: Tables;
  readonly #marks: Marks;

  /** @param losing is told of each day that is about to be dropped */
  constructor(sql: () => SqlStorage, losing: (day: number) => void = () => {}) {
    this.#sql = sql;
    this.#losing = losing;
    this.#days = new Tables(sql, 'repeated_', SQL.make);
    this.#marks = new Marks(sql);
  }

  add({ acceptedAt, eventId, event, isCountedElsewhere }: NewDelivery, subject: string | null): void {
    if (isKeyed(eventId) && this.#has(eventId)) return;
    const table = this.#days.made(String(dayOf(acceptedAt)));
    if (isCountedElsewhere) this.#marks.make(table);
    this.#sql().exec(isCountedElsewhere ? SQL.addMarked(table) : SQL.add(table), acceptedAt, eventId, event, subject);
  }

  /** How many events this webhook counts as used of those accepted from a time to before another one of its day. */
  countEvents(from: number, to: number): number {
    const day = String(dayOf(from));
    if (!this.#days.names().has(day)) return 0;
    const table = this.#days.of(day);
    return this.#sql()
      .exec<{ events: number }>(SQL.countEvents(table, this.#marks.selectedFrom(table)), from, to)
      .one().events;
  }

  /** Whether there are any of a day, or were. */
  has(day: number): boolean {
    return this.#days.names().has(String(day));
  }

  /** The latest of them, the latest first. */
  latest(): SkippedEvent[] {
    const latest: SkippedEvent[] = [];
    for (const day of this.#newestFirst()) {
      const rows = this.#sql()
        .exec<Row>(SQL.latest(this.#days.of(String(day))), MAX_SKIPPED - latest.length)
        .toArray();
      latest.push(...rows.map(toSkipped));
      if (latest.length === MAX_SKIPPED) break;
    }
    return latest;
  }

  /** How many were accepted from a time to before another one of its day, in bounded steps: for each how many it found. */
  *count(from: number, to: number): Generator<number> {
    const day = String(dayOf(from));
    const table = this.#days.of(day);
    let after: [at: number, eventId: string] = [from, ''];
    // It can be dropped between two steps.
    while (this.#days.names().has(day)) {
      const [last] = this.#sql()
        .exec<Pick<Row, 'accepted_at' | 'event_id'>>(SQL.stepEnd(table), ...after, to)
        .toArray();
      if (!last) {
        yield this.#sql()
          .exec<{ count: number }>(SQL.count(table), ...after, to)
          .one().count;
        return;
      }
      yield COUNT_STEP;
      after = [last.accepted_at, last.event_id];
    }
  }

  /**
   * Forgets whom some of them are about, the oldest first, of those accepted after one and before a time.
   * @returns the last that was looked at; null: there are no more
   */
  forgetSubjects(after: [at: number, eventId: string], before: number): [at: number, eventId: string] | null {
    const day = [...this.#days.names()]
      .map(Number)
      .sort((a, b) => a - b)
      .find((each) => (each + 1) * DAY_MS > after[0]);
    if (day === undefined || day * DAY_MS >= before) return null;
    const table = this.#days.of(String(day));
    const [last] = this.#sql()
      .exec<Pick<Row, 'accepted_at' | 'event_id'>>(SQL.forgottenTo(table), ...after, before)
      .toArray();
    const to: [number, string] = last ? [last.accepted_at, last.event_id] : [(day + 1) * DAY_MS, ''];
    this.#sql().exec(SQL.forgetSubjects(table), ...after, before, ...to);
    return to;
  }

  /** Drops the days that ended before a time. */
  dropBefore(before: number): void {
    for (const day of this.#newestFirst()) if ((day + 1) * DAY_MS <= before) this.#drop(day);
  }

  /** When the oldest day ends of which there is something; null where there is nothing. */
  oldestDayEndsAt(): number | null {
    const oldest = this.#newestFirst().at(-1);
    return oldest === undefined ? null : (oldest + 1) * DAY_MS;
  }

  /** Drops the oldest day; returns whether there was one. */
  dropOldest(): boolean {
    const oldest = this.#newestFirst().at(-1);
    if (oldest !== undefined) this.#drop(oldest);
    return oldest !== undefined;
  }

  /** A change was undone, or the storage has been emptied. */
  reset(): void {
    this.#days.reset();
    this.#marks.reset();
  }

  #drop(day: number): void {
    this.#losing(day);
    this.#days.drop(String(day));
  }

  #has(eventId: string): boolean {
    const rowsOf = (day: string) => this.#sql().exec(SQL.findKeyed(this.#days.of(day)), eventId);
    return [...this.#days.names()].some((day) => rowsOf(day).toArray().length > 0);
  }

  #newestFirst(): number[] {
    return [...this.#days.names()].map(Number).sort((a, b) => b - a);
  }
}

function toSkipped({ accepted_at: at, event_id: eventId, event, subject }: Row): SkippedEvent {
  return { eventId, event, subject, at, why: 'repeated', failedConditions: [] };
}
