import { type AttemptRecord, type AttemptTrigger, type DeliveryReason, type NewDelivery, withoutContents } from '../domain/delivery.ts';
import {
  begin,
  beginManual,
  type DeliveryState,
  discard,
  expire,
  interrupt,
  isAtRest,
  postpone,
  type RetryPolicy,
  recover,
  release,
  settle,
  settleLate,
  waiting,
} from '../domain/lifecycle.ts';
import { isArchivable } from './archive.ts';
import type { ArchivedDelivery } from './archive-bundle.ts';
import { type AttemptResult, interruptedAttempt } from './attempt.ts';
import type { StoredDelivery } from './delivery-row.ts';
import type { OutboxEntry } from './outbox-entry.ts';
import type { OutboxStore } from './outbox-store.ts';

/** What recording an entry did: the delivery was new to the outbox, it changed, or everything was known already. */
export type Recorded = 'new' | 'changed' | 'known';

/**
 * What became of the wish to erase a payload.
 * - `erased`: it is gone, or was already.
 * - `unfinished`: the delivery waits or an attempt of it runs; its payload is still needed.
 * - `unknown`: there is no such delivery.
 */
export type ErasureResult = 'erased' | 'unfinished' | 'unknown';

/** Why what falls due is not attempted. */
export type DiscardReason = Extract<DeliveryReason, 'webhook_disabled' | 'plan_not_eligible'>;

/**
 * Applies what happens to deliveries to their rows: finds the row, asks the rules (domain/lifecycle.ts) for the next state, and
 * keeps it. Synchronous throughout, so that every change is one indivisible step of the object.
 */
export class Ledger {
  readonly #store: OutboxStore;
  readonly #policy: RetryPolicy;
  /** How long an attempt may go without an outcome before it counts as interrupted. */
  readonly #leaseMs: number;

  constructor(store: OutboxStore, policy: RetryPolicy, leaseMs: number) {
    this.#store = store;
    this.#policy = policy;
    this.#leaseMs = leaseMs;
  }

  /** Records what the consumer tells of some deliveries; what that did, in their order. */
  recordAll(entries: readonly OutboxEntry[], now: number): Recorded[] {
    const archived = new Map<string, ArchivedDelivery>();
    const before = this.#store.archivedOf(entries.map(({ delivery }) => delivery));
    const recorded = entries.map((entry): Recorded => {
      const { id } = entry.delivery;
      if (archived.has(id)) return 'known';
      const archivable = before.has(id) ? null : this.#archivable(entry);
      if (!archivable) return this.#record(entry, now);
      archived.set(id, archivable);
      return 'new';
    });
    this.#store.archive([...archived.values()]);
    return recorded;
  }

  #record(entry: OutboxEntry, now: number): Recorded {
    const { delivery } = entry;
    const fresh = waiting(now, delivery.acceptedAt);
    switch (entry.kind) {
      case 'waiting':
        return this.#insert(delivery, fresh);
      case 'discarded':
        return this.#insert(delivery, discard(fresh, 'webhook_disabled', now));
      case 'leased':
        return this.#insert(delivery, begin(fresh, entry.startedAt, this.#leaseMs));
      case 'released':
        return this.#release(entry, now);
      case 'attempted':
        return this.#recordAttempted(entry);
    }
  }

  /** The attempt of a due delivery begins; returns the delivery as it then stands, or null where it is not there to begin. */
  begin(delivery: StoredDelivery, now: number, trigger?: AttemptTrigger): StoredDelivery | null {
    return this.#change(delivery, begin(delivery.state, now, this.#leaseMs, trigger));
  }

  /** A person asks for an attempt now; null where one runs already. */
  beginManual(delivery: StoredDelivery, now: number): StoredDelivery | null {
    return this.#change(delivery, beginManual(delivery.state, now, this.#leaseMs));
  }

  /** A test begins: a delivery of its own, that is not retried. */
  beginTest(delivery: NewDelivery, now: number): StoredDelivery | null {
    const state = begin({ ...waiting(now), trigger: 'test' }, now, this.#leaseMs);
    return state && this.#store.insert(delivery, state, null) ? this.#store.find(delivery.id) : null;
  }

  /** A delivery that failed or was discarded starts its schedule over; returns whether it does. One without a payload cannot. */
  recover(delivery: StoredDelivery, now: number): boolean {
    if (this.#store.payloadErasedAt(delivery.id) !== null) return false;
    return this.#change(delivery, recover(delivery.state, now)) !== null;
  }

  /** An attempt has ended; returns whether that was news: false where it is recorded already, or the delivery was erased. */
  settle(id: string, { record, retryAfterMs }: AttemptResult): boolean {
    const delivery = this.#store.find(id);
    if (!delivery) return false;
    const next = settle(delivery.state, record, retryAfterMs, this.#policy);
    return this.#store.atomically(() => (next ? this.#end(delivery, next, record) : this.#settleLate(delivery, record)));
  }

  /** An attempt that this object began could not be sent, through a fault of ours: it is tried again as if never begun. */
  postpone({ createdAt, id, state }: StoredDelivery, dueAt: number): void {
    const delivery = this.#store.at({ createdAt, id });
    if (delivery) this.#change(delivery, postpone(delivery.state, state.attemptCount, dueAt));
  }

  /** A lease ended without an outcome. */
  interrupt(delivery: StoredDelivery, now: number): void {
    const { attemptCount, trigger, leasedAt } = delivery.state;
    const next = interrupt(delivery.state, now, this.#policy);
    if (!next) return;
    this.#store.atomically(() => this.#end(delivery, next, interruptedAttempt(attemptCount, trigger, leasedAt ?? now)));
  }

  /** A delivery that waited for too long fails; returns whether it did. */
  expire(delivery: StoredDelivery, now: number): boolean {
    return this.#change(delivery, expire(delivery.state, now)) !== null;
  }

  /** A due delivery is not to be attempted. */
  discard(delivery: StoredDelivery, reason: DiscardReason, now: number): void {
    this.#change(delivery, discard(delivery.state, reason, now));
  }

  /** Erases the payload of a delivery that has ended. The delivery and its attempts stay in the log. */
  erasePayload(id: string, now: number): ErasureResult {
    const delivery = this.#store.find(id);
    if (!delivery) return 'unknown';
    if (!isAtRest(delivery.state)) return 'unfinished';
    if (this.#store.payloadErasedAt(id) === null) this.#store.erasePayload(delivery, now);
    return 'erased';
  }

  /** A new delivery that was delivered at the first attempt, which is how nearly all go; null where it is any other. */
  #archivable(entry: OutboxEntry): ArchivedDelivery | null {
    if (entry.kind !== 'attempted' || !this.#store.isArchivable(entry.delivery)) return null;
    const { delivery, result } = entry;
    const state = this.#afterFirstAttempt(delivery, result);
    if (!state || !isArchivable(state) || this.#store.hasRow(delivery.id)) return null;
    return { delivery, state, attempt: result.record };
  }

  #afterFirstAttempt(delivery: NewDelivery, { record, retryAfterMs }: AttemptResult): DeliveryState | null {
    const leased = begin(waiting(record.startedAt, delivery.acceptedAt), record.startedAt, this.#leaseMs);
    return leased && settle(leased, record, retryAfterMs, this.#policy);
  }

  #recordAttempted({ delivery, result }: Extract<OutboxEntry, { kind: 'attempted' }>): Recorded {
    const { record } = result;
    const state = this.#afterFirstAttempt(delivery, result);
    if (state && this.#store.insert(delivery, state, record)) return 'new';
    // It was leased before: the row is there.
    return this.settle(delivery.id, result) ? 'changed' : 'known';
  }

  #release({ delivery }: OutboxEntry, now: number): Recorded {
    const known = this.#store.find(delivery.id);
    if (!known) return this.#insert(delivery, waiting(now, delivery.acceptedAt));
    return this.#change(known, release(known.state, now)) ? 'changed' : 'known';
  }

  /** An attempt's end and its record: neither is kept without the other. */
  #end(delivery: StoredDelivery, state: DeliveryState, attempt: AttemptRecord): true {
    this.#store.save(delivery, state);
    this.#store.saveAttempt(delivery, attempt);
    return true;
  }

  #insert(delivery: NewDelivery, state: DeliveryState | null): Recorded {
    return state && this.#store.insert(delivery, state, null) ? 'new' : 'known';
  }

  /**
   * The outcome of an attempt that nobody waits for any more: it was counted as interrupted, or an earlier attempt's late success
   * ended the delivery while it ran. It is recorded, once; a success ends the delivery.
   */
  #settleLate(delivery: StoredDelivery, attempt: AttemptRecord): boolean {
    const recorded = this.#store.attempt(delivery, attempt.number);
    if (recorded !== null && recorded.outcome !== 'interrupted') return false;
    // Its payload may have been erased since it was counted as interrupted.
    const erased = this.#store.payloadErasedAt(delivery.id) !== null;
    this.#store.saveAttempt(delivery, erased ? withoutContents(attempt) : attempt);
    this.#change(delivery, settleLate(delivery.state, attempt));
    return true;
  }

  #change(delivery: StoredDelivery, state: DeliveryState | null): StoredDelivery | null {
    if (!state) return null;
    this.#store.save(delivery, state);
    return { ...delivery, state };
  }
}
