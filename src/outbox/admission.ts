import type { Store } from './store.ts';

/** Deliveries that may wait in one outbox. */
export const MAX_WAITING = 1_000_000;
/** Beyond this nothing is taken in that would wait. Durable Objects: 10 GB an object; what has ended is kept below 8 GB (log/retention.ts). */
export const FULL_BYTES = 9_000_000_000;
/** What waits is counted again after so many additions, and while there is no room no more often than this. */
const COUNT_EVERY = 10_000;
const COUNT_EVERY_MS = 10_000;

/**
 * Whether an outbox takes in more that would wait: what is held for an endpoint that is down, or comes faster than it goes out, is bounded
 * by number and by bytes. What has gone out meanwhile is not told here, so that it is sometimes stricter than it need be.
 */
export class Admission {
  readonly #store: Store;
  readonly #maxWaiting: number;
  readonly #fullBytes: number;
  #waiting: number | null = null;
  #countedAt = 0;
  #added = 0;

  constructor(store: Store, maxWaiting = MAX_WAITING, fullBytes = FULL_BYTES) {
    this.#store = store;
    this.#maxWaiting = maxWaiting;
    this.#fullBytes = fullBytes;
  }

  /** Asks for room for so many that would wait. */
  admits(deliveries: number, now: number): boolean {
    if (this.#store.sql.databaseSize >= this.#fullBytes) return false;
    const fits = () => (this.#waiting ?? Number.POSITIVE_INFINITY) + this.#added + deliveries <= this.#maxWaiting;
    if (this.#added >= COUNT_EVERY || (!fits() && now - this.#countedAt >= COUNT_EVERY_MS)) {
      this.#waiting = this.#store.countDue();
      this.#countedAt = now;
      this.#added = 0;
    }
    if (!fits()) return false;
    this.#added += deliveries;
    return true;
  }
}
