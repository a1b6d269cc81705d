import { inSteps } from './steps.ts';
import type { Store } from './store.ts';

/** Deliveries that may wait in one outbox. */
export const MAX_WAITING = 1_000_000;
/** Beyond this nothing is taken in that would wait. Durable Objects: 10 GB an object; what has ended is kept below 8 GB (log/retention.ts). */
export const FULL_BYTES = 9_000_000_000;
/** What waits is counted again after so many additions, and while there is no room no more often than this. */
const COUNT_EVERY = 10_000;
const COUNT_EVERY_MS = 60_000;

/**
 * Whether an outbox takes in more that would wait: what is held for an endpoint that is down, or comes faster than it goes out, is bounded
 * by number and by bytes. The number is right to COUNT_EVERY: what has gone out is told by the next count alone.
 */
export class Admission {
  readonly #store: Store;
  readonly #maxWaiting: number;
  readonly #fullBytes: number;
  /** As of the last count. */
  #waiting = 0;
  #countedAt = 0;
  #added = 0;
  /** There was no room since it was counted. */
  #isFull = false;

  constructor(store: Store, maxWaiting = MAX_WAITING, fullBytes = FULL_BYTES) {
    this.#store = store;
    this.#maxWaiting = maxWaiting;
    this.#fullBytes = fullBytes;
  }

  /** Asks for room for so many that would wait. */
  admits(deliveries: number): boolean {
    if (this.#store.sql.databaseSize >= this.#fullBytes) return false;
    this.#isFull = this.#waiting + this.#added + deliveries > this.#maxWaiting;
    if (!this.#isFull) this.#added += deliveries;
    return !this.#isFull;
  }

  /** Whether what waits is to be counted: so many have come, or it may have drained since there was no room. */
  isCountDue(now: number): boolean {
    // What an object before this one has brought about counts, too.
    if (this.#countedAt === 0) return true;
    return this.#added >= Math.min(COUNT_EVERY, this.#maxWaiting) || (this.#isFull && now - this.#countedAt >= COUNT_EVERY_MS);
  }

  /** Counts what waits, in steps. */
  async count(now: number): Promise<void> {
    this.#countedAt = now;
    this.#added = 0;
    this.#waiting = await inSteps(this.#store.countDue());
  }
}
