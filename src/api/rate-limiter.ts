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

/** A key's current window. */
interface Window {
  /** Milliseconds since the epoch; the window began WINDOW_MS before, with its first request. */
  windowEndsAt: number;
  taken: number;
}

const WINDOW_KEY = 'window';

/**
 * Counts the requests of one API key in windows that begin with their first request: one object per key, so that the count is
 * exact over all locations. An object without requests leaves memory after some seconds, so every take is stored: one row,
 * written over and over. Requests with organization keys are few (people and dashboards; events come with other keys), and the
 * limit itself bounds them.
 */
export class RateLimiter extends DurableObject<Env> {
  /** Counts a request. A refused one is not counted. */
  take(nowMs: number = Date.now()): RateLimitState {
    const { kv } = this.ctx.storage;
    const stored = kv.get<Window>(WINDOW_KEY);
    const window = stored && nowMs < stored.windowEndsAt ? stored : { windowEndsAt: nowMs + WINDOW_MS, taken: 0 };
    const allowed = window.taken < REQUESTS_PER_WINDOW;
    if (allowed) {
      window.taken++;
      kv.put(WINDOW_KEY, window);
    }
    return { allowed, limit: REQUESTS_PER_WINDOW, remaining: REQUESTS_PER_WINDOW - window.taken, resetAt: window.windowEndsAt };
  }
}
