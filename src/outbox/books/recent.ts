import { mintedAt } from '../../domain/ids.ts';

/** Ids remembered at most. */
const MAX_IDS = 10_000;
/**
 * How far the clock that an id was minted by may be ahead of this object's. Workers: clocks are synchronized, and stand still between I/O,
 * which puts them behind and never ahead.
 */
const SKEW_MS = 5_000;

/**
 * The ids of what this object has stored since it was loaded. What was accepted later than that cannot have been stored before, so that a
 * delivery that has just come is known, or not, without a look at the rows.
 */
export class RecentIds {
  readonly #ids = new Map<string, number>();
  /** Of what was accepted after this, all ids are here. Milliseconds since the epoch. */
  #completeFrom: number;

  constructor(now: number) {
    this.#completeFrom = now + SKEW_MS;
  }

  /** Whether a delivery is stored; undefined where that is not known here. */
  has(id: string): boolean | undefined {
    if (this.#ids.has(id)) return true;
    const at = mintedAt(id);
    return at !== null && at > this.#completeFrom ? false : undefined;
  }

  add(id: string): void {
    const at = mintedAt(id);
    if (at === null || at <= this.#completeFrom) return;
    this.#ids.set(id, at);
    if (this.#ids.size <= MAX_IDS) return;
    const [oldest] = this.#ids;
    if (!oldest) return;
    this.#ids.delete(oldest[0]);
    this.#completeFrom = Math.max(this.#completeFrom, oldest[1]);
  }
}
