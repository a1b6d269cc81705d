import type { AttemptResult } from '../attempt/attempt.ts';
import type { Sender } from '../attempt/sender.ts';
import type { OutboxConfig } from '../db/configuration.ts';
import type { DeliveryDetail, DeliverySummary, NewDelivery } from '../domain/delivery/delivery.ts';
import { begin, type DeliveryState, isAtRest, MAX_ATTEMPTS, notRendered, settle, waiting } from '../domain/delivery/lifecycle.ts';
import { asTestEventId, mintedAt } from '../domain/ids.ts';
import { type StoredDelivery, toSummary } from './books/delivery-row.ts';
import type { Ledger } from './books/ledger.ts';
import type { Store } from './books/store.ts';
import type { Vitals } from './books/vitals.ts';
import { whyNotDelivered } from './dispatcher.ts';
import type { Fresh } from './fresh.ts';
import type { Renderer } from './renderer.ts';
import type { Runner } from './runner.ts';
import type { TestLimit } from './test-limit.ts';

/**
 * What became of a person's retry.
 * - `begun`: the attempt runs; or the delivery cannot be rendered, which the delivery then says.
 * - `running`: another attempt of the delivery runs, or is about to.
 * - `refused`: the webhook cannot be used.
 * - `erased`: its payload was erased, or never kept.
 * - `exhausted`: it has had as many attempts as a delivery can have.
 * - `busy`: too many that were asked for by hand wait for a connection already.
 * - `unknown`: there is no such delivery.
 */
export type RetryResult =
  | { kind: 'begun'; delivery: DeliverySummary }
  | { kind: 'running' }
  | { kind: 'refused'; reason: 'webhook_disabled' | 'plan_not_eligible' }
  | { kind: 'erased' }
  | { kind: 'exhausted' }
  | { kind: 'busy' }
  | { kind: 'unknown' };

/**
 * What became of the wish to cancel one delivery.
 * - `canceled`: it waited, and has ended.
 * - `running`: an attempt of it runs, which is left to end.
 * - `finished`: it had ended already.
 * - `unknown`: there is no such delivery.
 */
export type CancelResult =
  | { kind: 'canceled'; delivery: DeliverySummary }
  | { kind: 'running' }
  | { kind: 'finished' }
  | { kind: 'unknown' };

/** How a test ended, as the log has it, without an attempt where it cannot be rendered; or, where there were too many of late, how long the next one has to wait. */
export type TestResult = DeliveryDetail | { waitMs: number };

interface Parts {
  store: Store;
  ledger: Ledger;
  fresh: Fresh;
  vitals: Vitals;
  runner: Runner;
  renderer: Renderer;
  sender: Sender;
  tests: TestLimit;
  /** Erases what is about to be attempted of people who are erased. */
  eraseSome(about: readonly StoredDelivery[], now: number): void;
  /** Of new deliveries those that are of nobody who has been erased since. */
  sift(news: readonly NewDelivery[], now: number): readonly NewDelivery[];
}

/** Attempts that a person asks for: at once, whatever circuit and paces say. */
export class ByHand {
  readonly #parts: Parts;
  /** The configuration as it is now; null where the webhook has been deleted. */
  readonly #configuration: () => Promise<OutboxConfig | null>;

  constructor(parts: Parts, configuration: () => Promise<OutboxConfig | null>) {
    this.#parts = parts;
    this.#configuration = configuration;
  }

  /**
   * Begins one attempt of a delivery. Throws where it cannot be signed, and changes nothing then.
   * @returns with `running`, which is fulfilled when the attempt has ended
   */
  async retry(id: string): Promise<{ result: RetryResult; running?: Promise<unknown> }> {
    const { store, fresh, vitals, runner, renderer, sender } = this.#parts;
    if (!fresh.get(id) && !runner.runningNow(id) && !store.find(id)) return { result: { kind: 'unknown' } };
    const config = await this.#configuration();
    if (!config) return { result: { kind: 'unknown' } };
    const reason = whyNotDelivered(config);
    if (reason) return { result: { kind: 'refused', reason } };
    await sender.prepare(config.webhook);
    // Looked at now: all of that was awaited. What waits or has ended in memory gets its row first: it need not wait for others.
    if (fresh.get(id) && !runner.runningNow(id)) fresh.keepAll(Date.now());
    const stored = fresh.get(id) ? null : store.find(id);
    if (!stored || !runner.begunByHand(stored)) return { result: { kind: 'running' } };
    // Of somebody who is erased, though no step has come to it yet.
    this.#parts.eraseSome([stored], Date.now());
    if (store.payloadErasedAt(id) !== null || stored.state.reason === 'outbox_full') return { result: { kind: 'erased' } };
    if (stored.state.attemptCount >= MAX_ATTEMPTS) return { result: { kind: 'exhausted' } };
    if (!runner.takesByHand) return { result: { kind: 'busy' } };
    const { delivery, payload } = renderer.ready(stored, config, Date.now());
    const begun = payload && runner.begunByHand(delivery);
    if (!begun) return { result: { kind: 'begun', delivery: toSummary(delivery, store.whoOf(delivery)) } };
    runner.note(begun, config);
    vitals.save();
    const running = runner.runByHand(begun, payload, config);
    return { result: { kind: 'begun', delivery: toSummary(begun, store.whoOf(begun)) }, running };
  }

  /** Ends a delivery that waits, and not in memory. */
  cancel(id: string, now: number): CancelResult {
    const { store, ledger, fresh, runner } = this.#parts;
    if (fresh.get(id) || runner.runningNow(id)) return { kind: 'running' };
    const stored = store.find(id);
    if (!stored) return { kind: 'unknown' };
    if (isAtRest(stored.state)) return { kind: 'finished' };
    if (!ledger.discard(stored, 'canceled', now)) return { kind: 'running' };
    return { kind: 'canceled', delivery: toSummary(store.find(id) ?? stored, store.whoOf(stored)) };
  }

  /**
   * Attempts a sample event once. It is in the log when this has ended, also where it cannot be rendered.
   * @param sample with the event as its payload
   * @returns whether it is in the log: not where the webhook is deleted, or nothing could be sent; and how long it would have to wait, where
   * there were too many of late
   */
  async test(sample: NewDelivery, now: number): Promise<{ isLogged: boolean; waitMs: number }> {
    const { store, ledger, runner, renderer, tests } = this.#parts;
    const config = await this.#configuration();
    const waits: DeliveryState = { ...waiting(now), trigger: 'test' };
    const state = begin(waits, now);
    if (!config || !state || !runner.takesByHand) return { isLogged: false, waitMs: 0 };
    if (this.#parts.sift([sample], now).length === 0) return { isLogged: false, waitMs: 0 };
    const waitMs = tests.take(now);
    if (waitMs > 0) return { isLogged: false, waitMs };
    // A Worker of the version before, which can still call during a deploy, does not mark it.
    const delivery = { ...renderer.renderOne(config.webhook, sample, now), eventId: asTestEventId(sample.eventId) };
    const failed = delivery.error ? notRendered(waits, now) : null;
    if (failed) {
      store.insert(delivery, failed, null);
      return { isLogged: true, waitMs: 0 };
    }
    const { id, eventId, event, sessionId, payload } = delivery;
    const begun = { createdAt: mintedAt(id) ?? delivery.acceptedAt, id, eventId, event, sessionId, state };
    const record = ({ record: attempt, retryAfterMs }: AttemptResult) => {
      const ended = settle(state, attempt, retryAfterMs, ledger.policy);
      if (ended) store.insert(delivery, ended, attempt);
      return ended && { ...begun, state: ended };
    };
    return { isLogged: (await runner.runByHand(begun, payload, config, record)) !== null, waitMs: 0 };
  }
}
