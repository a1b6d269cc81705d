import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AttemptOutcome } from '../../../src/domain/delivery/delivery.ts';
import {
  ANNOUNCE_EVERY_MS,
  afterAttempt,
  afterFreshStart,
  announced,
  type Circuit,
  type CircuitPolicy,
  closedCircuit,
  FAILING_AFTER,
  HEALTHY_AFTER,
  isAboutTheRecord,
  isToBeAnnounced,
  isWarningDue,
  latestOutage,
  OPEN_AFTER_DELIVERIES,
  permission,
  probedNow,
  SAME_OUTAGE_WITHIN_MS,
  toldSince,
} from '../../../src/domain/endpoint/circuit.ts';

const SECOND = 1_000;
const MINUTE = 60_000;
const T0 = Date.UTC(2026, 10, 23, 14, 5, 9);
const policy: CircuitPolicy = { threshold: 10, probeMs: [30 * SECOND, 10 * MINUTE] };

interface Ended {
  outcome: AttemptOutcome;
  delivery?: string;
  at?: number;
  drained?: boolean;
}

function told(circuit: Circuit, { outcome, delivery = 'dlv_1', at = T0, drained = false }: Ended, rules = policy): Circuit {
  return afterAttempt(circuit, { outcome, deliveryId: delivery, endedAt: at }, drained, rules);
}

/** `count` attempts in a row with the same outcome, each of another delivery unless it is said how many there are. */
function inARow(circuit: Circuit, outcome: AttemptOutcome, count: number, { deliveries = count, at = T0, rules = policy } = {}): Circuit {
  for (let n = 0; n < count; n++) circuit = told(circuit, { outcome, delivery: `dlv_${n % deliveries}`, at }, rules);
  return circuit;
}

const healthy = closedCircuit(T0 - MINUTE);
const failing = inARow(healthy, 'failed', FAILING_AFTER);
const open = inARow(healthy, 'failed', 10);
/** All but the outage that is over. */
const besides = (circuit: Circuit): Circuit => ({ ...circuit, pastOutage: null });
/** A probe has succeeded, and more is due. */
const draining = told(open, { outcome: 'succeeded', at: open.probeAt! });

describe('an outage', () => {
  const failedAt = (circuit: Circuit, endedAt: number, acceptedAt: number) =>
    afterAttempt(circuit, { outcome: 'failed', deliveryId: `dlv_${acceptedAt}`, acceptedAt, endedAt }, false, policy);
  const succeededAt = (circuit: Circuit, endedAt: number) =>
    afterAttempt(circuit, { outcome: 'succeeded', deliveryId: 'dlv_1', endedAt }, true, policy);
  const outage = (since: number): Circuit => [0, 1, 2].reduce((circuit, n) => failedAt(circuit, since + n, since + n - 50), healthy);

  it('goes from the first failure on; what it cost was accepted from its earliest delivery on', () => {
    expect(latestOutage(healthy)).toBeNull();
    expect(latestOutage(outage(T0))).toEqual({ acceptedFrom: T0 - 50, since: T0, until: null });
    expect(latestOutage(failedAt(outage(T0), T0 + 3, T0 - 30 * MINUTE))).toMatchObject({ acceptedFrom: T0 - 30 * MINUTE, since: T0 });
    expect(outage(T0).lastFailed).toBe(`dlv_${T0 - 48}`);
  });

  it('is over with a success, or a fresh start of the owner’s, and is still known then', () => {
    const over = { acceptedFrom: T0 - 50, since: T0, until: T0 + 9 };
    const worksAgain = succeededAt(outage(T0), T0 + 9);
    expect([latestOutage(worksAgain), worksAgain.lastFailed]).toEqual([over, null]);
    expect(latestOutage(afterFreshStart(outage(T0), T0 + 9))).toEqual(over);
    expect(latestOutage(inARow(worksAgain, 'succeeded', 30))).toEqual(over);
  });

  it('a few failures of a healthy webhook are none', () => {
    const twice = failedAt(failedAt(healthy, T0, T0), T0 + 1, T0);
    expect(latestOutage(twice)).toBeNull();
    expect(latestOutage(succeededAt(twice, T0 + 2))).toBeNull();
  });

  it('that follows another within an hour is the same; a later one is another', () => {
    const next = (since: number) => {
      const again = [0, 1, 2].reduce((circuit, n) => failedAt(circuit, since + n, since + n), succeededAt(outage(T0), T0 + 9));
      return latestOutage(succeededAt(again, since + 5));
    };
    expect(next(T0 + 9 + SAME_OUTAGE_WITHIN_MS)).toEqual({ acceptedFrom: T0 - 50, since: T0, until: T0 + 14 + SAME_OUTAGE_WITHIN_MS });
    const later = T0 + 10 + SAME_OUTAGE_WITHIN_MS;
    expect(next(later)).toEqual({ acceptedFrom: later, since: later, until: later + 5 });
  });

  it('is understood of what an earlier version has stored', () => {
    const { lastFailed: _, failedFrom: __, pastOutage: ___, ...stored } = outage(T0);
    expect(latestOutage(stored)).toEqual({ acceptedFrom: T0, since: T0, until: null });
    expect(latestOutage(succeededAt(stored, T0 + 9))).toEqual({ acceptedFrom: T0, since: T0, until: T0 + 9 });
  });
});

describe('an attempt that ends', () => {
  it.each<[health: string, outcome: string, after: string, permits: string, before: Circuit, ended: Ended]>([
    ['healthy', 'a success', 'healthy', 'attempt', healthy, { outcome: 'succeeded' }],
    ['healthy', 'a failure', 'healthy', 'attempt', healthy, { outcome: 'failed' }],
    ['healthy with two failures', 'a failure', 'failing', 'attempt', inARow(healthy, 'failed', 2), { outcome: 'failed' }],
    ['failing', 'a failure', 'failing', 'attempt', failing, { outcome: 'failed' }],
    ['failing', 'a success, more being due,', 'failing', 'attempt', failing, { outcome: 'succeeded' }],
    ['failing', 'a success, nothing else being due,', 'healthy', 'attempt', failing, { outcome: 'succeeded', drained: true }],
    ['failing with nine failures', 'a failure', 'open', 'hold', inARow(healthy, 'failed', 9), { outcome: 'failed' }],
    ['open', 'a failed probe', 'open', 'hold', open, { outcome: 'failed', at: open.probeAt! }],
    ['open', 'a successful probe, more being due,', 'failing', 'attempt', open, { outcome: 'succeeded', at: open.probeAt! }],
    [
      'open',
      'a successful probe, nothing else being due,',
      'healthy',
      'attempt',
      open,
      { outcome: 'succeeded', at: open.probeAt!, drained: true },
    ],
    ['draining', 'a success, more being due,', 'failing', 'attempt', draining, { outcome: 'succeeded' }],
    ['draining', 'a success, nothing else being due,', 'healthy', 'attempt', draining, { outcome: 'succeeded', drained: true }],
    ['draining', 'a failure', 'failing', 'attempt', draining, { outcome: 'failed' }],
  ])('where the webhook is %s: %s leaves it %s, with leave to %s', (_before, _outcome, health, permits, before, ended) => {
    const circuit = told(before, ended);
    expect(circuit.health).toBe(health);
    expect(permission(circuit, ended.at ?? T0).kind).toBe(permits);
  });

  it.each([
    ['healthy', healthy],
    ['failing', failing],
    ['open', open],
    ['draining', draining],
  ])('says nothing to a circuit that is %s where it was interrupted: the fault was ours', (_health, circuit) => {
    expect(inARow(circuit, 'interrupted', 50)).toBe(circuit);
  });

  it('changes nothing, not even the object, where a healthy endpoint goes on succeeding', () => {
    expect(inARow(healthy, 'succeeded', 50)).toBe(healthy);
  });

  it('does not change the circuit it is told of', () => {
    const before = structuredClone(open);
    told(open, { outcome: 'succeeded' });
    told(open, { outcome: 'failed', at: open.probeAt! });
    expect(open).toEqual(before);
  });
});

describe('a healthy webhook', () => {
  it('is attempted as its pace permits', () => {
    expect(permission(healthy, T0)).toEqual({ kind: 'attempt' });
  });

  it('is failing after three failures in a row, of one delivery or of several, since the third', () => {
    const failedTwice = inARow(healthy, 'failed', 2, { deliveries: 1 });
    expect(failedTwice).toMatchObject({ health: 'healthy', since: healthy.since });
    expect(told(failedTwice, { outcome: 'failed', at: T0 + 5 })).toMatchObject({ health: 'failing', since: T0 + 5 });
  });

  it('forgets its failures at a success, and stays healthy since when it was', () => {
    const failedTwice = inARow(healthy, 'failed', 2);
    expect(told(failedTwice, { outcome: 'succeeded', at: T0 + 5 })).toEqual(healthy);
  });
});

describe('a failing webhook', () => {
  it('is attempted as before: what fails for other reasons than an outage is not to be held', () => {
    expect(permission(failing, T0)).toEqual({ kind: 'attempt' });
  });

  it('is healthy again after 20 successes in a row, though deliveries still wait', () => {
    const almost = inARow(failing, 'succeeded', HEALTHY_AFTER - 1);
    expect(almost.health).toBe('failing');
    expect(besides(told(almost, { outcome: 'succeeded', at: T0 + 9 }))).toEqual(closedCircuit(T0 + 9));
  });

  it('counts successes anew after a failure', () => {
    const interrupted = told(inARow(failing, 'succeeded', HEALTHY_AFTER - 1), { outcome: 'failed' });
    expect(inARow(interrupted, 'succeeded', HEALTHY_AFTER - 1).health).toBe('failing');
    expect(inARow(interrupted, 'succeeded', HEALTHY_AFTER).health).toBe('healthy');
  });

  it('does not open while successes come between: ten failures are not ten in a row', () => {
    let circuit = healthy;
    for (let n = 0; n < 100; n++) {
      circuit = inARow(circuit, 'failed', 9);
      expect(circuit.health).toBe('failing');
      circuit = told(circuit, { outcome: 'succeeded' });
    }
  });
});

describe('the circuit opens', () => {
  it.each([4, 10, 25])('after as many failures in a row as the policy says: %i', (threshold) => {
    const rules = { ...policy, threshold };
    expect(inARow(healthy, 'failed', threshold - 1, { rules }).health).toBe('failing');
    expect(inARow(healthy, 'failed', threshold, { rules })).toMatchObject({ health: 'open', since: T0, probeAt: T0 + 30 * SECOND });
  });

  it.each([1, 2, 3])('not before three deliveries have failed, whatever the threshold: %i', (threshold) => {
    const rules = { ...policy, threshold };
    expect(inARow(healthy, 'failed', 2, { rules }).health).toBe('healthy');
    expect(inARow(healthy, 'failed', 3, { rules }).health).toBe('open');
    expect(inARow(healthy, 'failed', 100, { rules, deliveries: 2 }).health).toBe('failing');
  });

  it('not for one delivery that the endpoint cannot digest, nor for two', () => {
    expect(inARow(healthy, 'failed', 100, { deliveries: 1 }).health).toBe('failing');
    expect(inARow(healthy, 'failed', 100, { deliveries: 2 }).health).toBe('failing');
    expect(inARow(healthy, 'failed', 10, { deliveries: 3 }).health).toBe('open');
  });

  it('at the third delivery, where two alone have failed for long', () => {
    expect(told(inARow(healthy, 'failed', 12, { deliveries: 2 }), { outcome: 'failed', delivery: 'dlv_third' }).health).toBe('open');
  });

  it('again after a drain that fails, at the same count', () => {
    expect(inARow(draining, 'failed', 9).health).toBe('failing');
    expect(inARow(draining, 'failed', 10)).toMatchObject({ health: 'open', probeWaitMs: 30 * SECOND });
  });
});

describe('an open circuit', () => {
  it('holds everything until the next probe, which is then due', () => {
    expect(permission(open, T0)).toEqual({ kind: 'hold', until: T0 + 30 * SECOND });
    expect(permission(open, T0 + 30 * SECOND - 1)).toEqual({ kind: 'hold', until: T0 + 30 * SECOND });
    expect(permission(open, T0 + 30 * SECOND)).toEqual({ kind: 'probe' });
    expect(permission(open, T0 + 86_400_000)).toEqual({ kind: 'probe' });
  });

  it('is probed after 30 seconds, then at intervals that double to ten minutes, counted from the end of each probe', () => {
    const waits: number[] = [];
    let circuit = open;
    let now = T0;
    for (let probe = 0; probe < 8; probe++) {
      waits.push((circuit.probeAt! - now) / SECOND);
      // The endpoint hangs: each probe takes 30 s.
      now = circuit.probeAt! + 30 * SECOND;
      circuit = told(circuit, { outcome: 'failed', at: now });
    }
    expect(waits).toEqual([30, 60, 120, 240, 480, 600, 600, 600]);
    expect(circuit).toMatchObject({ health: 'open', since: T0 });
  });

  it('is not probed later because of a failure that is not a probe’s: an attempt from before it opened', () => {
    const late = inARow(open, 'failed', 5, { at: open.probeAt! - 1 });
    expect(late).toMatchObject({ health: 'open', probeAt: open.probeAt, probeWaitMs: open.probeWaitMs });
  });

  it('closes at a success of an attempt from before it opened, too: whoever answers is up', () => {
    expect(told(open, { outcome: 'succeeded', at: T0 + 1 })).toMatchObject({ health: 'failing', since: T0 + 1, probeAt: null });
    expect(besides(told(open, { outcome: 'succeeded', at: T0 + 1, drained: true }))).toEqual(closedCircuit(T0 + 1));
  });

  it('starts over with its shortest wait where it opens a second time', () => {
    let circuit = open;
    for (let probe = 0; probe < 8; probe++) circuit = told(circuit, { outcome: 'failed', at: circuit.probeAt! });
    expect(circuit.probeWaitMs).toBe(10 * MINUTE);
    const again = inARow(told(circuit, { outcome: 'succeeded', at: T0 }), 'failed', 10);
    expect(again).toMatchObject({ health: 'open', probeWaitMs: 30 * SECOND });
  });
});

describe('after a probe’s success what was held drains', () => {
  it('as its pace permits, and no further probe is due', () => {
    expect(permission(draining, T0 + 86_400_000)).toEqual({ kind: 'attempt' });
  });

  it('and the webhook is healthy when nothing is left, or after 20 successes, the probe’s included', () => {
    expect(besides(told(draining, { outcome: 'succeeded', drained: true, at: T0 + 7 }))).toEqual(closedCircuit(T0 + 7));
    expect(inARow(draining, 'succeeded', HEALTHY_AFTER - 2).health).toBe('failing');
    expect(besides(inARow(draining, 'succeeded', HEALTHY_AFTER - 1))).toEqual(closedCircuit(T0));
  });
});

describe('whatever happens', () => {
  interface Step {
    outcome: AttemptOutcome;
    delivery: string;
    passedMs: number;
    drained: boolean;
  }
  const step: fc.Arbitrary<Step> = fc.record({
    outcome: fc.constantFrom<AttemptOutcome>('failed', 'failed', 'failed', 'succeeded', 'interrupted'),
    delivery: fc.integer({ min: 1, max: 6 }).map((n) => `dlv_${n}`),
    passedMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 30 * MINUTE })),
    drained: fc.boolean(),
  });
  /** Stretches of the same outcome, or the circuit would hardly ever open. */
  const history = fc
    .array(fc.tuple(step, fc.integer({ min: 1, max: 15 }), fc.boolean()), { minLength: 1, maxLength: 25 })
    .map((stretches) =>
      stretches.flatMap(([first, count, ofOne]) =>
        Array.from({ length: count }, (_, n) => (ofOne ? first : { ...first, delivery: `dlv_${(n % 6) + 1}` })),
      ),
    );
  const rulesOf = fc.record({
    threshold: fc.integer({ min: 1, max: 20 }),
    probeMs: fc
      .tuple(fc.integer({ min: 1, max: 10 * MINUTE }), fc.integer({ min: 1, max: 10 * MINUTE }))
      .map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const),
  });

  interface Seen {
    before: Circuit;
    at: number;
    outcome: AttemptOutcome;
    /** Failures in a row up to here, and the deliveries they were of. */
    failures: number;
    deliveries: Set<string>;
  }

  function walk(steps: readonly Step[], rules: CircuitPolicy, look: (now: Circuit, seen: Seen) => void): void {
    let circuit = closedCircuit(T0);
    let at = T0;
    let failures = 0;
    const deliveries = new Set<string>();
    for (const { outcome, delivery, passedMs, drained } of steps) {
      at += passedMs;
      if (outcome === 'succeeded') {
        failures = 0;
        deliveries.clear();
      }
      if (outcome === 'failed') {
        failures++;
        deliveries.add(delivery);
      }
      const before = circuit;
      circuit = told(before, { outcome, delivery, at, drained }, rules);
      look(circuit, { before, at, failures, deliveries, outcome });
    }
  }

  function always(look: (now: Circuit, seen: Seen, rules: CircuitPolicy) => void): void {
    fc.assert(
      fc.property(history, rulesOf, (steps, rules) => walk(steps, rules, (circuit, seen) => look(circuit, seen, rules))),
      { numRuns: 500 },
    );
  }

  it('an open circuit has a next probe, and only an open one', () => {
    always((circuit) => {
      expect(circuit.probeAt !== null).toBe(circuit.health === 'open');
    });
  });

  it('the wait for a probe stays between the shortest and the longest', () => {
    always((circuit, _seen, { probeMs: [first, longest] }) => {
      if (circuit.health !== 'open') return;
      expect(circuit.probeWaitMs).toBeGreaterThanOrEqual(first);
      expect(circuit.probeWaitMs).toBeLessThanOrEqual(longest);
    });
  });

  it('the next probe is never put off by more than the longest wait from now, nor ever brought forward', () => {
    always((circuit, { before, at }, { probeMs: [, longest] }) => {
      if (circuit.probeAt === null) return;
      expect(circuit.probeAt - at).toBeLessThanOrEqual(longest);
      if (before.probeAt !== null) expect(circuit.probeAt).toBeGreaterThanOrEqual(before.probeAt);
    });
  });

  it('it opens exactly when the threshold is reached, over three deliveries', () => {
    always((circuit, { before, failures, deliveries, outcome }, { threshold }) => {
      if (before.health === 'open') return;
      const reached = outcome === 'failed' && failures >= threshold && deliveries.size >= OPEN_AFTER_DELIVERIES;
      expect(circuit.health === 'open').toBe(reached);
    });
  });

  it('only a success closes it', () => {
    always((circuit, { before, outcome }) => {
      if (before.health === 'open') expect(circuit.health === 'open').toBe(outcome !== 'succeeded');
    });
  });

  it('a healthy webhook has fewer than three failures in a row', () => {
    always((circuit, { failures }) => {
      if (circuit.health !== 'healthy') return;
      expect(circuit.failures).toBe(failures);
      expect(circuit.failures).toBeLessThan(FAILING_AFTER);
    });
  });

  it('what is held is held until a time that is still to come', () => {
    fc.assert(
      fc.property(history, rulesOf, fc.nat(20 * MINUTE), (steps, rules, laterMs) =>
        walk(steps, rules, (circuit, { at }) => {
          const permitted = permission(circuit, at + laterMs);
          if (permitted.kind === 'hold') expect(permitted.until).toBeGreaterThan(at + laterMs);
          expect(permitted.kind === 'attempt').toBe(circuit.health !== 'open');
        }),
      ),
      { numRuns: 500 },
    );
  });

  it('what it keeps stays small: it is written with every change', () => {
    always((circuit) => {
      expect(circuit.failedDeliveries.length).toBeLessThanOrEqual(OPEN_AFTER_DELIVERIES);
      expect(circuit.successes).toBeLessThan(HEALTHY_AFTER);
    });
  });

  it('since is when the health changed', () => {
    always((circuit, { before, at }) => {
      expect(circuit.since).toBe(circuit.health === before.health ? before.since : at);
    });
  });
});

describe('a person who asks for deliveries to start over', () => {
  it('has an open circuit probed at once', () => {
    expect(permission(open, open.since)).toEqual({ kind: 'hold', until: open.probeAt });
    expect(permission(probedNow(open, open.since), open.since)).toEqual({ kind: 'probe' });
  });

  it('puts a probe that is due off by nothing, and leaves a circuit that is closed as it is', () => {
    expect(probedNow(open, open.probeAt! + 5)).toEqual(open);
    for (const circuit of [healthy, failing, draining]) expect(probedNow(circuit, T0)).toBe(circuit);
  });
});

describe('the organization', () => {
  const told = (circuit: Circuit, at: number): Circuit => ({ ...circuit, announced: true, announcedAt: at });

  it('is told of a failure once an outage, and not while nothing fails', () => {
    expect(isToBeAnnounced(healthy, T0)).toBe(false);
    expect(isToBeAnnounced(failing, T0)).toBe(true);
    expect(isToBeAnnounced(told(failing, T0), T0 + 10 * ANNOUNCE_EVERY_MS)).toBe(false);
  });

  it('is told of the next outage no sooner than an hour after the last, however often successes come between', () => {
    const recovered = inARow(told(failing, T0), 'succeeded', HEALTHY_AFTER, { at: T0 + 5 });
    expect(besides(recovered)).toEqual(closedCircuit(T0 + 5, T0));
    const again = inARow(recovered, 'failed', FAILING_AFTER, { at: T0 + 9 });
    expect(isToBeAnnounced(again, T0 + ANNOUNCE_EVERY_MS - 1)).toBe(false);
    expect(isToBeAnnounced(again, T0 + ANNOUNCE_EVERY_MS)).toBe(true);
    // A healthy webhook with a failure or two keeps it, too.
    const stumbled = inARow(inARow(recovered, 'failed', 1), 'succeeded', 1);
    expect(stumbled.announcedAt).toBe(T0);
  });

  it('is told of an outage of an outbox whose version before did not keep when it told', () => {
    const { announcedAt: _, ...before } = failing;
    expect(isToBeAnnounced(before, T0)).toBe(true);
  });
});

describe('an outage that the organization was told of', () => {
  const outage = announced(failing, T0 + 5);
  const success = (circuit: Circuit, isTest: boolean, drained = true) =>
    afterAttempt(circuit, { outcome: 'succeeded', deliveryId: 'dlv_9', endedAt: T0 + 7, isTest }, drained, policy);

  it('goes since its first failure, until a delivery arrives', () => {
    expect(toldSince(outage)).toBe(T0);
    expect(toldSince(inARow(outage, 'failed', 20))).toBe(T0);
    expect(toldSince(success(outage, false))).toBeNull();
    expect(toldSince(success(inARow(outage, 'failed', 20), false, false))).toBeNull();
  });

  it('is not over with a test that succeeds, and is not told of again after one', () => {
    const tested = success(outage, true);
    expect(tested).toMatchObject({ health: 'healthy', failures: 0 });
    expect(toldSince(tested)).toBe(T0);
    const again = inARow(tested, 'failed', FAILING_AFTER, { at: T0 + 9 });
    expect(isToBeAnnounced(again, T0 + 10 * ANNOUNCE_EVERY_MS)).toBe(false);
    expect(toldSince(success(tested, true))).toBe(T0);
    expect(toldSince(success(tested, false))).toBeNull();
    expect(toldSince(success(again, false))).toBeNull();
  });

  it('is not over with a fresh start of the owner’s, after which another one is told of at once', () => {
    const fresh = afterFreshStart(outage, T0 + 8);
    expect(besides(fresh)).toEqual({ ...closedCircuit(T0 + 8), toldSince: T0 });
    expect(isToBeAnnounced(inARow(fresh, 'failed', 1, { at: T0 + 9 }), T0 + 9)).toBe(true);
    expect(toldSince(success(fresh, false))).toBeNull();
  });

  it('is known of an outbox whose version before kept only that it was told', () => {
    const { toldSince: _, warned: __, ...before } = outage;
    expect(toldSince(before)).toBe(T0);
    expect(toldSince({ ...before, announced: false })).toBeNull();
    expect(toldSince(success(before, true))).toBe(T0);
    expect(isWarningDue(before, T0 + MINUTE, 2 * MINUTE)).toBe(true);
  });
});

describe('the warning', () => {
  it('is due when half of the time has gone by with nothing but failures, once', () => {
    expect(isWarningDue(failing, T0 + MINUTE - 1, 2 * MINUTE)).toBe(false);
    expect(isWarningDue(failing, T0 + MINUTE, 2 * MINUTE)).toBe(true);
    expect(isWarningDue({ ...failing, warned: true }, T0 + MINUTE, 2 * MINUTE)).toBe(false);
    expect(isWarningDue(healthy, T0 + MINUTE, 2 * MINUTE)).toBe(false);
  });

  it('is given again of another outage', () => {
    const warned = { ...failing, warned: true };
    const again = inARow(inARow(warned, 'succeeded', HEALTHY_AFTER), 'failed', 1, { at: T0 + MINUTE });
    expect(isWarningDue(again, T0 + 2 * MINUTE, 2 * MINUTE)).toBe(true);
  });
});

describe('an answer', () => {
  it('about the one record is one of a few statuses', () => {
    const statuses = [null, ...Array.from({ length: 500 }, (_, index) => index + 100)];
    expect(statuses.filter(isAboutTheRecord)).toEqual([400, 409, 413, 415, 422]);
  });
});
