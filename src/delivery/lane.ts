import type { OutboxConfig } from '../db/configuration.ts';
import { includesWebhooks } from '../domain/plan.ts';
import { logError } from '../log.ts';
import type { AttemptResult } from './attempt.ts';
import type { Ledger } from './ledger.ts';
import type { OutboxStore, StoredDelivery } from './outbox-store.ts';

/** Attempts of one webhook at a time. Workers: six connections waiting for headers; the rest is for D1. */
export const LANE_SLOTS = 4;
/** A drain begins nothing after this: an alarm may run 15 min (Durable Objects), and the last attempts need their time. */
const BEGIN_BY_MS = 600_000;

/** What a lane needs of the world. */
export interface LaneDeps {
  now(): number;
  /** The webhook's current configuration; null where it has been deleted. */
  configuration(): Promise<OutboxConfig | null>;
  attempt(config: OutboxConfig, delivery: StoredDelivery, payload: Uint8Array): Promise<AttemptResult>;
  /** Called when an attempt has begun, before it is sent, and when one has ended: the alarm is to be right at every moment. */
  arm(): Promise<void>;
  /** The webhook has been deleted: everything that is left of it goes. */
  erase(): Promise<void>;
  /** An attempt ended. */
  ended(config: OutboxConfig, result: AttemptResult): void;
}

/** A webhook's own lane: attempts what is due, a few at a time, oldest due first, with the configuration of the moment. */
export class Lane {
  readonly #store: OutboxStore;
  readonly #ledger: Ledger;
  readonly #deps: LaneDeps;
  readonly #running = new Set<Promise<void>>();
  #wake: () => void = () => {};
  #draining = false;

  constructor(store: OutboxStore, ledger: Ledger, deps: LaneDeps) {
    this.#store = store;
    this.#ledger = ledger;
    this.#deps = deps;
  }

  /** Tells a running drain that something may have become due. False: none runs, an alarm is needed. */
  poke(): boolean {
    this.#wake();
    return this.#draining;
  }

  /** Attempts what is due until nothing is, or its time is up. RPCs are served meanwhile, and can add to it. */
  async drain(): Promise<void> {
    const beginBy = this.#deps.now() + BEGIN_BY_MS;
    this.#draining = true;
    try {
      for (;;) {
        const woken = new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        if (this.#deps.now() < beginBy) await this.#fill();
        if (this.#running.size === 0) return;
        await Promise.race([...this.#running, woken]);
      }
    } finally {
      this.#draining = false;
      // A fault in filling leaves attempts running; their outcomes are still to be recorded.
      await Promise.allSettled(this.#running);
    }
  }

  async #fill(): Promise<void> {
    while (this.#running.size < LANE_SLOTS) {
      const [next] = this.#store.due(this.#deps.now(), 1);
      if (!next) return;
      if (next.state.leasedAt !== null) {
        this.#ledger.interrupt(next, this.#deps.now());
        continue;
      }
      const config = await this.#deps.configuration();
      if (config === null) return await this.#deps.erase();
      // Read again: another call may have changed it while the configuration was read.
      const due = this.#store.find(next.id);
      if (due) await this.#take(due, config);
    }
  }

  /** Attempts a due delivery, or ends it where the webhook cannot be used. */
  async #take(due: StoredDelivery, config: OutboxConfig): Promise<void> {
    const now = this.#deps.now();
    if (due.state.dueAt === null || due.state.dueAt > now) return;
    if (!includesWebhooks(config.plan)) return this.#ledger.discard(due, 'plan_not_eligible', now);
    if (!config.webhook.enabled) return this.#ledger.discard(due, 'webhook_disabled', now);
    const begun = this.#ledger.begin(due, now);
    if (!begun) return;
    // The lease is the delivery's new due time: if this object vanishes, the alarm finds the attempt interrupted.
    await this.#deps.arm();
    const running = this.#run(begun, config).finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  async #run(delivery: StoredDelivery, config: OutboxConfig): Promise<void> {
    try {
      const result = await this.#deps.attempt(config, delivery, this.#store.payload(delivery));
      this.#ledger.settle(delivery.id, result);
      this.#deps.ended(config, result);
      await this.#deps.arm();
    } catch (error) {
      // Ours: the lease stands, and the attempt will count as interrupted.
      logError('attempt.failed', error, { delivery: delivery.id });
    }
  }
}
