import {
  acceptedOf,
  type DeliveryDetail,
  type DeliveryFilter,
  type DeliveryPage,
  type DeliveryPosition,
  type DeliverySummary,
  sizeOf,
} from '../../domain/delivery/delivery.ts';
import { type LastFailure, lastFailureOf } from '../../domain/delivery/failure.ts';
import { type Who, whoOfBytes, whoOfText } from '../../domain/event/subject.ts';
import { subscribes } from '../../domain/webhook/webhook.ts';
import { COLUMNS, EVENT_TEXT, type Row, type StoredDelivery, textsOf, toStored, toSummary } from '../books/delivery-row.ts';
import type { Store } from '../books/store.ts';
import type { Fresh } from '../fresh.ts';
import { Answers, canBeArchived } from './answers.ts';
import { isBefore, type Mark, newestFirst } from './archive.ts';
import { BundleReader } from './bundle-reader.ts';
import { NewerDeliveries } from './newer.ts';
import { type Effort, Search, Work } from './search.ts';
import { type SearchedSpan, searchedRows } from './searched-rows.ts';

/** What waits is looked through by when it falls due, up to so many. */
const MAX_SCHEDULED_ROWS = 2_000;
/** How many rows are read in one step. */
const STEP_ROWS = 101;

const WITHIN = '(created_at, id) < (?, ?) AND created_at >= ? ORDER BY created_at DESC, id DESC LIMIT ?';
const UNSUCCESSFUL = "status IN ('failed', 'discarded') AND";
const pageOf = (columns: string, where: string) => `SELECT ${columns} FROM deliveries WHERE ${where} ${WITHIN}`;

const SQL = {
  page: pageOf(COLUMNS, ''),
  pageOfUnsuccessful: pageOf(COLUMNS, UNSUCCESSFUL),
  listed: pageOf(`${COLUMNS}, ${EVENT_TEXT}`, ''),
} as const;

type ListedRow = Row & { event_text: string };

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

  /** A delivery as the log shows it. */
  find(id: string): StoredDelivery | null {
    return this.#fresh.find(id) ?? this.#runningNow(id) ?? this.#store.find(id);
  }

  /** One delivery as a list shows it. */
  summary(id: string): DeliverySummary | null {
    const delivery = this.find(id);
    return delivery && toSummary(delivery, this.#whoOf(delivery));
  }

  /** A page of the log, newest first, from after a place in it. It looks through a bounded part of the log, and can be short. */
  page(filter: DeliveryFilter, limit: number, after: DeliveryPosition | null, effort?: Effort): LogPage {
    const deliveries: DeliverySummary[] = [];
    const start = after ?? { createdAt: Number.MAX_SAFE_INTEGER, id: '' };
    // `to` is exclusive, as the start of a page is.
    const from = filter.to !== undefined && filter.to <= start.createdAt ? { createdAt: filter.to, id: '' } : start;
    const answers = this.#answersTo(filter);
    const work = new Work(effort);
    const search = filter.q === undefined ? null : new Search(filter.q, work);
    const bundles = new BundleReader(this.#store.archive);
    const whoOf = (delivery: StoredDelivery) => this.#whoOfListed(delivery, bundles, work);
    let last: DeliveryPosition | null = null;
    for (const each of this.#newestFirst(filter, from, search, work, limit)) {
      if (deliveries.length === limit) return { deliveries, next: last };
      last = { createdAt: each.createdAt, id: each.id };
      if (each.state) {
        work.addDelivery();
        const who = fits(each, filter) && answers.fit(each) ? whoOf(each) : undefined;
        if (who !== undefined && (!search || search.isOf(each, who))) deliveries.push(toSummary(each, who));
      }
      if (work.isSpent || answers.isSpent) return { deliveries, next: last };
    }
    return { deliveries, next: null };
  }

  /**
   * What stands above and below a delivery in the list that a filter makes, by their ids, as far as one look goes; null where there is none, or
   * none near. Above what a search has found nothing is looked for: it reads the log downwards.
   */
  neighbours(id: string, filter: DeliveryFilter): { newer: string | null; older: string | null } {
    const delivery = this.find(id);
    if (!delivery) return { newer: null, older: null };
    const [older] = this.page(filter, 1, delivery).deliveries;
    return { newer: filter.q === undefined ? this.#newer(filter, delivery) : null, older: older?.id ?? null };
  }

  #newer(filter: DeliveryFilter, after: DeliveryPosition): string | null {
    const answers = this.#answersTo(filter);
    const isOne = (stored: StoredDelivery) => {
      const delivery = this.#runningNow(stored.id) ?? stored;
      return !answers.isSpent && fits(delivery, filter) && answers.fit(delivery);
    };
    return new NewerDeliveries(this.#store).find(filter, after, this.#fresh.list(), isOne)?.id ?? null;
  }

  /** What a filter can be about, from everywhere. */
  *#newestFirst(
    filter: DeliveryFilter,
    start: DeliveryPosition,
    search: Search | null,
    work: Work,
    limit: number,
  ): Generator<StoredDelivery | Mark> {
    const { status, event, from: since = 0 } = filter;
    const isUnsuccessful = status === 'failed' || status === 'discarded';
    const sources: Generator<StoredDelivery | Mark>[] = [this.#freshBefore(start, since)];
    if (!this.#store.isEmpty) {
      const scheduled = status === 'pending' || status === 'retrying' ? this.#scheduledBefore(start, since) : null;
      if (scheduled) sources.push(scheduled);
      else if (search) sources.push(this.#searchedRowsBefore({ isUnsuccessful, before: start, since }, search, work));
      else if (status === undefined && event === undefined) sources.push(this.#listedRowsBefore(start, since, work, limit));
      else sources.push(this.#rowsBefore(isUnsuccessful ? SQL.pageOfUnsuccessful : SQL.page, start, since));
      const { archive } = this.#store;
      if (canBeArchived(filter)) {
        const sift = search && ((heads: string, bodies: () => ArrayBuffer | null) => search.sift(heads, bodies));
        sources.push(sift ? archive.search(start, since, sift) : archive.before(start, since));
      }
    }
    yield* merged(sources);
  }

  #answersTo(filter: DeliveryFilter): Answers {
    return new Answers(filter, (delivery) => (this.#fresh.find(delivery.id) ? [] : this.#store.attempts(delivery)));
  }

  *#freshBefore(start: DeliveryPosition, since: number): Generator<StoredDelivery> {
    for (const delivery of this.#fresh.list()) if (delivery.createdAt >= since && isBefore(delivery, start)) yield delivery;
  }

  /** What waits, or runs, where that is little: it may stand among a great many that have ended. Null: it is much, and dense. */
  #scheduledBefore(start: DeliveryPosition, since: number): Generator<StoredDelivery> | null {
    const due = this.#store.due(Number.MAX_SAFE_INTEGER, MAX_SCHEDULED_ROWS + 1);
    if (due.length > MAX_SCHEDULED_ROWS) return null;
    const before = due.filter((delivery) => delivery.createdAt >= since && isBefore(delivery, start));
    return this.#asTheyStand(before.sort(newestFirst));
  }

  *#asTheyStand(deliveries: readonly StoredDelivery[]): Generator<StoredDelivery> {
    for (const delivery of deliveries) yield this.#runningNow(delivery.id) ?? delivery;
  }

  *#rowsBefore(query: string, start: DeliveryPosition, since: number): Generator<StoredDelivery> {
    for (const rows of this.#stepsBefore<Row>(query, start, since)) yield* this.#asTheyStand(rows.map(toStored));
  }

  /** The same where all of them are listed: whom each is about is read with it, and not by looking for each once more. */
  *#listedRowsBefore(start: DeliveryPosition, since: number, work: Work, limit: number): Generator<StoredDelivery> {
    for (const rows of this.#stepsBefore<ListedRow>(SQL.listed, start, since, Math.min(limit + 1, STEP_ROWS))) {
      for (const { event_text: text, ...row } of rows) {
        work.add(text.length);
        yield { ...(this.#runningNow(row.id) ?? toStored(row)), who: whoOfText(text) };
      }
    }
  }

  /** The same of those that can have what is looked for; and in between, after each step, how far it has come. */
  *#searchedRowsBefore(span: SearchedSpan, search: Search, work: Work): Generator<StoredDelivery | Mark> {
    for (const each of searchedRows(this.#store.sql, span, search, work)) {
      const running = each.state && this.#runningNow(each.id);
      yield running ? { ...running, who: each.who } : each;
    }
  }

  *#stepsBefore<T extends Row>(query: string, start: DeliveryPosition, since: number, stepRows = STEP_ROWS): Generator<T[]> {
    let { createdAt, id } = start;
    for (;;) {
      const rows = this.#store.sql.exec<T>(query, createdAt, id, since, stepRows).toArray();
      yield rows;
      const last = rows.at(-1);
      if (!last || rows.length < stepRows) return;
      ({ created_at: createdAt, id } = last);
    }
  }

  /** The page that has one delivery, or, where the filter leaves that out, none. */
  pageOfOne(delivery: StoredDelivery, filter: DeliveryFilter): LogPage {
    const { from = 0, to = Number.POSITIVE_INFINITY } = filter;
    const isWithin = delivery.createdAt >= from && delivery.createdAt < to;
    const isOne = isWithin && fits(delivery, filter) && this.#answersTo(filter).fit(delivery);
    return { deliveries: isOne ? [toSummary(delivery, this.#whoOf(delivery))] : [], next: null };
  }

  /** The attempt of a delivery that failed last; null where the log does not have it any more. */
  lastFailureOf(id: string): LastFailure | null {
    const fresh = this.#fresh.get(id);
    // The endpoint's health knows of it before the log does.
    const ended = fresh?.flight ? fresh.ended : null;
    const stored = ended ? null : this.#store.find(id);
    const attempts = ended ? [ended.record] : stored ? this.#store.attempts(stored) : [];
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
    const contents = isKept ? this.#store.contents(stored) : null;
    const summary = toSummary(delivery, contents && whoOfBytes(acceptedOf(contents)));
    return { ...summary, ...textsOf(contents), payloadErasedAt, attempts: this.#store.attempts(stored) };
  }

  #whoOf(delivery: StoredDelivery): Who | null {
    const fresh = this.#fresh.contents(delivery.id);
    return fresh ? whoOfBytes(acceptedOf(fresh)) : this.#store.whoOf(delivery);
  }

  /** The same of one of many: it is part of the work, and a bundle is opened once for all of them. */
  #whoOfListed(delivery: StoredDelivery, bundles: BundleReader, work: Work): Who | null {
    if (delivery.who !== undefined) return delivery.who;
    const before = bundles.bytes;
    const contents = this.#fresh.contents(delivery.id) ?? this.#store.contentsOfRow(delivery) ?? bundles.contents(delivery);
    work.add((contents ? sizeOf(contents) : 0) + bundles.bytes - before);
    return contents && whoOfBytes(acceptedOf(contents));
  }
}

/** Several lists, each newest first, as one. */
function* merged<T extends DeliveryPosition>(sources: readonly Generator<T>[]): Generator<T> {
  const heads = sources.map((source) => ({ source, next: source.next() }));
  for (;;) {
    const [first, ...others] = heads.filter(({ next }) => !next.done);
    if (!first) return;
    const newest = others.reduce((a, b) => (isBefore(a.next.value as T, b.next.value as T) ? b : a), first);
    yield newest.next.value as T;
    newest.next = newest.source.next();
  }
}

function fits({ event, state }: StoredDelivery, filter: DeliveryFilter): boolean {
  if (filter.status !== undefined && state.status !== filter.status) return false;
  return filter.event === undefined || subscribes([filter.event], event);
}
