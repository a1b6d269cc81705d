import { DurableObject } from 'cloudflare:workers';

export const WINDOW_MS = 60_000;
/** How long after its first count an object looks for what it need not keep any more. */
const TIDY_AFTER_MS = 3_600_000;

/** What a request counts for: at most `limit` in a window. */
export interface Count {
  name: string;
  limit: number;
  /** How long its windows are; absent: WINDOW_MS. */
  windowMs?: number;
  /** What is counted, for the answer to who is refused: `requests of an API key`. */
  of: string;
}

/** Where a count stands after a request. */
export interface RateLimitState {
  allowed: boolean;
  limit: number;
  remaining: number;
  /** When the window ends, milliseconds since the epoch. */
  resetAt: number;
  of: string;
  /** How long the window is; absent: WINDOW_MS. */
  windowMs?: number;
}

/** The current window of a count. */
interface Window {
  /** Milliseconds since the epoch; the window began as long before as it is, with its first request. */
  windowEndsAt: number;
  taken: number;
}

const PREFIX = 'window:';

/**
 * Counts the requests of one organization, for each of its keys and sessions and for all of them, in windows that begin with their
 * first request: one object for each organization, so that the counts are exact over all locations and one call has them all. An
 * object without requests leaves memory after some seconds, so every take is stored: a row for each count, written over and over.
 * Requests of organizations are few (people and dashboards; events come with other keys), and the limits themselves bound them.
 */
export class RateLimiter extends DurableObject<Env> {
  /**
   * Counts a request, for all counts or, where one of them has used up its window, for none.
   * @returns the one that refuses it, else the first
   */
  async take(counts: readonly Count[], nowMs: number = Date.now()): Promise<RateLimitState> {
    const { kv } = this.ctx.storage;
    const windows = this.#windowsOf(counts, nowMs);
    const full = windows.find(({ count, window }) => window.taken >= count.limit);
    const [first] = windows;
    if (!first) throw new RangeError('a request counts for something');
    if (full) return stateOf(full, false);
    for (const { count, window } of windows) kv.put(PREFIX + count.name, { ...window, taken: ++window.taken });
    if (windows.some(({ isNew }) => isNew) && (await this.ctx.storage.getAlarm()) === null) {
      await this.ctx.storage.setAlarm(nowMs + TIDY_AFTER_MS);
    }
    return stateOf(first, true);
  }

  /** Where counts stand, in their order. It counts nothing. */
  async look(counts: readonly Count[], nowMs: number = Date.now()): Promise<RateLimitState[]> {
    return this.#windowsOf(counts, nowMs).map((each) => stateOf(each, each.window.taken < each.count.limit));
  }

  #windowsOf(counts: readonly Count[], nowMs: number): { count: Count; isNew: boolean; window: Window }[] {
    return counts.map((count) => {
      const stored = this.ctx.storage.kv.get<Window>(PREFIX + count.name);
      return {
        count,
        isNew: !stored,
        window: stored && nowMs < stored.windowEndsAt ? stored : { windowEndsAt: nowMs + (count.windowMs ?? WINDOW_MS), taken: 0 },
      };
    });
  }

  /** Keys are revoked, sessions end, organizations go: what is over is not kept, and an object that has nothing left is gone. */
  override async alarm(): Promise<void> {
    const { kv } = this.ctx.storage;
    const nowMs = Date.now();
    let isUsed = false;
    for (const [name, window] of [...kv.list<Window>()]) {
      if (nowMs < window.windowEndsAt) isUsed = true;
      else kv.delete(name);
    }
    if (isUsed) await this.ctx.storage.setAlarm(nowMs + TIDY_AFTER_MS);
    else await this.ctx.storage.deleteAll();
  }
}

function stateOf({ count, window }: { count: Count; window: Window }, allowed: boolean): RateLimitState {
  const { limit, of, windowMs } = count;
  const state = { allowed, limit, remaining: limit - window.taken, resetAt: window.windowEndsAt, of };
  return windowMs === undefined ? state : { ...state, windowMs };
}
