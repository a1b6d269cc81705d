import type { AttemptRecord, AttemptTrigger, DeliveryReason, DeliveryStatus } from './delivery.ts';
import { nextAttemptAt } from './retry-schedule.ts';

/**
 * What an outbox knows of a delivery's progress. The transitions below are the only ways to change it; each names the state
 * that it leaves, and returns null where the delivery is not in it: somebody else was there first.
 */
export interface DeliveryState {
  status: DeliveryStatus;
  reason: DeliveryReason | null;
  /** Attempts begun; the number of the running or last one. */
  attemptCount: number;
  /** Failed attempts of the current schedule. */
  failures: number;
  /** When it fails as expired, should it still wait. */
  expiresAt: number;
  /** When something is to happen next: the next attempt, or, while one runs, the end of its lease. Null: nothing will. */
  dueAt: number | null;
  /** Start of the attempt that runs now, if one does. */
  leasedAt: number | null;
  /** What makes the next attempt happen, or made the running one. */
  trigger: AttemptTrigger;
  finishedAt: number | null;
  lastResponseStatus: number | null;
  /** How long the last attempt that ended took; milliseconds. */
  lastDurationMs: number | null;
}

/** How failed attempts are retried. */
export interface RetryPolicy {
  scheduleMs: readonly number[];
  /** 0 ≤ random < 1, for the jitter. */
  random(): number;
}

/** How long a delivery can wait, held or paced, before it fails as expired: 3 days. */
export const MAX_WAIT_MS = 3 * 86_400_000;

/** A delivery that waits for its first attempt; it expires MAX_WAIT_MS after its event was accepted. */
export function waiting(dueAt: number, acceptedAt = dueAt): DeliveryState {
  return {
    status: 'pending',
    reason: null,
    attemptCount: 0,
    failures: 0,
    expiresAt: acceptedAt + MAX_WAIT_MS,
    dueAt,
    leasedAt: null,
    trigger: 'event',
    finishedAt: null,
    lastResponseStatus: null,
    lastDurationMs: null,
  };
}

/** waiting → leased: an attempt begins. With no outcome by the end of its lease it will count as interrupted. */
export function begin(state: DeliveryState, startedAt: number, leaseMs: number, trigger = state.trigger): DeliveryState | null {
  if (state.dueAt === null || state.leasedAt !== null) return null;
  return { ...state, attemptCount: state.attemptCount + 1, leasedAt: startedAt, dueAt: startedAt + leaseMs, trigger };
}

/** Nothing running → leased: a person asks for an attempt now. One that was scheduled is replaced: the two never race. */
export function beginManual(state: DeliveryState, startedAt: number, leaseMs: number): DeliveryState | null {
  if (state.leasedAt !== null) return null;
  return { ...state, attemptCount: state.attemptCount + 1, leasedAt: startedAt, dueAt: startedAt + leaseMs, trigger: 'manual' };
}

/** failed or discarded → waiting: the schedule starts over, numbering goes on. */
export function recover(state: DeliveryState, now: number): DeliveryState | null {
  if ((state.status !== 'failed' && state.status !== 'discarded') || state.dueAt !== null || state.reason === 'test_failed') return null;
  const status = state.attemptCount === 0 ? 'pending' : 'retrying';
  const fresh = { failures: 0, expiresAt: now + MAX_WAIT_MS, dueAt: now, finishedAt: null, reason: null };
  return { ...state, ...fresh, status, trigger: 'recovery' };
}

/**
 * leased → waiting: the first attempt was claimed but never begun. Only first attempts are claimed: where a later one runs, the
 * claim's lease has ended meanwhile, and giving that attempt's number back would make it twice.
 */
export function release(state: DeliveryState, dueAt: number): DeliveryState | null {
  if (state.leasedAt === null || state.attemptCount !== 1) return null;
  return { ...state, attemptCount: state.attemptCount - 1, leasedAt: null, dueAt };
}

/** leased → waiting: the attempt could not be sent, through a fault of ours. It does not count. */
export function postpone(state: DeliveryState, number: number, dueAt: number): DeliveryState | null {
  if (state.leasedAt === null || state.attemptCount !== number) return null;
  return { ...state, attemptCount: number - 1, leasedAt: null, dueAt };
}

/** leased → delivered, retrying or failed: the running attempt ended. */
export function settle(
  state: DeliveryState,
  attempt: AttemptRecord,
  retryAfterMs: number | null,
  policy: RetryPolicy,
): DeliveryState | null {
  if (state.leasedAt === null || state.attemptCount !== attempt.number) return null;
  const endedAt = attempt.startedAt + (attempt.durationMs ?? 0);
  const ended = { ...state, leasedAt: null, lastResponseStatus: attempt.responseStatus, lastDurationMs: attempt.durationMs };
  if (attempt.outcome === 'succeeded') return finish(ended, 'delivered', null, endedAt);
  if (attempt.responseStatus === 410 && !isFinal(state.status)) return finish(ended, 'failed', 'endpoint_gone', endedAt);
  return afterFailure(ended, endedAt, retryAfterMs, policy);
}

/** leased → retrying or failed: the lease ended without an outcome. The attempt counts, since it may have arrived. */
export function interrupt(state: DeliveryState, now: number, policy: RetryPolicy): DeliveryState | null {
  if (state.leasedAt === null || state.dueAt === null || state.dueAt > now) return null;
  return afterFailure({ ...state, leasedAt: null, lastResponseStatus: null }, now, null, policy);
}

/**
 * The outcome of an attempt that was counted as interrupted comes after all. A success ends the delivery, also one that had
 * failed for want of it; a failure changes nothing, since it was counted as one.
 */
export function settleLate(state: DeliveryState, attempt: AttemptRecord): DeliveryState | null {
  if (attempt.outcome !== 'succeeded' || state.status === 'delivered') return null;
  const endedAt = attempt.startedAt + (attempt.durationMs ?? 0);
  const ended = { ...state, leasedAt: null, lastResponseStatus: attempt.responseStatus, lastDurationMs: attempt.durationMs };
  return finish(ended, 'delivered', null, endedAt);
}

/** waiting → discarded: it fell due while its webhook could not be used. */
export function discard(state: DeliveryState, reason: DeliveryReason, now: number): DeliveryState | null {
  if (state.dueAt === null || state.leasedAt !== null) return null;
  return finish(state, 'discarded', reason, now);
}

/** waiting → failed: it has waited for too long. */
export function expire(state: DeliveryState, now: number): DeliveryState | null {
  if (state.dueAt === null || state.leasedAt !== null || state.expiresAt > now) return null;
  return finish(state, 'failed', 'expired', now);
}

/** Whether a delivery has ended and nothing of it runs or waits: then its payload is not needed any more. */
export function isAtRest(state: DeliveryState): boolean {
  return isFinal(state.status) && state.leasedAt === null && state.dueAt === null;
}

function afterFailure(state: DeliveryState, endedAt: number, retryAfterMs: number | null, policy: RetryPolicy): DeliveryState {
  if (state.trigger === 'test') return finish(state, 'failed', 'test_failed', endedAt);
  // A person's attempt of a delivery that had ended leaves it as it was; no schedule follows.
  if (isFinal(state.status)) return { ...state, dueAt: null };
  const failures = state.failures + 1;
  const dueAt = nextAttemptAt(policy.scheduleMs, failures, endedAt, policy.random(), retryAfterMs);
  if (dueAt === null) return { ...finish(state, 'failed', 'attempts_exhausted', endedAt), failures };
  return { ...state, status: 'retrying', failures, dueAt, trigger: 'schedule' };
}

function isFinal(status: DeliveryStatus): boolean {
  return status !== 'pending' && status !== 'retrying';
}

function finish(state: DeliveryState, status: DeliveryStatus, reason: DeliveryReason | null, finishedAt: number): DeliveryState {
  return { ...state, status, reason, dueAt: null, finishedAt };
}
