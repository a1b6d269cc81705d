import type { AttemptOutcome } from './delivery.ts';
import type { Health } from './webhook.ts';

/*
 * What a webhook's attempts say about its endpoint, and what follows for the deliveries that wait.
 *
 *   healthy ──3 failures in a row──▶ failing ──10 failures in a row, of 3 deliveries──▶ open
 *      ▲                               │  ▲                                              │
 *      └──drained, or 20 successes─────┘  └──────────────a probe succeeds────────────────┘
 *
 * While it is open, deliveries are held with the retries they have, and one of them at a time goes out as a probe, at growing
 * intervals: an outage costs only the probed deliveries their retries, and the endpoint is not hammered. After a probe's success
 * the deliveries that waited drain at a rising pace: an endpoint that just came back is not knocked over.
 */

/** Failures in a row that make a webhook failing: one alone says little, and each change is written to D1. */
export const FAILING_AFTER = 3;
/** Deliveries that the failures must be of to open the circuit: one that the endpoint cannot digest is not an outage. */
export const OPEN_AFTER_DELIVERIES = 3;
/** Successes in a row after which a failing webhook is healthy though deliveries still wait. */
export const HEALTHY_AFTER = 20;
/** Attempts at a time when draining begins; each success allows one more. */
const FIRST_PACE = 1;
/** A healthy webhook that drains has no pace any more beyond this many at a time. */
const FULL_PACE = 8;

/** The numbers of a deployment: CIRCUIT_THRESHOLD and CIRCUIT_PROBE. */
export interface CircuitPolicy {
  /** Failed attempts in a row that open the circuit. */
  threshold: number;
  /** Waits before the first probe, and the longest. */
  probeMs: readonly [first: number, longest: number];
}

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
  /** The deliveries they were of, as far as they need counting. */
  failedDeliveries: readonly string[];
  /** Succeeded attempts in a row, as far as they need counting. */
  successes: number;
  /** While open: when the next probe may go out. */
  probeAt: number | null;
  /** While open: the wait that ends at probeAt. */
  probeWaitMs: number;
  /** While it drains: how many attempts may run at a time. Null: as many as the lane has. */
  pace: number | null;
}

/**
 * Many deliveries are about to go out, because a person has asked for them: they drain from the first pace up. An open circuit is
 * probed now: whoever asks believes that the endpoint works again.
 */
export function gently(circuit: Circuit, now: number): Circuit {
  return circuit.health === 'open' ? { ...circuit, probeAt: Math.min(circuit.probeAt ?? now, now) } : { ...circuit, pace: FIRST_PACE };
}

export function closedCircuit(since: number): Circuit {
  return {
    health: 'healthy',
    since,
    failures: 0,
    failingSince: null,
    announced: false,
    failedDeliveries: [],
    successes: 0,
    probeAt: null,
    probeWaitMs: 0,
    pace: null,
  };
}

/**
 * What an attempt's end means. An interrupted attempt means nothing: the fault was ours.
 * @param drained whether nothing else is due in the outbox
 */
export function afterAttempt(
  circuit: Circuit,
  attempt: { outcome: AttemptOutcome; deliveryId: string; endedAt: number },
  drained: boolean,
  policy: CircuitPolicy,
): Circuit {
  if (attempt.outcome === 'interrupted') return circuit;
  return attempt.outcome === 'succeeded'
    ? afterSuccess(circuit, attempt.endedAt, drained)
    : afterFailure(circuit, attempt.deliveryId, attempt.endedAt, policy);
}

function afterSuccess(circuit: Circuit, now: number, drained: boolean): Circuit {
  if (circuit.health === 'healthy') {
    if (circuit.failures === 0 && circuit.pace === null) return circuit;
    const pace = circuit.pace === null || circuit.pace >= FULL_PACE ? null : circuit.pace + 1;
    return { ...closedCircuit(circuit.since), pace };
  }
  if (drained) return closedCircuit(now);
  const successes = circuit.successes + 1;
  const quiet = { failures: 0, failingSince: null, announced: false, failedDeliveries: [], successes, probeAt: null, probeWaitMs: 0 };
  if (circuit.health === 'open') return { ...quiet, health: 'failing', since: now, pace: FIRST_PACE };
  if (successes >= HEALTHY_AFTER) return closedCircuit(now);
  return { ...circuit, ...quiet, pace: circuit.pace === null ? null : circuit.pace + 1 };
}

function afterFailure(circuit: Circuit, deliveryId: string, now: number, policy: CircuitPolicy): Circuit {
  const failed = {
    ...circuit,
    failures: circuit.failures + 1,
    failingSince: circuit.failingSince ?? now,
    failedDeliveries: withDelivery(circuit.failedDeliveries, deliveryId),
    successes: 0,
  };
  if (circuit.health === 'open') {
    // An attempt from before the opening says nothing new; only a probe lengthens the wait.
    if (circuit.probeAt === null || now < circuit.probeAt) return failed;
    const probeWaitMs = Math.min(circuit.probeWaitMs * 2, policy.probeMs[1]);
    return { ...failed, probeWaitMs, probeAt: now + probeWaitMs };
  }
  if (failed.failures >= policy.threshold && failed.failedDeliveries.length >= OPEN_AFTER_DELIVERIES) {
    const [probeWaitMs] = policy.probeMs;
    return { ...failed, health: 'open', since: now, probeWaitMs, probeAt: now + probeWaitMs, pace: null };
  }
  if (circuit.health === 'healthy' && failed.failures >= FAILING_AFTER) return { ...failed, health: 'failing', since: now };
  // An endpoint that fails while it drains is given less again.
  return { ...failed, pace: circuit.pace === null ? null : FIRST_PACE };
}

function withDelivery(deliveries: readonly string[], id: string): readonly string[] {
  if (deliveries.length >= OPEN_AFTER_DELIVERIES || deliveries.includes(id)) return deliveries;
  return [...deliveries, id];
}

/**
 * What the lane may do with what is due.
 * - `attempt`: up to `slots` at a time.
 * - `probe`: one, as a probe; it is the only attempt until it ends.
 * - `hold`: nothing before `until`.
 */
export type Permission = { kind: 'attempt'; slots: number } | { kind: 'probe' } | { kind: 'hold'; until: number };

export function permission(circuit: Circuit, now: number, laneSlots: number): Permission {
  if (circuit.health === 'open' && circuit.probeAt !== null) {
    return now < circuit.probeAt ? { kind: 'hold', until: circuit.probeAt } : { kind: 'probe' };
  }
  return { kind: 'attempt', slots: Math.min(laneSlots, circuit.pace ?? laneSlots) };
}
