import type { DeliveryDetail, DeliveryFilter, DeliveryPage, DeliveryPosition, DeliverySummary } from '../domain/delivery.ts';
import { isBefore } from './archive.ts';
import { COLUMNS, type Row, type StoredDelivery, toStored, toSummary } from './delivery-row.ts';
import type { OutboxStore } from './outbox-store.ts';

/** How many rows a filtered page reads at most: beyond them it ends short, with a place to go on from. */
const MAX_SCANNED_ROWS = 2_000;
/** How many of them are read in one step. */
const STEP_ROWS = 101;

const SQL = {
  page: `SELECT ${COLUMNS} FROM deliveries WHERE (created_at, id) < (?, ?) AND created_at >= ? ORDER BY created_at DESC, id DESC LIMIT ?`,
  pageOfUndelivered: `SELECT ${COLUMNS} FROM deliveries WHERE status <> 'delivered' AND (created_at, id) < (?, ?) AND created_at >= ?
    ORDER BY created_at DESC, id DESC LIMIT ?`,
} as const;

/** A page of the log, as far as the rows tell. */
export type LogPage = Omit<DeliveryPage, 'keptSince'>;

/** An outbox's deliveries as people read them: those that have rows and those that are archived are one log. */
export class OutboxLog {
  readonly #store: OutboxStore;

  constructor(store: OutboxStore) {
    this.#store = store;
  }

  /** A page of the log, newest first, from after a place in it. */
  page(filter: DeliveryFilter, limit: number, after: DeliveryPosition | null): LogPage {
    const deliveries: DeliverySummary[] = [];
    const start = after ?? { createdAt: Number.MAX_SAFE_INTEGER, id: '' };
    // `to` is exclusive, as the start of a page is.
    const from = filter.to !== undefined && filter.to <= start.createdAt ? { createdAt: filter.to, id: '' } : start;
    let scanned = 0;
    let last: DeliveryPosition | null = null;
    for (const delivery of this.#newestFirst(filter, from)) {
      if (deliveries.length === limit || scanned === MAX_SCANNED_ROWS) return { deliveries, next: last };
      scanned++;
      last = { createdAt: delivery.createdAt, id: delivery.id };
      if (matches(delivery, filter)) deliveries.push(toSummary(delivery));
    }
    return { deliveries, next: null };
  }

  /** What a filter can be about, from both logs. */
  *#newestFirst({ status, from: since = 0 }: DeliveryFilter, start: DeliveryPosition): Generator<StoredDelivery> {
    const undelivered = status !== undefined && status !== 'delivered';
    const rows = this.#rowsBefore(undelivered ? SQL.pageOfUndelivered : SQL.page, start, since);
    if (undelivered) return yield* rows;
    const archived = this.#store.archivedBefore(start, since);
    let [row, other] = [rows.next(), archived.next()];
    while (!row.done || !other.done) {
      if (other.done || (!row.done && isBefore(other.value, row.value))) {
        yield row.value as StoredDelivery;
        row = rows.next();
      } else {
        yield other.value;
        other = archived.next();
      }
    }
  }

  *#rowsBefore(query: string, start: DeliveryPosition, since: number): Generator<StoredDelivery> {
    let { createdAt, id } = start;
    for (;;) {
      const rows = this.#store.sql.exec<Row>(query, createdAt, id, since, STEP_ROWS).toArray();
      yield* rows.map(toStored);
      const last = rows.at(-1);
      if (!last || rows.length < STEP_ROWS) return;
      ({ created_at: createdAt, id } = last);
    }
  }

  /** The page that has one delivery, or, where the filter leaves that out, none. */
  pageOfOne(delivery: StoredDelivery, { status, event, from = 0, to = Number.POSITIVE_INFINITY }: DeliveryFilter): LogPage {
    const { createdAt, state } = delivery;
    const fits =
      (status ?? state.status) === state.status && (event ?? delivery.event) === delivery.event && createdAt >= from && createdAt < to;
    return { deliveries: fits ? [toSummary(delivery)] : [], next: null };
  }

  /** One delivery with its payload and attempts. */
  detail(id: string): DeliveryDetail | null {
    const delivery = this.#store.find(id);
    if (!delivery) return null;
    const payloadErasedAt = this.#store.payloadErasedAt(id);
    const payload =
      payloadErasedAt === null ? new TextDecoder('utf-8', { fatal: false, ignoreBOM: true }).decode(this.#store.payload(delivery)) : null;
    return { ...toSummary(delivery), payload, payloadErasedAt, attempts: this.#store.attempts(delivery) };
  }
}

function matches(delivery: StoredDelivery, { status, event, q }: DeliveryFilter): boolean {
  if (status !== undefined && delivery.state.status !== status) return false;
  if (event !== undefined && delivery.event !== event) return false;
  if (q === undefined) return true;
  const { id, eventId, sessionId } = delivery;
  return [id, eventId, sessionId].some((each) => each?.toLowerCase().includes(q.toLowerCase()));
}
