import type { OutboxConfig } from '../db/configuration.ts';
import { type Circuit, permission } from '../domain/circuit.ts';
import type { AttemptTrigger } from '../domain/delivery.ts';
import { includesWebhooks } from '../domain/plan.ts';
import { logError } from '../log.ts';
import type { AttemptResult } from './attempt.ts';
import type { StoredDelivery } from './delivery-row.ts';
import type { DiscardReason, Ledger } from './ledger.ts';
import type { OutboxStore } from './outbox-store.ts';

/** Attempts of one webhook at a time. Workers: six connections waiting for headers; the rest is for D1. */
export const LANE_SLOTS = 4;
/** A drain begins nothing after this: an alarm may run 15 min (Durable Objects), and the last attempts need their time. */
const BEGIN_BY_MS = 600_000;
/** Rows looked at in one step of keeping house: calls are served between two steps. */
const STEP_ROWS = 100;

/** What a lane needs of the world. */
export interface LaneDeps {
  now(): number;
  circuit(): Circuit;
  /** The webhook's current configuration; null where it has been deleted. */
  configuration(): Promise<OutboxConfig | null>;
  attempt(config: OutboxConfig, delivery: StoredDelivery, payload: Uint8Array): Promise<AttemptResult>;
  /** An attempt has begun, or ended: the alarm is to be right at every moment. */
  arm(): Promise<void>;
  /** The webhook has been deleted: everything that is left of it goes. */
  erase(): Promise<void>;
  /** An attempt of a delivery has ended and is recorded. */
  ended(config: OutboxConfig, delivery: StoredDelivery, result: AttemptResult): void;
}

/**
 * A webhook's own lane: attempts what is due, a few at a time, longest due first, with the configuration of the moment, as far
 * as the circuit and the owner's pace permit.
 */
export class Lane {
  readonly #store: OutboxStore;
  readonly #ledger: Ledger;
  readonly #deps: LaneDeps;
  readonly #running = new Set<Promise<void>>();
  #wake: () => void = () => {};
  /** The owner's pace: no attempt begins before this. */
  #nextBeginAt = 0;
  /** What prevented an attempt from being sent, through a fault of ours: the drain ends with it. */
  #fault: unknown = null;

  constructor(store: OutboxStore, ledger: Ledger, deps: LaneDeps) {
    this.#store = store;
    this.#ledger = ledger;
    this.#deps = deps;
  }

  /** Tells a running drain that something may have become due. */
  poke(): void {
    this.#wake();
  }

  /**
   * Attempts what is due until nothing is, or its time is up. Calls are served meanwhile, and can add to it. A fault of ours (D1
   * unreachable, a secret that does not open) ends it and is thrown: what waits would meet the same.
   */
  async drain(): Promise<void> {
    const beginBy = this.#deps.now() + BEGIN_BY_MS;
    this.#fault = null;
    try {
      await this.#expireHeld();
      for (;;) {
        const woken = new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        const goesOn = this.#fault === null && this.#deps.now() < beginBy;
        const waitMs = goesOn ? await this.#fill() : null;
        if (this.#running.size === 0 && waitMs === null) break;
        await this.#nextHappening(woken, waitMs);
      }
      if (this.#fault !== null) throw this.#fault;
    } finally {
      // A fault leaves attempts running; their outcomes are still to be recorded.
      await Promise.allSettled(this.#running);
    }
  }

  async #nextHappening(woken: Promise<void>, waitMs: number | null): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const paced = new Promise<void>((resolve) => {
      if (waitMs !== null) timer = setTimeout(resolve, waitMs);
    });
    await Promise.race([...this.#running, woken, paced]);
    if (timer !== undefined) clearTimeout(timer);
  }

  /** Begins what may begin. Returns how long to wait for the owner's pace; null where it is not what holds the lane up. */
  async #fill(): Promise<number | null> {
    this.#interruptOverdue();
    while (this.#fault === null && this.#isDue()) {
      const config = await this.#deps.configuration();
      if (config === null) {
        await this.#deps.erase();
        return null;
      }
      const reason = whyNotDelivered(config);
      if (reason !== null) {
        await this.#discardDue(reason);
        continue;
      }
      // Asked now and not before: what was awaited may have changed all of it.
      const now = this.#deps.now();
      const trigger = this.#mayBegin(now);
      if (trigger === null) return null;
      const waitMs = this.#paceWaitMs(config, now);
      if (waitMs > 0) return waitMs;
      const [due] = this.#store.waiting(now, 1);
      if (due && !this.#ledger.expire(due, now)) await this.#begin(due, config, trigger);
    }
    return null;
  }

  /** Ends one step's rows of what is due and not to be attempted; the next step asks for the configuration anew. */
  async #discardDue(reason: DiscardReason): Promise<void> {
    const now = this.#deps.now();
    for (const delivery of this.#store.waiting(now, STEP_ROWS)) this.#ledger.discard(delivery, reason, now);
    await scheduler.wait(0);
  }

  /** What the next attempt would be, or null where none may begin now. */
  #mayBegin(now: number): 'due' | 'probe' | null {
    const permitted = permission(this.#deps.circuit(), now, LANE_SLOTS);
    if (permitted.kind === 'hold') return null;
    if (permitted.kind === 'probe') return this.#running.size === 0 ? 'probe' : null;
    return this.#running.size < permitted.slots ? 'due' : null;
  }

  #paceWaitMs({ webhook }: OutboxConfig, now: number): number {
    if (webhook.maxPerSecond === null) return 0;
    if (this.#nextBeginAt > now) return this.#nextBeginAt - now;
    // What was late is not caught up with: the pace is a limit, not a goal.
    this.#nextBeginAt = now + 1_000 / webhook.maxPerSecond;
    return 0;
  }

  async #begin(delivery: StoredDelivery, config: OutboxConfig, kind: 'due' | 'probe'): Promise<void> {
    const trigger: AttemptTrigger = kind === 'probe' ? 'probe' : delivery.state.trigger;
    const begun = this.#ledger.begin(delivery, this.#deps.now(), trigger);
    if (!begun) return;
    await this.start(begun, config);
  }

  /** Makes an attempt that has begun; what is returned is fulfilled when it has begun to run, not when it has ended. */
  async start(begun: StoredDelivery, config: OutboxConfig): Promise<{ ended: Promise<void> }> {
    // The lease is the delivery's new due time: if this object vanishes, the alarm finds the attempt interrupted.
    await this.#deps.arm();
    const running = this.#run(begun, config).finally(() => this.#running.delete(running));
    this.#running.add(running);
    return { ended: running };
  }

  async #run(delivery: StoredDelivery, config: OutboxConfig): Promise<void> {
    try {
      const result = await this.#attempt(delivery, config);
      if (!result) this.#ledger.postpone(delivery, this.#deps.now());
      else if (this.#ledger.settle(delivery.id, result)) this.#deps.ended(config, delivery, result);
      await this.#deps.arm();
    } catch (error) {
      // It could not be recorded: the lease stands, and the attempt will count as interrupted.
      logError('attempt.not_recorded', error, { delivery: delivery.id });
    }
  }

  /** The attempt's result; null where nothing could be sent, through a fault of ours (a secret that does not open). */
  async #attempt(delivery: StoredDelivery, config: OutboxConfig): Promise<AttemptResult | null> {
    try {
      return await this.#deps.attempt(config, delivery, this.#store.payload(delivery));
    } catch (error) {
      this.#fault = error;
      return null;
    }
  }

  #isDue(): boolean {
    return (this.#store.waitingDueAt() ?? Number.POSITIVE_INFINITY) <= this.#deps.now();
  }

  #interruptOverdue(): void {
    const now = this.#deps.now();
    if ((this.#store.leaseEndsAt() ?? Number.POSITIVE_INFINITY) > now) return;
    for (const delivery of this.#store.overdue(now, STEP_ROWS)) this.#ledger.interrupt(delivery, now);
  }

  /** Ends what has waited for too long. */
  async #expireHeld(): Promise<void> {
    for (;;) {
      const now = this.#deps.now();
      const expired = this.#store.expired(now, STEP_ROWS);
      for (const delivery of expired) this.#ledger.expire(delivery, now);
      if (expired.length < STEP_ROWS) return;
      await scheduler.wait(0);
    }
  }
}

/** Why a webhook's deliveries are not to be attempted; null where they are. */
export function whyNotDelivered({ plan, webhook }: OutboxConfig): DiscardReason | null {
  if (!includesWebhooks(plan)) return 'plan_not_eligible';
  return webhook.enabled ? null : 'webhook_disabled';
}
