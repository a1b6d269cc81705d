import { DurableObject } from 'cloudflare:workers';
import {
  addCounts,
  addEndpoints,
  addFaults,
  addOrganizations,
  type Counts,
  type IsolateFigures,
  type Minute,
  minuteAt,
  type Sample,
  type Sizes,
} from '../domain/service/figures.ts';

/** Minutes that are kept: a day's. */
export const KEPT_MINUTES = 1_440;
/**
 * However much is told, a row is written no more often. What waits for it has a timer, which keeps the object: one that is idle can be hibernated
 * after 10 s (Durable Objects), and isolates tell every 24 s. While it waits the object is billed, $4.15 for a month on end: the shorter, the less
 * where little is told; at 2 s the rows are $1.30 at most.
 */
export const WRITE_EVERY_MS = 2_000;
/** Kinds of faults that are summed up, at most: each is a series of the metrics. */
export const MAX_FAULT_TOTALS = 200;

/** Sums since the Meter was made: they only grow, as Prometheus has counters. */
export interface Totals {
  counts: Counts;
  /** By log event. */
  faults: Record<string, number>;
  /** As the cron has counted them last, an hour ago at most. Null: it has not yet. */
  sizes: Sizes | null;
  /** When the cron last told what it saw; milliseconds since the epoch. Missing: it never has. */
  sampledAt?: number;
  /** When somebody first told or asked; milliseconds since the epoch. Missing: before that was noted. */
  since?: number;
}

/** What the Meter answers. */
export interface Reading {
  /** The latest first; those of which nothing is known are missing. */
  minutes: Minute[];
  totals: Totals;
}

interface Row {
  minute: Minute;
  totals: Totals;
}

/** Since when something has been seen to be in force, by what it is. */
export type SeenSince = Record<string, number>;

const SINCE = 'since';
const SEEN = 'seen';
const ENDED = 'ended:';

const SQL = {
  // A place is used again a day later, so that nothing has to be deleted: one row is written for what is told, whatever it is.
  make: 'CREATE TABLE IF NOT EXISTS minutes (place INTEGER PRIMARY KEY, minute INTEGER NOT NULL, data TEXT NOT NULL)',
  put: 'INSERT OR REPLACE INTO minutes (place, minute, data) VALUES (?, ?, ?)',
  at: 'SELECT minute, data FROM minutes WHERE place = ?',
  newest: 'SELECT minute, data FROM minutes ORDER BY minute DESC LIMIT 1',
} as const;

/**
 * How the whole service is doing, minute by minute, for the operator's pages and metrics: one object, told by isolates of what they have counted in
 * some seconds (gathered.ts), by outboxes of what has failed (outbox/reports/ended.ts), and by the cron of what it has seen (upkeep/sampling.ts). Nothing on an event's
 * way waits for it. It also knows which sessions of operators were ended before their time, so that these pages need no database.
 */
export class Meter extends DurableObject<Env> {
  /** The newest minute, with what is not written yet. */
  #latest: Row | null = null;
  #isWritten = true;
  #writtenAt = 0;
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    ctx.storage.sql.exec(SQL.make);
  }

  /** Adds what an isolate has counted to the minute that it is. */
  async tell(figures: IsolateFigures): Promise<void> {
    this.#change((row) => addFigures(row, figures));
    const waitMs = this.#writtenAt + WRITE_EVERY_MS - Date.now();
    // A clock that was ahead: nothing waits for longer.
    if (waitMs <= 0 || waitMs > WRITE_EVERY_MS) this.#write();
    else this.#timer ??= setTimeout(() => this.#write(), waitMs);
  }

  /** Keeps what the cron has seen, with what its isolate has counted. */
  async sample(sample: Sample, figures: IsolateFigures): Promise<void> {
    this.#change((row) => {
      addFigures(row, figures);
      row.minute.sample = sample;
      row.totals.sizes = sample.sizes ?? row.totals.sizes;
      row.totals.sampledAt = sample.at;
    });
    this.#write();
  }

  /** The latest minutes. @param count how many minutes back, this one included: up to KEPT_MINUTES */
  async read(count: number): Promise<Reading> {
    // A sum that was seen never goes back, whatever becomes of this object: Prometheus would take it for a new beginning.
    if (!this.#isWritten) this.#write();
    const now = minuteAt(Date.now());
    const minutes: Minute[] = [];
    for (let minute = now; minute > now - Math.min(count, KEPT_MINUTES); minute--) {
      const row = this.#at(minute);
      if (row) minutes.push(row.minute);
    }
    return { minutes, totals: this.#newest()?.totals ?? this.#noTotals() };
  }

  /** Notes since when each of some things is in force, as far as is known: since it was first seen here. What is missing is forgotten. */
  async see(inForce: readonly string[], now: number): Promise<SeenSince> {
    const { kv } = this.ctx.storage;
    const before = kv.get<SeenSince>(SEEN) ?? {};
    const seen = Object.fromEntries(inForce.map((name) => [name, before[name] ?? now]));
    if (JSON.stringify(seen) !== JSON.stringify(before)) kv.put(SEEN, seen);
    return seen;
  }

  /** An operator's session is over before its time. @param until when it would have ended by itself; milliseconds since the epoch */
  async endSession(id: string, until: number): Promise<void> {
    const { kv } = this.ctx.storage;
    for (const [key, at] of [...kv.list<number>({ prefix: ENDED })]) if (at <= Date.now()) kv.delete(key);
    kv.put(ENDED + id, until);
  }

  /** Whether an operator's session was ended. */
  async isEnded(id: string): Promise<boolean> {
    return this.ctx.storage.kv.get(ENDED + id) !== undefined;
  }

  /** The totals before anything was told. When somebody first asked is noted by itself until there is a row that it stands in. */
  #noTotals(): Totals {
    const { kv } = this.ctx.storage;
    const known = kv.get<number>(SINCE);
    const since = known ?? Date.now();
    if (known === undefined) kv.put(SINCE, since);
    return { counts: {}, faults: {}, sizes: null, since };
  }

  #change(change: (row: Row) => void): void {
    const now = minuteAt(Date.now());
    const newest = this.#newest();
    // Clocks can go back a little: what is newer stays the newest.
    if (newest && newest.minute.minute >= now) change(newest);
    else {
      if (!this.#isWritten) this.#write();
      const minute: Minute = { minute: now, figures: { counts: {}, faults: {}, organizations: [] }, sample: null };
      this.#latest = { minute, totals: newest?.totals ?? this.#noTotals() };
      change(this.#latest);
    }
    this.#isWritten = false;
  }

  #write(): void {
    // One that is left would keep the object awake, and billed.
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    const row = this.#latest;
    if (!row) return;
    const { minute } = row.minute;
    this.ctx.storage.sql.exec(SQL.put, minute % KEPT_MINUTES, minute, JSON.stringify(row));
    this.#isWritten = true;
    this.#writtenAt = Date.now();
  }

  #newest(): Row | null {
    if (this.#latest) return this.#latest;
    const [stored] = this.ctx.storage.sql.exec<{ data: string }>(SQL.newest).toArray();
    this.#latest = stored ? (JSON.parse(stored.data) as Row) : null;
    return this.#latest;
  }

  #at(minute: number): Row | null {
    const newest = this.#newest();
    if (newest?.minute.minute === minute) return newest;
    const [stored] = this.ctx.storage.sql.exec<{ minute: number; data: string }>(SQL.at, minute % KEPT_MINUTES).toArray();
    return stored?.minute === minute ? (JSON.parse(stored.data) as Row) : null;
  }
}

function addFigures({ minute, totals }: Row, { counts, faults, organizations, endpoints }: IsolateFigures): void {
  const { figures } = minute;
  addCounts(figures.counts, counts);
  addFaults(figures.faults, faults);
  figures.organizations = addOrganizations(figures.organizations, organizations);
  if (endpoints) figures.endpoints = addEndpoints(figures.endpoints ?? [], endpoints);
  addCounts(totals.counts, counts);
  for (const [event, { count }] of Object.entries(faults)) {
    const isKnown = event in totals.faults || Object.keys(totals.faults).length < MAX_FAULT_TOTALS;
    if (isKnown) totals.faults[event] = (totals.faults[event] ?? 0) + count;
  }
}
