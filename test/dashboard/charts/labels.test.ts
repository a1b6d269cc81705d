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

  it('on an axis is a time of day, or a day where the period is of days', () => {
    expect(tickLabel(new Date(time), '1h')).toBe('00:30');
    expect(tickLabel(new Date(time), '24h')).toBe('00:30');
    expect(tickLabel(new Date(time), '7d')).toBe('Nov 25');
    expect(tickLabel(new Date(time), '30d')).toBe('Nov 25');
  });

  it('of a bucket has the day, and the time of day where the bucket is shorter', () => {
    expect(bucketLabel(time, 3_600)).toBe('Nov 25, 00:30');
    expect(bucketLabel(time, 86_400)).toBe('Nov 25');
  });
});
