import type { AttemptOutcome } from '../delivery/delivery.ts';
import type { Health } from '../webhook/webhook.ts';

/*
 * What a webhook's attempts say about its endpoint, and what follows for the deliveries that wait.
 *
 *   healthy ──3 failures in a row──▶ failing ──10 failures in a row, of 3 deliveries──▶ open
 *      ▲                               │  ▲                                              │
 *      └──drained, or 20 successes─────┘  └──────────────a probe succeeds────────────────┘
 *
 * While it is open, deliveries are held with the retries they have, and one of them at a time goes out as a probe, at growing
 * intervals: an outage costs only the probed deliveries their retries, and the endpoint is not hammered. After a probe's success
 * the deliveries that waited go out at a rising pace (domain/endpoint/endpoint-pace.ts): an endpoint that just came back is not knocked over.
 */

/** Failures in a row that make a webhook failing: one alone says little, and each change is written to D1. */
export const FAILING_AFTER = 3;
/** Deliveries that the failures must be of to open the circuit: one that the endpoint cannot digest is not an outage. */
export const OPEN_AFTER_DELIVERIES = 3;
/** Successes in a row after which a failing webhook is healthy though deliveries still wait. */
export const HEALTHY_AFTER = 20;
/** An organization is told of one webhook's failing at most this often. */
export const ANNOUNCE_EVERY_MS = 3_600_000;
/** How long an acknowledgement shows that the endpoint works, whatever it answers about single records. */
export const ACKNOWLEDGED_WITHIN_MS = 3_600_000;
/** Answers about the one record: it is malformed, conflicts, is too large, is of a type or has a content that is not taken. */
const ABOUT_THE_RECORD: ReadonlySet<number> = new Set([400, 409, 413, 415, 422]);

/** The numbers of a deployment: CIRCUIT_THRESHOLD and CIRCUIT_PROBE. */
export interface CircuitPolicy {
  /** Failed attempts in a row that open the circuit. */
  threshold: number;
  /** Waits before the first probe, and the longest. */
  probeMs: readonly [first: number, longest: number];
}

/** A time with nothing but failures. Times are milliseconds since the epoch. */
export interface Outage {
  /** When the earliest delivery that failed in it was accepted: what it has cost was accepted from then on … */
  acceptedFrom: number;
  /** When its first failure ended. */
  since: number;
  /** … and until it was over. */
  until: number;
}

/** Outages so close to each other are one. */
export const SAME_OUTAGE_WITHIN_MS = 3_600_000;

export interface Circuit {
  health: Health;
  /** When the health last changed, milliseconds since the epoch. */
  since: number;
  /** Failed attempts in a row. */
  failures: number;
  /** When the first of them ended. */
  failingSince: number | null;
  /** Whether the organization has been told of them: once for each outage. */
  announced: boolean;
  /** When it was last told of any. Missing in what earlier versions have stored. */
  announcedAt?: number | null;
  /**
   * Since when the outage goes that it was told of, until a delivery arrives: then it is told that it is over. Null: it was told of none. A
   * test's success, or a fresh start of the owner's, is not that end. Missing in what earlier versions have stored.
   */
  toldSince?: number | null;
  /** Whether it was warned of what follows from these failures. Missing in what earlier versions have stored. */
  warned?: boolean;
  /** The delivery whose attempt failed last. Missing in what earlier versions have stored. */
  lastFailed?: string | null;
  /** When the earliest of the deliveries that failed in a row was accepted. Missing in what earlier versions have stored. */
  failedFrom?: number | null;
  /** The outage that is over, while it is worth telling of. Missing in what earlier versions have stored. */
  pastOutage?: Outage | null;
  /** The deliveries they were of, as far as they need counting. */
  failedDeliveries: readonly string[];
  /** Succeeded attempts in a row, as far as they need counting. */
  successes: number;
  /** While open: when the next probe may go out. */
  probeAt: number | null;
  /** While open: the wait that ends at probeAt. */
  probeWaitMs: number;
}

/** An open circuit is probed now: a person has asked for deliveries, and believes that the endpoint works again. */
export function probedNow(circuit: Circuit, now: number): Circuit {
  return circuit.health === 'open' ? { ...circuit, probeAt: Math.min(circuit.probeAt ?? now, now) } : circuit;
}

/** Whether the organization is to be told of a delivery that has failed for good: once an outage, and once an hour at most. */
export function isToBeAnnounced({ failures, announced, announcedAt }: Circuit, now: number): boolean {
  return failures > 0 && !announced && now - (announcedAt ?? Number.NEGATIVE_INFINITY) >= ANNOUNCE_EVERY_MS;
}

/** The circuit once the organization has been told that it fails. */
export function announced(circuit: Circuit, now: number): Circuit {
  return { ...circuit, announced: true, announcedAt: now, toldSince: circuit.failingSince ?? now };
}

/** Since when the outage goes that the organization was told of and that is not over for it; null: there is none. */
export function toldSince({ toldSince: since, announced: isAnnounced, failingSince }: Circuit): number | null {
  // Earlier versions have not stored it.
  return since === undefined ? (isAnnounced ? failingSince : null) : since;
}

/**
 * Whether the organization is to be warned that its webhook will be disabled: half of that time has gone by with nothing but failures.
 * Once for each row of failures.
 */
export function isWarningDue({ failingSince, warned = false }: Circuit, now: number, disableAfterMs: number): boolean {
  return failingSince !== null && !warned && now - failingSince >= disableAfterMs / 2;
}

/** Whether a response is about the one record that was sent, and says nothing about the endpoint while others are acknowledged. */
export function isAboutTheRecord(status: number | null): boolean {
  return status !== null && ABOUT_THE_RECORD.has(status);
}

/**
 * Whether a failed attempt says anything about the endpoint. An answer about the one record does not while others are acknowledged, and of
 * one record it is heard once: no number of rejected records is an outage. A probe's answer counts whatever it is.
 * @param hasAcknowledgedLately whether the endpoint has acknowledged another delivery within ACKNOWLEDGED_WITHIN_MS
 */
export function isEvidence(
  { health }: Circuit,
  { responseStatus, number }: { responseStatus: number | null; number: number },
  hasAcknowledgedLately: () => boolean,
): boolean {
  if (health === 'open' || !isAboutTheRecord(responseStatus)) return true;
  return number === 1 && !hasAcknowledgedLately();
}

/** @param announcedAt when the organization was last told of a failure */
export function closedCircuit(since: number, announcedAt: number | null = null): Circuit {
  return {
    health: 'healthy',
    since,
    failures: 0,
    failingSince: null,
    announced: false,
    announcedAt,
    toldSince: null,
    warned: false,
    lastFailed: null,
    failedFrom: null,
    pastOutage: null,
    failedDeliveries: [],
    successes: 0,
    probeAt: null,
    probeWaitMs: 0,
  };
}

/**
 * What an attempt's end means. An interrupted attempt means nothing: the fault was ours.
 * @param drained whether nothing else is due in the outbox
 */
export function afterAttempt(
  circuit: Circuit,
  attempt: { outcome: AttemptOutcome; deliveryId: string; acceptedAt?: number; endedAt: number; isTest?: boolean },
  drained: boolean,
  policy: CircuitPolicy,
): Circuit {
  if (attempt.outcome === 'interrupted') return circuit;
  return attempt.outcome === 'succeeded'
    ? afterSuccess(circuit, attempt.endedAt, drained, attempt.isTest ?? false)
    : afterFailure(circuit, attempt, policy);
}

function afterSuccess(circuit: Circuit, now: number, drained: boolean, isTest: boolean): Circuit {
  const { health, since, announcedAt = null } = circuit;
  const told = toldSince(circuit);
  // For the organization an outage is over when a delivery has arrived.
  const untold = isTest && told !== null ? { announced: circuit.announced, toldSince: told } : {};
  const closed = (at: number) => ({ ...closedCircuit(at, announcedAt), ...untold, pastOutage: pastOutage(circuit, now) });
  if (health === 'healthy') return circuit.failures === 0 && (isTest || told === null) ? circuit : closed(since);
  const successes = circuit.successes + 1;
  if (drained || successes >= HEALTHY_AFTER) return closed(now);
  return { ...closed(health === 'open' ? now : since), health: 'failing', successes };
}

/** The circuit after a fresh start that the owner has given: what was told of the endpoint before is still to be told to be over. */
export function afterFreshStart(circuit: Circuit, startedAt: number): Circuit {
  return { ...closedCircuit(startedAt), toldSince: toldSince(circuit), pastOutage: pastOutage(circuit, startedAt) };
}

/** The outage that goes on, or else the last one that is over; null: there was none that is known of. `until` is null while it goes on. */
export function latestOutage(circuit: Circuit): (Omit<Outage, 'until'> & { until: number | null }) | null {
  const { health, failures, failingSince, failedFrom } = circuit;
  if (health === 'healthy' || failures === 0 || failingSince === null) return circuit.pastOutage ?? null;
  return { acceptedFrom: Math.min(failedFrom ?? failingSince, failingSince), since: failingSince, until: null };
}

/** The outage that is over now, or was before. A few failures in a row, of a webhook that was healthy all the time, are none. */
function pastOutage(circuit: Circuit, now: number): Outage | null {
  const { pastOutage: before = null } = circuit;
  const latest = latestOutage(circuit);
  if (latest === null || latest.until !== null) return before;
  const outage = { ...latest, until: now };
  if (before === null || outage.since - before.until > SAME_OUTAGE_WITHIN_MS) return outage;
  return { acceptedFrom: Math.min(before.acceptedFrom, outage.acceptedFrom), since: before.since, until: now };
}

function afterFailure(
  circuit: Circuit,
  { deliveryId, acceptedAt, endedAt: now }: { deliveryId: string; acceptedAt?: number; endedAt: number },
  policy: CircuitPolicy,
): Circuit {
  const failed = {
    ...circuit,
    failures: circuit.failures + 1,
    failingSince: circuit.failingSince ?? now,
    lastFailed: deliveryId,
    failedFrom: Math.min(circuit.failedFrom ?? now, acceptedAt ?? now),
    failedDeliveries: withDelivery(circuit.failedDeliveries, deliveryId),
    successes: 0,
  };
  if (circuit.health === 'open') {
    // An attempt from before the opening says nothing new; one from after it was due, a probe as a rule, lengthens the wait.
    if (circuit.probeAt === null || now < circuit.probeAt) return failed;
    const probeWaitMs = Math.min(circuit.probeWaitMs * 2, policy.probeMs[1]);
    return { ...failed, probeWaitMs, probeAt: now + probeWaitMs };
  }
  if (failed.failures >= policy.threshold && failed.failedDeliveries.length >= OPEN_AFTER_DELIVERIES) {
    const [probeWaitMs] = policy.probeMs;
    return { ...failed, health: 'open', since: now, probeWaitMs, probeAt: now + probeWaitMs };
  }
  if (circuit.health === 'healthy' && failed.failures >= FAILING_AFTER) return { ...failed, health: 'failing', since: now };
  return failed;
}

function withDelivery(deliveries: readonly string[], id: string): readonly string[] {
  if (deliveries.length >= OPEN_AFTER_DELIVERIES || deliveries.includes(id)) return deliveries;
  return [...deliveries, id];
}

/**
 * What may be done with what is due.
 * - `attempt`: as much as the endpoint's pace permits.
 * - `probe`: one, as a probe; it is the only attempt until it ends.
 * - `hold`: nothing before `until`.
 */
export type Permission = { kind: 'attempt' } | { kind: 'probe' } | { kind: 'hold'; until: number };

export function permission({ health, probeAt }: Circuit, now: number): Permission {
  if (health !== 'open' || probeAt === null) return { kind: 'attempt' };
  return now < probeAt ? { kind: 'hold', until: probeAt } : { kind: 'probe' };
}
