import { dayOf } from '../../domain/text/day.ts';
import { addUse, isUsed, noUse, type Use } from '../../domain/usage.ts';
import { logError } from '../../log.ts';

const KEY = 'usage';

interface Kept {
  source: string;
  /** The first day that is told of: what is earlier was told for the last time. */
  from: number;
  /** Of past days all there was, as it was counted; a day that has changed since is missing. */
  totals: Record<number, Use>;
  /** What of a day is not in the log any more. */
  gone: Record<number, Use>;
}

/**
 * What is kept of an outbox's use by day, beside the log that it is counted from: past days that were counted, and what the log has lost. One stored
 * value, which is made when somebody first asks, as the cron does within a day: what goes before that is not missed.
 */
export class KeptUse {
  readonly #kv: SyncKvStorage;
  /** Null: nothing is kept. Undefined: not read yet. */
  #kept: Kept | null | undefined;

  constructor(kv: SyncKvStorage) {
    this.#kv = kv;
  }

  /** What tells this outbox's figures from those of one before it; null: nothing was ever kept. */
  get source(): string | null {
    return this.#read()?.source ?? null;
  }

  /** Whether anybody has ever asked for it: else nothing is kept of what the log loses. */
  get isAsked(): boolean {
    return this.#read() !== null;
  }

  /** The first day that is told of, where one was ever kept. */
  get from(): number | null {
    return this.#read()?.from ?? null;
  }

  /** All there was of a past day, where that is known without counting. */
  total(day: number): Use | null {
    return this.#read()?.totals[day] ?? null;
  }

  /** What of a day is not in the log any more. */
  gone(day: number): Use {
    return this.#read()?.gone[day] ?? noUse();
  }

  /** Whether anything is kept of days before one: told of for the last time, they must not be told again where more days are told of later. */
  hasAnyBefore(first: number): boolean {
    const kept = this.#read();
    if (!kept || kept.from >= first) return false;
    return [kept.totals, kept.gone].some((uses) => Object.keys(uses).some((day) => Number(day) < first));
  }

  /** Keeps what was counted of past days; days before the first are forgotten. */
  keep(totals: ReadonlyMap<number, Use>, first: number): void {
    const kept = this.#read() ?? { source: crypto.randomUUID(), from: first, totals: {}, gone: {} };
    const from = Math.max(kept.from, first);
    const open = (uses: Record<number, Use>) => Object.fromEntries(Object.entries(uses).filter(([day]) => Number(day) >= from));
    this.#put({ source: kept.source, from, totals: open({ ...kept.totals, ...Object.fromEntries(totals) }), gone: open(kept.gone) });
  }

  /** Something of a past day has changed: it has to be counted again. */
  void(day: number): void {
    const kept = this.#read();
    if (!kept?.totals[day]) return;
    const { [day]: _, ...totals } = kept.totals;
    this.#put({ ...kept, totals });
  }

  /** The log has lost this. At the platform's limit it may not be noted, and is removed all the same: room comes first. */
  addGone(uses: Iterable<readonly [day: number, use: Use]>): void {
    const kept = this.#read();
    const lost = [...uses].filter(([day, use]) => isUsed(use) && kept && day >= kept.from);
    if (!kept || lost.length === 0) return;
    const gone = { ...kept.gone };
    for (const [day, use] of lost) {
      const sum = { ...(gone[day] ?? noUse()) };
      addUse(sum, use);
      gone[day] = sum;
    }
    try {
      this.#put({ ...kept, gone });
    } catch (error) {
      logError('outbox.not_stored', error, { key: KEY });
    }
  }

  /** A change was undone, or the storage has been emptied. */
  reset(): void {
    this.#kept = undefined;
  }

  #read(): Kept | null {
    if (this.#kept === undefined) this.#kept = this.#kv.get<Kept>(KEY) ?? null;
    return this.#kept;
  }

  #put(kept: Kept): void {
    this.#kv.put(KEY, kept);
    this.#kept = kept;
  }
}

/** Use by day, while it is added up. */
export class UseByDay extends Map<number, Use> {
  of(at: number): Use {
    const day = dayOf(at);
    const use = this.get(day) ?? noUse();
    this.set(day, use);
    return use;
  }
}
