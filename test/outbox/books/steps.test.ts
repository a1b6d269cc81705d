import { afterEach, describe, expect, it, vi } from 'vitest';
import { inSteps } from '../../../src/outbox/books/steps.ts';

afterEach(() => {
  vi.useRealTimers();
});

function* ones(count: number): Generator<number> {
  for (let at = 0; at < count; at++) yield 1;
}

describe('what is counted in steps', () => {
  it('is the sum of all of them', async () => {
    expect(await inSteps(ones(7))).toBe(7);
    expect(await inSteps(ones(7), 7)).toBe(7);
    expect(await inSteps([])).toBe(0);
  });

  it('is given up after so many of them, though the clock stands still meanwhile, as it does in production', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    let made = 0;
    const counts = (function* () {
      for (; made < 1_000; made++) yield 1;
    })();
    expect(await inSteps(counts, 5)).toBeNull();
    expect(made).toBeLessThan(10);
  });
});
