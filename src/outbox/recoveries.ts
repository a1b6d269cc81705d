import type { Recovery } from '../domain/recovery.ts';
import type { Ledger } from './books/ledger.ts';
import type { Store } from './books/store.ts';

/** Deliveries looked at in one step; calls are served between two. */
const STEP_ROWS = 200;
/** Recoveries whose progress is kept, the ended ones included. */
const MAX_KEPT = 20;
/** Recoveries under way at a time: each step writes all of them. */
export const MAX_UNFINISHED = 20;

const KEY = 'recoveries';

/**
 * Recoveries of an outbox: what failed or was discarded in a span of time starts over. Each is kept with how far it has come,
 * so that it goes on where it was when the object vanished; one that has started over is neither failed nor discarded any more,
 * so that no two recoveries take it.
 */
export class Recoveries {
  readonly #kv: SyncKvStorage;
  readonly #store: Store;
  readonly #ledger: Ledger;
  #known: Recovery[] | null = null;

  constructor(kv: SyncKvStorage, store: Store, ledger: Ledger) {
    this.#kv = kv;
    this.#store = store;
    this.#ledger = ledger;
  }

  /** Newest first. */
  list(): Recovery[] {
    // Asked for with every batch: read once, since only this object writes it.
    this.#known ??= this.#kv.get<Recovery[]>(KEY) ?? [];
    return this.#known;
  }

  /** The storage has been emptied. */
  reset(): void {
    this.#known = null;
  }

  /** Whether one has not come to its end. */
  unfinished(): boolean {
    return this.list().some(({ finishedAt }) => finishedAt === null);
  }

  /** Whether one more can be asked for. */
  get takesOneMore(): boolean {
    return this.list().filter(({ finishedAt }) => finishedAt === null).length < MAX_UNFINISHED;
  }

  /** Asks for a recovery; it is durable when this returns, and step() carries it out. */
  request(since: number, until: number, now: number): Recovery {
    const recovery: Recovery = { since, until, requestedAt: now, recovered: 0, position: { createdAt: since, id: '' }, finishedAt: null };
    const before = this.list();
    // What is unfinished is kept: it was promised.
    this.#put([recovery, ...before.filter(({ finishedAt }, index) => finishedAt === null || index < MAX_KEPT - 1)]);
    return recovery;
  }

  /**
   * Takes the oldest unfinished recovery one step further, and returns how many deliveries start over. One that a person is having
   * attempted right now does not: that attempt decides what becomes of it.
   */
  step(now: number, isRunning: (id: string) => boolean): number {
    const recoveries = this.list();
    const recovery = recoveries.findLast(({ finishedAt }) => finishedAt === null);
    if (!recovery) return 0;
    const found = this.#store.unsuccessful(recovery.position, recovery.until, STEP_ROWS);
    const started = found.filter((delivery) => !isRunning(delivery.id) && this.#ledger.recover(delivery, now)).length;
    const last = found.at(-1);
    const further: Recovery = {
      ...recovery,
      recovered: recovery.recovered + started,
      position: last ? { createdAt: last.createdAt, id: last.id } : recovery.position,
      finishedAt: found.length < STEP_ROWS ? now : null,
    };
    this.#put(recoveries.map((each) => (each === recovery ? further : each)));
    return started;
  }

  #put(recoveries: Recovery[]): void {
    // Known again when it is kept: what could not be, or is undone with the rows, has not happened.
    this.#known = null;
    this.#kv.put(KEY, recoveries);
  }
}
