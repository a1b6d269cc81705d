import { HOUR_MS } from '../../domain/delivery/statistics.ts';
import { DAY_MS, dayOf } from '../../domain/text/day.ts';
import { addUse, countUse, isUsed, noUse, type OutboxUse, type Use } from '../../domain/usage.ts';
import { UseByDay } from '../books/kept-use.ts';
import type { Store } from '../books/store.ts';
import type { Fresh } from '../fresh.ts';

/** How long a call counts: a later one goes on, and finds what is counted in memory. The cron waits for 10 s. */
const COUNT_MS = 8_000;

const NOTHING: OutboxUse = { source: null, days: new Map() };

interface Counted {
  use: Use;
  /** What the store said of the time when this was begun (Store.voidsOf). */
  voids: number;
}

/**
 * Counts what was used by day, of the log, when somebody asks: a delivery on its way costs nothing for it. Past days are kept as they were counted
 * until one of their deliveries changes after all; what the log loses is kept apart (books/kept-use.ts). It counts in steps of an hour or less, between
 * which the object serves other calls; what changes meanwhile can be missing in an answer, and nothing is in it twice.
 */
export class OutboxUsage {
  readonly #store: Store;
  readonly #fresh: Fresh;
  readonly #countMs: number;
  #hours = new Map<number, Counted>();

  constructor(store: Store, fresh: Fresh, countMs = COUNT_MS) {
    this.#store = store;
    this.#fresh = fresh;
    this.#countMs = countMs;
  }

  /**
   * The use of each day from one on.
   * @param first the first day that can still change: it is told of no earlier one
   * @param asked the first day that is asked for
   * @returns null where there is more to count than one call has time for: a later call goes on
   */
  async since(first: number, now: number, asked = first): Promise<OutboxUse | null> {
    if (this.#store.isEmpty) return NOTHING;
    const until = Date.now() + this.#countMs;
    const hours = this.#hours;
    const from = Math.max(first, asked, this.#store.use.from ?? first);
    const uses = new Map<number, Use>();
    const counted = new Map<number, Counted>();
    for (let day = from; day <= dayOf(now); day++) {
      const known = this.#store.use.total(day);
      const news = known ? null : await this.#countDay(day, now, until);
      // What was counted is not here any more, and nothing of it is to be kept.
      if (hours !== this.#hours) return NOTHING;
      if (!known && !news) {
        this.#keep(counted, first, now, false);
        return null;
      }
      if (news) counted.set(day, news);
      uses.set(day, { ...(known ?? news?.use ?? noUse()) });
    }
    this.#addInMemory(uses);
    this.#keep(counted, first, now, [...uses.values()].some(isUsed));
    return { source: this.#store.use.source, days: new Map([...uses].filter(([, use]) => isUsed(use))) };
  }

  /** The storage has been emptied: a count that goes on from before keeps what it finds where nobody looks. */
  reset(): void {
    this.#hours = new Map();
  }

  /** Counts a day; null where the time is over before. */
  async #countDay(day: number, now: number, until: number): Promise<Counted | null> {
    const [from, to] = [day * DAY_MS, (day + 1) * DAY_MS];
    for (;;) {
      const [voids, losses] = [this.#store.voidsIn(from, to), this.#store.losses];
      const use = noUse();
      const isEmpty = !this.#store.hasAnyOf(from, to);
      for (let start = from; start < to && start <= now && !isEmpty; start += HOUR_MS) {
        const part = await this.#countHour(start, now, until);
        if (!part) return null;
        addUse(use, part);
      }
      // What the log has lost meanwhile may be in it, and is kept apart now.
      if (losses !== this.#store.losses) continue;
      addUse(use, this.#store.use.gone(day));
      use.events += this.#store.filtered.eventsOf(day);
      return { use, voids };
    }
  }

  async #countHour(start: number, now: number, until: number): Promise<Use | null> {
    const end = start + HOUR_MS;
    const voids = this.#store.voidsOf(start);
    const hours = this.#hours;
    const known = hours.get(start);
    if (known?.voids === voids) return known.use;
    const uses = new UseByDay();
    // In this order: what a retry by hand takes out of the archive meanwhile gets a row, and is not to be counted in both.
    for (const counts of [this.#store.countUse(uses, start, end), this.#store.archive.countUse(uses, start, end)]) {
      for (const _ of counts) {
        if (Date.now() >= until) return null;
        await scheduler.wait(0);
      }
    }
    const use = uses.of(start);
    use.events += this.#store.repeated.countEvents(start, end);
    if (end <= now && voids === this.#store.voidsOf(start)) hours.set(start, { use, voids });
    return use;
  }

  /** Keeps what was counted of past days, and is still right. @param isTold whether anything is told: whose it is is kept then */
  #keep(counted: ReadonlyMap<number, Counted>, first: number, now: number, isTold: boolean): void {
    const isRight = (day: number, voids: number) => voids === this.#store.voidsIn(day * DAY_MS, (day + 1) * DAY_MS);
    const kept = [...counted].filter(([day, { use, voids }]) => isUsed(use) && day < dayOf(now) && isRight(day, voids));
    if (kept.length > 0 || (isTold && !this.#store.use.isAsked) || this.#store.use.hasAnyBefore(first))
      this.#store.use.keep(new Map(kept.map(([day, { use }]) => [day, use])), first);
    for (const [day] of kept) for (let start = day * DAY_MS; start < (day + 1) * DAY_MS; start += HOUR_MS) this.#hours.delete(start);
  }

  /** What is stored while its first attempt runs is in no hour's count. */
  #addInMemory(uses: Map<number, Use>): void {
    for (const { delivery, stored } of this.#fresh.stored()) {
      const { eventId, event, isCountedElsewhere = false } = delivery;
      const use = uses.get(dayOf(stored.createdAt));
      if (use) countUse(use, { eventId, event, attemptCount: stored.state.attemptCount, isCountedElsewhere });
    }
  }
}
