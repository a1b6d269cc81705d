import type { AttemptRecord, Contents, DeliveryPosition, NewDelivery } from '../../domain/delivery/delivery.ts';
import type { DeliveryState } from '../../domain/delivery/lifecycle.ts';
import { DAY_MS, dayOf } from '../../domain/text/day.ts';
import type { StoredDelivery } from '../books/delivery-row.ts';
import { UseByDay } from '../books/kept-use.ts';
import {
  type ArchivedDelivery,
  allContentsOf,
  type Bundle,
  type BundledDelivery,
  bodyOf,
  bundleOfAll,
  bundlesOf,
  countHeads,
  headsOf,
  MAX_SPAN_MS,
  openDeliveriesOf,
  split,
} from './bundle.ts';

/** Bundles that can begin in one millisecond: their places are its number times this, and what follows (safe integers: to the year 2248). */
const PLACES = 1_024;
/** The last millisecond whose places are safe integers. */
const MAX_TIME = Math.floor(Number.MAX_SAFE_INTEGER / PLACES);
/** Bundles read in one step, and of those whose deliveries are only counted. */
const STEP_BUNDLES = 20;
const COUNTED_BUNDLES = 50;
/** The same of the first step of a list or a search, which can be a glance; of each that follows twice as many, up to the others' size. */
const FIRST_STEP_BUNDLES = 2;

type Row = { place: number; heads: string; bodies: ArrayBuffer };

/** A place in the log up to which it has been looked through. */
export type Mark = DeliveryPosition & { state?: undefined };

/** Gives those of a bundle's deliveries that are looked for. @param bodies reads what they carry; null where the bundle has gone */
type Sift = (heads: string, bodies: () => ArrayBuffer | null) => readonly StoredDelivery[];

/** Deliveries that are stored as one row while their first attempts run, or are about to. */
export interface OpenBundle {
  day: number;
  /** Its place in the log once it is closed; until then its row has the negative of it. */
  place: number;
  ids: readonly string[];
}

/**
 * The log of what went as nearly everything goes: delivered at the first attempt. What a deliver() brings of it is one bundle, which
 * is one row; and each day of acceptance has a table of its own, so that forgetting it is dropping the table. Rows are billed when
 * they are written and when they are deleted, tables are not when they are dropped: a delivery costs a row, or a second write of it
 * where it outlasts its call, and in company a part of that. (As a row of its own in `deliveries` it was two, and 4.7 kB.)
 *
 * A bundle can be open: its deliveries' first attempts have not ended. Its row stands below 0, so that what is open is found without an
 * index, and closing it is one update: a row that is written when attempts run and completed when they end needs no delete. Which are
 * open is known to memory; an object that is loaded takes out those that the one before it has left (takeOpen).
 */
export class Archive {
  readonly #sql: () => SqlStorage;
  readonly #lost: (uses: UseByDay) => void;
  /** The days that have a table; null: not looked at yet. */
  #known: Set<number> | null = null;
  /** When the latest bundle begins: a later one meets none in its millisecond. Null: not looked at yet. */
  #latestAt: number | null = null;
  /** Places that open bundles are to have, by day. */
  readonly #reserved = new Set<string>();

  /** @param lost is told what use goes with the oldest bundles */
  constructor(sql: () => SqlStorage, lost: (uses: UseByDay) => void = () => {}) {
    this.#sql = sql;
    this.#lost = lost;
  }

  /** A change was undone: which days have a table is looked at anew. */
  reset(): void {
    this.#known = null;
  }

  /** The storage has been emptied, and nothing is open any more. */
  empty(): void {
    this.#known = null;
    this.#latestAt = null;
    this.#reserved.clear();
  }

  /** Adds deliveries that are in neither log. */
  add(deliveries: readonly ArchivedDelivery[]): void {
    for (const bundle of bundlesOf(deliveries, dayOf)) {
      const day = dayOf(bundle.firstAt);
      this.#insert(this.#makeTable(day), this.#nextPlace(day, bundle.firstAt), bundle);
    }
  }

  /** Stores deliveries whose first attempts run, or are about to. */
  open(deliveries: readonly BundledDelivery[]): OpenBundle[] {
    return bundlesOf(deliveries, dayOf).map((bundle) => {
      const day = dayOf(bundle.firstAt);
      const table = this.#makeTable(day);
      const place = this.#nextPlace(day, bundle.firstAt);
      this.#insert(table, -place, bundle);
      this.#reserved.add(`${day}:${place}`);
      return { day, place, ids: bundle.ids };
    });
  }

  /** An open bundle's attempts have ended: these were delivered at once. The others have rows of their own by now. */
  close({ day, place }: OpenBundle, deliveries: readonly ArchivedDelivery[]): void {
    const [bundle, ...others] = bundlesOf(deliveries, dayOf);
    if (!bundle) this.#sql().exec(`DELETE FROM ${tableOf(day)} WHERE place = ?`, -place);
    else {
      const { lastAt, heads, bodies } = bundle;
      const update = `UPDATE ${tableOf(day)} SET place = ?, last_at = ?, heads = ?, bodies = ? WHERE place = ?`;
      this.#sql().exec(update, place, lastAt, heads, bodies, -place);
    }
    // With their attempts they can be too many for one.
    for (const { firstAt, ...rest } of others) this.#insert(this.#makeTable(day), this.#nextPlace(day, firstAt), { firstAt, ...rest });
  }

  /** What was closed is stored so: its place is no longer only promised. */
  closed({ day, place }: OpenBundle): void {
    this.#reserved.delete(`${day}:${place}`);
  }

  /** Of an open bundle these are left. */
  keepOpen({ day, place }: OpenBundle, deliveries: readonly BundledDelivery[]): void {
    const { lastAt, heads, bodies } = bundleOfAll(deliveries);
    this.#sql().exec(`UPDATE ${tableOf(day)} SET last_at = ?, heads = ?, bodies = ? WHERE place = ?`, lastAt, heads, bodies, -place);
  }

  /** What an object that has vanished had left open: it is taken out, for rows of its own. */
  takeOpen(): { delivery: NewDelivery; attempt: AttemptRecord | null }[] {
    return [...this.#days()].flatMap((day) => {
      const left = this.#sql()
        .exec<Row>(`SELECT place, heads, bodies FROM ${tableOf(day)} WHERE place < 0`)
        .toArray();
      if (left.length > 0) this.#sql().exec(`DELETE FROM ${tableOf(day)} WHERE place < 0`);
      return left.flatMap(({ heads, bodies }) => openDeliveriesOf(heads, bodies));
    });
  }

  /** When the newest of what is archived was accepted; null where nothing is. It was delivered about then. */
  newestAt(): number | null {
    for (const day of [...this.#days()].sort((a, b) => b - a)) {
      const [{ last }] = this.#sql()
        .exec<{ last: number | null }>(`SELECT max(place) AS last FROM ${tableOf(day)}`)
        .toArray() as [{ last: number | null }];
      if (last !== null && last > 0) return Math.floor(last / PLACES);
    }
    return null;
  }

  /** When the oldest day ends of which something is archived; null where nothing is. */
  oldestDayEndsAt(): number | null {
    const days = [...this.#days()];
    return days.length === 0 ? null : (Math.min(...days) + 1) * DAY_MS;
  }

  find(position: DeliveryPosition): StoredDelivery | null {
    return this.#bundleWith(position, 'place, heads')?.stored ?? null;
  }

  /** The ids of what was accepted at some times, and of some more. */
  idsAround(times: readonly number[]): ReadonlySet<string> {
    const ids = new Set<string>();
    let from = Number.NEGATIVE_INFINITY;
    for (const at of [...times].sort((a, b) => a - b)) {
      // Those up to here were read with the one before.
      if (at <= from + MAX_SPAN_MS && dayOf(at) === dayOf(from)) continue;
      from = at;
      for (const { heads } of this.#around(at, at + MAX_SPAN_MS, 'heads')) for (const { id } of headsOf(heads)) ids.add(id);
    }
    return ids;
  }

  /** The bundle that a delivery is in; null where it is not here. */
  bundleOf(position: DeliveryPosition): Pick<Row, 'heads' | 'bodies'> | null {
    return this.#bundleWith(position, 'heads, bodies')?.row ?? null;
  }

  /** What a delivery carries; null where it is not here. */
  contents(position: DeliveryPosition): Contents | null {
    return this.#body(position)?.contents ?? null;
  }

  attempt(position: DeliveryPosition): AttemptRecord | null {
    return this.#body(position)?.attempt ?? null;
  }

  /** Takes a delivery out: it is about to change. Null where it is not here. */
  take(position: DeliveryPosition): ArchivedDelivery | null {
    const found = this.#bundleWith(position, 'place, heads');
    if (!found) return null;
    return this.takeAll(found.row.place, new Set([position.id]))[0] ?? null;
  }

  /** Takes several deliveries out of the bundle at a place. */
  takeAll(place: number, ids: ReadonlySet<string>): ArchivedDelivery[] {
    const table = tableOf(dayOf(Math.floor(place / PLACES)));
    const [row] = this.#sql().exec<Row>(`SELECT place, heads, bodies FROM ${table} WHERE place = ?`, place).toArray();
    if (!row) return [];
    const { taken, rest } = split(row.heads, row.bodies, ids);
    this.#sql().exec(`DELETE FROM ${table} WHERE place = ?`, place);
    if (rest) this.#insert(table, place, rest);
    return taken;
  }

  /** The bundles after a place, oldest first, of events accepted before a time; the latest of them can have some that were accepted then or later. */
  *after(place: number, before: number): Generator<{ place: number; deliveries: StoredDelivery[] }> {
    for (const row of this.#rowsAfter(place, before, 'place, heads', STEP_BUNDLES))
      yield { place: row.place, deliveries: headsOf(row.heads) };
  }

  /** The same with what their deliveries carry. */
  *contentsAfter(
    place: number,
    before: number,
  ): Generator<{ place: number; deliveries: { delivery: StoredDelivery; contents: Contents }[] }> {
    for (const row of this.#rowsAfter(place, before, 'place, heads, bodies', 1)) {
      const contents = allContentsOf(row.heads, row.bodies);
      const deliveries = headsOf(row.heads).flatMap((delivery) => {
        const carried = contents.get(delivery.id);
        return carried ? [{ delivery, contents: carried }] : [];
      });
      yield { place: row.place, deliveries };
    }
  }

  /** Deliveries before a place in the log, newest first, of events accepted at a time or later. */
  *before(start: DeliveryPosition, from: number): Generator<StoredDelivery> {
    for (const each of this.search(start, from, headsOf)) if (each.state) yield each;
  }

  /** The same of those that are looked for; and in between, after each step, how far it has come. */
  *search(start: DeliveryPosition, from: number, sift: Sift): Generator<StoredDelivery | Mark> {
    for (const day of [...this.#days()].sort((a, b) => b - a)) {
      if (day > dayOf(start.createdAt)) continue;
      if ((day + 1) * DAY_MS <= from) return;
      for (const each of this.#ofDay(day, start.createdAt, from, sift)) {
        if (each.createdAt < from) return;
        if (isBefore(each, start)) yield each;
      }
    }
  }

  /** Whether it has deliveries of a day, or had. */
  has(day: number): boolean {
    return this.#days().has(day);
  }

  /** The days that ended before a time, the oldest first. */
  daysBefore(before: number): number[] {
    return [...this.#days()].filter((day) => (day + 1) * DAY_MS <= before).sort((a, b) => a - b);
  }

  /** Drops the days that ended before a time. Returns the end of the last of them; null where there was none. */
  dropBefore(before: number): number | null {
    const dropped = this.daysBefore(before);
    for (const day of dropped) this.#drop(day);
    return dropped.length === 0 ? null : (Math.max(...dropped) + 1) * DAY_MS;
  }

  /** The day that dropOldest() drops whole, because there are others; null: there are none. */
  oldestOfSeveral(): number | null {
    const [oldest, ...others] = [...this.#days()].sort((a, b) => a - b);
    return oldest === undefined || others.length === 0 ? null : oldest;
  }

  /**
   * Drops the oldest day, or of the only one its oldest bundles, whose use it says (`lost`): of a whole day that would take too long here.
   * Returns since when everything is still there; null: nothing was.
   */
  dropOldest(): number | null {
    const [oldest, ...others] = [...this.#days()].sort((a, b) => a - b);
    if (oldest === undefined) return null;
    if (others.length > 0) {
      this.#drop(oldest);
      return (oldest + 1) * DAY_MS;
    }
    const query = `SELECT place, heads FROM ${tableOf(oldest)} WHERE place > 0 ORDER BY place LIMIT ?`;
    const rows = this.#sql().exec<Pick<Row, 'place' | 'heads'>>(query, STEP_BUNDLES).toArray();
    const last = rows.at(-1);
    // Of the only day what comes next is still there.
    if (!last || rows.length < STEP_BUNDLES) this.#drop(oldest);
    else this.#sql().exec(`DELETE FROM ${tableOf(oldest)} WHERE place > 0 AND place <= ?`, last.place);
    const uses = new UseByDay();
    for (const { heads } of rows) countHeads(uses, heads, 0, Number.MAX_SAFE_INTEGER);
    this.#lost(uses);
    return last ? keptAfter(last.place) : (oldest + 1) * DAY_MS;
  }

  /** Counts the use of what was accepted from a time to before another one of its day, in bounded steps. */
  *countUse(uses: UseByDay, from: number, to: number): Generator<void> {
    const table = tableOf(dayOf(from));
    const query = `SELECT place, heads FROM ${table} WHERE place > ? AND place < ? ORDER BY place LIMIT ?`;
    let after = Math.max(0, placeBefore(from));
    // It can be dropped between two steps.
    while (this.#days().has(dayOf(from))) {
      const rows = this.#sql()
        .exec<Pick<Row, 'place' | 'heads'>>(query, after, to * PLACES, COUNTED_BUNDLES)
        .toArray();
      for (const { heads } of rows) countHeads(uses, heads, from, to);
      const last = rows.at(-1);
      if (!last || rows.length < COUNTED_BUNDLES) return;
      after = last.place;
      yield;
    }
  }

  /** A day's deliveries accepted up to a time, newest first, and some before another time. */
  *#ofDay(day: number, until: number, from: number, sift: Sift): Generator<StoredDelivery | Mark> {
    let read: StoredDelivery[] = [];
    const above = Math.max(0, placeBefore(from));
    let below = Math.min(until + 1, MAX_TIME) * PLACES;
    let atOnce = FIRST_STEP_BUNDLES;
    for (let more = true; more; atOnce = Math.min(2 * atOnce, STEP_BUNDLES)) {
      const rows = this.#sql()
        .exec<Row>(
          `SELECT place, heads FROM ${tableOf(day)} WHERE place > ? AND place < ? ORDER BY place DESC LIMIT ?`,
          above,
          below,
          atOnce,
        )
        .toArray();
      more = rows.length === atOnce;
      below = rows.at(-1)?.place ?? 0;
      const found = rows.flatMap(({ place, heads }) => sift(heads, () => this.#bodies(day, place)));
      read = [...read, ...found].sort(newestFirst);
      // What is still to be read began no later than the last bundle, and none spans more than this.
      const certainAfter = more ? Math.floor(below / PLACES) + MAX_SPAN_MS : Number.NEGATIVE_INFINITY;
      const certain = read.findIndex(({ createdAt }) => createdAt <= certainAfter);
      yield* read.splice(0, certain === -1 ? read.length : certain);
      if (more) yield { createdAt: certainAfter + 1, id: '' };
    }
  }

  #bodies(day: number, place: number): ArrayBuffer | null {
    const query = `SELECT bodies FROM ${tableOf(day)} WHERE place = ?`;
    return this.#sql().exec<Pick<Row, 'bodies'>>(query, place).toArray()[0]?.bodies ?? null;
  }

  *#rowsAfter(place: number, before: number, columns: string, atOnce: number): Generator<Row> {
    const end = Math.min(before, MAX_TIME) * PLACES;
    let after = Math.max(place, 0);
    for (const day of [...this.#days()].sort((a, b) => a - b)) {
      if ((day + 1) * DAY_MS * PLACES <= after) continue;
      if (day * DAY_MS >= before) return;
      const query = `SELECT ${columns} FROM ${tableOf(day)} WHERE place > ? AND place < ? ORDER BY place LIMIT ?`;
      for (let more = true; more; ) {
        const rows = this.#sql().exec<Row>(query, after, end, atOnce).toArray();
        more = rows.length === atOnce;
        after = rows.at(-1)?.place ?? after;
        yield* rows;
      }
    }
  }

  #body(position: DeliveryPosition) {
    const found = this.#bundleWith(position, 'place, heads, bodies');
    return found && bodyOf(found.row.heads, found.row.bodies, position.id);
  }

  /** The bundle that a delivery is in, and the delivery. */
  #bundleWith({ createdAt, id }: DeliveryPosition, columns: string): { row: Row; stored: StoredDelivery } | null {
    // The text can stand in another's fields, too: what is parsed decides.
    for (const row of this.#around(createdAt, createdAt, columns, `"${id}"`)) {
      const stored = headsOf(row.heads).find((each) => each.id === id);
      if (stored) return { row, stored };
    }
    return null;
  }

  /** The bundles that can hold something accepted from a time to another one of its day, and that have a text in their heads. */
  #around(from: number, to: number, columns: string, text = ''): Row[] {
    const day = dayOf(from);
    if (!this.#days().has(day)) return [];
    const [first] = placesOf(from - MAX_SPAN_MS);
    const [, last] = placesOf(to);
    const where = 'place BETWEEN ? AND ? AND last_at >= ? AND instr(heads, ?) > 0';
    return this.#sql()
      .exec<Row>(`SELECT ${columns} FROM ${tableOf(day)} WHERE ${where}`, first, last, from, text)
      .toArray();
  }

  /** A free place for a bundle that begins at a moment. */
  #nextPlace(day: number, firstAt: number): number {
    const latestAt = this.#latestAt ?? this.newestAt() ?? 0;
    this.#latestAt = Math.max(latestAt, firstAt);
    if (firstAt > latestAt) return firstAt * PLACES;
    const [{ last }] = this.#sql()
      .exec<{ last: number | null }>(`SELECT max(place) AS last FROM ${tableOf(day)} WHERE place BETWEEN ? AND ?`, ...placesOf(firstAt))
      .toArray() as [{ last: number | null }];
    let place = last === null ? firstAt * PLACES : last + 1;
    while (this.#reserved.has(`${day}:${place}`)) place++;
    return place;
  }

  #insert(table: string, place: number, { lastAt, heads, bodies }: Bundle): void {
    this.#sql().exec(`INSERT INTO ${table} (place, last_at, heads, bodies) VALUES (?, ?, ?, ?)`, place, lastAt, heads, bodies);
  }

  #makeTable(day: number): string {
    const table = tableOf(day);
    if (this.#days().has(day)) return table;
    this.#sql().exec(
      `CREATE TABLE ${table} (place INTEGER PRIMARY KEY, last_at INTEGER NOT NULL, heads TEXT NOT NULL, bodies BLOB NOT NULL)`,
    );
    this.#days().add(day);
    return table;
  }

  /** Drops a day's table; where attempts of it still run, all of it but those. */
  #drop(day: number): void {
    if ([...this.#reserved].some((reserved) => reserved.startsWith(`${day}:`))) {
      this.#sql().exec(`DELETE FROM ${tableOf(day)} WHERE place > 0`);
      return;
    }
    this.#sql().exec(`DROP TABLE ${tableOf(day)}`);
    this.#days().delete(day);
  }

  #days(): Set<number> {
    this.#known ??= new Set(
      this.#sql()
        .exec<{ name: string }>("SELECT name FROM sqlite_master WHERE type = 'table' AND name GLOB 'archive_*'")
        .toArray()
        .map(({ name }) => Number(name.slice('archive_'.length))),
    );
    return this.#known;
  }
}

/** Whether a state is one that the archive keeps: delivered at the first attempt, as an event's delivery. */
export function isArchivable({ status, attemptCount, failures, trigger }: DeliveryState): boolean {
  return status === 'delivered' && attemptCount === 1 && failures === 0 && trigger === 'event';
}

/** Whether one delivery stands before another in the log. */
export function isBefore(a: DeliveryPosition, b: DeliveryPosition): boolean {
  return a.createdAt < b.createdAt || (a.createdAt === b.createdAt && a.id < b.id);
}

/** Sorts as the log stands: the newest first. */
export function newestFirst(a: DeliveryPosition, b: DeliveryPosition): number {
  return isBefore(a, b) ? 1 : -1;
}

function tableOf(day: number): string {
  return `archive_${day}`;
}

/** A place before all bundles that can hold something accepted at a time or later. */
export function placeBefore(at: number): number {
  return Math.max(0, at - MAX_SPAN_MS) * PLACES - 1;
}

/** When everything was accepted later than what is in the bundles up to a place. */
function keptAfter(place: number): number {
  return Math.floor(place / PLACES) + MAX_SPAN_MS + 1;
}

/** The first and the last place of a millisecond. */
function placesOf(at: number): [first: number, last: number] {
  return [at * PLACES, at * PLACES + PLACES - 1];
}
