import { type FilteredBundle, latestFirst, MAX_SKIPPED, type SkippedEvent, withoutSubject } from '../../domain/delivery/skipped-event.ts';
import { dayOf } from '../../domain/text/day.ts';

/**
 * As rows keep them: how many by the start of a slot, and the latest. Among the former stands how many this webhook counts as used: a version that is
 * rolled back to leaves it there.
 */
type Counts = { [slot: number]: number; events?: number };
type Row = { day: number; counts: string; latest: string };

const SQL = {
  day: 'SELECT day, counts, latest FROM filtered_days WHERE day = ?',
  keep: 'INSERT OR REPLACE INTO filtered_days (day, counts, latest) VALUES (?, ?, ?)',
  before: 'SELECT day, latest FROM filtered_days WHERE day < ? ORDER BY day DESC LIMIT 1',
  latest: 'SELECT day, latest FROM filtered_days WHERE day <= ?',
  keepLatest: 'UPDATE filtered_days SET latest = ? WHERE day = ?',
  counts: 'SELECT counts FROM filtered_days WHERE day >= ?',
  countsBefore: 'SELECT day, counts FROM filtered_days WHERE day < ?',
  forget: 'DELETE FROM filtered_days WHERE day < ?',
} as const;

/**
 * The events that the webhook's filter has kept back, as consumers tell of them: a row for each day of acceptance, with how many there were in
 * each of its slots, and its latest.
 */
export class FilteredEvents {
  readonly #sql: () => SqlStorage;

  constructor(sql: () => SqlStorage) {
    this.#sql = sql;
  }

  add({ counts, events, latest }: FilteredBundle): void {
    const listed: SkippedEvent[] = latest.map((each) => ({ ...each, why: 'filtered' }));
    for (const [day, slots] of Map.groupBy(counts, ([slot]) => dayOf(slot))) {
      const [row] = this.#sql().exec<Row>(SQL.day, day).toArray();
      const sums: Counts = row ? JSON.parse(row.counts) : {};
      for (const [slot, count] of slots) sums[slot] = (sums[slot] ?? 0) + count;
      if (events?.has(day)) sums.events = (sums.events ?? 0) + (events.get(day) ?? 0);
      const known: SkippedEvent[] = row ? JSON.parse(row.latest) : [];
      const kept = [...listed.filter(({ at }) => dayOf(at) === day), ...known].sort(latestFirst).slice(0, MAX_SKIPPED);
      this.#sql().exec(SQL.keep, day, JSON.stringify(sums), JSON.stringify(kept));
    }
  }

  /** The latest of them, the latest first. */
  latest(): SkippedEvent[] {
    const latest: SkippedEvent[] = [];
    for (let before = Number.MAX_SAFE_INTEGER; latest.length < MAX_SKIPPED; ) {
      const [row] = this.#sql().exec<Pick<Row, 'day' | 'latest'>>(SQL.before, before).toArray();
      if (!row) break;
      latest.push(...(JSON.parse(row.latest) as SkippedEvent[]));
      before = row.day;
    }
    return latest.slice(0, MAX_SKIPPED);
  }

  /** Forgets whom those are about that were accepted before a time: no event tells any more whether it is somebody who was erased. */
  forgetSubjects(before: number): void {
    for (const { day, latest } of this.#sql().exec<Pick<Row, 'day' | 'latest'>>(SQL.latest, dayOf(before)).toArray()) {
      const skipped = (JSON.parse(latest) as SkippedEvent[]).map((each) => (each.at < before ? withoutSubject(each) : each));
      this.#sql().exec(SQL.keepLatest, JSON.stringify(skipped), day);
    }
  }

  /** How many were accepted from a time on, by the start of a slot. */
  *counts(from: number): Generator<[slot: number, count: number]> {
    for (const { counts } of this.#sql().exec<Pick<Row, 'counts'>>(SQL.counts, dayOf(from)).toArray()) {
      for (const [slot, count] of Object.entries(JSON.parse(counts) as Counts)) if (Number(slot) >= from) yield [Number(slot), count];
    }
  }

  /** How many events of a day this webhook counts as used. */
  eventsOf(day: number): number {
    const [row] = this.#sql().exec<Row>(SQL.day, day).toArray();
    return row ? eventsIn(row) : 0;
  }

  /** The same of each day that ended before a time. */
  eventsBefore(before: number): [day: number, events: number][] {
    const rows = this.#sql().exec<Pick<Row, 'day' | 'counts'>>(SQL.countsBefore, dayOf(before)).toArray();
    return rows.map((row) => [row.day, eventsIn(row)]);
  }

  /** Forgets the days that ended before a time. */
  forgetBefore(before: number): void {
    this.#sql().exec(SQL.forget, dayOf(before));
  }
}

function eventsIn({ counts }: Pick<Row, 'counts'>): number {
  return (JSON.parse(counts) as Counts).events ?? 0;
}
