import type { AttemptResult } from '../attempt/attempt.ts';
import type { OutboxConfig } from '../db/configuration.ts';
import {
  ACKNOWLEDGED_WITHIN_MS,
  afterAttempt,
  afterFreshStart,
  announced,
  type Circuit,
  type CircuitPolicy,
  isEvidence,
  isToBeAnnounced,
  isWarningDue,
  probedNow,
  toldSince,
} from '../domain/endpoint/circuit.ts';
import type { EndpointPace } from '../domain/endpoint/endpoint-pace.ts';
import { isListenUrl } from '../domain/endpoint/listen-url.ts';
import {
  answerInWords,
  isOperational,
  type Notice,
  type NoticeName,
  WEBHOOK_DISABLE_WARNING,
  WEBHOOK_DISABLED,
  WEBHOOK_FAILING,
  WEBHOOK_RECOVERED,
} from '../domain/event/operational-event.ts';
import { isTestEvent } from '../domain/ids.ts';
import { hostOf } from '../domain/webhook/webhook.ts';
import { logWarning } from '../log.ts';
import type { StoredDelivery } from './books/delivery-row.ts';
import type { Store } from './books/store.ts';
import type { Vitals } from './books/vitals.ts';
import type { Reports } from './reports/reports.ts';

/** What an announcement says of the delivery that it follows from. */
type AboutDelivery = Pick<StoredDelivery, 'id' | 'eventId' | 'event'>;

/** The numbers of a deployment. */
export interface HealthPolicy extends CircuitPolicy {
  /** Nothing but failures for so long disables the webhook. */
  disableAfterMs: number;
}

/** Keeps a webhook's circuit (domain/endpoint/circuit.ts) in its outbox, and reports what follows from a change. */
export class EndpointHealth {
  readonly #vitals: Vitals;
  readonly #store: Store;
  readonly #pace: EndpointPace;
  readonly #reports: Reports;
  readonly #policy: HealthPolicy;
  /** When it last acknowledged; null: nothing is known of that. Undefined: not looked up yet. */
  #acknowledgedAt: number | null | undefined;

  constructor(parts: { vitals: Vitals; store: Store; pace: EndpointPace; reports: Reports }, policy: HealthPolicy) {
    this.#vitals = parts.vitals;
    this.#store = parts.store;
    this.#pace = parts.pace;
    this.#reports = parts.reports;
    this.#policy = policy;
  }

  get circuit(): Circuit {
    return this.#vitals.circuit;
  }

  /** Whether a success could change anything. */
  get isBlemished(): boolean {
    return this.circuit.health !== 'healthy' || this.circuit.failures > 0 || toldSince(this.circuit) !== null;
  }

  /**
   * What an attempt's end means beyond its delivery: for the endpoint's health, and for the webhook where it is of no use.
   * @param delivery as it stands now
   * @param isCurrent whether the webhook is still the one that the attempt went to
   * @param isDrained whether nothing else is due
   */
  attempted(config: OutboxConfig, delivery: StoredDelivery, { record }: AttemptResult, isCurrent: boolean, isDrained: boolean): void {
    const now = Date.now();
    const { outcome, responseStatus } = record;
    // What a developer's machine answers is theirs to see: nothing is held for it, nobody is told, and it is never disabled.
    if (isListenUrl(config.webhook.url)) return;
    // A test that fails is somebody trying; an interrupted attempt is a fault of ours.
    if (!isCurrent || outcome === 'interrupted' || (isTestEvent(delivery.eventId) && outcome !== 'succeeded')) return;
    if (outcome === 'succeeded') this.#acknowledgedAt = now;
    else if (!isEvidence(this.circuit, record, () => this.#hasAcknowledgedLately(now))) return;
    // The first attempts that an outbox sees are of the health that the webhook has had since it was made.
    const circuit = this.circuit.since === 0 ? { ...this.circuit, since: config.webhook.healthSince } : this.circuit;
    if (outcome === 'succeeded' && !this.isBlemished) return;
    const isTest = isTestEvent(delivery.eventId);
    const attempt = { outcome, deliveryId: delivery.id, acceptedAt: delivery.createdAt, endedAt: now, isTest };
    const outageSince = toldSince(circuit);
    this.#set(afterAttempt(circuit, attempt, isDrained, this.#policy), config.webhook.id, now);
    const lastAnswer =
      outcome === 'succeeded' ? `The endpoint answered ${responseStatus}` : answerInWords(record.error, config.webhook.url);
    if (outcome === 'succeeded') {
      if (outageSince !== null && !isTest) this.#tell(config, { event: WEBHOOK_RECOVERED, since: outageSince, lastAnswer }, now);
      return;
    }
    this.#failed(config, delivery, { isGone: responseStatus === 410, lastAnswer }, now);
  }

  /** What follows from a failure of the endpoint. */
  #failed(
    config: OutboxConfig,
    delivery: StoredDelivery,
    { isGone, lastAnswer }: { isGone: boolean; lastAnswer: string | null },
    now: number,
  ): void {
    const { failingSince } = this.circuit;
    const { disableAfterMs } = this.#policy;
    if (isGone || (failingSince !== null && now - failingSince >= disableAfterMs)) {
      // Others that were under way meet the same: it is said once.
      if (this.#vitals.hasDisabled) return;
      const disabledReason = isGone ? 'endpoint_gone' : 'endpoint_failing';
      const notice = noticeOf(config, { event: WEBHOOK_DISABLED, since: failingSince, lastAnswer, disabledReason }, now);
      this.#reports.disable(config, disabledReason, notice, now);
      return;
    }
    // Nothing is told of what is told.
    if (isOperational(delivery.event)) return;
    if (failingSince !== null && isWarningDue(this.circuit, now, disableAfterMs)) {
      this.#vitals.circuit = { ...this.circuit, warned: true };
      this.#tell(
        config,
        { event: WEBHOOK_DISABLE_WARNING, since: failingSince, lastAnswer, disableAt: failingSince + disableAfterMs },
        now,
      );
    }
    // Looked up last: it reads up to a thousand rows, and an outage has many that fail.
    if (delivery.state.status === 'failed' && isToBeAnnounced(this.circuit, now) && this.#store.lastDeliveredAt() !== null) {
      this.#announce(config, delivery, { lastAnswer }, now);
    }
  }

  /** Deliveries are not taken any more, since too many wait: their organization is told as of an outage, which it nearly always is. */
  full(config: OutboxConfig, delivery: AboutDelivery, now: number): void {
    if (isListenUrl(config.webhook.url)) return;
    if (this.circuit.failures === 0) this.#vitals.circuit = { ...this.circuit, failures: 1, failingSince: now };
    if (!isOperational(delivery.event) && isToBeAnnounced(this.circuit, now)) {
      this.#announce(config, delivery, { lastAnswer: null, isFull: true }, now);
    }
  }

  /** A person has asked for many deliveries to start over. */
  drainGently(webhookId: string): void {
    const now = Date.now();
    this.#pace.gently(now);
    this.#set(probedNow(this.circuit, now), webhookId, now);
  }

  /** The owner has enabled the webhook or pointed it elsewhere since: everything starts over. */
  adopt({ webhook }: OutboxConfig): void {
    const startedAt = this.#freshStart(webhook);
    if (startedAt === null) return;
    if (webhook.freshSince) this.#vitals.freshSince = webhook.freshSince;
    if (this.circuit.since === 0) return;
    this.#reports.forgetHealth();
    this.#vitals.circuit = afterFreshStart(this.circuit, startedAt);
  }

  /** When the owner gave the endpoint a fresh start that is not known here yet; null: there was none. */
  #freshStart({ freshSince = 0, health, healthSince }: OutboxConfig['webhook']): number | null {
    if (freshSince > this.#vitals.freshSince) return freshSince;
    // Earlier versions told it by the health alone, which its owner sets anew.
    const isOfBefore = freshSince === 0 && this.#vitals.freshSince === 0 && this.circuit.since !== 0;
    return isOfBefore && health === 'healthy' && healthSince > this.circuit.since ? healthSince : null;
  }

  /** When the endpoint last acknowledged a delivery, about; null where nothing is known of one. */
  lastAcknowledgedAt(): number | null {
    // Looked up once: it reads up to a thousand rows, and open pages ask every few seconds.
    if (this.#acknowledgedAt === undefined) this.#acknowledgedAt = this.#store.lastDeliveredAt();
    return this.#acknowledgedAt;
  }

  #hasAcknowledgedLately(now: number): boolean {
    return (this.lastAcknowledgedAt() ?? 0) >= now - ACKNOWLEDGED_WITHIN_MS;
  }

  /** Tells the organization that its endpoint fails: seldom enough, which its callers have asked. */
  #announce(config: OutboxConfig, { id, eventId }: AboutDelivery, said: Pick<Notice, 'lastAnswer' | 'isFull'>, now: number): void {
    this.#vitals.circuit = announced(this.circuit, now);
    this.#tell(config, { event: WEBHOOK_FAILING, since: this.circuit.failingSince, delivery: { id, eventId }, ...said }, now);
  }

  #tell(config: OutboxConfig, said: Said, now: number): void {
    this.#reports.notify(noticeOf(config, said, now), now);
  }

  #set(circuit: Circuit, webhookId: string, now: number): void {
    const { health, since } = this.circuit;
    if (circuit === this.circuit) return;
    this.#vitals.circuit = circuit;
    if (circuit.health === health) return;
    if (health === 'open') this.#pace.gently(now);
    logWarning('webhook.health_changed', { webhook: webhookId, health: circuit.health, before: health, beforeSince: since });
    this.#reports.health({ health: circuit.health, since: circuit.since, freshSince: this.#vitals.freshSince }, now);
  }
}

type Said = Omit<Notice, 'at' | 'organizationId' | 'host'> & { event: NoticeName };

function noticeOf({ webhook }: OutboxConfig, said: Said, now: number): Notice {
  return { ...said, at: now, organizationId: webhook.organizationId, host: hostOf(webhook.url) };
}
