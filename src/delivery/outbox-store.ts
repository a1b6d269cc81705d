import { type AttemptRecord, type DeliveryPosition, type NewDelivery, withoutContents } from '../domain/delivery.ts';
import { isKeyed, mintedAt } from '../domain/ids.ts';
import type { DeliveryState } from '../domain/lifecycle.ts';
import { HOUR_MS } from '../domain/statistics.ts';
import { Archive } from './archive.ts';
import type { ArchivedDelivery } from './archive-bundle.ts';
import { COLUMNS, type Row, STATE, type StoredDelivery, toPosition, toStored, valuesOf } from './delivery-row.ts';
import { isMigrated, migrate } from './outbox-migrations.ts';

const SQL = {
  // Recording a delivery twice is a no-op; a row that breaks a CHECK is an error, and not silence.
  insert: `INSERT INTO deliveries (${COLUMNS}, first_attempt, payload) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (created_at, id) DO NOTHING`,
  insertKeyed: 'INSERT INTO keyed_deliveries (id, created_at) VALUES (?, ?) ON CONFLICT (id) DO NOTHING',
  keyedCreatedAt: 'SELECT created_at FROM keyed_deliveries WHERE id = ?',
  find: `SELECT ${COLUMNS} FROM deliveries WHERE created_at = ? AND id = ?`,
  payload: 'SELECT payload FROM deliveries WHERE created_at = ? AND id = ?',
  save: `UPDATE deliveries SET (${STATE}) = (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) WHERE created_at = ? AND id = ?`,
  saveFirstAttempt: 'UPDATE deliveries SET first_attempt = ? WHERE created_at = ? AND id = ?',
  firstAttempt: 'SELECT first_attempt AS record FROM deliveries WHERE created_at = ? AND id = ?',
  saveAttempt: 'INSERT OR REPLACE INTO attempts (delivery_id, number, record) VALUES (?, ?, ?)',
  attempt: 'SELECT record FROM attempts WHERE delivery_id = ? AND number = ?',
  laterAttempts: 'SELECT record FROM attempts WHERE delivery_id = ? ORDER BY number',
  // The conditions repeat those of the partial indexes, or SQLite would not use them.
  // Newest first: an endpoint that ever worked shows it soon; one that never did costs a bounded look.
  delivered: `SELECT 1 FROM (SELECT status FROM deliveries ORDER BY created_at DESC, id DESC LIMIT 1000) WHERE status = 'delivered' LIMIT 1`,
  ended: 'SELECT created_at, id FROM deliveries WHERE created_at < ? AND due_at IS NULL ORDER BY created_at, id LIMIT ?',
  endedDelivered: "SELECT created_at, id FROM deliveries WHERE status = 'delivered' AND due_at IS NULL ORDER BY created_at, id LIMIT ?",
  remove: 'DELETE FROM deliveries WHERE created_at = ? AND id = ?',
  removeAttempts: 'DELETE FROM attempts WHERE delivery_id = ?',
  removeKeyed: 'DELETE FROM keyed_deliveries WHERE id = ?',
  removeErasure: 'DELETE FROM payload_erasures WHERE delivery_id = ?',
  emptyPayload: "UPDATE deliveries SET payload = x'' WHERE created_at = ? AND id = ?",
  noteErasure: 'INSERT INTO payload_erasures (delivery_id, erased_at) VALUES (?, ?) ON CONFLICT DO NOTHING',
  payloadErasedAt: 'SELECT erased_at FROM payload_erasures WHERE delivery_id = ?',
  forgetHours: 'DELETE FROM hours WHERE start < ?',
  forgetHour: 'DELETE FROM hours WHERE start = ?',
  waiting: `SELECT ${COLUMNS} FROM deliveries WHERE due_at IS NOT NULL AND leased_at IS NULL AND due_at <= ?
    ORDER BY due_at, created_at, id LIMIT ?`,
  expired: `SELECT ${COLUMNS} FROM deliveries WHERE due_at IS NOT NULL AND leased_at IS NULL AND expires_at <= ?
    ORDER BY expires_at LIMIT ?`,
  leased: `SELECT ${COLUMNS} FROM deliveries WHERE leased_at IS NOT NULL AND due_at <= ? ORDER BY due_at LIMIT ?`,
  waitingDueAt: 'SELECT due_at FROM deliveries WHERE due_at IS NOT NULL AND leased_at IS NULL ORDER BY due_at LIMIT 1',
  leaseEndsAt: 'SELECT due_at FROM deliveries WHERE leased_at IS NOT NULL ORDER BY due_at LIMIT 1',
  unsuccessful: `SELECT ${COLUMNS} FROM deliveries WHERE status <> 'delivered' AND status IN ('failed', 'discarded')
    AND (created_at, id) > (?, ?) AND created_at < ? ORDER BY created_at, id LIMIT ?`,
  countRecoverable: `SELECT count(*) AS count FROM deliveries WHERE status <> 'delivered' AND status IN ('failed', 'discarded')
    AND created_at >= ? AND created_at < ? AND due_at IS NULL AND reason IS NOT 'test_failed'
    AND id NOT IN (SELECT delivery_id FROM payload_erasures)`,
} as const;

/**
 * The rows of one outbox: deliveries that wait or have anything to tell, each in one of its own, and the archive of those that were
 * delivered at the first attempt. It knows SQL and no rules: states come from domain/lifecycle.ts. Every method is synchronous, so that
 * a read, the transition and its write cannot be interleaved with another's.
 */
export class OutboxStore {
  readonly #storage: DurableObjectStorage;
  readonly #archive = new Archive(() => this.sql);
  #migrated = false;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
  }

  /** The storage has been emptied: the schema is made anew when it is next needed, so that an erased outbox stays empty. */
  reset(): void {
    this.#migrated = false;
    this.#archive.reset();
  }

  /** What is done in it is kept as a whole or, where it throws, not at all. */
  atomically<T>(change: () => T): T {
    // Beforehand: the schema would be undone with it.
    this.#migrate();
    try {
      return this.#storage.transactionSync(change);
    } catch (error) {
      // A table that it made is gone again.
      this.#archive.reset();
      throw error;
    }
  }

  /** Looking for something must not make a schema, as whatever loads the object does: an erased outbox that is poked stays empty. */
  #isEmpty(): boolean {
    return !this.#migrated && !isMigrated(this.#storage);
  }

  get sql(): SqlStorage {
    this.#migrate();
    return this.#storage.sql;
  }

  #migrate(): void {
    if (!this.#migrated) migrate(this.#storage);
    this.#migrated = true;
  }

  /** Adds a delivery in the state it is in, with its first attempt where one has ended. False: it was there already. */
  insert(delivery: NewDelivery, state: DeliveryState, firstAttempt: AttemptRecord | null): boolean {
    const { id, eventId, event, sessionId, payload } = delivery;
    // The time in its id, so that its id alone finds it again.
    const acceptedAt = mintedAt(id) ?? delivery.acceptedAt;
    if (this.#archive.find({ createdAt: acceptedAt, id })) return false;
    // A keyed delivery's place is where it was first recorded, whatever a repetition says.
    if (isKeyed(id) && this.sql.exec(SQL.insertKeyed, id, acceptedAt).rowsWritten === 0) return false;
    this.#forgetHour(acceptedAt);
    const head = [acceptedAt, id, eventId, event, sessionId, ...valuesOf(state)];
    return this.sql.exec(SQL.insert, ...head, firstAttempt && JSON.stringify(firstAttempt), payload).rowsWritten > 0;
  }

  /** Whether a delivery's end can be kept in the archive: its id tells its place, so that no row is needed to find it. */
  isArchivable({ id }: NewDelivery): boolean {
    return !isKeyed(id) && mintedAt(id) !== null;
  }

  /** Which of some deliveries are archived already. One look for all of them: each would read a second of the archive. */
  archivedOf(deliveries: readonly NewDelivery[]): ReadonlySet<string> {
    const times = deliveries.map(({ id }) => mintedAt(id)).filter((at) => at !== null);
    const found = this.#archive.idsAround(times);
    return new Set(deliveries.map(({ id }) => id).filter((id) => found.has(id)));
  }

  /** Whether a delivery has a row of its own. */
  hasRow(id: string): boolean {
    const createdAt = this.#createdAt(id);
    return createdAt !== null && this.#first<Row>(SQL.find, createdAt, id) !== undefined;
  }

  /** Adds deliveries that were delivered at the first attempt and are not here yet. */
  archive(deliveries: readonly ArchivedDelivery[]): void {
    const placed = deliveries.map((each) => ({
      ...each,
      delivery: { ...each.delivery, acceptedAt: mintedAt(each.delivery.id) ?? each.delivery.acceptedAt },
    }));
    this.#archive.add(placed);
    for (const { delivery } of placed) this.#forgetHour(delivery.acceptedAt);
  }

  find(id: string): StoredDelivery | null {
    const createdAt = this.#createdAt(id);
    return createdAt === null ? null : this.at({ createdAt, id });
  }

  /** The delivery at a place in the log, as it stands now. */
  at({ createdAt, id }: DeliveryPosition): StoredDelivery | null {
    if (this.#isEmpty()) return null;
    const row = this.#first<Row>(SQL.find, createdAt, id);
    return row ? toStored(row) : this.#archive.find({ createdAt, id });
  }

  save({ createdAt, id }: DeliveryPosition, state: DeliveryState): void {
    this.#forgetHour(createdAt);
    const save = () => this.sql.exec(SQL.save, ...valuesOf(state), createdAt, id).rowsWritten > 0;
    if (!save() && this.#unarchive({ createdAt, id })) save();
  }

  /** Keeps an attempt that ended: the first within the delivery's row, later ones in rows of their own. */
  saveAttempt({ createdAt, id }: DeliveryPosition, attempt: AttemptRecord): void {
    const record = JSON.stringify(attempt);
    if (attempt.number === 1) this.sql.exec(SQL.saveFirstAttempt, record, createdAt, id);
    else this.sql.exec(SQL.saveAttempt, id, attempt.number, record);
    // An outcome that comes late can change what was answered, and nothing of the delivery.
    this.#forgetHour(createdAt);
  }

  attempt({ createdAt, id }: DeliveryPosition, number: number): AttemptRecord | null {
    type Kept = { record: string | null };
    const row = number === 1 ? this.#first<Kept>(SQL.firstAttempt, createdAt, id) : this.#first<Kept>(SQL.attempt, id, number);
    if (row?.record) return JSON.parse(row.record);
    return number === 1 ? this.#archive.attempt({ createdAt, id }) : null;
  }

  payload({ createdAt, id }: DeliveryPosition): Uint8Array {
    const row = this.#first<{ payload: ArrayBuffer }>(SQL.payload, createdAt, id);
    const payload = row ? new Uint8Array(row.payload) : this.#archive.payload({ createdAt, id });
    if (!payload) throw new Error(`delivery ${id} is not here`);
    return payload;
  }

  /** When a delivery's payload was erased; null where it was not. */
  payloadErasedAt(id: string): number | null {
    return this.#first<{ erased_at: number }>(SQL.payloadErasedAt, id)?.erased_at ?? null;
  }

  /** Erases a delivery's payload, and what its attempts show of it. */
  erasePayload(delivery: DeliveryPosition, now: number): void {
    this.atomically(() => {
      this.#unarchive(delivery);
      this.sql.exec(SQL.emptyPayload, delivery.createdAt, delivery.id);
      for (const attempt of this.attempts(delivery)) this.saveAttempt(delivery, withoutContents(attempt));
      this.sql.exec(SQL.noteErasure, delivery.id, now);
    });
  }

  /** What waits and is due, longest due first, and among equals in the order of acceptance. */
  waiting(now: number, limit: number): StoredDelivery[] {
    return this.sql.exec<Row>(SQL.waiting, now, limit).toArray().map(toStored);
  }

  /** What waits and has waited for too long. */
  expired(now: number, limit: number): StoredDelivery[] {
    return this.sql.exec<Row>(SQL.expired, now, limit).toArray().map(toStored);
  }

  /** What runs with its lease at an end. */
  overdue(now: number, limit: number): StoredDelivery[] {
    return this.sql.exec<Row>(SQL.leased, now, limit).toArray().map(toStored);
  }

  /** When the first of what waits is due; null where nothing waits. */
  waitingDueAt(): number | null {
    return this.#first<{ due_at: number }>(SQL.waitingDueAt)?.due_at ?? null;
  }

  /** When the first lease ends; null where nothing runs. */
  leaseEndsAt(): number | null {
    return this.#first<{ due_at: number }>(SQL.leaseEndsAt)?.due_at ?? null;
  }

  /** What failed or was discarded, oldest first, of events accepted after a place in the log and before a time. */
  unsuccessful(after: DeliveryPosition, before: number, limit: number): StoredDelivery[] {
    return this.sql.exec<Row>(SQL.unsuccessful, after.createdAt, after.id, before, limit).toArray().map(toStored);
  }

  /** Deliveries that have ended, of events accepted before a time, oldest first. */
  ended(before: number, limit: number): DeliveryPosition[] {
    return this.sql.exec<Pick<Row, 'created_at' | 'id'>>(SQL.ended, before, limit).toArray().map(toPosition);
  }

  /** Delivered ones, oldest first. */
  endedDelivered(limit: number): DeliveryPosition[] {
    return this.sql.exec<Pick<Row, 'created_at' | 'id'>>(SQL.endedDelivered, limit).toArray().map(toPosition);
  }

  /** Removes a delivery with its payload and attempts. */
  remove({ createdAt, id }: DeliveryPosition): void {
    this.sql.exec(SQL.remove, createdAt, id);
    this.sql.exec(SQL.removeAttempts, id);
    this.sql.exec(SQL.removeErasure, id);
    if (isKeyed(id)) this.sql.exec(SQL.removeKeyed, id);
  }

  /** Counts of hours before a time are of no use any more. */
  forgetHoursBefore(before: number): void {
    this.sql.exec(SQL.forgetHours, before - HOUR_MS);
  }

  /** Drops what was archived of days that ended before a time. Returns the end of the last of them; null where there was none. */
  forgetDaysBefore(before: number): number | null {
    return this.#archive.dropBefore(before);
  }

  /** Drops what was archived first. Returns since when all of it is still there; null where there was nothing. */
  forgetOldest(): number | null {
    return this.#archive.dropOldest();
  }

  /** Whether anything was delivered at the first attempt, or any of the latest thousand others was delivered. */
  hasDelivered(): boolean {
    return !this.#archive.isEmpty() || this.sql.exec(SQL.delivered).toArray().length > 0;
  }

  /** How many deliveries a recovery of events accepted in this span would start over. */
  countRecoverable(since: number, until: number): number {
    return this.sql.exec<{ count: number }>(SQL.countRecoverable, since, until).one().count;
  }

  /** A delivery's attempts that have ended, in their order. */
  attempts(delivery: DeliveryPosition): AttemptRecord[] {
    const later = this.sql.exec<{ record: string }>(SQL.laterAttempts, delivery.id).toArray();
    const first = this.attempt(delivery, 1);
    return [...(first ? [first] : []), ...later.map(({ record }) => JSON.parse(record) as AttemptRecord)];
  }

  /** What was archived before a place in the log, newest first, of events accepted at a time or later. */
  archivedBefore(start: DeliveryPosition, from: number): Generator<StoredDelivery> {
    return this.#archive.before(start, from);
  }

  /** Gives an archived delivery a row of its own again; false where it is not archived. */
  #unarchive(position: DeliveryPosition): boolean {
    const archived = this.#archive.take(position);
    return archived !== null && this.insert(archived.delivery, archived.state, archived.attempt);
  }

  /** A past hour's count is void when one of its deliveries changes after all, or comes late. */
  #forgetHour(createdAt: number): void {
    const start = Math.floor(createdAt / HOUR_MS) * HOUR_MS;
    if (start + HOUR_MS <= Date.now()) this.sql.exec(SQL.forgetHour, start);
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
    if (this.#isEmpty()) return undefined;
    return this.sql.exec<T>(query, ...values).toArray()[0];
  }
}
