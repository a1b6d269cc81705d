import type { AttemptResult } from '../../attempt/attempt.ts';
import { interruptedAttempt } from '../../attempt/attempt.ts';
import type { DeliveryReason, NewDelivery } from '../../domain/delivery.ts';
import {
  begin,
  discard,
  expire,
  interrupt,
  isAtRest,
  type RetryPolicy,
  recover,
  settle,
  waiting,
  withoutPayload,
} from '../../domain/lifecycle.ts';
import type { StoredDelivery } from './delivery-row.ts';
import type { Store } from './store.ts';
import type { RunningAttempt } from './vitals.ts';

/**
 * What became of the wish to erase a payload.
 * - `erased`: it is gone, or was already.
 * - `unfinished`: the delivery waits or an attempt of it runs; its payload is still needed.
 * - `unknown`: there is no such delivery.
 */
export type ErasureResult = 'erased' | 'unfinished' | 'unknown';

/** Why a delivery is not attempted. */
export type DiscardReason = Extract<DeliveryReason, 'webhook_disabled' | 'plan_not_eligible' | 'outbox_full'>;

const NO_PAYLOAD = new Uint8Array();

/**
 * Applies what happens to stored deliveries to their rows: asks the rules (domain/lifecycle.ts) for the next state, and keeps it.
 * Synchronous throughout, so that every change is one indivisible step of the object.
 */
export class Ledger {
  readonly policy: RetryPolicy;
  readonly #store: Store;

  constructor(store: Store, policy: RetryPolicy) {
    this.#store = store;
    this.policy = policy;
  }

  /** Stores new deliveries that wait for their first attempt. */
  addWaiting(deliveries: readonly NewDelivery[], now: number): void {
    this.#store.atomically(() => {
      for (const delivery of deliveries) this.#store.insert(delivery, waiting(now, delivery.acceptedAt), null);
    });
  }

  /** Stores new deliveries that are not attempted. */
  addDiscarded(deliveries: readonly NewDelivery[], reason: DiscardReason, now: number): void {
    this.#store.atomically(() => {
      for (const delivery of deliveries) {
        const state = discard(waiting(now, delivery.acceptedAt), reason, now);
        if (state && reason === 'outbox_full') this.#store.insert({ ...delivery, payload: NO_PAYLOAD }, withoutPayload(state), null);
        else if (state) this.#store.insert(delivery, state, null);
      }
    });
  }

  /** Stores what was on its way when the object before this one vanished; what ran then counts as interrupted. */
  addLeft(left: readonly { delivery: NewDelivery; attempt: AttemptResult['record'] | null }[], now: number): void {
    for (const { delivery, attempt } of left) {
      const fresh = waiting(now, delivery.acceptedAt);
      const running = attempt && begin(fresh, attempt.startedAt);
      const state = running ? interrupt(running, now, this.policy) : fresh;
      if (state) this.#store.insert(delivery, state, attempt);
    }
  }

  /**
   * An attempt of a stored delivery has ended.
   * @param begun the delivery as it stood while it ran
   * @returns the delivery as it stands now
   */
  end(begun: StoredDelivery, { record, retryAfterMs }: AttemptResult, isCurrent: boolean): StoredDelivery | null {
    const state = settle(begun.state, record, retryAfterMs, this.policy, isCurrent);
    if (!state) return null;
    this.#store.atomically(() => this.#store.saveEnd(begun, state, record));
    return { ...begun, state };
  }

  /** Nobody learns how an attempt ended that ran when the object before this one vanished. @param url where it went, if that is known */
  interrupt(begun: StoredDelivery, now: number, url: string | null = null): StoredDelivery | null {
    const { attemptCount, trigger, leasedAt } = begun.state;
    const state = interrupt(begun.state, now, this.policy);
    if (!state) return null;
    const record = interruptedAttempt(attemptCount, trigger, leasedAt ?? now, url);
    this.#store.atomically(() => this.#store.saveEnd(begun, state, record));
    return { ...begun, state };
  }

  /** The same of an attempt that is noted as running. */
  interruptNoted({ createdAt, id, number, trigger, startedAt, url }: RunningAttempt, now: number): void {
    const delivery = this.#store.at({ createdAt, id });
    // It may have ended in the turn whose note was lost.
    if (!delivery || delivery.state.attemptCount >= number) return;
    this.interrupt({ ...delivery, state: { ...delivery.state, attemptCount: number, trigger, leasedAt: startedAt } }, now, url);
  }

  /** A delivery that failed or was discarded starts its schedule over; returns whether it does. One without a payload cannot. */
  recover(delivery: StoredDelivery, now: number): boolean {
    // Of what earlier versions have erased the state does not say so.
    if (this.#store.payloadErasedAt(delivery.id) !== null) return false;
    const state = recover(delivery.state, now);
    if (state) this.#store.save(delivery, state);
    return state !== null;
  }

  /** A delivery that waited for too long fails; returns whether it did. */
  expire(delivery: StoredDelivery, now: number): boolean {
    const state = expire(delivery.state, now);
    if (state) this.#store.save(delivery, state);
    return state !== null;
  }

  /** A delivery that waits is not to be attempted. */
  discard(delivery: StoredDelivery, reason: DiscardReason, now: number): void {
    const state = discard(delivery.state, reason, now);
    if (state) this.#store.save(delivery, state);
  }

  /** Erases the payload of a delivery that has ended. The delivery and its attempts stay in the log. */
  erasePayload(id: string, now: number): ErasureResult {
    const delivery = this.#store.find(id);
    if (!delivery) return 'unknown';
    if (!isAtRest(delivery.state)) return 'unfinished';
    if (this.#store.payloadErasedAt(id) === null) {
      this.#store.atomically(() => {
        this.#store.save(delivery, withoutPayload(delivery.state));
        this.#store.erasePayload(delivery, now);
      });
    }
    return 'erased';
  }
}
