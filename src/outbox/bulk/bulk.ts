import type { Cancellation, CancellationSelection, Recovery, RecoverySelection } from '../../domain/delivery/bulk.ts';
import type { StoredDelivery } from '../books/delivery-row.ts';
import type { Ledger } from '../books/ledger.ts';
import { inSteps } from '../books/steps.ts';
import type { Store } from '../books/store.ts';
import { Cancellations } from './cancellations.ts';
import { PersonErasures, type PersonErasuresParts } from './person-erasures.ts';
import { Recoveries } from './recoveries.ts';

/** Steps in one alarm: a new one goes on. */
const STEPS = 50;
/**
 * Steps in which it is counted, at most; whoever asks waits for it, 15 s. Each looks at 2,000 deliveries: together they are more than can wait in an
 * outbox (books/admission.ts).
 */
const COUNT_STEPS = 600;

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

  /** How many deliveries a recovery would start over; null where there are more than one call has time for. */
  async countRecovery(selection: RecoverySelection, now: number): Promise<number | null> {
    return await inSteps(this.#recoveries.count(selection, now), COUNT_STEPS);
  }

  /** How many deliveries a cancellation would end; null as above. */
  async countCancellation(selection: CancellationSelection): Promise<number | null> {
    return await inSteps(this.#cancellations.count(selection, this.#isBusy), COUNT_STEPS);
  }

  /** Whether one more recovery can be asked for. */
  get takesRecovery(): boolean {
    return this.#recoveries.jobs.haveRoom;
  }

  /** Whether one more cancellation can be asked for. */
  get takesCancellation(): boolean {
    return this.#cancellations.jobs.haveRoom;
  }

  /** Asks for a recovery of so many deliveries, and begins it: whoever asks again does not count what is on its way. */
  recover(selection: RecoverySelection, count: number, now: number): void {
    this.#recoveries.request(selection, count, now);
    this.#recoveries.step(now, this.#isBusy);
  }

  /** Asks for a cancellation, and begins it. */
  cancel(selection: CancellationSelection, now: number): void {
    this.#cancellations.request(selection, now);
    this.#cancellations.step(now, this.#isBusy);
  }

  /**
   * Ends what is about to be attempted of what is not to be any more, though no step has come to it yet: what is canceled, or is of somebody who
   * is erased. Returns whether there was any.
   */
  endSome(about: readonly StoredDelivery[], now: number): boolean {
    if (about.length === 0 || (!this.#cancellations.jobs.areUnfinished && !this.erasures.areUnwalked)) return false;
    return this.#undoable(() => {
      const hasErased = this.erasures.eraseSome(about, now);
      const rest = hasErased ? about.flatMap((delivery) => this.#store.at(delivery) ?? []) : about;
      return this.#cancellations.endSome(rest, now) || hasErased;
    });
  }

  /** The same of erasures alone: who asks by hand means what is canceled. */
  eraseSome(about: readonly StoredDelivery[], now: number): void {
    if (this.erasures.areUnwalked) this.#undoable(() => this.erasures.eraseSome(about, now));
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
      this.#undoable(step);
      await scheduler.wait(0);
    }
  }

  /** The storage has been emptied, or a change was undone: what is kept is read anew. */
  reset(): void {
    this.#recoveries.jobs.reset();
    this.#cancellations.jobs.reset();
    this.erasures.reset();
  }

  #undoable<T>(change: () => T): T {
    try {
      return this.#store.atomically(change);
    } catch (error) {
      this.reset();
      throw error;
    }
  }

  /** First what erases, then what cancels, and last what starts over. */
  #nextStep(now: number, isHeld: boolean): (() => void) | null {
    if (this.erasures.isStepDue(now)) return () => this.erasures.step(now);
    if (this.#cancellations.jobs.areUnfinished) return () => this.#cancellations.step(now, this.#isBusy);
    if (this.#recoveries.jobs.areUnfinished && !isHeld) return () => this.#recoveries.step(now, this.#isBusy);
    return null;
  }
}
