import { type Cancellation, type CancellationSelection, type DuePosition, isCanceled } from '../../domain/delivery/bulk.ts';
import type { StoredDelivery } from '../books/delivery-row.ts';
import type { Ledger } from '../books/ledger.ts';
import type { Store } from '../books/store.ts';
import { Jobs } from './jobs.ts';

/** Deliveries looked at in one step; calls are served between two. */
const STEP_ROWS = 200;
/** The same where they are only counted. */
const COUNT_ROWS = 2_000;

const KEY = 'cancellations';
const FIRST: DuePosition = { dueAt: Number.MIN_SAFE_INTEGER, createdAt: 0, id: '' };

/**
 * Cancellations of an outbox: what waits of a span of time is not attempted any more. They go through what waits in the order in which it falls
 * due: what is attempted meanwhile, and fails, stands further on. An attempt that runs is left to end.
 */
export class Cancellations {
  readonly jobs: Jobs<Cancellation>;
  readonly #store: Store;
  readonly #ledger: Ledger;

  constructor(kv: SyncKvStorage, store: Store, ledger: Ledger) {
    this.jobs = new Jobs(kv, KEY);
    this.#store = store;
    this.#ledger = ledger;
  }

  /** How many deliveries would end, in bounded steps: for each how many it found. */
  *count(selection: CancellationSelection, isRunning: (id: string) => boolean): Generator<number> {
    if (this.#store.isEmpty) return;
    let position = FIRST;
    for (;;) {
      const found = this.#store.dueAfter(position, COUNT_ROWS);
      yield found.filter((delivery) => isCanceled(selection, delivery) && !isRunning(delivery.id)).length;
      const last = found.at(-1);
      if (!last || found.length < COUNT_ROWS) return;
      position = positionOf(last);
    }
  }

  /** Asks for a cancellation; it is durable when this returns, and step() carries it out. */
  request(selection: CancellationSelection, now: number): void {
    this.jobs.add({ ...selection, requestedAt: now, canceled: 0, position: FIRST, finishedAt: null });
  }

  /** Ends what is about to be attempted, of what is canceled and was not come to yet. Returns whether there was any. */
  endSome(about: readonly StoredDelivery[], now: number): boolean {
    const { unfinished } = this.jobs;
    const meant = Map.groupBy(about, (delivery) => unfinished.findIndex((each) => isCanceled(each, delivery)));
    let hasEnded = false;
    for (const [index, deliveries] of meant) {
      // As it is now: keeping one reads all of them anew.
      const cancellation = this.jobs.unfinished[index];
      const canceled = cancellation ? deliveries.filter((delivery) => this.#ledger.discard(delivery, 'canceled', now)).length : 0;
      if (!cancellation || canceled === 0) continue;
      this.jobs.replace(cancellation, { ...cancellation, canceled: cancellation.canceled + canceled });
      hasEnded = true;
    }
    return hasEnded;
  }

  /** Takes the oldest unfinished cancellation one step further. */
  step(now: number, isRunning: (id: string) => boolean): void {
    const cancellation = this.jobs.next();
    if (!cancellation) return;
    const found = this.#store.dueAfter(cancellation.position, STEP_ROWS);
    const isMeant = (delivery: StoredDelivery) => isCanceled(cancellation, delivery) && !isRunning(delivery.id);
    const canceled = found.filter((delivery) => isMeant(delivery) && this.#ledger.discard(delivery, 'canceled', now)).length;
    const last = found.at(-1);
    this.jobs.replace(cancellation, {
      ...cancellation,
      canceled: cancellation.canceled + canceled,
      position: last ? positionOf(last) : cancellation.position,
      finishedAt: found.length < STEP_ROWS ? now : null,
    });
  }
}

function positionOf({ createdAt, id, state }: StoredDelivery): DuePosition {
  return { dueAt: state.dueAt ?? 0, createdAt, id };
}
