import type { Cancellation, Recovery, RecoverySelection, Selection } from '../../domain/bulk.ts';
import type { Ledger } from '../books/ledger.ts';
import { inSteps } from '../books/steps.ts';
import type { Store } from '../books/store.ts';
import { Cancellations } from './cancellations.ts';
import { PersonErasures, type PersonErasuresParts } from './person-erasures.ts';
import { Recoveries } from './recoveries.ts';

/** Steps in one alarm: a new one goes on. */
const STEPS = 50;

interface Parts extends PersonErasuresParts {
  store: Store;
  ledger: Ledger;
}

/**
 * What is asked of many deliveries at once: recoveries, cancellations, erasures of people. Each is durable when it has been asked for, and is
 * carried out in steps by the alarm; calls are served between two.
 */
export class Bulk {
  readonly erasures: PersonErasures;
  readonly #recoveries: Recoveries;
  readonly #cancellations: Cancellations;
  readonly #store: Store;
  readonly #isBusy: (id: string) => boolean;

  /** @param isBusy whether an attempt of a delivery runs, or it is in memory */
  constructor(kv: SyncKvStorage, parts: Parts, isBusy: (id: string) => boolean) {
    const { store, ledger } = parts;
    this.#store = store;
    this.#isBusy = isBusy;
    this.#recoveries = new Recoveries(kv, store, ledger);
    this.#cancellations = new Cancellations(kv, store, ledger);
    this.erasures = new PersonErasures(kv, parts, isBusy);
  }

  /** Newest first. */
  get recoveries(): Recovery[] {
    return this.#recoveries.jobs.list();
  }

  /** Newest first. */
  get cancellations(): Cancellation[] {
    return this.#cancellations.jobs.list();
  }

  /** How many deliveries a recovery would start over. */
  async countRecovery(selection: RecoverySelection, now: number): Promise<number> {
    return await inSteps(this.#recoveries.count(selection, now));
  }

  /** How many deliveries a cancellation would end. */
  async countCancellation(selection: Selection): Promise<number> {
    return await inSteps(this.#cancellations.count(selection, this.#isBusy));
  }

  /** Asks for a recovery of so many deliveries; returns whether one more could be. */
  recover(selection: RecoverySelection, count: number, now: number): boolean {
    const { takeOneMore } = this.#recoveries.jobs;
    if (takeOneMore) this.#recoveries.request(selection, count, now);
    return takeOneMore;
  }

  /** Asks for a cancellation, and begins it; returns whether one more could be. */
  cancel(selection: Selection, now: number): boolean {
    const { takeOneMore } = this.#cancellations.jobs;
    if (!takeOneMore) return false;
    this.#store.atomically(() => {
      this.#cancellations.request(selection, now);
      this.#cancellations.step(now, this.#isBusy);
    });
    return true;
  }

  /**
   * When the next step is due; null where nothing is to be done.
   * @param heldUntil nothing is attempted before this: recoveries wait for it
   */
  dueAt(now: number, notBefore: number, heldUntil: number): number | null {
    const steps = [
      this.#cancellations.jobs.areUnfinished ? Math.max(now, notBefore) : null,
      this.#recoveries.jobs.areUnfinished ? Math.max(now, notBefore, heldUntil) : null,
      this.erasures.dueAt(now, notBefore),
    ].filter((at) => at !== null);
    return steps.length === 0 ? null : Math.min(...steps);
  }

  /** Takes everything further, a bounded number of steps. @param isHeld whether nothing is attempted now: recoveries wait then */
  async goOn(isHeld: () => boolean): Promise<void> {
    for (let steps = 0; steps < STEPS; steps++) {
      const now = Date.now();
      const step = this.#nextStep(now, isHeld());
      if (!step) return;
      try {
        this.#store.atomically(step);
      } catch (error) {
        this.erasures.reset();
        throw error;
      }
      await scheduler.wait(0);
    }
  }

  /** The storage has been emptied. */
  reset(): void {
    this.#recoveries.jobs.reset();
    this.#cancellations.jobs.reset();
    this.erasures.reset();
  }

  /** What is not to be attempted comes before what is; what is to be gone before both. */
  #nextStep(now: number, isHeld: boolean): (() => void) | null {
    if (this.erasures.isStepDue(now)) return () => this.erasures.step(now);
    if (this.#cancellations.jobs.areUnfinished) return () => this.#cancellations.step(now, this.#isBusy);
    if (this.#recoveries.jobs.areUnfinished && !isHeld) return () => this.#recoveries.step(now, this.#isBusy);
    return null;
  }
}
