import { keyedHash } from '../domain/access/keyed-hash.ts';
import type { NewDelivery } from '../domain/delivery/delivery.ts';
import { isOperational } from '../domain/event/operational-event.ts';
import { foldedValue, type Person } from '../domain/event/person.ts';
import { subjectOf } from '../domain/event/subject.ts';
import type { Choices, Once } from '../domain/rules/choices.ts';
import { isSameOnce, onceValueOf } from '../domain/rules/once.ts';
import { DAY_MS, dayOf } from '../domain/text/day.ts';
import { logWarning } from '../log.ts';
import type { Store } from './books/store.ts';
import { Tables } from './books/tables.ts';

/** Tables over which a value's days are spread: it is looked for in so many and one or two more. */
const SPANS = 8;
/** For so long after its days a value is still known, for events that come late. Queues: a message is kept for 4 days. */
const LATE_DAYS = 4;
const KEY_BYTES = 32;

const KEY = 'once';

const SQL = {
  make: (table: string) => [
    `CREATE TABLE ${table}
      (hash BLOB NOT NULL, accepted_at INTEGER NOT NULL, event_id TEXT NOT NULL, PRIMARY KEY (hash, accepted_at)) WITHOUT ROWID`,
  ],
  add: (table: string) => `INSERT INTO ${table} (hash, accepted_at, event_id) VALUES (?, ?, ?)`,
  within: (table: string) => `SELECT event_id FROM ${table} WHERE hash = ? AND accepted_at > ? AND accepted_at < ?`,
  forget: (table: string) => `DELETE FROM ${table} WHERE hash = ? AND accepted_at <= ?`,
  remove: (table: string) => `DELETE FROM ${table} WHERE hash = ? AND accepted_at = ?`,
} as const;

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** What is kept beside the tables. */
interface Kept {
  /** As the owner wants it; null: every event is to go out. */
  once: Once | null;
  /** When the configuration was read by which that changed; milliseconds since the epoch. */
  readAt: number;
  /** The key of the hashes, known to this outbox alone. Values that start afresh have a new one. */
  key: Uint8Array;
}

/** The days of acceptance that a table is of: from the first to before the other, since the epoch. */
interface Span {
  name: string;
  from: number;
  to: number;
}

type Row = { event_id: string };

/**
 * The values that have gone out, where a webhook's owner wants each once within some days: as keyed hashes, each with when its event was
 * accepted, and which that was. A value is kept in the turn in which its event is let through, and so before an attempt begins (Durable Objects:
 * what a turn sends waits until what it wrote is durable); the event that it belongs to passes again, should its message come again. Days
 * count between times of acceptance, in whichever order events come. Tables are of a span of days of acceptance, so that values are forgotten
 * without a delete.
 */
export class UsedValues {
  readonly #kv: SyncKvStorage;
  readonly #store: Store;
  readonly #webhookId: string;
  readonly #spans: Tables;
  /** Null: nothing ever was. Undefined: not read yet. */
  #kept: Kept | null | undefined;
  /** When the latest configuration was read that was adopted. */
  #readAt = Number.NEGATIVE_INFINITY;
  /** What the latest admit() has added, by its delivery: the table, the hash, when it was accepted. */
  #added = new Map<string, [table: string, hash: Uint8Array, acceptedAt: number]>();

  constructor(kv: SyncKvStorage, store: Store, webhookId: string) {
    this.#kv = kv;
    this.#store = store;
    this.#webhookId = webhookId;
    this.#spans = new Tables(() => store.sql, 'once_', SQL.make);
  }

  /**
   * Takes what the owner wants from now on, as a consumer has read it. An older configuration than is known changes nothing, nor does one of a
   * version that does not know of it. Another path starts afresh.
   * @param readAt when it was read
   */
  adopt(choices: Choices | null | undefined, readAt: number): void {
    const kept = this.#read();
    if (choices === undefined || readAt <= this.#readAt) return;
    const once = choices?.once ?? null;
    const isSame = isSameOnce(once, kept?.once ?? null);
    if (!isSame || once?.days !== kept?.once?.days) this.#keep({ once, readAt, key: isSame && kept ? kept.key : newKey() }, isSame);
    this.#readAt = readAt;
  }

  /** Lets new deliveries through but those whose value has gone out: these are counted as repeated, each once. */
  admit(news: readonly NewDelivery[]): readonly NewDelivery[] {
    this.#added.clear();
    const kept = this.#read();
    if (!kept?.once || news.length === 0) return news;
    const { once, key } = kept;
    return this.#undoable(() => news.filter((delivery) => this.#lets(delivery, once, key)));
  }

  /** Deliveries that were let through just now are lost after all: their values have not gone out. */
  release(deliveries: readonly NewDelivery[]): void {
    for (const { id } of deliveries) {
      const [table, ...place] = this.#added.get(id) ?? [];
      if (table) this.#store.sql.exec(SQL.remove(table), ...place);
    }
  }

  /** Forgets a value that events accepted until a time have used up: that of a person who is erased. */
  forgetValue({ field, value }: Person, until: number): void {
    const kept = this.#read();
    if (kept?.once?.per !== field) return;
    // As a text has it, and as a number, true or false.
    for (const form of [JSON.stringify(foldedValue(value)), value.trim()]) {
      const hash = keyedHash(kept.key, form);
      for (const { name } of this.#list()) this.#store.sql.exec(SQL.forget(this.#spans.of(name)), hash, until);
    }
  }

  /** Forgets the values whose days have all ended, and the repeated events of days that ended before a time. */
  forget(now: number, repeatedBefore: number): void {
    const kept = this.#read();
    if (!kept) return;
    this.#store.repeated.dropBefore(repeatedBefore);
    const days = kept.once?.days ?? 0;
    for (const { name, to } of this.#list()) if ((to + days + LATE_DAYS) * DAY_MS <= now) this.#spans.drop(name);
  }

  /** The outbox has no room left: forgets the oldest repeated events, or, where there are none, values. Returns whether there were any. */
  forgetOldest(): boolean {
    if (!this.#read()) return false;
    if (this.#store.repeated.dropOldest()) return true;
    const [oldest] = this.#list().sort((a, b) => a.from - b.from);
    if (!oldest) return false;
    this.#spans.drop(oldest.name);
    logWarning('outbox.values_forgotten', { webhook: this.#webhookId, acceptedBefore: new Date(oldest.to * DAY_MS).toISOString() });
    return true;
  }

  /** The storage has been emptied. */
  reset(): void {
    this.#kept = undefined;
    this.#readAt = Number.NEGATIVE_INFINITY;
    this.#spans.reset();
  }

  #lets(delivery: NewDelivery, { per, days }: Once, key: Uint8Array): boolean {
    const { id, eventId, event, acceptedAt, payload } = delivery;
    if (isOperational(event)) return true;
    const source = decoder.decode(payload);
    const content: unknown = JSON.parse(source);
    const value = onceValueOf(content, per, source);
    if (value === null) return true;
    const hash = keyedHash(key, value);
    const found = this.#within(days, hash, acceptedAt);
    if (found.some((row) => row.event_id === eventId)) return true;
    if (found.length > 0) {
      this.#store.addRepeated(delivery, subjectOf(event, content));
      return false;
    }
    const table = this.#tableOf(dayOf(acceptedAt), days);
    this.#store.sql.exec(SQL.add(table), hash, acceptedAt, eventId);
    this.#added.set(id, [table, hash, acceptedAt]);
    return true;
  }

  /** The events with a value that were accepted less than so many days before or after a time. */
  #within(days: number, hash: Uint8Array, at: number): Row[] {
    const [after, before] = [at - days * DAY_MS, at + days * DAY_MS];
    const near = this.#list().filter(({ from, to }) => from * DAY_MS < before && to * DAY_MS > after);
    return near.flatMap(({ name }) => this.#store.sql.exec<Row>(SQL.within(this.#spans.of(name)), hash, after, before).toArray());
  }

  /** The table of a day of acceptance; one that is made now is of as many days as none has that is there. */
  #tableOf(day: number, days: number): string {
    const spans = this.#list();
    const known = spans.find(({ from, to }) => from <= day && day < to);
    if (known) return this.#spans.of(known.name);
    const length = Math.ceil(days / SPANS);
    const first = Math.floor(day / length) * length;
    // Those of a time when the owner wanted other days.
    const from = Math.max(first, ...spans.filter(({ to }) => to <= day).map(({ to }) => to));
    const to = Math.min(first + length, ...spans.filter((span) => span.from > day).map((span) => span.from));
    return this.#spans.made(`${from}_${to}`);
  }

  #list(): Span[] {
    if (this.#store.isEmpty) return [];
    return [...this.#spans.names()].map((name) => {
      const [from = 0, to = 0] = name.split('_').map(Number);
      return { name, from, to };
    });
  }

  #read(): Kept | null {
    if (this.#kept === undefined) {
      this.#kept = this.#kv.get<Kept>(KEY) ?? null;
      this.#readAt = Math.max(this.#readAt, this.#kept?.readAt ?? 0);
    }
    return this.#kept;
  }

  #keep(kept: Kept, isSame: boolean): void {
    this.#undoable(() => {
      if (!isSame) for (const { name } of this.#list()) this.#spans.drop(name);
      this.#kv.put(KEY, kept);
    });
    this.#kept = kept;
  }

  /** A change that is made as a whole or not at all. */
  #undoable<T>(change: () => T): T {
    try {
      return this.#store.atomically(change);
    } catch (error) {
      this.#spans.reset();
      this.#added.clear();
      throw error;
    }
  }
}

function newKey(): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(KEY_BYTES));
}
