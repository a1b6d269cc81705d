import { within } from '../within.ts';

/** How a cache of configuration behaves. Times in milliseconds. */
export interface FreshCacheOptions<T> {
  /** Up to this age a value is used without a look. */
  maxAgeMs: number;
  /** Up to this age a value is used where it cannot be read anew. */
  lastKnownAgeMs: number | ((value: T) => number);
  /** How long a read may take before the last known value serves. */
  timeoutMs: number;
  maxEntries: number;
  /** Values that are not worth keeping are read each time, and push nothing out. */
  isKept?(value: T): boolean;
}

/** A read that failed or took too long, with no last known value to serve instead. */
export class NothingKnown extends Error {
  override name = 'NothingKnown';
}

interface Entry<T> {
  value: T;
  readAt: number;
  /** After a failed read: until then the last known value serves without another try, so that an outage does not cost every request a timeout. */
  tryAgainAt: number;
}

/** How long after a failed read the next one is tried. */
const TRY_AGAIN_MS = 1_000;

/**
 * What one isolate knows of the configuration: read anew when it is older than `maxAgeMs`, served as last known while D1 is
 * down. Requests do not share a read in flight: a promise of one request cannot be awaited by another on Workers.
 */
export class FreshCache<T> {
  readonly #options: FreshCacheOptions<T>;
  /** In the order of reading, so that the first is the one to drop. */
  readonly #entries = new Map<string, Entry<T>>();

  constructor(options: FreshCacheOptions<T>) {
    this.#options = options;
  }

  /** The value of a key. Throws NothingKnown, with the failure as its cause, where it can be neither read nor remembered. */
  async get(key: string, nowMs: number, read: () => Promise<T>): Promise<T> {
    const known = this.#entries.get(key);
    if (known && (nowMs - known.readAt < this.#options.maxAgeMs || nowMs < known.tryAgainAt)) return known.value;
    try {
      const value = await within(this.#options.timeoutMs, read());
      this.#keep(key, { value, readAt: nowMs, tryAgainAt: 0 });
      return value;
    } catch (error) {
      if (!known || nowMs - known.readAt > this.#lastKnownAgeMs(known.value))
        throw new NothingKnown('there is no last known value', { cause: error });
      known.tryAgainAt = nowMs + TRY_AGAIN_MS;
      return known.value;
    }
  }

  /** When the value that is kept of a key was read, if one is. */
  readAt(key: string): number | undefined {
    return this.#entries.get(key)?.readAt;
  }

  /** Makes the next `get` read: after a change made through this isolate. The value stays known for an outage. */
  expire(key: string): void {
    const known = this.#entries.get(key);
    if (known) known.readAt -= this.#options.maxAgeMs;
  }

  forget(key: string): void {
    this.#entries.delete(key);
  }

  #lastKnownAgeMs(value: T): number {
    const { lastKnownAgeMs } = this.#options;
    return typeof lastKnownAgeMs === 'number' ? lastKnownAgeMs : lastKnownAgeMs(value);
  }

  #keep(key: string, entry: Entry<T>): void {
    this.#entries.delete(key);
    if (this.#options.isKept?.(entry.value) === false) return;
    this.#entries.set(key, entry);
    if (this.#entries.size <= this.#options.maxEntries) return;
    const [oldest] = this.#entries.keys();
    if (oldest !== undefined) this.#entries.delete(oldest);
  }
}
