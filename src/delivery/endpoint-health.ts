import type { OutboxConfig } from '../db/configuration.ts';
import { afterAttempt, type Circuit, type CircuitPolicy, closedCircuit, gently } from '../domain/circuit.ts';
import { webhookFailing } from '../domain/operational-event.ts';
import { logWarning } from '../log.ts';
import type { AttemptResult } from './attempt.ts';
import type { OutboxStore } from './outbox-store.ts';
import type { Reports } from './reports.ts';

const KEY = 'circuit';

/** The numbers of a deployment. */
export interface HealthPolicy extends CircuitPolicy {
  /** Nothing but failures for so long disables the webhook. */
  disableAfterMs: number;
}

/** Keeps a webhook's circuit (domain/circuit.ts) in its outbox, and reports what follows from a change. */
export class EndpointHealth {
  readonly #kv: SyncKvStorage;
  readonly #store: OutboxStore;
  readonly #reports: Reports;
  readonly #policy: HealthPolicy;
  #circuit: Circuit;

  constructor(kv: SyncKvStorage, store: OutboxStore, reports: Reports, policy: HealthPolicy) {
    this.#kv = kv;
    this.#store = store;
    this.#reports = reports;
    this.#policy = policy;
    this.#circuit = kv.get<Circuit>(KEY) ?? closedCircuit(0);
  }

  get circuit(): Circuit {
    return this.#circuit;
  }

  /** What an attempt's end means beyond its delivery: for the endpoint's health, and for the webhook where it is of no use. */
  attempted(config: OutboxConfig, deliveryId: string, { record }: AttemptResult): void {
    // A test that fails is somebody trying.
    if (record.trigger === 'test' && record.outcome !== 'succeeded') return;
    const now = Date.now();
    // A healthy webhook has nothing to drain: its deliveries, nearly all there are, cost no look at what waits.
    const drained = this.#circuit.health !== 'healthy' && (this.#store.waitingDueAt() ?? Number.POSITIVE_INFINITY) > now;
    const attempt = { outcome: record.outcome, deliveryId, endedAt: now };
    // The first attempts that an outbox sees are of the health that the webhook has had since it was made.
    if (this.#circuit.since === 0) this.#circuit = { ...this.#circuit, since: config.webhook.healthSince };
    this.#set(afterAttempt(this.#circuit, attempt, drained, this.#policy), config.webhook.id);
    const { failingSince } = this.#circuit;
    if (record.responseStatus === 410) this.#reports.disable(config, 'endpoint_gone', now);
    else if (failingSince !== null && now - failingSince >= this.#policy.disableAfterMs)
      this.#reports.disable(config, 'endpoint_failing', now);
    else this.#announceFailure(config, deliveryId, now);
  }

  /** A person has asked for many deliveries to start over. */
  drainGently(webhookId: string): void {
    this.#set(gently(this.#circuit, Date.now()), webhookId);
  }

  /** The owner has enabled the webhook or pointed it elsewhere since: everything starts over. */
  adopt({ webhook }: OutboxConfig): void {
    if (webhook.health !== 'healthy' || this.#circuit.since === 0 || webhook.healthSince <= this.#circuit.since) return;
    this.#reports.forgetHealth(webhook.healthSince);
    this.#keep(closedCircuit(webhook.healthSince));
  }

  /** The storage has been emptied. */
  reset(): void {
    this.#circuit = closedCircuit(0);
  }

  /** Tells the organization, once for each outage, when a delivery has failed for good at an endpoint that worked before. */
  #announceFailure({ webhook }: OutboxConfig, deliveryId: string, now: number): void {
    if (this.#circuit.failures === 0 || this.#circuit.announced) return;
    const delivery = this.#store.find(deliveryId);
    if (delivery?.state.status !== 'failed' || !this.#store.hasDelivered()) return;
    this.#keep({ ...this.#circuit, announced: true });
    this.#reports.notify(webhookFailing(webhook, delivery, now), now);
  }

  #set(circuit: Circuit, webhookId: string): void {
    if (circuit === this.#circuit) return;
    const { health, since } = this.#circuit;
    this.#keep(circuit);
    if (circuit.health === health) return;
    logWarning('webhook.health_changed', { webhook: webhookId, health: circuit.health, before: health, beforeSince: since });
    this.#reports.health(circuit.health, circuit.since, Date.now());
  }

  #keep(circuit: Circuit): void {
    this.#circuit = circuit;
    this.#kv.put(KEY, circuit);
  }
}
