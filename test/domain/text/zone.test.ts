import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DAY_MS } from '../../../src/domain/text/day.ts';
import { endOf, localTime, momentOf, offsetMs, zoneOf } from '../../../src/domain/text/zone.ts';

const ZONES = Intl.supportedValuesOf('timeZone').map((name) => zoneOf(name)!);
const aZone = fc.constantFrom(...ZONES);
/** To the minute, of the years 2012 to 2049: before, some clocks were set back from shortly after midnight, so that a day came twice. */
const aMoment = fc.integer({ min: Date.UTC(2012) / 60_000, max: Date.UTC(2050) / 60_000 }).map((minutes) => minutes * 60_000);
const HOUR_MS = 3_600_000;

const hours = (day: string, zone: string) => (endOf(day, zone)! - momentOf(day, zone)!) / HOUR_MS;

describe('the name of a zone', () => {
  it.each(['Europe/Berlin', 'Asia/Kolkata', 'America/Argentina/Buenos_Aires', 'Etc/GMT+5'])('is taken as it is: %s', (name) => {
    expect(offsetMs(0, zoneOf(name)!)).toEqual(expect.any(Number));
    expect(zoneOf(name)).not.toBeNull();
  });

  it.each(['UTC', 'Etc/UTC', 'utc', 'Etc/GMT', 'GMT'])('is UTC where it means that: %s', (name) => {
    expect(zoneOf(name)).toBe('UTC');
  });

  it.each([undefined, '', 'Mars/Olympus', 'Europe/Berlin; Path=/', '<script>', '../etc', 'x'.repeat(10_000), 'Europe/Bérlin'])(
    'is none where it is not one: %s',
    (name) => {
      expect(zoneOf(name)).toBeNull();
    },
  );
});

describe('what clocks show', () => {
  it('leads back to the moment, in every zone', () => {
    fc.assert(
      fc.property(aZone, aMoment, (zone, at) => {
        const shown = localTime(at, zone);
        expect([momentOf(shown, zone, 'first'), momentOf(shown, zone, 'last')]).toContain(at);
      }),
      { numRuns: 500 },
    );
  });

  it('goes by half and quarter hours where clocks do', () => {
    const at = Date.parse('2026-11-23T14:05:00Z');
    expect(localTime(at, 'Asia/Kolkata')).toBe('2026-11-23T19:35');
    expect(localTime(at, 'Asia/Kathmandu')).toBe('2026-11-23T19:50');
    expect(localTime(at, 'America/St_Johns')).toBe('2026-11-23T10:35');
    expect(momentOf('2026-11-23T19:35', 'Asia/Kolkata')).toBe(at);
  });
});

describe('a day', () => {
  it('begins when the clocks first show it, and ends when the next begins, in every zone', () => {
    fc.assert(
      fc.property(aZone, aMoment, (zone, at) => {
        const day = localTime(at, zone).slice(0, 10);
        const start = momentOf(day, zone)!;
        const end = endOf(day, zone)!;
        expect(start).toBeLessThanOrEqual(at);
        expect(end).toBeGreaterThan(at);
        expect(localTime(start, zone).slice(0, 10)).toBe(day);
        expect(localTime(start - 60_000, zone).slice(0, 10) < day).toBe(true);
        expect(localTime(end, zone).slice(0, 10) > day).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it('has 23 hours when clocks are set forward, and 25 when they are set back', () => {
    expect(hours('2026-03-28', 'Europe/Berlin')).toBe(24);
    expect(hours('2026-03-29', 'Europe/Berlin')).toBe(23);
    expect(hours('2026-10-25', 'Europe/Berlin')).toBe(25);
    expect(hours('2026-03-08', 'America/New_York')).toBe(23);
    expect(hours('2026-11-01', 'America/New_York')).toBe(25);
    expect(hours('2026-04-05', 'Australia/Lord_Howe')).toBe(24.5);
    expect(hours('2026-10-25', 'UTC')).toBe(24);
  });

  it('begins at one in the night where clocks are set forward at midnight', () => {
    expect(localTime(momentOf('2026-04-24', 'Africa/Cairo')!, 'Africa/Cairo')).toBe('2026-04-24T01:00');
    expect(hours('2026-04-24', 'Africa/Cairo')).toBe(23);
  });

  it('is none that a zone has left out', () => {
    expect(hours('2011-12-30', 'Pacific/Apia')).toBe(0);
  });
});

describe('a time of day', () => {
  it('that clocks leave out is as long after the gap began', () => {
    expect(new Date(momentOf('2026-03-29T02:30', 'Europe/Berlin')!).toISOString()).toBe('2026-03-29T01:30:00.000Z');
  });

  it('that clocks show twice is the first or the last of the two', () => {
    expect(new Date(momentOf('2026-10-25T02:30', 'Europe/Berlin')!).toISOString()).toBe('2026-10-25T00:30:00.000Z');
    expect(new Date(endOf('2026-10-25T02:30', 'Europe/Berlin')!).toISOString()).toBe('2026-10-25T01:30:00.000Z');
  });

  it.each([
    '',
    'today',
    '2026-02-30',
    '2026-11-23T24:00',
    '2026-11-23T14:60',
    '0999-01-01',
    '3000-01-01',
    '2026-11-23T14:05Z',
    '2026-11-23 14:05',
  ])('is none where it is not one: %s', (text) => {
    for (const zone of ['UTC', 'Europe/Berlin']) expect([momentOf(text, zone), endOf(text, zone)]).toEqual([null, null]);
  });

  it('is known at both ends of the years that are taken', () => {
    expect(momentOf('1000-01-01', 'UTC')).toBe(Date.UTC(1000, 0, 1));
    expect(endOf('2999-12-31', 'UTC')).toBe(Date.UTC(3000, 0, 1));
    expect(endOf('2999-12-31', 'Asia/Tokyo')! - momentOf('2999-12-31', 'Asia/Tokyo')!).toBe(DAY_MS);
  });
});
