import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PLOT_HEIGHT, valueScale } from '../../../src/dashboard/charts/plot.tsx';
import { stack } from '../../../src/dashboard/charts/stacked-bars.tsx';

const total = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0);

describe('the layers of a bar', () => {
  it('stand on each other within the area, and each that counts something is seen', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 1e7 }), { minLength: 1, maxLength: 5 }),
        fc.integer({ min: 0, max: 1e7 }),
        (values, rest) => {
          const parts = stack(values, valueScale(total(values) + rest));
          let top = PLOT_HEIGHT;
          for (const [index, part] of parts.entries()) {
            expect(part === null).toBe(values[index] === 0);
            if (part === null) continue;
            expect(part.height).toBeGreaterThanOrEqual(2);
            expect(part.y + part.height).toBeCloseTo(top, 1);
            top = part.y;
          }
          expect(top).toBeGreaterThanOrEqual(0);
        },
      ),
    );
  });

  it('are as tall as what they count, beside what is too little to be seen', () => {
    const scale = valueScale(10_000);
    expect(stack([5_000, 1, 0], scale)).toEqual([{ y: 80, height: 80 }, { y: 78, height: 2 }, null]);
    expect(stack([9_999, 1, 0], scale)).toEqual([{ y: 2, height: 158 }, { y: 0, height: 2 }, null]);
  });
});
