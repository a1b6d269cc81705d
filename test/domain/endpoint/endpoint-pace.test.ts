import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EndpointPace, FIRST_LIMIT, type Verdict, verdictOf } from '../../../src/domain/endpoint/endpoint-pace.ts';

const MOST = 100;
const T0 = 1_000_000;

/** An attempt that ended. What is not said: it took 100 ms, ended well, and many more would have run at the same time. */
interface Ended {
  startedAt?: number;
  tookMs?: number;
  verdict?: Verdict;
  waiting?: number;
}

function ended(pace: EndpointPace, { startedAt = T0, tookMs = 100, verdict = 'good', waiting = 1_000 }: Ended = {}): number {
  pace.ended({ startedAt, tookMs, verdict }, startedAt + tookMs, MOST, waiting);
  return pace.limit(MOST);
}

function times(count: number, pace: EndpointPace, attempt: Ended = {}): number[] {
  return Array.from({ length: count }, () => ended(pace, attempt));
}

/** A pace that has grown to so much. */
function grown(limit: number): EndpointPace {
  const pace = new EndpointPace();
  while (pace.limit(MOST) < limit) ended(pace);
  return pace;
}

describe('how many attempts at a time', () => {
  it('is five of an endpoint of which nothing is known, and one more with each success', () => {
    const pace = new EndpointPace();
    expect(pace.limit(MOST)).toBe(FIRST_LIMIT);
    expect(times(4, pace)).toEqual([6, 7, 8, 9]);
  });

  it('is one of an endpoint that was out of order, or that much is about to go out to, and rises from there', () => {
    const pace = new EndpointPace(true);
    expect([pace.limit(MOST), ...times(3, pace)]).toEqual([1, 2, 3, 4]);
    pace.gently(T0 + 1_000);
    expect([pace.limit(MOST), ...times(3, pace)]).toEqual([1, 2, 3, 4]);
  });

  it('is never more than the owner or the deployment permits', () => {
    const pace = grown(MOST);
    times(10, pace);
    expect([pace.limit(MOST), pace.limit(7), pace.limit(1)]).toEqual([MOST, 7, 1]);
  });

  it('does not grow where the limit was not reached: that says nothing about it', () => {
    expect(times(50, new EndpointPace(), { waiting: 0 })).toEqual(Array(50).fill(FIRST_LIMIT));
  });

  it('does not grow beyond an outbox’s own connections for what begins within 250 ms anyway, and does for what would wait longer', () => {
    // Five at a time, of 10 ms each: 500 a second.
    expect(times(50, new EndpointPace(), { tookMs: 10, waiting: 125 })).toEqual(Array(50).fill(FIRST_LIMIT));
    expect(times(1, new EndpointPace(), { tookMs: 10, waiting: 126 })).toEqual([FIRST_LIMIT + 1]);
    // And 5 a second.
    expect(times(1, new EndpointPace(), { tookMs: 1_000, waiting: 1 })).toEqual([FIRST_LIMIT]);
    expect(times(1, new EndpointPace(), { tookMs: 1_000, waiting: 2 })).toEqual([FIRST_LIMIT + 1]);
  });

  it('grows for one that waits while it is below them', () => {
    expect(times(5, new EndpointPace(true), { tookMs: 10, waiting: 1 })).toEqual([2, 3, 4, FIRST_LIMIT, FIRST_LIMIT]);
  });

  it('does not grow while the answers take longer and longer, and does again when they are as quick as before', () => {
    const pace = grown(20);
    expect(times(20, pace, { tookMs: 900 })).toEqual(Array(20).fill(20));
    expect(ended(pace)).toBe(21);
  });

  it('grows with an endpoint that takes a second for each answer: slow is not overloaded', () => {
    const pace = new EndpointPace();
    expect(times(5, pace, { tookMs: 1_000 }).at(-1)).toBe(FIRST_LIMIT + 5);
  });

  it('grows again, in the end, with an endpoint that has become slower for good', () => {
    const pace = grown(20);
    const limits = times(400, pace, { tookMs: 1_000 });
    expect(limits.at(-1)).toBeGreaterThan(20);
  });

  it.each<[string, number | null]>([
    ['a 429', 429],
    ['a 503', 503],
  ])('halves after %s', (_what, status) => {
    const pace = grown(40);
    expect(ended(pace, { verdict: verdictOf(status) })).toBe(20);
  });

  it('halves when two of about ten are not answered, and not for one among many', () => {
    const pace = grown(40);
    const silent = () => ended(pace, { verdict: verdictOf(null), startedAt: T0 + 1_000 });
    expect(silent()).toBe(40);
    times(30, pace, { verdict: 'neither' });
    expect(silent()).toBe(40);
    expect(silent()).toBe(20);
  });

  it('takes an answer without a measurable time for one of a millisecond, and grows with slower ones all the same', () => {
    const pace = grown(20);
    times(1, pace, { tookMs: 0, waiting: 0 });
    expect(times(600, pace, { tookMs: 200 }).at(-1)).toBeGreaterThan(20);
  });

  it('halves once for all that was under way, and again for what began after that', () => {
    const pace = grown(40);
    const round = Array.from({ length: 40 }, (_, index) => ended(pace, { startedAt: T0 + index, tookMs: 30_000, verdict: 'pushback' }));
    expect(round).toEqual(Array(40).fill(20));
    expect(ended(pace, { startedAt: T0 + 60_000, verdict: 'pushback' })).toBe(10);
  });

  it('is one at least, whatever the endpoint does', () => {
    const pace = new EndpointPace();
    for (let round = 0; round < 20; round++) ended(pace, { startedAt: T0 + round * 60_000, verdict: 'pushback' });
    expect(pace.limit(MOST)).toBe(1);
  });

  it('grows by one a round, no more by one a success, from where it was halved to', () => {
    const pace = grown(40);
    ended(pace, { verdict: 'pushback' });
    // A round is as many successes as run at a time.
    expect(times(20, pace, { startedAt: T0 + 1_000 }).at(-1)).toBe(20);
    expect(times(1, pace, { startedAt: T0 + 1_000 })).toEqual([21]);
  });

  it('neither grows nor shrinks with answers that are neither', () => {
    expect([302, 400, 404, 422, 500, 501].map(verdictOf)).toEqual(Array(6).fill('neither'));
    expect(times(10, new EndpointPace(), { verdict: 'neither' })).toEqual(Array(10).fill(FIRST_LIMIT));
  });

  it('is a whole number from one to the most, whatever happens', () => {
    const attempt = fc.record({
      passedMs: fc.nat(60_000),
      tookMs: fc.nat(60_000),
      verdict: fc.constantFrom<Verdict>('good', 'good', 'pushback', 'silence', 'neither'),
      waiting: fc.nat(1_000),
      gently: fc.integer({ min: 0, max: 20 }).map((number) => number === 0),
    });
    fc.assert(
      fc.property(fc.array(attempt, { maxLength: 200 }), fc.integer({ min: 1, max: MOST }), (attempts, most) => {
        const pace = new EndpointPace();
        let now = T0;
        for (const { passedMs, tookMs, verdict, waiting, gently } of attempts) {
          now += passedMs;
          if (gently) pace.gently(now);
          pace.ended({ startedAt: now - tookMs, tookMs, verdict }, now, most, waiting);
          const limit = pace.limit(most);
          expect(Number.isInteger(limit)).toBe(true);
          expect(limit).toBeGreaterThanOrEqual(1);
          expect(limit).toBeLessThanOrEqual(most);
          expect(pace.patienceMs() === 0 || (pace.patienceMs() >= 200 && pace.patienceMs() <= 1_000)).toBe(true);
        }
      }),
    );
  });
});

describe('how long a call waits for an endpoint', () => {
  const patienceAfter = (...tookMs: number[]) => {
    const pace = new EndpointPace();
    for (const each of tookMs) ended(pace, { tookMs: each });
    return pace.patienceMs();
  };

  it('is half a second where nothing is known of it', () => {
    expect(patienceAfter()).toBe(500);
  });

  it('is some times as long as it usually takes, within bounds', () => {
    expect(patienceAfter(5)).toBe(200);
    expect(patienceAfter(100)).toBe(400);
    expect(patienceAfter(400)).toBe(1_000);
  });

  it('is nothing where it is known to be slow: nobody waits for it', () => {
    expect(patienceAfter(501)).toBe(0);
    expect(patienceAfter(30_000)).toBe(0);
  });

  it('follows what it usually takes: an answer that is slow for once does not count for much, several do', () => {
    expect(patienceAfter(100, 400)).toBe(1_000);
    expect(patienceAfter(100, 2_000)).toBe(0);
    expect(patienceAfter(100, 2_000, ...Array<number>(10).fill(50))).toBeGreaterThan(0);
  });

  it('is nothing once it has been outlasted, until answers have come in time again', () => {
    const pace = new EndpointPace();
    ended(pace, { tookMs: 50 });
    pace.late();
    expect(pace.patienceMs()).toBe(0);
    times(10, pace, { tookMs: 50 });
    expect(pace.patienceMs()).toBeGreaterThanOrEqual(200);
  });

  it('goes by when the whole answer was here: one whose body dribbles is slow, however soon its headers came', () => {
    const pace = new EndpointPace();
    pace.ended({ startedAt: T0, tookMs: 2, verdict: 'good' }, T0 + 5_002, MOST, 0);
    expect(pace.patienceMs()).toBe(0);
    pace.late();
    for (let number = 0; number < 10; number++) pace.ended({ startedAt: T0, tookMs: 2, verdict: 'good' }, T0 + 600, MOST, 0);
    expect(pace.patienceMs()).toBe(0);
  });

  it('is not changed by what failed', () => {
    const pace = new EndpointPace();
    ended(pace, { tookMs: 30_000, verdict: 'pushback' });
    ended(pace, { tookMs: 30_000, verdict: 'neither' });
    expect(pace.patienceMs()).toBe(500);
  });
});
