import type { AttemptResult } from '../../attempt/attempt.ts';
import { interruptedAttempt } from '../../attempt/attempt.ts';
import { type Contents, type DeliveryReason, type NewDelivery, withoutContents } from '../../domain/delivery/delivery.ts';
import {
  begin,
  type DeliveryState,
  discard,
  expire,
  interrupt,
  isAtRest,
  maxWaitMs,
  notRendered,
  type RetryPolicy,
  recover,
  renderedLate,
  settle,
  waiting,
  withoutPayload,
} from '../../domain/delivery/lifecycle.ts';
import type { WebhookConfig } from '../../domain/webhook/webhook.ts';
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
export type DiscardReason = Extract<
  DeliveryReason,
  'webhook_disabled' | 'plan_not_eligible' | 'outbox_full' | 'canceled' | 'person_erased'
>;

const NO_CONTENTS: Contents = { payload: new Uint8Array(), accepted: undefined, error: undefined };

/**
 * Applies what happens to stored deliveries to their rows: asks the rules (domain/delivery/lifecycle.ts) for the next state, and keeps it.
 * Synchronous throughout, so that every change is one indivisible step of the object.
 */
export class Ledger {
  readonly #store: Store;
  readonly #deployed: RetryPolicy;
  #policy: RetryPolicy;
  #maxWaitMs: number;

  /** @param deployed the policy of webhooks whose owners want no other */
  constructor(store: Store, deployed: RetryPolicy) {
    this.#store = store;
    this.#deployed = deployed;
    this.#policy = deployed;
    this.#maxWaitMs = maxWaitMs(deployed);
  }

  /** How failed attempts are retried. */
  get policy(): RetryPolicy {
    return this.#policy;
  }

  /** From now on failed attempts are retried as this says; a wait that is set already stays. */
  adopt({ choices }: WebhookConfig): void {
    const scheduleMs = choices?.retryScheduleMs ?? this.#deployed.scheduleMs;
    if (scheduleMs === this.#policy.scheduleMs) return;
    this.#policy = { ...this.#deployed, scheduleMs };
    this.#maxWaitMs = maxWaitMs(this.#policy);
  }

  /** A delivery that waits for its first attempt. */
  waiting(dueAt: number, acceptedAt: number): DeliveryState {
    return waiting(dueAt, acceptedAt, this.#maxWaitMs);
  }

  /** Stores new deliveries that wait for their first attempt. */
  addWaiting(deliveries: readonly NewDelivery[], now: number): void {
    this.#store.atomically(() => {
      for (const delivery of deliveries) this.#store.insert(delivery, this.waiting(now, delivery.acceptedAt), null);
    });
  }

  /** Stores new deliveries that are not attempted. */
  addDiscarded(deliveries: readonly NewDelivery[], reason: DiscardReason, now: number): void {
    this.#store.atomically(() => {
      for (const delivery of deliveries) {
        const state = discard(this.waiting(now, delivery.acceptedAt), reason, now);
        if (state && reason === 'outbox_full') this.#store.insert({ ...delivery, ...NO_CONTENTS }, withoutPayload(state), null);
        else if (state) this.#store.insert(delivery, state, null);
      }
    });
  }

  /** Stores new deliveries that could not be rendered. */
  addNotRendered(deliveries: readonly NewDelivery[], now: number): void {
    this.#store.atomically(() => {
      for (const delivery of deliveries) {
        const state = notRendered(this.waiting(now, delivery.acceptedAt), now);
        if (state) this.#store.insert(delivery, state, null);
      }
    });
  }

  /** A stored delivery could not be rendered, when its attempt was to begin. */
  notRendered(delivery: StoredDelivery, contents: Contents, now: number): StoredDelivery {
    return this.#saveContents(delivery, notRendered(delivery.state, now) ?? delivery.state, contents);
  }

  /** A stored delivery is rendered, and its attempt can begin. */
  rendered(delivery: StoredDelivery, contents: Contents): StoredDelivery {
    return this.#saveContents(delivery, renderedLate(delivery.state), contents);
  }

  /** Stores what was on its way when the object before this one vanished; what ran then counts as interrupted. */
  addLeft(left: readonly { delivery: NewDelivery; attempt: AttemptResult['record'] | null }[], now: number): void {
    for (const { delivery, attempt } of left) {
      const fresh = this.waiting(now, delivery.acceptedAt);
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

  /** A delivery that has ended starts its schedule over; returns whether it does. One without a payload cannot. */
  recover(delivery: StoredDelivery, now: number): boolean {
    // Of what earlier versions have erased the state does not say so.
    if (this.#store.payloadErasedAt(delivery.id) !== null) return false;
    const state = recover(delivery.state, now, maxWaitMs(this.policy));
    if (state) this.#store.save(delivery, state);
    return state !== null;
  }

  /** The same of archived ones, out of one bundle; returns how many do. */
  recoverArchived(place: number, ids: ReadonlySet<string>, now: number): number {
    const taken = this.#store.archive.takeAll(place, ids);
    for (const { delivery, state, attempt } of taken) {
      this.#store.insert(delivery, recover(state, now, maxWaitMs(this.policy)) ?? state, attempt);
    }
    return taken.length;
  }

  /** A delivery that waited for too long fails; returns whether it did. */
  expire(delivery: StoredDelivery, now: number): boolean {
    const state = expire(delivery.state, now);
    if (state) this.#store.save(delivery, state);
    return state !== null;
  }

  /** A delivery that waits is not to be attempted; returns whether it waited. */
  discard(delivery: StoredDelivery, reason: DiscardReason, now: number): boolean {
    const state = discard(delivery.state, reason, now);
    if (state) this.#store.save(delivery, state);
    return state !== null;
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

  /**
   * Erases the payload of a person's delivery, which is not attempted any more; not where an attempt of it runs. Returns whether it is gone.
   * @param isNamed whether its session's id names the person as well
   */
  erasePerson(delivery: StoredDelivery, isNamed: boolean, now: number): boolean {
    const state = isAtRest(delivery.state) ? delivery.state : discard(delivery.state, 'person_erased', now);
    if (!state) return false;
    this.#store.save(delivery, withoutPayload(state));
    this.#store.erasePayload(delivery, now);
    if (isNamed) this.#store.forgetSession(delivery);
    return true;
  }

  /** The same of archived ones, out of one bundle. */
  eraseArchived(place: number, ids: ReadonlySet<string>, isNamed: (id: string, sessionId: string | null) => boolean, now: number): void {
    for (const { delivery, state, attempt } of this.#store.archive.takeAll(place, ids)) {
      const sessionId = isNamed(delivery.id, delivery.sessionId) ? null : delivery.sessionId;
      this.#store.insert({ ...delivery, ...NO_CONTENTS, sessionId }, withoutPayload(state), withoutContents(attempt));
      this.#store.noteErasure(delivery.id, now);
    }
  }

  /** A person's event has come after all: its delivery is not attempted, and carries nothing. */
  addErased(delivery: NewDelivery, isNamed: boolean, now: number): void {
    const state = discard(this.waiting(now, delivery.acceptedAt), 'person_erased', now);
    if (!state) return;
    const sessionId = isNamed ? null : delivery.sessionId;
    this.#store.insert({ ...delivery, ...NO_CONTENTS, sessionId }, withoutPayload(state), null);
    this.#store.noteErasure(delivery.id, now);
  }

  #saveContents(delivery: StoredDelivery, state: DeliveryState, contents: Contents): StoredDelivery {
    this.#store.atomically(() => {
      if (state !== delivery.state) this.#store.save(delivery, state);
      this.#store.saveContents(delivery, contents);
    });
    return { ...delivery, state };
  }
}
