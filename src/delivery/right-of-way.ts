import { isLate } from './lateness.ts';

/** How long what gives way waits at most: it comes last, and not never. */
export const MOST_WAIT_MS = 500;
/** Work that began longer ago than a batch can last was ended by the platform, and is not waited for. */
const MOST_UNDER_WAY_MS = 20_000;

/**
 * Who goes first in an isolate, which has one thread: ordinary batches. While one of them is under way and the thread is
 * overloaded, overflow batches wait.
 */
export class RightOfWay {
  readonly #isOverloaded: () => Promise<boolean>;
  readonly #underWay = new Set<{ since: number }>();
  readonly #waiting = new Set<() => void>();

  constructor(isOverloaded: () => Promise<boolean> = isLate) {
    this.#isOverloaded = isOverloaded;
  }

  /** Does ordinary work. */
  async ordinary(work: () => Promise<void>): Promise<void> {
    const entry = { since: Date.now() };
    this.#underWay.add(entry);
    try {
      await work();
    } finally {
      this.#underWay.delete(entry);
      if (this.#isClear()) for (const goOn of this.#waiting) goOn();
    }
  }

  /** Waits, for MOST_WAIT_MS at most, until the way is clear. Returns whether it is. */
  async giveWay(): Promise<boolean> {
    if (this.#isClear() || !(await this.#isOverloaded())) return true;
    await this.#cleared();
    return this.#isClear();
  }

  #isClear(): boolean {
    const now = Date.now();
    for (const entry of this.#underWay) if (now - entry.since > MOST_UNDER_WAY_MS) this.#underWay.delete(entry);
    return this.#underWay.size === 0;
  }

  async #cleared(): Promise<void> {
    if (this.#isClear()) return;
    const cleared = Promise.withResolvers<void>();
    // Called by another invocation (Workers: compatibility flag handle_cross_request_promise_resolution), which can be ended before it
    // does: hence a timer of one's own.
    const timer = setTimeout(cleared.resolve, MOST_WAIT_MS);
    this.#waiting.add(cleared.resolve);
    await cleared.promise;
    this.#waiting.delete(cleared.resolve);
    clearTimeout(timer);
  }
}
