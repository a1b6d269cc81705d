import type { DeliveryDetail, DeliveryFilter, DeliveryPage, DeliveryPosition, DeliverySummary } from '../../domain/delivery.ts';
import { type LastFailure, lastFailureOf } from '../../domain/failure.ts';
import { subscribes } from '../../domain/webhook.ts';
import { COLUMNS, type Row, type StoredDelivery, textsOf, toStored, toSummary } from '../books/delivery-row.ts';
import type { Store } from '../books/store.ts';
import type { Fresh } from '../fresh.ts';
import { isBefore, newestFirst } from './archive.ts';

/** How many rows a filtered page reads at most: beyond them it ends short, with a place to go on from. */
const MAX_SCANNED_ROWS = 2_000;
/** How many of them are read in one step. */
const STEP_ROWS = 101;

const SQL = {
  page: `SELECT ${COLUMNS} FROM deliveries WHERE (created_at, id) < (?, ?) AND created_at >= ? ORDER BY created_at DESC, id DESC LIMIT ?`,
  pageOfUnsuccessful: `SELECT ${COLUMNS} FROM deliveries WHERE status IN ('failed', 'discarded') AND (created_at, id) < (?, ?) AND created_at >= ?
    ORDER BY created_at DESC, id DESC LIMIT ?`,
} as const;

/** A page of the log, as far as the rows tell. */
export type LogPage = Omit<DeliveryPage, 'keptSince'>;

/** An outbox's deliveries as people read them: those in memory, those that have rows and those that are archived are one log. */
export class OutboxLog {
  readonly #store: Store;
  readonly #fresh: Fresh;
  readonly #runningNow: (id: string) => StoredDelivery | null;

  /** @param runningNow a delivery as it stands while an attempt of it runs */
  constructor(store: Store, fresh: Fresh, runningNow: (id: string) => StoredDelivery | null) {
    this.#store = store;
    this.#fresh = fresh;
    this.#runningNow = runningNow;
  }

  /** A delivery as it stands now. */
  find(id: string): StoredDelivery | null {
    return this.#fresh.find(id) ?? this.#runningNow(id) ?? this.#store.find(id);
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

  /** What a filter can be about, from everywhere. */
  *#newestFirst({ status, from: since = 0 }: DeliveryFilter, start: DeliveryPosition): Generator<StoredDelivery> {
    const isUnsuccessful = status === 'failed' || status === 'discarded';
    const sources = [this.#freshBefore(start, since)];
    if (!this.#store.isEmpty) {
      const scheduled = status === 'pending' || status === 'retrying' ? this.#scheduledBefore(start, since) : null;
      sources.push(scheduled ?? this.#rowsBefore(isUnsuccessful ? SQL.pageOfUnsuccessful : SQL.page, start, since));
      if (status === undefined || status === 'delivered') sources.push(this.#store.archive.before(start, since));
    }
    yield* merged(sources);
  }

  *#freshBefore(start: DeliveryPosition, since: number): Generator<StoredDelivery> {
    for (const delivery of this.#fresh.list()) if (delivery.createdAt >= since && isBefore(delivery, start)) yield delivery;
  }

  /** What waits, or runs, where that is little: it may stand among a great many that have ended. Null: it is much, and dense. */
  #scheduledBefore(start: DeliveryPosition, since: number): Generator<StoredDelivery> | null {
    const due = this.#store.due(Number.MAX_SAFE_INTEGER, MAX_SCANNED_ROWS + 1);
    if (due.length > MAX_SCANNED_ROWS) return null;
    const before = due.filter((delivery) => delivery.createdAt >= since && isBefore(delivery, start));
    return this.#asTheyStand(before.sort(newestFirst));
  }

  *#asTheyStand(deliveries: readonly StoredDelivery[]): Generator<StoredDelivery> {
    for (const delivery of deliveries) yield this.#runningNow(delivery.id) ?? delivery;
  }

  *#rowsBefore(query: string, start: DeliveryPosition, since: number): Generator<StoredDelivery> {
    let { createdAt, id } = start;
    for (;;) {
      const rows = this.#store.sql.exec<Row>(query, createdAt, id, since, STEP_ROWS).toArray();
      yield* this.#asTheyStand(rows.map(toStored));
      const last = rows.at(-1);
      if (!last || rows.length < STEP_ROWS) return;
      ({ created_at: createdAt, id } = last);
    }
  }

  /** The page that has one delivery, or, where the filter leaves that out, none. */
  pageOfOne(delivery: StoredDelivery, { status, event, from = 0, to = Number.POSITIVE_INFINITY }: DeliveryFilter): LogPage {
    const { createdAt, state } = delivery;
    const fits =
      (status ?? state.status) === state.status &&
      (event === undefined || subscribes([event], delivery.event)) &&
      createdAt >= from &&
      createdAt < to;
    return { deliveries: fits ? [toSummary(delivery)] : [], next: null };
  }

  /** The attempt of a delivery that failed last; null where the log does not have it any more. */
  lastFailureOf(id: string): LastFailure | null {
    const fresh = this.#fresh.detail(id);
    const stored = fresh ? null : this.#store.find(id);
    const attempts = fresh?.attempts ?? (stored ? this.#store.attempts(stored) : []);
    const failed = attempts.findLast(({ outcome }) => outcome === 'failed');
    return failed ? lastFailureOf(id, failed) : null;
  }

  /** One delivery with its payload and attempts. */
  detail(id: string): DeliveryDetail | null {
    const fresh = this.#fresh.detail(id);
    if (fresh) return fresh;
    const stored = this.#store.find(id);
    const delivery = this.#runningNow(id) ?? stored;
    if (!stored || !delivery) return null;
    const payloadErasedAt = this.#store.payloadErasedAt(id);
    const isKept = payloadErasedAt === null && stored.state.reason !== 'outbox_full';
    const texts = textsOf(isKept ? this.#store.contents(stored) : null);
    return { ...toSummary(delivery), ...texts, payloadErasedAt, attempts: this.#store.attempts(stored) };
  }
}

/** Several lists, each newest first, as one. */
function* merged(sources: readonly Generator<StoredDelivery>[]): Generator<StoredDelivery> {
  const heads = sources.map((source) => ({ source, next: source.next() }));
  for (;;) {
    const [first, ...others] = heads.filter(({ next }) => !next.done);
    if (!first) return;
    const newest = others.reduce((a, b) => (isBefore(a.next.value as StoredDelivery, b.next.value as StoredDelivery) ? b : a), first);
    yield newest.next.value as StoredDelivery;
    newest.next = newest.source.next();
  }
}

function matches(delivery: StoredDelivery, { status, event, q }: DeliveryFilter): boolean {
  if (status !== undefined && delivery.state.status !== status) return false;
  if (event !== undefined && !subscribes([event], delivery.event)) return false;
  if (q === undefined) return true;
  const { id, eventId, sessionId } = delivery;
  return [id, eventId, sessionId].some((each) => each?.toLowerCase().includes(q.toLowerCase()));
}
