import { describe, expect, it } from 'vitest';
import { bucketLabel, compactLabel, durationLabel, tickLabel } from '../../../src/dashboard/charts/labels.ts';

describe('a duration', () => {
  it.each([
    [0, '0 ms'],
    [340, '340 ms'],
    [999, '999 ms'],
    [1_000, '1 s'],
    [1_540, '1.5 s'],
    [30_000, '30 s'],
    [null, '–'],
  ])('of %j reads %s', (durationMs, label) => {
    expect(durationLabel(durationMs)).toBe(label);
  });
});

describe('a number on an axis', () => {
  it.each([
    [7, '7'],
    [950, '950'],
    [1_200, '1.2K'],
    [2_000_000, '2M'],
  ])('of %d reads %s', (value, label) => {
    expect(compactLabel(value)).toBe(label);
  });
});

describe('a time', () => {
  const time = '2026-11-25T00:30:00.000Z';
  const utc = { zone: 'UTC', language: 'en' };
  const kolkata = { zone: 'Asia/Kolkata', language: 'en' };

  it('on an axis is a time of day, or a day where the period is of days', () => {
    expect(tickLabel(utc, Date.parse(time), '1h')).toBe('00:30');
    expect(tickLabel(utc, Date.parse(time), '24h')).toBe('00:30');
    expect(tickLabel(utc, Date.parse(time), '7d')).toBe('25 Nov');
    expect(tickLabel(utc, Date.parse(time), '30d')).toBe('25 Nov');
  });

  it('of a bucket has the day, and the time of day where the bucket is shorter', () => {
    expect(bucketLabel(utc, time, 3_600)).toBe('25 Nov, 00:30');
    expect(bucketLabel(utc, '2026-11-25T00:00:00.000Z', 86_400)).toBe('25 Nov');
  });

  it('is that of the reader’s clocks, and says when a day of UTC begins by them', () => {
    expect(tickLabel(kolkata, Date.parse(time), '24h')).toBe('06:00');
    expect(bucketLabel(kolkata, '2026-11-25T20:00:00.000Z', 3_600)).toBe('26 Nov, 01:30');
    expect(bucketLabel(kolkata, '2026-11-25T00:00:00.000Z', 86_400)).toBe('25 Nov, 05:30');
  });
});
