import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JITTER, MAX_RETRY_AFTER_MS, nextAttemptAt, parseRetryAfter } from '../../../src/domain/delivery/retry-schedule.ts';
import { parseSettings } from '../../../src/settings.ts';
import { VARS } from '../vars.ts';

const MINUTE = 60_000;
const SCHEDULE = [1 * MINUTE, 5 * MINUTE, 30 * MINUTE];
const NOW = Date.UTC(2026, 10, 23, 14, 5, 9);
/** The largest number below 1: as much jitter as there can be. */
const ALMOST_ONE = 1 - Number.EPSILON / 2;

const schedules = fc.array(fc.integer({ min: 0, max: 7 * 86_400_000 }), { minLength: 1, maxLength: 6 });
const randoms = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

describe('the documented schedule', () => {
  it('is what ships: 1, 5 and 30 minutes', () => {
    expect(parseSettings(VARS).retryScheduleMs).toEqual(SCHEDULE);
  });

  it('makes four attempts, over 36 to 39.6 minutes', () => {
    const seconds = (ms: number | null): number | string => (ms === null ? 'none: failed for good' : Math.round(ms / 1_000));
    const total = { earliest: 0, latest: 0 };
    const rows = [1, 2, 3, 4].map((failures) => {
      const earliest = nextAttemptAt(SCHEDULE, failures, 0, 0);
      const latest = nextAttemptAt(SCHEDULE, failures, 0, ALMOST_ONE);
      total.earliest += earliest ?? 0;
      total.latest += latest ?? 0;
      return {
        'failed attempt': failures,
        'next after (s)': seconds(earliest),
        'at latest (s)': seconds(latest),
        'since the first (s)': total.earliest / 1_000,
        'since the first, at latest (s)': total.latest / 1_000,
      };
    });
    console.table(rows);
    expect(rows.map(Object.values)).toEqual([
      [1, 60, 66, 60, 66],
      [2, 300, 330, 360, 396],
      [3, 1_800, 1_980, 2_160, 2_376],
      [4, 'none: failed for good', 'none: failed for good', 2_160, 2_376],
    ]);
  });
});

describe('a wait', () => {
  it('counts from the end of the attempt', () => {
    expect(nextAttemptAt(SCHEDULE, 1, NOW, 0)).toBe(NOW + MINUTE);
    expect(nextAttemptAt(SCHEDULE, 1, NOW + 29_999, 0)).toBe(NOW + 29_999 + MINUTE);
  });

  it('is at least what the schedule says, and at most a tenth more', () => {
    fc.assert(
      fc.property(schedules, fc.nat(), fc.nat(NOW), randoms, (schedule, place, endedAt, random) => {
        const failures = (place % schedule.length) + 1;
        const waitMs = (nextAttemptAt(schedule, failures, endedAt, random) ?? Number.NaN) - endedAt;
        const scheduledMs = schedule[failures - 1] as number;
        expect(waitMs).toBeGreaterThanOrEqual(scheduledMs);
        expect(waitMs).toBeLessThanOrEqual(Math.round(scheduledMs * (1 + JITTER)));
        expect(Number.isInteger(waitMs)).toBe(true);
      }),
    );
  });

  it('differs between deliveries that failed together', () => {
    const dueAts = [0, 0.25, 0.5, 0.75].map((random) => nextAttemptAt(SCHEDULE, 2, NOW, random));
    expect(dueAts).toEqual([300_000, 307_500, 315_000, 322_500].map((waitMs) => NOW + waitMs));
  });

  it('ends with the schedule, whatever Retry-After asks for', () => {
    fc.assert(
      fc.property(schedules, fc.integer({ min: 1, max: 100 }), randoms, fc.option(fc.nat()), (schedule, beyond, random, retryAfterMs) => {
        expect(nextAttemptAt(schedule, schedule.length + beyond, NOW, random, retryAfterMs)).toBeNull();
      }),
    );
  });
});

describe('Retry-After', () => {
  const waitFor = (retryAfterMs: number | null, failures = 1): number | null => nextAttemptAt(SCHEDULE, failures, 0, 0, retryAfterMs);

  it('lengthens a wait', () => {
    expect(waitFor(10 * MINUTE)).toBe(10 * MINUTE);
    expect(waitFor(MINUTE + 1)).toBe(MINUTE + 1);
  });

  it('does not shorten a wait', () => {
    expect(waitFor(0)).toBe(MINUTE);
    expect(waitFor(1_000)).toBe(MINUTE);
    expect(waitFor(10 * MINUTE, 3)).toBe(30 * MINUTE);
    expect(waitFor(null)).toBe(MINUTE);
  });

  it('lengthens a wait to an hour at most', () => {
    expect(waitFor(MAX_RETRY_AFTER_MS)).toBe(60 * MINUTE);
    expect(waitFor(MAX_RETRY_AFTER_MS + 1)).toBe(60 * MINUTE);
    expect(waitFor(999_999_999_999_000)).toBe(60 * MINUTE);
  });

  it('never makes a wait shorter than it is without, nor longer than an hour where it was shorter', () => {
    fc.assert(
      fc.property(schedules, fc.nat(), randoms, fc.maxSafeNat(), (schedule, place, random, retryAfterMs) => {
        const failures = (place % schedule.length) + 1;
        const plain = nextAttemptAt(schedule, failures, 0, random) as number;
        const asked = nextAttemptAt(schedule, failures, 0, random, retryAfterMs) as number;
        expect(asked).toBeGreaterThanOrEqual(plain);
        expect(asked).toBeLessThanOrEqual(Math.max(plain, MAX_RETRY_AFTER_MS));
      }),
    );
  });
});

describe('a Retry-After header', () => {
  it.each([
    ['0', 0],
    ['120', 120_000],
    [' 120 ', 120_000],
    ['007', 7_000],
    ['999999999999', 999_999_999_999_000],
  ])('of seconds: %j', (header, expected) => {
    expect(parseRetryAfter(header, NOW)).toBe(expected);
  });

  it.each([
    ['Mon, 23 Nov 2026 14:07:09 GMT', 120_000],
    ['Monday, 23-Nov-26 14:07:09 GMT', 120_000],
    ['Mon Nov 23 14:07:09 2026', 120_000],
    ['Sun Nov  1 14:07:09 2026', 0],
    ['Tue, 24 Nov 2026 14:05:09 GMT', 86_400_000],
    ['Mon, 23 Nov 2026 14:05:09 GMT', 0],
    ['2026-11-23T14:07:09Z', 120_000],
    ['2026-11-23T16:07:09.000+02:00', 120_000],
    ['2026-11-23T16:07:09+0200', 120_000],
  ])('of a time: %j', (header, expected) => {
    expect(parseRetryAfter(header, NOW)).toBe(expected);
  });

  it('of a time that is past asks for no wait', () => {
    expect(parseRetryAfter('Sun, 06 Nov 1994 08:49:37 GMT', NOW)).toBe(0);
  });

  it.each([
    null,
    undefined,
    '',
    ' ',
    '-5',
    '+5',
    '1.5',
    '1e5',
    '0x10',
    '120, 120',
    '1234567890123',
    'soon',
    '5 minutes',
    'about 2099',
    'maintenance until 2030',
    'Mon, 99 Nov 2026 14:07:09 GMT',
    'Mon, 23 Nov 2026',
    '2026-11-23',
    'NaN',
    'Infinity',
    '１２０',
  ])('that says nothing usable is no wish: %j', (header) => {
    expect(parseRetryAfter(header, NOW)).toBeNull();
  });

  it('never makes trouble, whatever it holds', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.date().map(String)), (header) => {
        const retryAfterMs = parseRetryAfter(header, NOW);
        if (retryAfterMs === null) return;
        expect(retryAfterMs).toBeGreaterThanOrEqual(0);
        expect(Number.isFinite(retryAfterMs)).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });
});
