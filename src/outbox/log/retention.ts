import type { DeliveryPosition } from '../../domain/delivery/delivery.ts';
import { DAY_MS } from '../../domain/text/day.ts';
import { logError } from '../../log.ts';
import { UseByDay } from '../books/kept-use.ts';
import type { Store } from '../books/store.ts';
import type { UsedValues } from '../used-values.ts';

/** How often an outbox looks for what it need not keep any more. */
const SWEEP_EVERY_MS = 12 * 3_600_000;
/** Rows looked at in one step; calls are served between two. */
const STEP_ROWS = 500;
/** Steps in one sweep: a new alarm goes on. */
const MAX_STEPS = 100;
/** While nothing can be removed, because all of it waits, an outbox that is too large is looked through no more often than this. */
const LOOK_AGAIN_MS = 600_000;
/** A log stays below this. Durable Objects: 10 GB an object, and then nothing can be written any more, and only be deleted. */
export const MAX_BYTES = 8_000_000_000;
/** By size, so much is removed at once below the limit that the next batch does not meet it again. */
const ROOM = 0.95;

const SWEEP_AT = 'sweepAt';
const KEPT_SINCE = 'keptSince';
const BEGINNING: DeliveryPosition = { createdAt: 0, id: '' };

/** How much a log keeps. */
export interface RetentionPolicy {
  /** It can change, with the organization's plan. */
  retentionMs(): number;
  maxBytes: number;
}

/**
 * Removes ended deliveries that are older than the retention, and, where the outbox grows too large, the oldest of those that have ended,
 * however they did; what waits is never removed. In bounded steps, by the outbox's alarm, before anything else that it does: at the
 * platform's limit only deleting works.
 */
export class Retention {
  readonly #storage: DurableObjectStorage;
  readonly #store: Store;
  readonly #usedValues: UsedValues;
  readonly #policy: RetentionPolicy;
  #sweepAt: number | null | undefined;
  /** How far the rows have been looked at, by a sweep that has not come to its end. */
  #position = BEGINNING;
  #stepsLeft = 0;
  /** Until when nothing more can be removed. */
  #isAllNeededUntil = 0;

  constructor(storage: DurableObjectStorage, store: Store, usedValues: UsedValues, policy: RetentionPolicy) {
    this.#storage = storage;
    this.#store = store;
    this.#usedValues = usedValues;
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
    else if (dueAt > now && now >= this.#isAllNeededUntil && this.#isTooLarge(1)) this.#setSweepAt(now);
  }

  /** Of events accepted before this, deliveries are missing from the log; null where everything is still there. */
  keptSince(): number | null {
    return this.#storage.kv.get<number>(KEPT_SINCE) ?? null;
  }

  /** Removes what is due to be; what one call does not reach is left for the next, at once. */
  async sweep(now: number): Promise<void> {
    if ((this.dueAt() ?? Number.POSITIVE_INFINITY) > now) return;
    const before = now - this.#policy.retentionMs();
    this.#stepsLeft = MAX_STEPS;
    const isTooLarge = this.#isTooLarge(1);
    let isDone = await this.#removeRows(before, () => false);
    for (const day of this.#store.archive.daysBefore(before)) await this.#dropDay(day);
    this.#store.forgetFilteredBefore(before);
    this.#usedValues.forget(now, before);
    if (isDone && isTooLarge) isDone = await this.#removeOldest();
    this.#store.forgetHoursBefore(before);
    if (isDone) this.#position = BEGINNING;
    if (isDone && this.#isTooLarge(1)) this.#isAllNeededUntil = now + LOOK_AGAIN_MS;
    this.#setSweepAt(isDone ? now + SWEEP_EVERY_MS : now);
  }

  /** The storage has been emptied. */
  reset(): void {
    this.#sweepAt = undefined;
    this.#isAllNeededUntil = 0;
    this.#position = BEGINNING;
  }

  /**
   * Removes the oldest that have ended until there is room. The log loses its end evenly: first what has rows of its own up to the end of
   * the archive's oldest day, then that day; before either the repeated events of such a day, of which no more than a hundred are ever shown.
   * Values that have gone out are forgotten when nothing else is left to. Returns whether there is room, or nothing left to remove.
   */
  async #removeOldest(): Promise<boolean> {
    const hasRoom = () => !this.#isTooLarge(ROOM);
    while (!hasRoom()) {
      const dayEndsAt = this.#store.archive.oldestDayEndsAt();
      const repeatedEndsAt = this.#store.repeated.oldestDayEndsAt();
      if (repeatedEndsAt !== null && repeatedEndsAt <= (dayEndsAt ?? Number.POSITIVE_INFINITY)) {
        this.#store.repeated.dropOldest();
        if (--this.#stepsLeft <= 0) return false;
        await scheduler.wait(0);
        continue;
      }
      if (!(await this.#removeRows(dayEndsAt ?? Number.MAX_SAFE_INTEGER, hasRoom))) return false;
      if (hasRoom()) return true;
      const day = this.#store.archive.oldestOfSeveral();
      if (day !== null) await this.#dropDay(day);
      else if (dayEndsAt !== null) this.#missingBefore(this.#store.archive.dropOldest());
      else if (!this.#usedValues.forgetOldest()) return true;
      if (--this.#stepsLeft <= 0) return false;
      await scheduler.wait(0);
    }
    return true;
  }

  /** Removes rows of deliveries that have ended, oldest first. Returns whether it has come to the end of them, or enough are gone. */
  async #removeRows(before: number, isEnough: () => boolean): Promise<boolean> {
    let missing: number | null = null;
    let isDone = false;
    while (!isDone && this.#stepsLeft-- > 0) {
      const { newest, last, isLast } = this.#store.removeEnded(this.#position, before, STEP_ROWS);
      if (newest) missing = newest.createdAt + 1;
      this.#position = last ?? this.#position;
      isDone = isLast || isEnough();
      await scheduler.wait(0);
    }
    this.#missingBefore(missing);
    return isDone;
  }

  /** Drops a day of the archive, the oldest, once its use is counted, in steps; anew where one of its deliveries was taken out meanwhile. */
  async #dropDay(day: number): Promise<void> {
    const [from, to] = [day * DAY_MS, (day + 1) * DAY_MS];
    for (;;) {
      const voids = this.#store.voidsIn(from, to);
      const uses = new UseByDay();
      if (this.#store.use.isAsked) for (const _ of this.#store.archive.countUse(uses, from, to)) await scheduler.wait(0);
      if (voids !== this.#store.voidsIn(from, to)) continue;
      this.#missingBefore(this.#store.archive.dropBefore(to));
      this.#store.lost(uses);
      return;
    }
  }

  /** Notes that deliveries of events accepted before a time are missing; null where none were removed. */
  #missingBefore(at: number | null): void {
    if (at !== null) this.#put(KEPT_SINCE, Math.max(this.keptSince() ?? 0, at));
  }

  #isTooLarge(share: number): boolean {
    return this.#store.sql.databaseSize > this.#policy.maxBytes * share;
  }

  #setSweepAt(at: number): void {
    this.#sweepAt = at;
    this.#put(SWEEP_AT, at);
  }

  /** A note that cannot be made ends nothing: at the platform's limit there must first be room for it. */
  #put(key: string, value: number): void {
    try {
      this.#storage.kv.put(key, value);
    } catch (error) {
      logError('outbox.not_stored', error, { key });
    }
  }
}
