import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  add,
  bucketStarts,
  count,
  countResponses,
  emptyTally,
  PERIOD_NAMES,
  PERIODS,
  percentileMs,
  successRate,
  type Tally,
} from '../../../src/domain/delivery/statistics.ts';

function tallyOf(durations: readonly number[]): Tally {
  const tally = emptyTally();
  for (const durationMs of durations) count(tally, { status: 'delivered', attemptCount: 1, answeredMs: durationMs });
  return tally;
}

describe('a percentile', () => {
  it('is the exact one to within 5 %, for any durations', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 40_000 }), { minLength: 1, maxLength: 300 }),
        fc.constantFrom(0.5, 0.95, 1),
        (durations, share) => {
          const sorted = durations.toSorted((a, b) => a - b);
          const exact = sorted[Math.ceil(share * sorted.length) - 1]!;
          const about = percentileMs(tallyOf(durations), share)!;
          // Half a bin, and the rounding to whole milliseconds.
          expect(Math.abs(about - exact)).toBeLessThanOrEqual(exact * 0.03 + 1);
        },
      ),
    );
  });

  it('is the same for tallies added up as for all of them counted together', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 9_999 })), fc.array(fc.integer({ min: 1, max: 9_999 })), (some, others) => {
        const sum = tallyOf(some);
        add(sum, tallyOf(others));
        expect(sum).toEqual(tallyOf([...some, ...others]));
      }),
    );
  });

  it('does not exist where nothing was attempted', () => {
    expect(percentileMs(emptyTally(), 0.5)).toBeNull();
  });
});

it('an hour that a version before has counted has none that it did not know of', () => {
  const { filtered: _, repeated: __, ...kept } = tallyOf([5]);
  const sum = { ...tallyOf([7]), filtered: 2, repeated: 3 };
  add(sum, kept as Tally);
  expect(sum).toMatchObject({ delivered: 2, filtered: 2, repeated: 3 });
});

describe('the responses', () => {
  it.each([
    [200, '2xx'],
    [299, '2xx'],
    [300, '3xx'],
    [399, '3xx'],
    [400, '4xx'],
    [499, '4xx'],
    [500, '5xx'],
    [999, '5xx'],
    [null, 'none'],
  ] as const)('count %j as %s', (status, name) => {
    const tally = emptyTally();
    countResponses(tally, status, 3);
    countResponses(tally, status);
    expect(tally.responses).toEqual({ ...emptyTally().responses, [name]: 4 });
  });

  it('add up', () => {
    const [sum, other] = [emptyTally(), emptyTally()];
    for (const tally of [sum, other]) countResponses(tally, 204);
    countResponses(other, null, 2);
    add(sum, other);
    expect(sum.responses).toEqual({ '2xx': 2, '3xx': 0, '4xx': 0, '5xx': 0, none: 2 });
  });
});

describe('the success rate', () => {
  it('is of what was delivered or failed: what was discarded was never tried', () => {
    const tally = emptyTally();
    expect(successRate(tally)).toBeNull();
    for (const status of ['delivered', 'delivered', 'delivered', 'failed', 'discarded', 'pending', 'retrying'] as const) {
      count(tally, { status, attemptCount: 1, answeredMs: null });
    }
    expect(successRate(tally)).toBe(0.75);
    expect(tally).toMatchObject({ delivered: 3, failed: 1, discarded: 1, attempts: 7 });
  });
});

describe('the buckets of a period', () => {
  it('cover it without a gap, and end with the one that now is in', () => {
    fc.assert(
      fc.property(fc.constantFrom(...PERIOD_NAMES), fc.integer({ min: 1e12, max: 4e12 }), (period, now) => {
        const { lengthMs, bucketMs } = PERIODS[period];
        const starts = bucketStarts(period, now);
        expect(starts).toHaveLength(lengthMs / bucketMs);
        expect(starts.every((start, index) => start === starts[0]! + index * bucketMs)).toBe(true);
        expect(starts.at(-1)!).toBeLessThanOrEqual(now);
        expect(starts.at(-1)! + bucketMs).toBeGreaterThan(now);
      }),
    );
  });
});
