import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { timeTicks } from '../../../src/dashboard/charts/time-ticks.ts';
import { bucketStarts, PERIOD_NAMES, PERIODS, type Period } from '../../../src/domain/delivery/statistics.ts';
import { localTime, zoneOf } from '../../../src/domain/text/zone.ts';

const ZONES = Intl.supportedValuesOf('timeZone').map((name) => zoneOf(name)!);

/** A period that ends at a time, as the statistics have it. */
function spanOf(period: Period, now: number) {
  const [first = 0] = bucketStarts(period, now);
  return { period, from: new Date(first).toISOString(), to: new Date(first + PERIODS[period].lengthMs).toISOString() };
}

const shown = (period: Period, zone: string, now = '2026-11-25T22:10:00Z') =>
  timeTicks(spanOf(period, Date.parse(now)), zone).map(({ at }) => localTime(at, zone).slice(5));

describe('the labels of a time axis', () => {
  it('are in order and within it, and there are 5 to 11 of them, in every zone and at any time', () => {
    const aTime = fc.integer({ min: Date.UTC(2012), max: Date.UTC(2050) });
    fc.assert(
      fc.property(fc.constantFrom(...PERIOD_NAMES), fc.constantFrom(...ZONES), aTime, (period, zone, now) => {
        const span = spanOf(period, now);
        const ticks = timeTicks(span, zone);
        const times = ticks.map(({ at }) => at);
        expect(times).toEqual([...new Set(times)].sort((a, b) => a - b));
        expect(times[0]).toBeGreaterThanOrEqual(Date.parse(span.from));
        expect(times.at(-1)).toBeLessThanOrEqual(Date.parse(span.to));
        expect(ticks.length).toBeGreaterThanOrEqual(5);
        expect(ticks.length).toBeLessThanOrEqual(11);
        expect(ticks.filter(({ isMinor }) => !isMinor).length).toBeGreaterThanOrEqual(3);
        expect(ticks[0]!.startsDay).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it('stand at round times of the reader’s clocks, also where these are half an hour off', () => {
    expect(shown('24h', 'UTC')).toEqual(
      ['25T00:00', '25T03:00', '25T06:00', '25T09:00', '25T12:00', '25T15:00', '25T18:00', '25T21:00'].map((time) => `11-${time}`),
    );
    expect(shown('24h', 'Asia/Kolkata').slice(0, 3)).toEqual(['11-25T06:00', '11-25T09:00', '11-25T12:00']);
    expect(shown('1h', 'Asia/Kathmandu')[0]).toMatch(/:[0-5]0$/);
    expect(shown('7d', 'America/New_York').every((time) => time.endsWith('T00:00'))).toBe(true);
  });

  it('say which day begins', () => {
    const ticks = timeTicks(spanOf('24h', Date.parse('2026-11-25T10:10:00Z')), 'Europe/Berlin');
    expect(ticks.filter(({ startsDay }) => startsDay).map(({ at }) => localTime(at, 'Europe/Berlin').slice(5))).toEqual([
      '11-24T12:00',
      '11-25T00:00',
    ]);
  });

  it('keep to the clocks on days of 23 and of 25 hours', () => {
    const after = (day: string) => shown('24h', 'Europe/Berlin', `${day}T10:10:00Z`).map((time) => time.slice(6));
    for (const day of ['2026-03-29', '2026-10-25']) expect(after(day).every((time) => Number(time.slice(0, 2)) % 3 === 0)).toBe(true);
  });
});
