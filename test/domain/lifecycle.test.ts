import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AttemptRecord } from '../../src/domain/delivery.ts';
import {
  begin,
  type DeliveryState,
  discard,
  expire,
  interrupt,
  MAX_WAIT_MS,
  type RetryPolicy,
  release,
  settle,
  settleLate,
  waiting,
} from '../../src/domain/lifecycle.ts';

const MINUTE = 60_000;
const SCHEDULE = [1 * MINUTE, 5 * MINUTE, 30 * MINUTE];
const LEASE = 35_000;
const T0 = Date.UTC(2026, 10, 23, 14, 5, 9);
const policy: RetryPolicy = { scheduleMs: SCHEDULE, random: () => 0 };

function attempt(number: number, change: Partial<AttemptRecord> = {}): AttemptRecord {
  return {
    number,
    trigger: 'event',
    startedAt: T0,
    durationMs: 250,
    outcome: 'failed',
    requestHeaders: {},
    responseStatus: 500,
    responseHeaders: {},
    responseBody: null,
    responseBodyEncoding: null,
    responseBodyTruncated: false,
    error: 'The endpoint answered 500',
    ...change,
  };
}

const succeeded = (number: number, change: Partial<AttemptRecord> = {}) =>
  attempt(number, { outcome: 'succeeded', responseStatus: 200, error: null, ...change });
const gone = (number: number) => attempt(number, { responseStatus: 410 });

/** A state that a test says exists. */
function must(state: DeliveryState | null): DeliveryState {
  if (!state) throw new Error('the transition was refused');
  return state;
}

function leased(state: DeliveryState): DeliveryState {
  return must(begin(state, state.dueAt ?? Number.NaN, LEASE));
}

/** One more attempt, that fails at once. */
function failedOnce(state: DeliveryState): DeliveryState {
  const running = leased(state);
  return must(settle(running, attempt(running.attemptCount, { startedAt: running.leasedAt ?? Number.NaN, durationMs: 0 }), null, policy));
}

/** Every kind of state that a delivery can be in. */
const first = waiting(T0);
const firstRuns = leased(first);
const retrying = failedOnce(first);
const retryRuns = leased(retrying);
const STATES = {
  'waiting for its first attempt': first,
  'in its first attempt': firstRuns,
  'waiting for a retry': retrying,
  'in a retry': retryRuns,
  'in its last retry': leased(failedOnce(failedOnce(retrying))),
  delivered: must(settle(firstRuns, succeeded(1), null, policy)),
  'failed, attempts exhausted': failedOnce(failedOnce(failedOnce(retrying))),
  'failed, endpoint gone': must(settle(firstRuns, gone(1), null, policy)),
  discarded: must(discard(first, 'webhook_disabled', T0)),
} satisfies Record<string, DeliveryState>;

type StateName = keyof typeof STATES;

const LATER = T0 + 86_400_000;

/** What can happen to a delivery; settling concerns the attempt that runs, or else the last one. */
const TRANSITIONS = {
  begin: (state: DeliveryState) => begin(state, LATER, LEASE),
  release: (state: DeliveryState) => release(state, LATER),
  'settle, succeeded': (state: DeliveryState) => settle(state, succeeded(state.attemptCount), null, policy),
  'settle, failed': (state: DeliveryState) => settle(state, attempt(state.attemptCount), null, policy),
  'settle, 410': (state: DeliveryState) => settle(state, gone(state.attemptCount), null, policy),
  interrupt: (state: DeliveryState) => interrupt(state, LATER, policy),
  discard: (state: DeliveryState) => discard(state, 'plan_not_eligible', LATER),
  expire: (state: DeliveryState) => expire(state, state.expiresAt),
  'settleLate, succeeded': (state: DeliveryState) => settleLate(state, succeeded(1)),
  'settleLate, failed': (state: DeliveryState) => settleLate(state, attempt(1)),
} satisfies Record<string, (state: DeliveryState) => DeliveryState | null>;

type Transition = keyof typeof TRANSITIONS;

/** A state in a few words: its status, whether an attempt runs, and the reason. */
function inWords(state: DeliveryState | null): string | null {
  if (!state) return null;
  return [state.status, state.leasedAt === null ? '' : 'leased', state.reason ?? ''].filter(Boolean).join(' ');
}

describe('the transitions', () => {
  const delivered = 'delivered';
  const exhausted = 'failed attempts_exhausted';
  const endpointGone = 'failed endpoint_gone';
  const expired = 'failed expired';
  const discarded = 'discarded plan_not_eligible';
  /** What leaves a state, and where to. What is not listed does not leave it: somebody else was there first. */
  const table: Record<StateName, Partial<Record<Transition, string>>> = {
    'waiting for its first attempt': { begin: 'pending leased', discard: discarded, expire: expired, 'settleLate, succeeded': delivered },
    'in its first attempt': {
      release: 'pending',
      'settle, succeeded': delivered,
      'settle, failed': 'retrying',
      'settle, 410': endpointGone,
      interrupt: 'retrying',
      'settleLate, succeeded': delivered,
    },
    'waiting for a retry': { begin: 'retrying leased', discard: discarded, expire: expired, 'settleLate, succeeded': delivered },
    'in a retry': {
      'settle, succeeded': delivered,
      'settle, failed': 'retrying',
      'settle, 410': endpointGone,
      interrupt: 'retrying',
      'settleLate, succeeded': delivered,
    },
    'in its last retry': {
      'settle, succeeded': delivered,
      'settle, failed': exhausted,
      'settle, 410': endpointGone,
      interrupt: exhausted,
      'settleLate, succeeded': delivered,
    },
    delivered: {},
    'failed, attempts exhausted': { 'settleLate, succeeded': delivered },
    'failed, endpoint gone': { 'settleLate, succeeded': delivered },
    discarded: { 'settleLate, succeeded': delivered },
  };
  const cases = Object.entries(STATES).flatMap(([name, state]) =>
    Object.entries(TRANSITIONS).map(([transition, apply]) => ({
      name: name as StateName,
      state,
      transition: transition as Transition,
      apply,
    })),
  );

  it.each(cases)('$name · $transition', ({ name, state, transition, apply }) => {
    expect(inWords(apply(state))).toBe(table[name][transition] ?? null);
  });

  it('leave the state that they are given as it is', () => {
    for (const { state, apply } of cases) {
      const before = structuredClone(state);
      apply(state);
      expect(state).toEqual(before);
    }
  });
});

describe('an attempt', () => {
  it('takes the next number, and its lease', () => {
    expect(begin(first, T0 + 5, LEASE)).toEqual({ ...first, attemptCount: 1, leasedAt: T0 + 5, dueAt: T0 + 5 + LEASE });
    expect(retryRuns).toMatchObject({ status: 'retrying', attemptCount: 2, trigger: 'schedule' });
  });

  it('that loses the race for a delivery does not begin', () => {
    const winner = must(begin(first, T0, LEASE));
    expect(begin(winner, T0, LEASE)).toBeNull();
  });

  it('that was claimed but not made gives its number back', () => {
    const released = must(release(firstRuns, T0 + 1_500));
    expect(released).toEqual({ ...first, dueAt: T0 + 1_500 });
    expect(leased(released).attemptCount).toBe(1);
  });

  it('that took over from a claim is not released by the claim', () => {
    // The claim's lease ended meanwhile, and the outbox makes attempt 2: releasing it would make attempt 2 twice.
    const interrupted = must(interrupt(firstRuns, T0 + LEASE, policy));
    const second = leased(interrupted);
    expect(second.attemptCount).toBe(2);
    expect(release(second, T0 + LEASE)).toBeNull();
  });

  it('that succeeds ends the delivery when the response came', () => {
    expect(settle(firstRuns, succeeded(1, { startedAt: T0 + 10, durationMs: 90, responseStatus: 204 }), null, policy)).toEqual({
      ...firstRuns,
      status: 'delivered',
      dueAt: null,
      leasedAt: null,
      finishedAt: T0 + 100,
      lastResponseStatus: 204,
      lastDurationMs: 90,
    });
  });

  it('that fails schedules the next from its end, not from its start', () => {
    expect(settle(firstRuns, attempt(1, { startedAt: T0, durationMs: 30_000, responseStatus: 503 }), null, policy)).toEqual({
      ...firstRuns,
      status: 'retrying',
      failures: 1,
      dueAt: T0 + 30_000 + MINUTE,
      leasedAt: null,
      trigger: 'schedule',
      lastResponseStatus: 503,
      lastDurationMs: 30_000,
    });
  });

  it('that fails without a response leaves no status, not that of the attempt before', () => {
    expect(settle(retryRuns, attempt(2, { responseStatus: null }), null, policy)?.lastResponseStatus).toBeNull();
    expect(interrupt({ ...retryRuns, lastResponseStatus: 500 }, LATER, policy)?.lastResponseStatus).toBeNull();
  });

  it('that fails waits longer where the endpoint asks for it', () => {
    expect(settle(firstRuns, attempt(1, { durationMs: 0, responseStatus: 429 }), 10 * MINUTE, policy)?.dueAt).toBe(T0 + 10 * MINUTE);
  });

  it('that fails waits a little longer by chance', () => {
    const half = { ...policy, random: () => 0.5 };
    expect(settle(firstRuns, attempt(1, { durationMs: 0 }), null, half)?.dueAt).toBe(T0 + 63_000);
  });

  it('that meets 410 ends the delivery at once, whatever Retry-After says', () => {
    expect(settle(firstRuns, gone(1), MINUTE, policy)).toMatchObject({
      status: 'failed',
      reason: 'endpoint_gone',
      dueAt: null,
      finishedAt: T0 + 250,
      lastResponseStatus: 410,
    });
  });

  it('that is not the one that runs settles nothing', () => {
    expect(settle(retryRuns, succeeded(1), null, policy)).toBeNull();
    expect(settle(retryRuns, attempt(3), null, policy)).toBeNull();
  });

  it('that settles twice changes nothing the second time', () => {
    const settled = must(settle(firstRuns, attempt(1), null, policy));
    expect(settle(settled, attempt(1), null, policy)).toBeNull();
    expect(settle(settled, succeeded(1), null, policy)).toBeNull();
  });
});

describe('four failed attempts', () => {
  it('end the delivery, on the documented schedule', () => {
    const dueAts: (number | null)[] = [];
    let state = waiting(T0);
    for (let number = 1; number <= 4; number++) {
      const running = leased(state);
      expect(running.attemptCount).toBe(number);
      expect(running.trigger).toBe(number === 1 ? 'event' : 'schedule');
      state = must(settle(running, attempt(number, { startedAt: running.leasedAt as number, durationMs: 1_000 }), null, policy));
      dueAts.push(state.dueAt);
    }
    const second = T0 + 1_000 + 1 * MINUTE;
    const third = second + 1_000 + 5 * MINUTE;
    const fourth = third + 1_000 + 30 * MINUTE;
    expect(dueAts).toEqual([second, third, fourth, null]);
    expect(state).toMatchObject({
      status: 'failed',
      reason: 'attempts_exhausted',
      attemptCount: 4,
      failures: 4,
      finishedAt: fourth + 1_000,
      lastResponseStatus: 500,
    });
    expect(begin(state, LATER, LEASE), 'there is no fifth').toBeNull();
  });

  it('are one where the schedule is empty', () => {
    expect(inWords(settle(firstRuns, attempt(1), null, { ...policy, scheduleMs: [] }))).toBe('failed attempts_exhausted');
  });
});

describe('an interrupted attempt', () => {
  it('counts once its lease has ended, and not a moment before', () => {
    expect(interrupt(firstRuns, T0 + LEASE - 1, policy)).toBeNull();
    expect(interrupt(firstRuns, T0 + LEASE, policy)).toMatchObject({
      status: 'retrying',
      attemptCount: 1,
      failures: 1,
      leasedAt: null,
      dueAt: T0 + LEASE + MINUTE,
      trigger: 'schedule',
    });
  });

  it('is not interrupted twice', () => {
    const interrupted = must(interrupt(firstRuns, T0 + LEASE, policy));
    expect(interrupt(interrupted, LATER, policy)).toBeNull();
  });

  it('that settles before its lease ends was not interrupted', () => {
    const settled = must(settle(firstRuns, attempt(1), null, policy));
    expect(interrupt(settled, LATER, policy)).toBeNull();
  });

  it('whose success comes late ends the delivery', () => {
    const interrupted = must(interrupt(firstRuns, T0 + LEASE, policy));
    expect(settle(interrupted, succeeded(1), null, policy), 'it is no longer the one that runs').toBeNull();
    expect(settleLate(interrupted, succeeded(1, { durationMs: 40_000 }))).toMatchObject({
      status: 'delivered',
      reason: null,
      dueAt: null,
      finishedAt: T0 + 40_000,
      lastResponseStatus: 200,
    });
  });

  it('whose success comes late ends the delivery also while the next one runs, which then settles nothing', () => {
    const second = leased(must(interrupt(firstRuns, T0 + LEASE, policy)));
    const delivered = must(settleLate(second, succeeded(1)));
    expect(delivered).toMatchObject({ status: 'delivered', leasedAt: null, dueAt: null });
    expect(settle(delivered, attempt(2), null, policy)).toBeNull();
    expect(interrupt(delivered, LATER, policy)).toBeNull();
    expect(settleLate(delivered, succeeded(2))).toBeNull();
  });

  it('whose success comes late ends a delivery that had failed for want of it', () => {
    const lastRuns = STATES['in its last retry'];
    const failed = must(interrupt(lastRuns, LATER, policy));
    expect(inWords(failed)).toBe('failed attempts_exhausted');
    expect(settleLate(failed, succeeded(4))).toMatchObject({ status: 'delivered', reason: null });
  });

  it('whose failure comes late changes nothing: it was counted as one', () => {
    const interrupted = must(interrupt(firstRuns, T0 + LEASE, policy));
    expect(settleLate(interrupted, attempt(1))).toBeNull();
    expect(settleLate(interrupted, gone(1))).toBeNull();
    expect(settleLate(interrupted, attempt(1, { outcome: 'interrupted', responseStatus: null }))).toBeNull();
  });
});

describe('a discarded delivery', () => {
  it('says why and when, and keeps what it had', () => {
    expect(discard(retrying, 'webhook_disabled', LATER)).toEqual({
      ...retrying,
      status: 'discarded',
      reason: 'webhook_disabled',
      dueAt: null,
      finishedAt: LATER,
    });
  });

  it('is not one whose attempt runs: its outcome is still to come', () => {
    expect(discard(firstRuns, 'webhook_disabled', LATER)).toBeNull();
  });
});

describe('a delivery that waits for too long', () => {
  it('expires after 3 days, and not a moment before', () => {
    expect(MAX_WAIT_MS).toBe(3 * 86_400_000);
    expect(expire(retrying, T0 + MAX_WAIT_MS - 1)).toBeNull();
    expect(expire(retrying, T0 + MAX_WAIT_MS)).toEqual({
      ...retrying,
      status: 'failed',
      reason: 'expired',
      dueAt: null,
      finishedAt: T0 + MAX_WAIT_MS,
    });
  });

  it('does not expire while an attempt runs: its outcome is still to come', () => {
    expect(expire(retryRuns, T0 + MAX_WAIT_MS)).toBeNull();
  });
});

describe('any sequence of transitions', () => {
  type Step = [name: Transition, afterMs: number, attemptNumber: number, random: number, retryAfterMs: number | null];
  const steps: fc.Arbitrary<Step[]> = fc.array(
    fc.tuple(
      fc.constantFrom(...(Object.keys(TRANSITIONS) as Transition[])),
      fc.oneof({ weight: 9, arbitrary: fc.nat(40 * MINUTE) }, { weight: 1, arbitrary: fc.constant(MAX_WAIT_MS) }),
      fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(5) }),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      fc.option(fc.nat(7_200_000)),
    ),
    { maxLength: 40 },
  );
  const schedules = fc.array(fc.integer({ min: 0, max: 1_800_000 }), { maxLength: 4 });

  function take(state: DeliveryState, step: Step, now: number, scheduleMs: number[]): DeliveryState | null {
    const [name, , attemptNumber, random, retryAfterMs] = step;
    // 0 stands for the attempt that runs.
    const number = attemptNumber || state.attemptCount;
    const ended = { startedAt: now - 10, durationMs: 10 };
    const retries = { scheduleMs, random: () => random };
    switch (name) {
      case 'begin':
        return begin(state, now, LEASE);
      case 'release':
        return release(state, now);
      case 'settle, succeeded':
        return settle(state, succeeded(number, ended), retryAfterMs, retries);
      case 'settle, failed':
        return settle(state, attempt(number, ended), retryAfterMs, retries);
      case 'settle, 410':
        return settle(state, { ...gone(number), ...ended }, retryAfterMs, retries);
      case 'interrupt':
        return interrupt(state, now, retries);
      case 'discard':
        return discard(state, 'webhook_disabled', now);
      case 'expire':
        return expire(state, now);
      case 'settleLate, succeeded':
        return settleLate(state, succeeded(number, ended));
      case 'settleLate, failed':
        return settleLate(state, attempt(number, ended));
    }
  }

  function checkState(state: DeliveryState, scheduleMs: number[]): void {
    const open = state.status === 'pending' || state.status === 'retrying';
    expect(state.dueAt !== null, 'what is open has something to happen next, and nothing else has').toBe(open);
    expect(state.finishedAt !== null, 'what is not open has ended').toBe(!open);
    expect(state.reason !== null, 'what ended other than delivered says why').toBe(!open && state.status !== 'delivered');
    if (state.leasedAt !== null) expect(state.dueAt, 'a lease ends').toBe(state.leasedAt + LEASE);
    if (state.status === 'pending') expect(state.failures, 'no attempt of a pending delivery has ended').toBe(0);
    expect(state.attemptCount).toBeGreaterThanOrEqual(0);
    expect(state.attemptCount, 'never more attempts than the schedule has').toBeLessThanOrEqual(scheduleMs.length + 1);
    expect(state.failures).toBeLessThanOrEqual(state.attemptCount);
  }

  it('leaves a delivery that is to be continued, or has ended for a reason, after at most the attempts of its schedule', () => {
    fc.assert(
      fc.property(steps, schedules, (taken, scheduleMs) => {
        let state = waiting(T0);
        let now = T0;
        let made = 0;
        for (const step of taken) {
          now += step[1];
          const next = take(state, step, now, scheduleMs);
          if (!next) continue;
          if (next.attemptCount > state.attemptCount) made++;
          if (step[0] === 'release') made--;
          if (state.finishedAt !== null)
            expect(step[0], 'an ended delivery ends anew by a late success alone').toBe('settleLate, succeeded');
          if (state.status === 'delivered') expect.unreachable('delivered is final');
          checkState(next, scheduleMs);
          state = next;
        }
        expect(made).toBe(state.attemptCount);
        expect(made).toBeLessThanOrEqual(scheduleMs.length + 1);
      }),
      { numRuns: 1_000 },
    );
  });

  it('ends a delivery whose every attempt fails or is interrupted', () => {
    const fate = fc.constantFrom<Transition>('settle, failed', 'interrupt');
    fc.assert(
      fc.property(fc.array(fate, { minLength: 5, maxLength: 5 }), schedules, (fates, scheduleMs) => {
        let state = waiting(T0);
        let attempts = 0;
        while (state.dueAt !== null) {
          const running = must(begin(state, state.dueAt, LEASE));
          state = must(take(running, [fates[attempts] as Transition, 0, 0, 0, null], running.dueAt as number, scheduleMs));
          attempts++;
        }
        expect(attempts).toBe(scheduleMs.length + 1);
        expect(inWords(state)).toBe('failed attempts_exhausted');
      }),
    );
  });
});
