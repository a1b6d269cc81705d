import { isOfDelivered, isRecovered, RECOVERED_BY_DEFAULT, type Recovery, type RecoverySelection } from '../../domain/delivery/bulk.ts';
import type { DeliveryPosition } from '../../domain/delivery/delivery.ts';
import type { StoredDelivery } from '../books/delivery-row.ts';
import type { Ledger } from '../books/ledger.ts';
import type { Store } from '../books/store.ts';
import { placeBefore } from '../log/archive.ts';
import { Jobs } from './jobs.ts';

/** Deliveries looked at in one step; calls are served between two. */
const STEP_ROWS = 200;
/** The same where they are only counted. */
const COUNT_ROWS = 2_000;

const KEY = 'recoveryJobs';
/** Versions before recover everything that failed or was discarded. */
const FORMER_KEY = 'recoveries';

/**
 * Recoveries of an outbox: what has ended in a span of time starts over, oldest first: what has rows, then what is archived. What has
 * started over has not ended any more, so that no two recoveries take it.
 */
export class Recoveries {
  readonly jobs: Jobs<Recovery>;
  readonly #store: Store;
  readonly #ledger: Ledger;

  constructor(kv: SyncKvStorage, store: Store, ledger: Ledger) {
    this.jobs = new Jobs(kv, KEY, FORMER_KEY);
    this.#store = store;
    this.#ledger = ledger;
  }

  /** How many deliveries would start over, in bounded steps: for each how many it found. */
  *count(selection: RecoverySelection, now: number): Generator<number> {
    const { since, until, event, statuses = RECOVERED_BY_DEFAULT } = selection;
    if (this.#store.isEmpty) return;
    if (event === undefined && !isOfDelivered(selection)) {
      // An index tells.
      const unsuccessful = statuses.filter((status) => status !== 'delivered');
      yield* this.#store.countRecoverable(since, until, unsuccessful);
      return;
    }
    const isMeant = (delivery: StoredDelivery) => isRecovered(selection, delivery, now);
    let position: DeliveryPosition = { createdAt: since, id: '' };
    for (let isThrough = false; !isThrough; ) {
      const found = this.#rowsAfter(selection, position, COUNT_ROWS);
      isThrough = found.length < COUNT_ROWS;
      position = found.at(-1) ?? position;
      yield found.filter(isMeant).length;
    }
    if (!isOfDelivered(selection)) return;
    yield* this.#countArchived(selection, isMeant);
  }

  *#countArchived({ since, until }: RecoverySelection, isMeant: (delivery: StoredDelivery) => boolean): Generator<number> {
    let [looked, count] = [0, 0];
    for (const { deliveries } of this.#store.archive.after(placeBefore(since), until)) {
      // One more for the bundle, which can hold a single delivery.
      looked += deliveries.length + 1;
      count += deliveries.filter(isMeant).length;
      if (looked < COUNT_ROWS) continue;
      yield count;
      [looked, count] = [0, 0];
    }
    yield count;
  }

  /** Asks for a recovery of so many deliveries; it is durable when this returns, and step() carries it out. */
  request(selection: RecoverySelection, count: number, now: number): void {
    const position = { createdAt: selection.since, id: '' };
    this.jobs.add({ ...selection, requestedAt: now, count, recovered: 0, position, finishedAt: null });
  }

  /**
   * Takes the oldest unfinished recovery one step further, and returns how many deliveries start over. One that a person is having
   * attempted right now does not: that attempt decides what becomes of it.
   */
  step(now: number, isRunning: (id: string) => boolean): number {
    const recovery = this.jobs.next();
    if (!recovery) return 0;
    const isMeant = (delivery: StoredDelivery) => isRecovered(recovery, delivery, recovery.requestedAt) && !isRunning(delivery.id);
    const { started, ...progress } =
      recovery.place === undefined ? this.#stepRows(recovery, isMeant, now) : this.#stepArchive(recovery, recovery.place, isMeant, now);
    this.jobs.replace(recovery, { ...recovery, ...progress, recovered: recovery.recovered + started });
    return started;
  }

  #stepRows(recovery: Recovery, isMeant: (delivery: StoredDelivery) => boolean, now: number): Partial<Recovery> & { started: number } {
    const found = this.#rowsAfter(recovery, recovery.position, STEP_ROWS);
    const started = found.filter((delivery) => isMeant(delivery) && this.#ledger.recover(delivery, now)).length;
    const last = found.at(-1);
    const position = last ? { createdAt: last.createdAt, id: last.id } : recovery.position;
    if (found.length === STEP_ROWS) return { started, position };
    return isOfDelivered(recovery) ? { started, position, place: placeBefore(recovery.since) } : { started, position, finishedAt: now };
  }

  #stepArchive(
    { until }: Recovery,
    from: number,
    isMeant: (delivery: StoredDelivery) => boolean,
    now: number,
  ): Partial<Recovery> & { started: number } {
    let looked = 0;
    let started = 0;
    for (const { place, deliveries } of this.#store.archive.after(from, until)) {
      const ids = deliveries.filter(isMeant).map(({ id }) => id);
      if (ids.length > 0) started += this.#ledger.recoverArchived(place, new Set(ids), now);
      looked += deliveries.length;
      if (looked >= STEP_ROWS) return { started, place };
    }
    return { started, finishedAt: now };
  }

  #rowsAfter(selection: RecoverySelection, position: DeliveryPosition, limit: number): StoredDelivery[] {
    const { until } = selection;
    if (isOfDelivered(selection)) return this.#store.after(position, until, limit);
    return this.#store.unsuccessful(position, until, limit);
  }
}
