import { type AttemptResult, interruptedAttempt } from '../attempt/attempt.ts';
import {
  type AttemptRecord,
  acceptedOf,
  type Contents,
  type DeliveryDetail,
  type NewDelivery,
  sizeOf,
} from '../domain/delivery/delivery.ts';
import { begin, type DeliveryState, settle } from '../domain/delivery/lifecycle.ts';
import { whoOfBytes } from '../domain/event/subject.ts';
import { mintedAt } from '../domain/ids.ts';
import { type StoredDelivery, textsOf, toSummary } from './books/delivery-row.ts';
import type { DiscardReason, Ledger } from './books/ledger.ts';
import type { Store } from './books/store.ts';
import { isArchivable, newestFirst, type OpenBundle } from './log/archive.ts';
import type { ArchivedDelivery, BundledDelivery } from './log/bundle.ts';

/** Deliveries in memory at most, and their bytes; what comes beyond waits in rows. Workers: 128 MB an isolate, which objects share. */
const MAX_FRESH = 1_000;
const MAX_FRESH_BYTES = 16_000_000;

/** Several deliveries that are stored as one row (outbox/log/archive.ts) until all of them have ended. */
interface Flight {
  bundle: OpenBundle;
  deliveries: FreshDelivery[];
}

/** A delivery whose first attempt has not been kept yet. */
export interface FreshDelivery {
  readonly delivery: NewDelivery;
  /** As the log shows it: with leasedAt from when its attempt begins until its end is kept, since a kill would take that back. */
  stored: StoredDelivery;
  /** Where its attempt goes; null while it waits. */
  url: string | null;
  /** How its first attempt ended, and how it stands with that; null while it waits or runs. */
  ended: { record: AttemptRecord; state: DeliveryState } | null;
  /** Null: it is in memory alone, and the queue's message is its durable copy. */
  flight: Flight | null;
  /** The call that brought it could not keep it, and is over: should it end here, it is to be kept without one. */
  isLeft: boolean;
  /** Fulfilled when it needs nobody's patience any more: its attempt has ended, or it has gone to the rows. */
  readonly done: Promise<void>;
  readonly resolve: () => void;
}

type EndedDelivery = FreshDelivery & { ended: NonNullable<FreshDelivery['ended']> };

/**
 * New deliveries on their first attempt, from memory: no row before it. One that ends while the call that brought it waits is one
 * packed row of the log, with the others of that call; what has not ended by then is stored as one row, which is completed when all
 * of it has. What is not to be attempted soon goes to rows of its own (spill).
 */
export class Fresh {
  readonly #store: Store;
  readonly #ledger: Ledger;
  readonly #byId = new Map<string, FreshDelivery>();
  /** Those that wait, in their order; those before `#next` have begun or gone. */
  #line: FreshDelivery[] = [];
  #next = 0;
  #bytes = 0;

  constructor(store: Store, ledger: Ledger) {
    this.#store = store;
    this.#ledger = ledger;
  }

  /** The deliveries that are in memory. */
  get ids(): string[] {
    return [...this.#byId.keys()];
  }

  /** Whether nothing is in memory. */
  get isEmpty(): boolean {
    return this.#byId.size === 0;
  }

  /** Whether any of it is stored, and not in memory alone. */
  get hasStored(): boolean {
    for (const { flight } of this.#byId.values()) if (flight) return true;
    return false;
  }

  /** Whether there is room for more. */
  get hasRoom(): boolean {
    return this.#byId.size < MAX_FRESH && this.#bytes < MAX_FRESH_BYTES;
  }

  /** How many wait, those included that have gone elsewhere since peek() was last asked. */
  get waiting(): number {
    return this.#line.length - this.#next;
  }

  /** How many of some deliveries there is room for, from the first on. */
  roomFor(deliveries: readonly NewDelivery[]): number {
    let count = 0;
    let bytes = this.#bytes;
    for (const delivery of deliveries) {
      if (this.#byId.size + count >= MAX_FRESH || bytes >= MAX_FRESH_BYTES) break;
      count++;
      bytes += sizeOf(delivery);
    }
    return count;
  }

  get(id: string): FreshDelivery | undefined {
    return this.#byId.get(id);
  }

  /** Takes a new delivery in; it waits for its first attempt. */
  add(delivery: NewDelivery, now: number): FreshDelivery {
    const { promise: done, resolve } = Promise.withResolvers<void>();
    const { id, eventId, event, sessionId } = delivery;
    const createdAt = mintedAt(id) ?? delivery.acceptedAt;
    const stored = { createdAt, id, eventId, event, sessionId, state: this.#ledger.waiting(now, delivery.acceptedAt) };
    const fresh: FreshDelivery = { delivery, stored, url: null, ended: null, flight: null, isLeft: false, done, resolve };
    this.#byId.set(id, fresh);
    this.#line.push(fresh);
    this.#bytes += sizeOf(delivery);
    return fresh;
  }

  /** The first that waits; null where none does. */
  peek(): FreshDelivery | null {
    for (; this.#next < this.#line.length; this.#next++) {
      const fresh = this.#line[this.#next] as FreshDelivery;
      if (this.#waits(fresh)) return fresh;
    }
    this.#line = [];
    this.#next = 0;
    return null;
  }

  /** Its attempt begins. */
  begin(fresh: FreshDelivery, url: string, now: number): void {
    const state = begin(fresh.stored.state, now);
    if (!state) throw new Error(`delivery ${fresh.delivery.id} cannot begin`);
    fresh.stored = { ...fresh.stored, state };
    fresh.url = url;
  }

  /**
   * Its attempt has ended. It is kept with the call that brought it, or, where that is over, by keepEnded(). Where that fails it is ended again.
   * @returns the delivery as it then stands
   */
  end(fresh: FreshDelivery, { record, retryAfterMs }: AttemptResult, isCurrent: boolean): StoredDelivery {
    if (!fresh.ended) {
      const state = settle(fresh.stored.state, record, retryAfterMs, this.#ledger.policy, isCurrent);
      if (!state) throw new Error(`delivery ${fresh.delivery.id} did not run`);
      fresh.ended = { record, state };
      fresh.resolve();
    }
    return { ...fresh.stored, state: fresh.ended.state };
  }

  /** Its attempt could not be sent, through a fault of ours: it waits as before. */
  putBack(fresh: FreshDelivery): void {
    fresh.stored = { ...fresh.stored, state: this.#ledger.waiting(fresh.stored.state.dueAt ?? 0, fresh.delivery.acceptedAt) };
    this.#line.splice(this.#next, 0, fresh);
  }

  /**
   * Stores what a call has brought: what has ended in the log, what has not as an open bundle. Where it throws, nothing is stored, and
   * all of it stays in memory: the queue brings the message again, and the next call stores it.
   */
  keep(brought: readonly FreshDelivery[]): void {
    const unkept = brought.filter((fresh) => fresh.flight === null && this.#byId.get(fresh.delivery.id) === fresh);
    const [ended, open] = byEnd(unkept);
    if (unkept.length === 0) return;
    for (const fresh of unkept) fresh.isLeft = true;
    const bundles = this.#store.atomically(() => {
      this.#store.addToArchive(this.#keepRows(ended));
      return open.length > 0 ? this.#store.archive.open(open.map(toBundled)) : [];
    });
    for (const bundle of bundles) {
      const ids = new Set(bundle.ids);
      const flight: Flight = { bundle, deliveries: open.filter(({ delivery }) => ids.has(delivery.id)) };
      for (const fresh of flight.deliveries) fresh.flight = flight;
    }
    for (const fresh of ended) this.#forget(fresh);
  }

  /**
   * A stored delivery's attempt has ended: where that was the last of those that are stored with it, all of them are kept, as one row.
   * @returns whether there is something left to keep
   */
  keepIfLast({ flight, isLeft }: FreshDelivery): boolean {
    if (!flight) return isLeft;
    if (!flight.deliveries.every(hasEnded)) return true;
    this.#keepFlight(flight);
    return false;
  }

  /** Keeps what has ended of stored deliveries, though others that are stored with it have not, and what no call keeps any more. */
  keepEnded(): void {
    const allEnded = [...this.#byId.values()].filter(hasEnded);
    const left = allEnded.filter(({ flight, isLeft }) => flight === null && isLeft);
    if (left.length > 0) this.#store.atomically(() => this.#store.addToArchive(this.#keepRows(left)));
    for (const fresh of left) this.#forget(fresh);
    const flights = new Set(allEnded.flatMap(({ flight }) => flight ?? []));
    for (const flight of flights) this.#keepFlight(flight);
  }

  /** Gives what waits rows of its own: it is not to be attempted for now. */
  spill(now: number): void {
    this.#takeOut((deliveries) => this.#ledger.addWaiting(deliveries, now));
  }

  /** Gives what waits, and what has ended, its place in the log: what is in memory then runs. For what a person does with the log. */
  keepAll(now: number): void {
    this.spill(now);
    this.keepEnded();
  }

  /** What waits is not to be attempted. */
  discard(reason: DiscardReason, now: number): void {
    this.#takeOut((deliveries) => this.#ledger.addDiscarded(deliveries, reason, now));
  }

  /** A stored delivery as the log shows it while its first attempt has not been kept. What is in memory alone it does not show. */
  find(id: string): StoredDelivery | null {
    const fresh = this.#byId.get(id);
    return fresh?.flight ? fresh.stored : null;
  }

  /** What such a delivery carries. */
  contents(id: string): Contents | null {
    const fresh = this.#byId.get(id);
    return fresh?.flight ? fresh.delivery : null;
  }

  /** Such a delivery with what it carries, and no attempt yet. */
  detail(id: string): DeliveryDetail | null {
    const fresh = this.#byId.get(id);
    if (!fresh?.flight) return null;
    const texts = textsOf(fresh.delivery);
    const summary = toSummary(fresh.stored, whoOfBytes(acceptedOf(fresh.delivery)));
    return { ...summary, ...texts, payloadErasedAt: null, attempts: [] };
  }

  /** All of them, newest first. */
  list(): StoredDelivery[] {
    return this.stored()
      .map(({ stored }) => stored)
      .sort(newestFirst);
  }

  /** The same with all that is known of them. */
  stored(): FreshDelivery[] {
    return [...this.#byId.values()].filter(({ flight }) => flight !== null);
  }

  /** The storage has been emptied. */
  reset(): void {
    for (const { resolve } of this.#byId.values()) resolve();
    this.#byId.clear();
    this.#line = [];
    this.#next = 0;
    this.#bytes = 0;
  }

  #waits(fresh: FreshDelivery): boolean {
    return fresh.stored.state.leasedAt === null && this.#byId.get(fresh.delivery.id) === fresh;
  }

  #takeOut(add: (deliveries: NewDelivery[]) => void): void {
    const waits = [...this.#byId.values()].filter((fresh) => this.#waits(fresh));
    if (waits.length === 0) return;
    const gone = new Set(waits);
    const flights = new Set(waits.flatMap(({ flight }) => flight ?? []));
    const left = new Map([...flights].map((flight) => [flight, flight.deliveries.filter((fresh) => !gone.has(fresh))]));
    const rests = [...left].map(([flight, rest]) => [flight, byEnd(rest)] as const);
    this.#store.atomically(() => {
      add(waits.map(({ delivery }) => delivery));
      for (const [flight, [ended, open]] of rests) this.#rewrite(flight, ended, open);
    });
    for (const [flight, [ended, open]] of rests) this.#afterRewrite(flight, ended, open);
    for (const fresh of waits) {
      this.#forget(fresh);
      fresh.resolve();
    }
  }

  #keepFlight(flight: Flight): void {
    const [ended, open] = byEnd(flight.deliveries);
    this.#store.atomically(() => this.#rewrite(flight, ended, open));
    this.#afterRewrite(flight, ended, open);
  }

  #rewrite({ bundle }: Flight, ended: readonly EndedDelivery[], open: readonly FreshDelivery[]): void {
    const archived = this.#keepRows(ended);
    if (open.length === 0) {
      this.#store.archive.close(bundle, archived);
      this.#store.ended(archived);
    } else {
      this.#store.addToArchive(archived);
      this.#store.archive.keepOpen(bundle, open.map(toBundled));
    }
  }

  #afterRewrite(flight: Flight, ended: readonly EndedDelivery[], open: readonly FreshDelivery[]): void {
    if (open.length === 0) this.#store.archive.closed(flight.bundle);
    flight.deliveries = [...open];
    for (const fresh of ended) this.#forget(fresh);
  }

  /** Gives what has ended rows of its own where that is not delivered at once; returns what is, for the archive. */
  #keepRows(ended: readonly EndedDelivery[]): ArchivedDelivery[] {
    const archived: ArchivedDelivery[] = [];
    for (const {
      delivery,
      stored,
      ended: { record, state },
    } of ended) {
      if (isArchivable(state) && this.#store.isArchivable(delivery)) {
        archived.push({ delivery: { ...delivery, acceptedAt: stored.createdAt }, state, attempt: record });
      } else this.#store.insert(delivery, state, record);
    }
    return archived;
  }

  #forget({ delivery }: FreshDelivery): void {
    if (this.#byId.delete(delivery.id)) this.#bytes -= sizeOf(delivery);
  }
}

/** As it is stored while it is open: should this object vanish, what ran then is an attempt of which nobody knows the outcome. */
function toBundled({ delivery, stored, url }: FreshDelivery): BundledDelivery {
  const { leasedAt } = stored.state;
  const attempt = leasedAt === null ? null : interruptedAttempt(1, 'event', leasedAt, url);
  return { delivery: { ...delivery, acceptedAt: stored.createdAt }, state: stored.state, attempt };
}

function hasEnded(fresh: FreshDelivery): fresh is EndedDelivery {
  return fresh.ended !== null;
}

function byEnd(deliveries: readonly FreshDelivery[]): [ended: EndedDelivery[], open: FreshDelivery[]] {
  return [deliveries.filter(hasEnded), deliveries.filter((fresh) => !hasEnded(fresh))];
}
