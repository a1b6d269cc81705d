import type { OutboxStore } from './outbox-store.ts';

/** How often an outbox looks for what it need not keep any more. */
const SWEEP_EVERY_MS = 12 * 3_600_000;
/** Deliveries removed in one step; calls are served between two. */
const STEP_ROWS = 200;
/** An outbox stays below this. Durable Objects: 10 GB an object, and then nothing can be recorded any more. */
export const MAX_BYTES = 8_000_000_000;
/** By size, so much is removed at once below the limit that the next batch does not meet it again. */
const ROOM = 0.95;

/** How many recordings go by between two looks at the size: each is 200 deliveries of 100 kB at most, so that 1 GB comes in between. */
const LOOK_EVERY = 50;

const SWEEP_AT = 'sweepAt';
const KEPT_SINCE = 'keptSince';

/** How much a log keeps. */
export interface RetentionPolicy {
  retentionMs: number;
  maxBytes: number;
}

/**
 * Removes ended deliveries that are older than the retention, and the oldest delivered ones where the outbox grows too large; what
 * waits is never removed. In bounded steps, by the outbox's alarm.
 */
export class Retention {
  readonly #storage: DurableObjectStorage;
  readonly #store: OutboxStore;
  readonly #policy: RetentionPolicy;
  #sweepAt: number | null | undefined;
  #plans = 0;

  constructor(storage: DurableObjectStorage, store: OutboxStore, policy: RetentionPolicy) {
    this.#storage = storage;
    this.#store = store;
    this.#policy = policy;
  }

  /** When the next sweep is due; null where nothing was ever recorded. */
  dueAt(): number | null {
    if (this.#sweepAt === undefined) this.#sweepAt = this.#storage.kv.get<number>(SWEEP_AT) ?? null;
    return this.#sweepAt;
  }

  /** Something was recorded: it will have to be removed some day, and something at once where the outbox has grown too large. */
  plan(now: number): void {
    const dueAt = this.dueAt();
    if (dueAt === null) this.#setSweepAt(now + SWEEP_EVERY_MS);
    else if (dueAt > now && this.#plans++ % LOOK_EVERY === 0 && this.#isTooLarge(1)) this.#setSweepAt(now);
  }

  /** Of events accepted before this, deliveries are missing from the log; null where everything is still there. */
  keptSince(): number | null {
    return this.#storage.kv.get<number>(KEPT_SINCE) ?? null;
  }

  /** Removes what is due to be; what one call does not reach is left for the next, at once. */
  async sweep(now: number, until: number): Promise<void> {
    if ((this.dueAt() ?? Number.POSITIVE_INFINITY) > now) return;
    const before = now - this.#policy.retentionMs;
    let more = true;
    while (more && Date.now() < until) {
      more = this.#remove(this.#store.ended(before, STEP_ROWS));
      await scheduler.wait(0);
    }
    this.#missingBefore(this.#store.forgetDaysBefore(before));
    if (this.#isTooLarge(1)) {
      while (this.#isTooLarge(ROOM) && Date.now() < until && this.#removeOldest()) await scheduler.wait(0);
    }
    this.#store.forgetHoursBefore(before);
    this.#setSweepAt(more ? now : now + SWEEP_EVERY_MS);
  }

  /** The storage has been emptied. */
  reset(): void {
    this.#sweepAt = undefined;
  }

  /** Removes deliveries, oldest first; returns whether there can be more. */
  #remove(positions: { createdAt: number; id: string }[]): boolean {
    for (const position of positions) this.#store.remove(position);
    const last = positions.at(-1);
    this.#missingBefore(last ? last.createdAt + 1 : null);
    return positions.length === STEP_ROWS;
  }

  /** Removes some of the oldest delivered ones; returns whether there can be more. */
  #removeOldest(): boolean {
    const keptSince = this.#store.forgetOldest();
    if (keptSince === null) return this.#remove(this.#store.endedDelivered(STEP_ROWS));
    this.#missingBefore(keptSince);
    return true;
  }

  /** Notes that deliveries of events accepted before a time are missing; null where none were removed. */
  #missingBefore(at: number | null): void {
    if (at !== null) this.#storage.kv.put(KEPT_SINCE, Math.max(this.keptSince() ?? 0, at));
  }

  #isTooLarge(share: number): boolean {
    return this.#store.sql.databaseSize > this.#policy.maxBytes * share;
  }

  #setSweepAt(at: number): void {
    this.#sweepAt = at;
    this.#storage.kv.put(SWEEP_AT, at);
  }
}
