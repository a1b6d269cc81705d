import type { DuePosition } from '../../domain/delivery/bulk.ts';
import {
  type AttemptRecord,
  acceptedOf,
  type Contents,
  type DeliveryPosition,
  type NewDelivery,
  withoutContents,
} from '../../domain/delivery/delivery.ts';
import type { DeliveryState } from '../../domain/delivery/lifecycle.ts';
import type { FilteredBundle } from '../../domain/delivery/skipped-event.ts';
import { HOUR_MS } from '../../domain/delivery/statistics.ts';
import { type Who, whoOfBytes } from '../../domain/event/subject.ts';
import { isKeyed, mintedAt } from '../../domain/ids.ts';
import { DAY_MS, dayOf } from '../../domain/text/day.ts';
import { countUse, noUse, type Use } from '../../domain/usage.ts';
import { Archive } from '../log/archive.ts';
import type { ArchivedDelivery } from '../log/bundle.ts';
import { FilteredEvents } from '../log/filtered.ts';
import { RepeatedEvents } from '../log/repeated.ts';
import {
  COLUMNS,
  CONTENTS,
  type ContentsRow,
  type Row,
  STATE,
  type StoredDelivery,
  toContents,
  toPosition,
  toStored,
  valuesOf,
  valuesOfContents,
} from './delivery-row.ts';
import { KeptUse, UseByDay } from './kept-use.ts';
import { MARK, Marks } from './marks.ts';
import { isMigrated, migrate } from './migrations.ts';
import { RecentIds } from './recent.ts';

/** Records of attempts that a delivery's own row has at most, in characters: a retry is one row then. Durable Objects: 2 MB a row. */
const MAX_INLINE_RECORDS = 250_000;
/** Rows looked at for one that was never attempted, and for one that was delivered. */
const LOOK_ROWS = 1_000;
/** Index entries counted in one step, and rows whose use is. */
const COUNT_STEP = 50_000;
const USED_STEP = 2_000;

const NO_PAYLOAD = new Uint8Array();
const DELIVERIES = 'deliveries';

/** What is counted of a delivery as used. */
const USED = 'created_at, id, event_id, event, attempt_count';
type UsedRow = Pick<Row, 'created_at' | 'id' | 'event_id' | 'event' | 'attempt_count'>;
type MarkedRow = UsedRow & { [MARK]: number | null };

/** Of what the index of unsuccessful deliveries has: those that can start over. */
const RECOVERABLE = "status IN ('failed', 'discarded') AND status IN (?, ?) AND reason IS NOT 'test_failed' AND expires_at > 0";

const SQL = {
  // Recording a delivery twice is a no-op; a row that breaks a CHECK is an error, and not silence.
  insert: `INSERT INTO deliveries (${COLUMNS}, first_attempt, ${CONTENTS})
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (created_at, id) DO NOTHING`,
  insertMarked: `INSERT INTO deliveries (${COLUMNS}, first_attempt, ${CONTENTS}, ${MARK})
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1) ON CONFLICT (created_at, id) DO NOTHING`,
  insertKeyed: 'INSERT INTO keyed_deliveries (id, created_at) VALUES (?, ?) ON CONFLICT (id) DO NOTHING',
  keyedCreatedAt: 'SELECT created_at FROM keyed_deliveries WHERE id = ?',
  find: `SELECT ${COLUMNS} FROM deliveries WHERE created_at = ? AND id = ?`,
  contents: `SELECT ${CONTENTS} FROM deliveries WHERE created_at = ? AND id = ?`,
  saveContents: `UPDATE deliveries SET (${CONTENTS}) = (?, ?, ?) WHERE created_at = ? AND id = ?`,
  save: `UPDATE deliveries SET (${STATE}) = (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) WHERE created_at = ? AND id = ?`,
  saveWithRecords: `UPDATE deliveries SET (${STATE}, first_attempt) = (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) WHERE created_at = ? AND id = ?`,
  saveRecords: 'UPDATE deliveries SET first_attempt = ? WHERE created_at = ? AND id = ?',
  records: 'SELECT first_attempt AS records FROM deliveries WHERE created_at = ? AND id = ?',
  saveRecord: 'INSERT OR REPLACE INTO attempts (delivery_id, number, record) VALUES (?, ?, ?)',
  furtherRecords: 'SELECT record FROM attempts WHERE delivery_id = ? ORDER BY number',
  after: `SELECT ${COLUMNS} FROM deliveries WHERE (created_at, id) > (?, ?) AND created_at < ? ORDER BY created_at, id LIMIT ?`,
  ended: `SELECT due_at, ${USED} FROM deliveries WHERE (created_at, id) > (?, ?) AND created_at < ?
    ORDER BY created_at, id LIMIT ?`,
  used: (mark: string) =>
    `SELECT ${USED}, ${mark} FROM deliveries WHERE (created_at, id) > (?, ?) AND created_at < ? ORDER BY created_at, id LIMIT ${USED_STEP}`,
  anyWithin: 'SELECT 1 FROM deliveries WHERE created_at >= ? AND created_at < ? LIMIT 1',
  marked: `SELECT id FROM deliveries WHERE (created_at, id) > (?, ?) AND (created_at, id) <= (?, ?) AND ${MARK} IS NOT NULL`,
  remove: 'DELETE FROM deliveries WHERE created_at = ? AND id = ?',
  removeRecords: 'DELETE FROM attempts WHERE delivery_id = ?',
  removeKeyed: 'DELETE FROM keyed_deliveries WHERE id = ?',
  removeErasure: 'DELETE FROM payload_erasures WHERE delivery_id = ?',
  forgetSession: 'UPDATE deliveries SET session_id = NULL WHERE created_at = ? AND id = ?',
  noteErasure: 'INSERT INTO payload_erasures (delivery_id, erased_at) VALUES (?, ?) ON CONFLICT DO NOTHING',
  payloadErasedAt: 'SELECT erased_at FROM payload_erasures WHERE delivery_id = ?',
  forgetHours: 'DELETE FROM hours WHERE start < ?',
  forgetHour: 'DELETE FROM hours WHERE start = ?',
  // The conditions repeat those of the partial indexes, or SQLite would not use them.
  due: `SELECT ${COLUMNS} FROM deliveries WHERE due_at IS NOT NULL AND due_at <= ? ORDER BY due_at, created_at, id LIMIT ?`,
  dueTimes: 'SELECT id, due_at FROM deliveries WHERE due_at IS NOT NULL ORDER BY due_at, created_at, id LIMIT ?',
  dueAfter: `SELECT ${COLUMNS} FROM deliveries WHERE due_at IS NOT NULL AND (due_at, created_at, id) > (?, ?, ?)
    ORDER BY due_at, created_at, id LIMIT ?`,
  dueStepEnd: `SELECT due_at, created_at, id FROM deliveries WHERE due_at IS NOT NULL AND (due_at, created_at, id) > (?, ?, ?)
    ORDER BY due_at, created_at, id LIMIT 1 OFFSET ${COUNT_STEP - 1}`,
  countDueAfter: 'SELECT count(*) AS count FROM deliveries WHERE due_at IS NOT NULL AND (due_at, created_at, id) > (?, ?, ?)',
  countDueUpTo: 'SELECT count(*) AS count FROM (SELECT 1 FROM deliveries WHERE due_at IS NOT NULL LIMIT ?)',
  // Newest first: where much is held, the newest were never attempted.
  newestToProbe: `SELECT ${COLUMNS} FROM (SELECT * FROM deliveries ORDER BY created_at DESC, id DESC LIMIT ${LOOK_ROWS})
    WHERE due_at IS NOT NULL AND due_at <= ? ORDER BY attempt_count = 0 DESC, created_at DESC, id DESC LIMIT 1`,
  lastDelivered: `SELECT max(finished_at) AS at FROM (SELECT status, finished_at FROM deliveries ORDER BY created_at DESC, id DESC
    LIMIT ${LOOK_ROWS}) WHERE status = 'delivered'`,
  unsuccessful: `SELECT ${COLUMNS} FROM deliveries WHERE status IN ('failed', 'discarded')
    AND (created_at, id) > (?, ?) AND created_at < ? ORDER BY created_at, id LIMIT ?`,
  unsuccessfulAfter: `SELECT created_at, id FROM deliveries WHERE status IN ('failed', 'discarded')
    AND (created_at, id) > (?, ?) AND created_at < ? ORDER BY created_at, id LIMIT 1 OFFSET ${COUNT_STEP - 1}`,
  countRecoverable: `SELECT count(*) AS count FROM deliveries WHERE ${RECOVERABLE} AND (created_at, id) > (?, ?) AND created_at < ?`,
  countRecoverableTo: `SELECT count(*) AS count FROM deliveries WHERE ${RECOVERABLE} AND (created_at, id) > (?, ?) AND (created_at, id) <= (?, ?)`,
} as const;

/**
 * The rows of one outbox: deliveries that wait or have anything to tell, each in one of its own, and the archive of those that were
 * delivered at the first attempt. It knows SQL and no rules: states come from domain/delivery/lifecycle.ts. Every method is synchronous, so that
 * a read, the transition and its write cannot be interleaved with another's.
 */
export class Store {
  readonly archive = new Archive(
    () => this.sql,
    (uses) => this.lost(uses),
  );
  readonly filtered = new FilteredEvents(() => this.sql);
  readonly repeated = new RepeatedEvents(
    () => this.sql,
    (day) => this.#losingRepeated(day),
  );
  readonly use: KeptUse;
  readonly #marks = new Marks(() => this.sql);
  readonly #storage: DurableObjectStorage;
  #recent = new RecentIds(Date.now());
  #migrated = false;
  #changes = 0;
  #losses = 0;
  /** By the start of a past hour, how often its count has become void since this object was loaded. */
  readonly #voids = new Map<number, number>();

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    this.use = new KeptUse(storage.kv);
  }

  /** Goes up whenever the rows may have changed: what was read of them before is still right while it stands. */
  get changes(): number {
    return this.#changes;
  }

  /** Goes up whenever the log loses something: what was counted meanwhile may have it, and what is kept of what is gone has it too. */
  get losses(): number {
    return this.#losses;
  }

  /** The storage has been emptied: the schema is made anew when it is next needed, so that an erased outbox stays empty. */
  reset(): void {
    this.#migrated = false;
    this.#changes++;
    this.#recent = new RecentIds(Date.now());
    this.archive.empty();
    this.repeated.reset();
    this.use.reset();
    this.#marks.reset();
  }

  /** What is done in it is kept as a whole or, where it throws, not at all. */
  atomically<T>(change: () => T): T {
    // Beforehand: the schema would be undone with it.
    this.bringUpToDate();
    try {
      return this.#storage.transactionSync(change);
    } catch (error) {
      // A table that it made is gone again, and so is what it stored.
      this.archive.reset();
      this.repeated.reset();
      this.use.reset();
      this.#marks.reset();
      this.#recent = new RecentIds(Date.now());
      this.#changes++;
      throw error;
    }
  }

  /** Looking for something must not make a schema, as whatever loads the object does: an erased outbox that is poked stays empty. */
  get isEmpty(): boolean {
    return !this.#migrated && !isMigrated(this.#storage);
  }

  get sql(): SqlStorage {
    this.bringUpToDate();
    return this.#storage.sql;
  }

  /** Makes the schema, or brings it up to date: before the first look at the rows, which does it too. */
  bringUpToDate(): void {
    if (!this.#migrated) migrate(this.#storage);
    this.#migrated = true;
  }

  /** Changes rows of deliveries: what is remembered of them is looked up anew. */
  write(query: string, ...values: (SqlStorageValue | Uint8Array)[]): void {
    this.#changes++;
    this.sql.exec(query, ...values);
  }

  /** Adds a delivery in the state it is in, with its first attempt where one has ended. One that is there already stays as it is. */
  insert(delivery: NewDelivery, state: DeliveryState, firstAttempt: AttemptRecord | null): void {
    const { id, eventId, event, sessionId } = delivery;
    // The time in its id, so that its id alone finds it again.
    const acceptedAt = mintedAt(id) ?? delivery.acceptedAt;
    // A keyed delivery's place is where it was first recorded, whatever a repetition says.
    if (isKeyed(id) && this.sql.exec(SQL.insertKeyed, id, acceptedAt).rowsWritten === 0) return;
    this.#forgetHour(acceptedAt);
    const head = [acceptedAt, id, eventId, event, sessionId, ...valuesOf(state)];
    if (delivery.isCountedElsewhere) this.#marks.make(DELIVERIES);
    const insert = delivery.isCountedElsewhere ? SQL.insertMarked : SQL.insert;
    this.write(insert, ...head, firstAttempt && JSON.stringify(firstAttempt), ...valuesOfContents(delivery));
    this.#recent.add(id);
  }

  /** Whether a delivery's end can be kept in the archive: its id tells its place, so that no row is needed to find it. */
  isArchivable({ id }: NewDelivery): boolean {
    return !isKeyed(id) && mintedAt(id) !== null;
  }

  /** Of some deliveries, those that are stored in any way. One look at the archive for all of them: each would read a second of it. */
  known(deliveries: readonly NewDelivery[]): ReadonlySet<string> {
    if (this.isEmpty) return new Set();
    const ids = deliveries.map(({ id }) => id);
    const known = new Set(ids.filter((id) => this.#recent.has(id)));
    const uncertain = ids.filter((id) => this.#recent.has(id) === undefined);
    const archived = this.archive.idsAround(uncertain.map(mintedAt).filter((at) => at !== null));
    for (const id of uncertain) if (archived.has(id) || this.hasRow(id)) known.add(id);
    return known;
  }

  /** Whether a delivery has a row of its own. */
  hasRow(id: string): boolean {
    const createdAt = this.#createdAt(id);
    return createdAt !== null && this.#first<Row>(SQL.find, createdAt, id) !== undefined;
  }

  /** Adds deliveries that were delivered at the first attempt and are not here yet. */
  addToArchive(deliveries: readonly ArchivedDelivery[]): void {
    this.archive.add(deliveries);
    this.ended(deliveries);
  }

  /** Deliveries have ended in the archive: a past hour's count of them is void. */
  ended(deliveries: readonly ArchivedDelivery[]): void {
    for (const { delivery } of deliveries) {
      this.#forgetHour(delivery.acceptedAt);
      this.#recent.add(delivery.id);
    }
  }

  /** Adds an event that makes no delivery, because another one with its value has gone out. */
  addRepeated(delivery: NewDelivery, subject: string | null): void {
    this.#forgetHour(delivery.acceptedAt);
    this.repeated.add(delivery, subject);
  }

  find(id: string): StoredDelivery | null {
    const createdAt = this.#createdAt(id);
    return createdAt === null ? null : this.at({ createdAt, id });
  }

  /** The delivery at a place in the log, as it is stored. */
  at({ createdAt, id }: DeliveryPosition): StoredDelivery | null {
    if (this.isEmpty) return null;
    const row = this.#first<Row>(SQL.find, createdAt, id);
    return row ? toStored(row) : this.archive.find({ createdAt, id });
  }

  save({ createdAt, id }: DeliveryPosition, state: DeliveryState): void {
    this.#forgetHour(createdAt);
    this.#giveRow({ createdAt, id });
    this.write(SQL.save, ...valuesOf(state), createdAt, id);
  }

  /** Keeps how an attempt ended: the delivery's state and the attempt's record, as one row. */
  saveEnd({ createdAt, id }: DeliveryPosition, state: DeliveryState, record: AttemptRecord): void {
    this.#giveRow({ createdAt, id });
    const records = this.#withRecord({ createdAt, id }, record);
    if (records === null) {
      this.save({ createdAt, id }, state);
      this.sql.exec(SQL.saveRecord, id, record.number, JSON.stringify(record));
      return;
    }
    this.#forgetHour(createdAt);
    this.write(SQL.saveWithRecords, ...valuesOf(state), records, createdAt, id);
  }

  /** What a delivery carries. */
  contents(position: DeliveryPosition): Contents {
    const contents = this.contentsOfRow(position) ?? this.archive.contents(position);
    if (!contents) throw new Error(`delivery ${position.id} is not here`);
    return contents;
  }

  /** Whom a delivery's event is about; null: nobody is named, or what it carried is not kept any more. */
  whoOf(delivery: StoredDelivery): Who | null {
    if (delivery.who !== undefined) return delivery.who;
    const contents = this.contentsOfRow(delivery) ?? this.archive.contents(delivery);
    return contents && whoOfBytes(acceptedOf(contents));
  }

  /** What a delivery carries, where it has a row of its own. */
  contentsOfRow({ createdAt, id }: DeliveryPosition): Contents | null {
    const row = this.#first<ContentsRow>(SQL.contents, createdAt, id);
    return row ? toContents(row) : null;
  }

  saveContents({ createdAt, id }: DeliveryPosition, contents: Contents): void {
    this.write(SQL.saveContents, ...valuesOfContents(contents), createdAt, id);
  }

  /** When a delivery's payload was erased; null where it was not. */
  payloadErasedAt(id: string): number | null {
    return this.#first<{ erased_at: number }>(SQL.payloadErasedAt, id)?.erased_at ?? null;
  }

  /** Erases what a delivery carries, and what its attempts show of it. */
  erasePayload(delivery: DeliveryPosition, now: number): void {
    this.atomically(() => {
      this.#giveRow(delivery);
      this.saveContents(delivery, { payload: NO_PAYLOAD });
      for (const record of this.attempts(delivery)) this.#saveRecord(delivery, withoutContents(record));
      this.noteErasure(delivery.id, now);
    });
  }

  /** Notes that what a delivery carried was erased. */
  noteErasure(id: string, now: number): void {
    this.sql.exec(SQL.noteErasure, id, now);
  }

  /** Forgets which session a delivery is of. */
  forgetSession({ createdAt, id }: DeliveryPosition): void {
    this.write(SQL.forgetSession, createdAt, id);
  }

  /** What is due, longest due first, and among equals in the order of acceptance. */
  due(now: number, limit: number): StoredDelivery[] {
    if (this.isEmpty) return [];
    return this.sql.exec<Row>(SQL.due, now, limit).toArray().map(toStored);
  }

  /** When the first of what is scheduled is due. */
  dueTimes(limit: number): { id: string; due_at: number }[] {
    if (this.isEmpty) return [];
    return this.sql.exec<{ id: string; due_at: number }>(SQL.dueTimes, limit).toArray();
  }

  /** How many rows wait, or run, in bounded steps: for each how many it found. It reads the index alone. */
  *countDue(): Generator<number> {
    let after: (number | string)[] = [Number.MIN_SAFE_INTEGER, 0, ''];
    for (;;) {
      const last = this.#first<{ due_at: number; created_at: number; id: string }>(SQL.dueStepEnd, ...after);
      if (!last) break;
      yield COUNT_STEP;
      after = [last.due_at, last.created_at, last.id];
    }
    yield this.#first<{ count: number }>(SQL.countDueAfter, ...after)?.count ?? 0;
  }

  /** What waits, or runs, in the order in which it falls due, after a place in it. */
  dueAfter({ dueAt, createdAt, id }: DuePosition, limit: number): StoredDelivery[] {
    return this.sql.exec<Row>(SQL.dueAfter, dueAt, createdAt, id, limit).toArray().map(toStored);
  }

  /** How many rows wait, or run, up to a limit: so many index entries are read at most. */
  countDueUpTo(limit: number): number {
    return this.#first<{ count: number }>(SQL.countDueUpTo, limit)?.count ?? 0;
  }

  /** Of the latest deliveries, the newest that is due and was never attempted, else the newest that is due; null where none is. */
  newestToProbe(now: number): StoredDelivery | null {
    const row = this.#first<Row>(SQL.newestToProbe, now);
    return row ? toStored(row) : null;
  }

  /** What has rows of its own, oldest first, of events accepted after a place in the log and before a time. */
  after(after: DeliveryPosition, before: number, limit: number): StoredDelivery[] {
    return this.sql.exec<Row>(SQL.after, after.createdAt, after.id, before, limit).toArray().map(toStored);
  }

  /** What failed or was discarded, oldest first, of events accepted after a place in the log and before a time. */
  unsuccessful(after: DeliveryPosition, before: number, limit: number): StoredDelivery[] {
    return this.sql.exec<Row>(SQL.unsuccessful, after.createdAt, after.id, before, limit).toArray().map(toStored);
  }

  /**
   * How many deliveries a recovery of events accepted in this span would start over, in bounded steps.
   * @returns for each step how many it found
   */
  *countRecoverable(since: number, until: number, statuses: readonly ('failed' | 'discarded')[]): Generator<number> {
    if (this.isEmpty) return;
    const wanted = [statuses[0] ?? '', statuses[1] ?? ''];
    let after: DeliveryPosition = { createdAt: since, id: '' };
    for (;;) {
      const last = this.#first<Pick<Row, 'created_at' | 'id'>>(SQL.unsuccessfulAfter, after.createdAt, after.id, until);
      if (!last) {
        yield this.#first<{ count: number }>(SQL.countRecoverable, ...wanted, after.createdAt, after.id, until)?.count ?? 0;
        return;
      }
      const to = toPosition(last);
      yield this.#first<{ count: number }>(SQL.countRecoverableTo, ...wanted, after.createdAt, after.id, to.createdAt, to.id)?.count ?? 0;
      after = to;
    }
  }

  /**
   * Of so many rows after a place in the log, of events accepted before a time, removes those that have ended, oldest first.
   * @returns with the last row that was looked at, and whether it is the last of all
   */
  removeEnded(
    after: DeliveryPosition,
    before: number,
    rows: number,
  ): { newest: DeliveryPosition | null; last: DeliveryPosition | null; isLast: boolean } {
    const found = this.sql.exec<UsedRow & Pick<Row, 'due_at'>>(SQL.ended, after.createdAt, after.id, before, rows).toArray();
    const ended = found.filter(({ due_at }) => due_at === null);
    const [newest, last] = [ended.at(-1), found.at(-1)].map((row) => (row ? toPosition(row) : null));
    const uses = new UseByDay();
    if (newest && this.use.isAsked) {
      const marked = this.#marked(after, newest);
      for (const row of ended) countRow(uses, row, marked.has(row.id));
    }
    for (const row of ended) this.#remove(row);
    this.lost(uses);
    return { newest: newest ?? null, last: last ?? null, isLast: found.length < rows };
  }

  /** The ids of marked rows after a place in the log, up to another one. */
  #marked(after: DeliveryPosition, to: DeliveryPosition): ReadonlySet<string> {
    if (!this.#marks.areIn(DELIVERIES)) return new Set();
    const rows = this.sql.exec<Pick<Row, 'id'>>(SQL.marked, after.createdAt, after.id, to.createdAt, to.id).toArray();
    return new Set(rows.map(({ id }) => id));
  }

  /** Removes a delivery with its payload and attempts. */
  #remove({ created_at, id }: Pick<Row, 'created_at' | 'id'>): void {
    this.write(SQL.remove, created_at, id);
    this.sql.exec(SQL.removeRecords, id);
    this.sql.exec(SQL.removeErasure, id);
    if (isKeyed(id)) this.sql.exec(SQL.removeKeyed, id);
  }

  /** Whether the log has deliveries, or repeated events, of a day. */
  hasAnyOf(from: number, to: number): boolean {
    const day = dayOf(from);
    return this.archive.has(day) || this.repeated.has(day) || this.#first(SQL.anyWithin, from, to) !== undefined;
  }

  /** Counts the use of what has rows of its own, of what was accepted from a time to before another one, in bounded steps. */
  *countUse(uses: UseByDay, from: number, to: number): Generator<void> {
    let after: DeliveryPosition = { createdAt: from, id: '' };
    for (;;) {
      const query = SQL.used(this.#marks.selectedFrom(DELIVERIES));
      const rows = this.sql.exec<MarkedRow>(query, after.createdAt, after.id, to).toArray();
      for (const row of rows) countRow(uses, row, row[MARK] !== null);
      const last = rows.at(-1);
      if (!last || rows.length < USED_STEP) return;
      after = toPosition(last);
      yield;
    }
  }

  /** The log has lost what made this use: it is kept apart, and what is being counted is counted anew. */
  lost(uses: ReadonlyMap<number, Use>): void {
    if (uses.size === 0 || !this.use.isAsked) return;
    this.#losses++;
    this.use.addGone(uses);
    for (const day of uses.keys()) {
      for (let start = day * DAY_MS; start < (day + 1) * DAY_MS; start += HOUR_MS) this.#voidHour(start);
    }
  }

  #losingRepeated(day: number): void {
    if (this.use.isAsked) this.#lostEvents([[day, this.repeated.countEvents(day * DAY_MS, (day + 1) * DAY_MS)]]);
  }

  #lostEvents(events: readonly [day: number, count: number][]): void {
    this.lost(new Map(events.map(([day, count]) => [day, { ...noUse(), events: count }])));
  }

  /** Forgets the filtered events of days that ended before a time. */
  forgetFilteredBefore(before: number): void {
    if (this.use.isAsked) this.#lostEvents(this.filtered.eventsBefore(before));
    this.filtered.forgetBefore(before);
  }

  /** A bundle of filtered events has come. */
  addFiltered(bundle: FilteredBundle): void {
    this.filtered.add(bundle);
    for (const day of bundle.events?.keys() ?? []) {
      if (day >= dayOf(Date.now())) continue;
      this.use.void(day);
      // A count that has just gone past it is not to be kept.
      this.#voidHour(day * DAY_MS);
    }
  }

  /** How often an hour's count has become void: one that was begun before that is not to be kept. */
  voidsOf(start: number): number {
    return this.#voids.get(start) ?? 0;
  }

  /** The same of all hours from one to before another one. */
  voidsIn(from: number, to: number): number {
    let voids = 0;
    for (let start = from; start < to; start += HOUR_MS) voids += this.voidsOf(start);
    return voids;
  }

  #voidHour(start: number): void {
    this.#voids.set(start, this.voidsOf(start) + 1);
  }

  /** Counts of hours before a time are of no use any more. */
  forgetHoursBefore(before: number): void {
    this.sql.exec(SQL.forgetHours, before - HOUR_MS);
  }

  /** When a delivery was last delivered, about: at the first attempt, or of the latest thousand others; null where none is known of. */
  lastDeliveredAt(): number | null {
    if (this.isEmpty) return null;
    const times = [this.archive.newestAt(), this.#first<{ at: number | null }>(SQL.lastDelivered)?.at ?? null];
    return times.reduce((last, at) => (at === null || (last !== null && last > at) ? last : at), null);
  }

  /** A delivery's attempts that have ended, in their order. */
  attempts(delivery: DeliveryPosition): AttemptRecord[] {
    if (this.#first(SQL.find, delivery.createdAt, delivery.id) === undefined) return [this.archive.attempt(delivery)].filter(isRecord);
    const further = this.sql.exec<{ record: string }>(SQL.furtherRecords, delivery.id).toArray();
    const records = [...this.#records(delivery), ...further.map(({ record }) => JSON.parse(record) as AttemptRecord)];
    return records.sort((a, b) => a.number - b.number);
  }

  /** Keeps an attempt's record, in the place of the one of its number. */
  #saveRecord({ createdAt, id }: DeliveryPosition, record: AttemptRecord): void {
    const records = this.#withRecord({ createdAt, id }, record);
    if (records === null) this.sql.exec(SQL.saveRecord, id, record.number, JSON.stringify(record));
    else this.write(SQL.saveRecords, records, createdAt, id);
  }

  /** The records of a row with one more, as it keeps them; null where they would be too many for a row. */
  #withRecord(delivery: DeliveryPosition, record: AttemptRecord): string | null {
    const others = this.#records(delivery).filter(({ number }) => number !== record.number);
    const records = [...others, record].sort((a, b) => a.number - b.number);
    const text = JSON.stringify(records.length === 1 ? record : records);
    return text.length > MAX_INLINE_RECORDS ? null : text;
  }

  /** The records within a delivery's row: of one attempt, or a list of them. */
  #records({ createdAt, id }: DeliveryPosition): AttemptRecord[] {
    const text = this.#first<{ records: string | null }>(SQL.records, createdAt, id)?.records ?? null;
    return text === null ? [] : [JSON.parse(text)].flat();
  }

  /** Sees to it that a delivery that is about to change has a row of its own: it may be archived. */
  #giveRow(position: DeliveryPosition): void {
    if (this.#first(SQL.find, position.createdAt, position.id) !== undefined) return;
    const archived = this.archive.take(position);
    if (archived) this.insert(archived.delivery, archived.state, archived.attempt);
  }

  /** A past hour's count is void when one of its deliveries changes after all, or one of its events comes late. */
  #forgetHour(createdAt: number): void {
    const start = Math.floor(createdAt / HOUR_MS) * HOUR_MS;
    if (start + HOUR_MS > Date.now()) return;
    this.sql.exec(SQL.forgetHour, start);
    this.#voidHour(start);
    // Of today nothing is kept.
    if (dayOf(createdAt) < dayOf(Date.now())) this.use.void(dayOf(createdAt));
  }

  #createdAt(id: string): number | null {
    if (!isKeyed(id)) return mintedAt(id);
    return this.#first<{ created_at: number }>(SQL.keyedCreatedAt, id)?.created_at ?? null;
  }

  /**
   * The only row of a query. As an array, which costs a fraction of what stepping through a cursor does; and a cursor that was not
   * stepped to its end would keep SQLite from dropping a table.
   */
  #first<T extends Record<string, SqlStorageValue>>(query: string, ...values: (string | number)[]): T | undefined {
    if (this.isEmpty) return undefined;
    return this.sql.exec<T>(query, ...values).toArray()[0];
  }
}

function countRow(uses: UseByDay, { created_at, event_id, event, attempt_count }: UsedRow, isCountedElsewhere: boolean): void {
  countUse(uses.of(created_at), { eventId: event_id, event, attemptCount: attempt_count, isCountedElsewhere });
}

function isRecord(record: AttemptRecord | null): record is AttemptRecord {
  return record !== null;
}
