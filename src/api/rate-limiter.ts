import { DurableObject } from 'cloudflare:workers';

/** Requests an organization key may make in a window. */
export const REQUESTS_PER_WINDOW = 1_000;
export const WINDOW_MS = 60_000;

/** Where a key stands after a request. */
export interface RateLimitState {
  allowed: boolean;
  limit: number;
  remaining: number;
  /** When the window ends, milliseconds since the epoch. */
  resetAt: number;
}

/**
 * Counts the requests of one API key in fixed windows: one object per key, so that the count is exact over all locations.
 * The count lives in memory alone. An object that vanishes (idle, moved, restarted) forgets at most one window, which lets a
 * key make a few requests too many; storing each would cost a write per request to prevent that.
 */
export class RateLimiter extends DurableObject<Env> {
  #windowEndsAt = 0;
  #taken = 0;

  /** Counts a request. A refused one is not counted. */
  take(nowMs: number = Date.now()): RateLimitState {
    if (nowMs >= this.#windowEndsAt) {
      this.#windowEndsAt = (Math.floor(nowMs / WINDOW_MS) + 1) * WINDOW_MS;
      this.#taken = 0;
    }
    const allowed = this.#taken < REQUESTS_PER_WINDOW;
    if (allowed) this.#taken++;
    return { allowed, limit: REQUESTS_PER_WINDOW, remaining: REQUESTS_PER_WINDOW - this.#taken, resetAt: this.#windowEndsAt };
  }
}
