import { DAY_MS } from '../text/day.ts';
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
  /** When it fails as expired, should it still wait. 0: its payload is not kept, or it has had all its attempts: it never waits again. */
  expiresAt: number;
  /** When the next attempt is due; while one runs, when that one was. Null: nothing is. */
  dueAt: number | null;
  /**
   * Start of the attempt that runs now, if one does. Only memory has it: a stored state is that before the attempt, and which attempts
   * run is stored beside it (outbox/books/vitals.ts). Stored states of earlier versions have it, with dueAt as the end of a lease.
   */
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

/** How long a delivery can wait, held or paced, before it fails as expired: 3 days, where its schedule is not longer. */
export const MAX_WAIT_MS = 3 * DAY_MS;

/** The same with a schedule: all of that and a day more, for jitter and whatever holds it up besides. */
export function maxWaitMs({ scheduleMs }: Pick<RetryPolicy, 'scheduleMs'>): number {
  return Math.max(
    MAX_WAIT_MS,
    scheduleMs.reduce((sum, waitMs) => sum + waitMs, DAY_MS),
  );
}

/** Attempts that a delivery can have: beyond these nothing makes it another, neither schedule nor person. */
export const MAX_ATTEMPTS = 50;

/** A delivery that waits for its first attempt. @param waitMs it expires so long after its event was accepted */
export function waiting(dueAt: number, acceptedAt = dueAt, waitMs = MAX_WAIT_MS): DeliveryState {
  return {
    status: 'pending',
    reason: null,
    attemptCount: 0,
    failures: 0,
    expiresAt: acceptedAt + waitMs,
    dueAt,
    leasedAt: null,
    trigger: 'event',
    finishedAt: null,
    lastResponseStatus: null,
    lastDurationMs: null,
  };
}

/** Nothing running → running: an attempt begins of a delivery that waits. */
export function begin(state: DeliveryState, startedAt: number, trigger = state.trigger): DeliveryState | null {
  if (state.dueAt === null || state.leasedAt !== null) return null;
  return { ...state, attemptCount: state.attemptCount + 1, leasedAt: startedAt, trigger };
}

/** Nothing running → running: a person asks for an attempt now, also of one that has ended. A scheduled one is replaced. */
export function beginManual(state: DeliveryState, startedAt: number): DeliveryState | null {
  if (state.leasedAt !== null) return null;
  return { ...state, attemptCount: state.attemptCount + 1, leasedAt: startedAt, trigger: 'manual' };
}

/** Whether a delivery has ended and can start over. */
export function isRecoverable(state: DeliveryState): boolean {
  return isAtRest(state) && state.reason !== 'test_failed' && state.expiresAt !== 0 && state.attemptCount < MAX_ATTEMPTS;
}

/** failed, discarded or delivered → waiting: the schedule starts over, numbering goes on. @param waitMs it expires so much later */
export function recover(state: DeliveryState, now: number, waitMs = MAX_WAIT_MS): DeliveryState | null {
  if (!isRecoverable(state)) return null;
  const status = state.attemptCount === 0 ? 'pending' : 'retrying';
  const fresh = { failures: 0, expiresAt: now + waitMs, dueAt: now, finishedAt: null, reason: null };
  return { ...state, ...fresh, status, trigger: 'recovery' };
}

/** An ended delivery whose payload is not kept any more: it cannot start over, which no time to expire says. */
export function withoutPayload(state: DeliveryState): DeliveryState {
  return { ...state, expiresAt: 0 };
}

/**
 * running → delivered, retrying or failed: the running attempt ended.
 * @param isCurrent whether the webhook is still the one that the attempt went to: else a 410 is a failure like any, and the schedule goes on
 */
export function settle(
  state: DeliveryState,
  attempt: AttemptRecord,
  retryAfterMs: number | null,
  policy: RetryPolicy,
  isCurrent = true,
): DeliveryState | null {
  if (state.leasedAt === null || state.attemptCount !== attempt.number) return null;
  const endedAt = attempt.startedAt + (attempt.durationMs ?? 0);
  const ended = { ...state, leasedAt: null, lastResponseStatus: attempt.responseStatus, lastDurationMs: attempt.durationMs };
  if (attempt.outcome === 'succeeded') return finish(ended, 'delivered', null, endedAt);
  if (attempt.responseStatus === 410 && isCurrent && !isFinal(state.status) && state.trigger !== 'test')
    return finish(ended, 'failed', 'endpoint_gone', endedAt);
  return afterFailure(ended, endedAt, retryAfterMs, policy);
}

/** running → retrying or failed: whoever made the attempt is gone. It counts, since it may have arrived. */
export function interrupt(state: DeliveryState, now: number, policy: RetryPolicy): DeliveryState | null {
  if (state.leasedAt === null) return null;
  return afterFailure({ ...state, leasedAt: null, lastResponseStatus: null }, now, null, policy);
}

/** waiting → discarded: it fell due while its webhook could not be used. */
export function discard(state: DeliveryState, reason: DeliveryReason, now: number): DeliveryState | null {
  if (state.dueAt === null || state.leasedAt !== null) return null;
  return finish(state, 'discarded', reason, now);
}

/**
 * Nothing running → failed: it could not be rendered, and no attempt is made. That can be found out when it is made, when its attempt is
 * due, and when a person asks for one, also of a delivery that had ended. A test is never recovered.
 */
export function notRendered(state: DeliveryState, now: number): DeliveryState | null {
  if (state.leasedAt !== null) return null;
  const failed = finish(state, 'failed', 'not_rendered', now);
  return state.trigger === 'test' ? { ...failed, expiresAt: 0 } : failed;
}

/** failed → failed: what could not be rendered has been after all, for a person's attempt. That one fails as any other that had ended. */
export function renderedLate(state: DeliveryState): DeliveryState {
  if (state.reason !== 'not_rendered') return state;
  return { ...state, reason: state.trigger === 'test' ? 'test_failed' : 'attempts_exhausted' };
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
  if (isFinal(state.status)) return spent({ ...state, leasedAt: null, dueAt: null });
  const failures = state.failures + 1;
  const dueAt = nextAttemptAt(policy.scheduleMs, failures, endedAt, policy.random(), retryAfterMs);
  if (dueAt === null || state.attemptCount >= MAX_ATTEMPTS) return { ...finish(state, 'failed', 'attempts_exhausted', endedAt), failures };
  return { ...state, status: 'retrying', failures, dueAt, trigger: 'schedule' };
}

function isFinal(status: DeliveryStatus): boolean {
  return status !== 'pending' && status !== 'retrying';
}

function finish(state: DeliveryState, status: DeliveryStatus, reason: DeliveryReason | null, finishedAt: number): DeliveryState {
  return spent({ ...state, status, reason, dueAt: null, finishedAt });
}

/** One that has ended after all the attempts that it can have cannot start over. */
function spent(state: DeliveryState): DeliveryState {
  return state.attemptCount < MAX_ATTEMPTS ? state : { ...state, expiresAt: 0 };
}
