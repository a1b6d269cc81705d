import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PLOT_HEIGHT, slotOf, valueScale } from '../../../src/dashboard/charts/plot.tsx';
import { PERIOD_NAMES } from '../../../src/domain/delivery/statistics.ts';
import { statisticsOf } from '../../support/statistics.ts';

describe('the axis of values', () => {
  it('starts at zero, holds the largest, and labels whole numbers, up to the top', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e9 }), (largest) => {
        const { y, ticks } = valueScale(largest);
        expect(y(0)).toBe(PLOT_HEIGHT);
        expect(y(largest)).toBeGreaterThanOrEqual(0);
        expect(ticks[0]).toBe(0);
        expect(y(ticks.at(-1)!)).toBeCloseTo(0);
        expect(ticks.every(Number.isInteger)).toBe(true);
        expect(ticks.length).toBeGreaterThanOrEqual(2);
        expect(ticks.length).toBeLessThanOrEqual(7);
      }),
    );
  });

  it('likes round numbers', () => {
    expect(valueScale(0).ticks).toEqual([0, 1]);
    expect(valueScale(3).ticks).toEqual([0, 1, 2, 3]);
    expect(valueScale(523).ticks).toEqual([0, 200, 400, 600]);
  });
});

describe('the slots of the buckets', () => {
  it.each(PERIOD_NAMES)('of %s are of one width, in order, apart, and within the area', (period) => {
    const statistics = statisticsOf(period, []);
    const slots = statistics.buckets.map((bucket) => slotOf(statistics, bucket));
    for (const [index, { x, width, middle }] of slots.entries()) {
      expect(width).toBeCloseTo(slots[0]!.width, 1);
      expect(middle).toBeCloseTo(x + width / 2, 1);
      expect(x).toBeGreaterThan(index === 0 ? 0 : slots[index - 1]!.x + width);
    }
    expect(slots.at(-1)!.x + slots.at(-1)!.width).toBeLessThan(100);
  });
});
