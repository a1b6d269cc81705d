import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AttemptRecord } from '../../../src/domain/delivery/delivery.ts';
import {
  begin,
  beginManual,
  type DeliveryState,
  discard,
  expire,
  interrupt,
  isAtRest,
  MAX_ATTEMPTS,
  MAX_WAIT_MS,
  maxWaitMs,
  notRendered,
  type RetryPolicy,
  recover,
  renderedLate,
  settle,
  waiting,
  withoutPayload,
} from '../../../src/domain/delivery/lifecycle.ts';

const MINUTE = 60_000;
const SCHEDULE = [1 * MINUTE, 5 * MINUTE, 30 * MINUTE];
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

function begun(state: DeliveryState): DeliveryState {
  return must(begin(state, state.dueAt ?? Number.NaN));
}

/** One more attempt, that fails at once. */
function failedOnce(state: DeliveryState): DeliveryState {
  const running = begun(state);
  return must(settle(running, attempt(running.attemptCount, { startedAt: running.leasedAt ?? Number.NaN, durationMs: 0 }), null, policy));
}

/** Every kind of state that a delivery can be in. */
const first = waiting(T0);
const firstRuns = begun(first);
const retrying = failedOnce(first);
const retryRuns = begun(retrying);
const STATES = {
  'waiting for its first attempt': first,
  'in its first attempt': firstRuns,
  'waiting for a retry': retrying,
  'in a retry': retryRuns,
  'in its last retry': begun(failedOnce(failedOnce(retrying))),
  delivered: must(settle(firstRuns, succeeded(1), null, policy)),
  'failed, attempts exhausted': failedOnce(failedOnce(failedOnce(retrying))),
  'failed, endpoint gone': must(settle(firstRuns, gone(1), null, policy)),
  discarded: must(discard(first, 'webhook_disabled', T0)),
  'retried by hand after it was delivered': must(beginManual(must(settle(firstRuns, succeeded(1), null, policy)), T0)),
  'retried by hand after it had failed': must(beginManual(failedOnce(failedOnce(failedOnce(retrying))), T0)),
} satisfies Record<string, DeliveryState>;

type StateName = keyof typeof STATES;

const LATER = T0 + 86_400_000;

/** What can happen to a delivery; settling concerns the attempt that runs, or else the last one. */
const TRANSITIONS = {
  begin: (state: DeliveryState) => begin(state, LATER),
  beginManual: (state: DeliveryState) => beginManual(state, LATER),
  recover: (state: DeliveryState) => recover(state, LATER),
  'settle, succeeded': (state: DeliveryState) => settle(state, succeeded(state.attemptCount), null, policy),
  'settle, failed': (state: DeliveryState) => settle(state, attempt(state.attemptCount), null, policy),
  'settle, 410': (state: DeliveryState) => settle(state, gone(state.attemptCount), null, policy),
  'settle, 410 of another endpoint': (state: DeliveryState) => settle(state, gone(state.attemptCount), null, policy, false),
  interrupt: (state: DeliveryState) => interrupt(state, LATER, policy),
  discard: (state: DeliveryState) => discard(state, 'plan_not_eligible', LATER),
  expire: (state: DeliveryState) => expire(state, state.expiresAt),
} satisfies Record<string, (state: DeliveryState) => DeliveryState | null>;

type Transition = keyof typeof TRANSITIONS;

/** A state in a few words: its status, whether an attempt runs, and the reason. */
function inWords(state: DeliveryState | null): string | null {
  if (!state) return null;
  return [state.status, state.leasedAt === null ? '' : 'runs', state.reason ?? ''].filter(Boolean).join(' ');
}

it(`no delivery has more than ${MAX_ATTEMPTS} attempts, whether persons or its schedule make them`, () => {
  const running = { ...waiting(T0), status: 'retrying', attemptCount: MAX_ATTEMPTS, failures: 0, leasedAt: T0 } as const;
  expect(settle(running, attempt(MAX_ATTEMPTS), null, policy)).toMatchObject({
    status: 'failed',
    reason: 'attempts_exhausted',
    dueAt: null,
  });
  expect(interrupt(running, T0, policy)).toMatchObject({ status: 'failed', dueAt: null });
  const before = { ...running, attemptCount: MAX_ATTEMPTS - 1 };
  expect(settle(before, attempt(MAX_ATTEMPTS - 1), null, policy)).toMatchObject({ status: 'retrying', dueAt: expect.any(Number) });
});

describe('the transitions', () => {
  const delivered = 'delivered';
  const exhausted = 'failed attempts_exhausted';
  const endpointGone = 'failed endpoint_gone';
  const expired = 'failed expired';
  const discarded = 'discarded plan_not_eligible';
  /** What leaves a state, and where to. What is not listed does not leave it: somebody else was there first. */
  const table: Record<StateName, Partial<Record<Transition, string>>> = {
    'waiting for its first attempt': {
      begin: 'pending runs',
      beginManual: 'pending runs',
      discard: discarded,
      expire: expired,
    },
    'in its first attempt': {
      'settle, succeeded': delivered,
      'settle, failed': 'retrying',
      'settle, 410': endpointGone,
      'settle, 410 of another endpoint': 'retrying',
      interrupt: 'retrying',
    },
    'waiting for a retry': {
      begin: 'retrying runs',
      beginManual: 'retrying runs',
      discard: discarded,
      expire: expired,
    },
    'in a retry': {
      'settle, succeeded': delivered,
      'settle, failed': 'retrying',
      'settle, 410': endpointGone,
      'settle, 410 of another endpoint': 'retrying',
      interrupt: 'retrying',
    },
    'in its last retry': {
      'settle, succeeded': delivered,
      'settle, failed': exhausted,
      'settle, 410': endpointGone,
      'settle, 410 of another endpoint': exhausted,
      interrupt: exhausted,
    },
    delivered: { beginManual: 'delivered runs', recover: 'retrying' },
    'failed, attempts exhausted': {
      beginManual: 'failed runs attempts_exhausted',
      recover: 'retrying',
    },
    'failed, endpoint gone': { beginManual: 'failed runs endpoint_gone', recover: 'retrying' },
    discarded: { beginManual: 'discarded runs webhook_disabled', recover: 'pending' },
    'retried by hand after it was delivered': {
      'settle, succeeded': delivered,
      'settle, failed': delivered,
      'settle, 410': delivered,
      'settle, 410 of another endpoint': delivered,
      interrupt: delivered,
    },
    'retried by hand after it had failed': {
      'settle, succeeded': delivered,
      'settle, failed': exhausted,
      'settle, 410': exhausted,
      'settle, 410 of another endpoint': exhausted,
      interrupt: exhausted,
    },
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
  it('takes the next number, and stays due when it was: what is stored of it is as it was before', () => {
    expect(begin(first, T0 + 5)).toEqual({ ...first, attemptCount: 1, leasedAt: T0 + 5 });
    expect(retryRuns).toMatchObject({ status: 'retrying', attemptCount: 2, trigger: 'schedule', dueAt: retrying.dueAt });
  });

  it('that loses the race for a delivery does not begin', () => {
    const winner = must(begin(first, T0));
    expect(begin(winner, T0)).toBeNull();
    expect(beginManual(winner, T0)).toBeNull();
  });

  it('is a probe where one is asked for', () => {
    expect(begin(retrying, T0, 'probe')).toMatchObject({ trigger: 'probe', attemptCount: 2 });
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

  it('that meets 410 at an endpoint that is not the webhook’s any more goes on with the schedule', () => {
    expect(settle(firstRuns, gone(1), null, policy, false)).toMatchObject({
      status: 'retrying',
      reason: null,
      failures: 1,
      dueAt: T0 + 250 + MINUTE,
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
      const running = begun(state);
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
    expect(begin(state, LATER), 'there is no fifth').toBeNull();
  });

  it('are one where the schedule is empty', () => {
    expect(inWords(settle(firstRuns, attempt(1), null, { ...policy, scheduleMs: [] }))).toBe('failed attempts_exhausted');
  });
});

describe('an interrupted attempt', () => {
  it('counts as a failed one, since it may have arrived', () => {
    expect(interrupt(firstRuns, LATER, policy)).toMatchObject({
      status: 'retrying',
      attemptCount: 1,
      failures: 1,
      leasedAt: null,
      dueAt: LATER + MINUTE,
      trigger: 'schedule',
    });
  });

  it('is not interrupted twice', () => {
    const interrupted = must(interrupt(firstRuns, T0 + MINUTE, policy));
    expect(interrupt(interrupted, LATER, policy)).toBeNull();
  });

  it('that has settled was not interrupted', () => {
    const settled = must(settle(firstRuns, attempt(1), null, policy));
    expect(interrupt(settled, LATER, policy)).toBeNull();
  });

  it('settles nothing any more: it is no longer the one that runs', () => {
    const interrupted = must(interrupt(firstRuns, T0 + MINUTE, policy));
    for (const late of [succeeded(1), attempt(1), gone(1)]) expect(settle(interrupted, late, null, policy)).toBeNull();
  });
});

describe('a retry by hand', () => {
  const { delivered, 'failed, attempts exhausted': failed } = STATES;

  it('of a delivery that has ended leaves it so until it succeeds: nothing of it ever waits', () => {
    for (const ended of [delivered, failed]) {
      const runs = must(beginManual(ended, LATER));
      expect(runs).toEqual({ ...ended, attemptCount: ended.attemptCount + 1, leasedAt: LATER, trigger: 'manual' });
      for (const after of [
        settle(runs, attempt(runs.attemptCount), null, policy),
        settle(runs, gone(runs.attemptCount), MINUTE, policy),
        interrupt(runs, LATER, policy),
      ])
        expect(after).toMatchObject({
          status: ended.status,
          reason: ended.reason,
          finishedAt: ended.finishedAt,
          dueAt: null,
          leasedAt: null,
        });
    }
    const again = must(beginManual(failed, LATER));
    expect(settle(again, succeeded(again.attemptCount), null, policy)).toMatchObject({ status: 'delivered', reason: null, dueAt: null });
  });

  it('of a delivery that waits is the scheduled one, and counts as it', () => {
    const runs = must(beginManual(retrying, T0 + 5));
    expect(settle(runs, attempt(2, { startedAt: T0 + 5, durationMs: 0 }), null, policy)).toMatchObject({
      status: 'retrying',
      failures: 2,
      dueAt: T0 + 5 + 5 * MINUTE,
      trigger: 'schedule',
    });
  });
});

describe('a recovery', () => {
  it('starts the schedule over: four attempts more, whose numbers go on, and three days to wait', () => {
    let state = must(recover(STATES['failed, attempts exhausted'], LATER));
    expect(state).toMatchObject({
      status: 'retrying',
      reason: null,
      failures: 0,
      dueAt: LATER,
      expiresAt: LATER + MAX_WAIT_MS,
      finishedAt: null,
      trigger: 'recovery',
    });
    for (let more = 0; more < 4; more++) state = failedOnce(state);
    expect(state).toMatchObject({ status: 'failed', reason: 'attempts_exhausted', attemptCount: 8, failures: 4 });
  });

  it('takes no delivery whose payload is not kept: there is nothing to send', () => {
    for (const ended of [STATES['failed, attempts exhausted'], STATES.discarded]) {
      const erased = withoutPayload(ended);
      expect({ ...erased, expiresAt: ended.expiresAt }).toEqual(ended);
      expect(recover(erased, LATER)).toBeNull();
    }
  });

  it('takes no delivery that has had as many attempts as one can have', () => {
    const ended = STATES['failed, attempts exhausted'];
    expect(recover({ ...ended, attemptCount: MAX_ATTEMPTS - 1 }, LATER)).not.toBeNull();
    expect(recover({ ...ended, attemptCount: MAX_ATTEMPTS }, LATER)).toBeNull();
  });

  it('takes no delivery of which somebody is having an attempt made, nor one that a recovery has taken', () => {
    expect(recover(STATES['retried by hand after it had failed'], LATER)).toBeNull();
    expect(recover(must(recover(STATES.discarded, LATER)), LATER)).toBeNull();
  });
});

describe('a test', () => {
  const runs = must(begin({ ...first, trigger: 'test' }, T0));

  it('that fails has failed as a test, whatever the endpoint said, and is not retried or recovered', () => {
    for (const failed of [settle(runs, attempt(1), MINUTE, policy), settle(runs, gone(1), null, policy), interrupt(runs, LATER, policy)]) {
      expect(failed).toMatchObject({ status: 'failed', reason: 'test_failed', dueAt: null });
      expect(recover(must(failed), LATER)).toBeNull();
    }
  });
});

describe('a delivery is at rest', () => {
  it('when it has ended and nothing of it runs', () => {
    const atRest = Object.entries(STATES).filter(([, state]) => isAtRest(state));
    expect(atRest.map(([name]) => name)).toEqual(['delivered', 'failed, attempts exhausted', 'failed, endpoint gone', 'discarded']);
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

  it('has a day more than its schedule takes in all, where that is longer', () => {
    const day = 86_400_000;
    expect(maxWaitMs(policy)).toBe(MAX_WAIT_MS);
    expect(maxWaitMs({ scheduleMs: [day, day] })).toBe(MAX_WAIT_MS);
    expect(maxWaitMs({ scheduleMs: [day, day, 1] })).toBe(MAX_WAIT_MS + 1);
    expect(maxWaitMs({ scheduleMs: [] })).toBe(MAX_WAIT_MS);
    expect(waiting(T0, T0 - 5, 8 * day).expiresAt).toBe(T0 - 5 + 8 * day);
    expect(recover(STATES['failed, attempts exhausted'], LATER, 8 * day)).toMatchObject({ expiresAt: LATER + 8 * day });
  });

  it('does not expire while an attempt runs: its outcome is still to come', () => {
    expect(expire(retryRuns, T0 + MAX_WAIT_MS)).toBeNull();
  });
});

describe('a delivery that cannot be rendered', () => {
  it('has failed without an attempt, and can be recovered', () => {
    const failed = must(notRendered(first, LATER));
    expect(failed).toEqual({ ...first, status: 'failed', reason: 'not_rendered', dueAt: null, finishedAt: LATER });
    expect(isAtRest(failed)).toBe(true);
    expect(recover(failed, LATER)).toMatchObject({ status: 'pending', dueAt: LATER, attemptCount: 0, reason: null });
  });

  it('and is a test is not recovered, whatever becomes of it', () => {
    const failed = must(notRendered({ ...first, trigger: 'test' }, LATER));
    expect(failed).toMatchObject({ status: 'failed', reason: 'not_rendered' });
    expect(recover(failed, LATER)).toBeNull();
    const again = must(notRendered(failed, LATER + 1));
    expect(again).toEqual({ ...failed, finishedAt: LATER + 1 });
    const rendered = renderedLate(failed);
    expect(rendered).toMatchObject({ status: 'failed', reason: 'test_failed' });
    expect(recover(rendered, LATER)).toBeNull();
  });

  it('fails for that reason also where it had ended for another', () => {
    const discarded = must(discard(first, 'webhook_disabled', LATER));
    expect(notRendered(discarded, LATER + 1)).toMatchObject({ status: 'failed', reason: 'not_rendered', finishedAt: LATER + 1 });
    expect(renderedLate(discarded)).toBe(discarded);
  });

  it('and is rendered after all, for an attempt by hand that fails, has failed as others have', () => {
    const running = must(beginManual(renderedLate(must(notRendered(first, LATER))), LATER));
    const ended = must(settle(running, attempt(1), null, policy));
    expect(ended).toMatchObject({ status: 'failed', reason: 'attempts_exhausted', attemptCount: 1, dueAt: null });
    expect(settle(running, succeeded(1), null, policy)).toMatchObject({ status: 'delivered', reason: null });
  });

  it('is not one whose attempt runs', () => {
    expect(notRendered(firstRuns, LATER)).toBeNull();
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
        return begin(state, now);
      case 'beginManual':
        return beginManual(state, now);
      case 'recover':
        return recover(state, now);
      case 'settle, succeeded':
        return settle(state, succeeded(number, ended), retryAfterMs, retries);
      case 'settle, failed':
        return settle(state, attempt(number, ended), retryAfterMs, retries);
      case 'settle, 410':
        return settle(state, { ...gone(number), ...ended }, retryAfterMs, retries);
      case 'settle, 410 of another endpoint':
        return settle(state, { ...gone(number), ...ended }, retryAfterMs, retries, false);
      case 'interrupt':
        return interrupt(state, now, retries);
      case 'discard':
        return discard(state, 'webhook_disabled', now);
      case 'expire':
        return expire(state, now);
    }
  }

  function checkState(state: DeliveryState, scheduleMs: number[]): void {
    const open = state.status === 'pending' || state.status === 'retrying';
    expect(state.dueAt !== null, 'what is open has something to happen next, and nothing else has').toBe(open);
    expect(state.finishedAt !== null, 'what is not open has ended').toBe(!open);
    expect(state.reason !== null, 'what ended other than delivered says why').toBe(!open && state.status !== 'delivered');
    if (state.status === 'pending') expect(state.failures, 'no attempt of a pending delivery has ended').toBe(0);
    expect(state.attemptCount).toBeGreaterThanOrEqual(0);
    expect(state.failures, 'never more failures than the schedule has attempts').toBeLessThanOrEqual(scheduleMs.length + 1);
    expect(state.failures).toBeLessThanOrEqual(state.attemptCount);
  }

  it('leaves a delivery that is to be continued, or has ended for a reason, after at most the attempts of its schedule', () => {
    fc.assert(
      fc.property(steps, schedules, (taken, scheduleMs) => {
        let state = waiting(T0);
        let now = T0;
        let made = 0;
        let automatic = 0;
        for (const step of taken) {
          now += step[1];
          const next = take(state, step, now, scheduleMs);
          if (!next) continue;
          const [name] = step;
          if (next.attemptCount > state.attemptCount) made++;
          if (name === 'recover') automatic = 0;
          if (name === 'begin') automatic++;
          if (state.finishedAt !== null && next.status !== state.status)
            expect(['settle, succeeded', 'recover'], 'what has ended ends anew by these alone').toContain(name);
          if (state.status === 'delivered' && name !== 'recover') expect(next.status, 'delivered is final').toBe('delivered');
          checkState(next, scheduleMs);
          state = next;
        }
        expect(made).toBe(state.attemptCount);
        expect(automatic, 'never more attempts by itself than the schedule has').toBeLessThanOrEqual(scheduleMs.length + 1);
      }),
      { numRuns: 2_000 },
    );
  });

  it('ends a delivery whose every attempt fails or is interrupted', () => {
    const fate = fc.constantFrom<Transition>('settle, failed', 'interrupt');
    fc.assert(
      fc.property(fc.array(fate, { minLength: 5, maxLength: 5 }), schedules, (fates, scheduleMs) => {
        let state = waiting(T0);
        let attempts = 0;
        while (state.dueAt !== null) {
          const running = must(begin(state, state.dueAt));
          state = must(take(running, [fates[attempts] as Transition, 0, 0, 0, null], running.leasedAt as number, scheduleMs));
          attempts++;
        }
        expect(attempts).toBe(scheduleMs.length + 1);
        expect(inWords(state)).toBe('failed attempts_exhausted');
      }),
    );
  });
});
