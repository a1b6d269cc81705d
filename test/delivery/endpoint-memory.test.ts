import { describe, expect, it } from 'vitest';
import { EndpointMemory, MOST_PATIENCE_MS } from '../../src/delivery/endpoint-memory.ts';

describe('patience with an endpoint', () => {
  it('is a tenth of a second while nothing is known of it', () => {
    expect(new EndpointMemory().patienceMs('whk')).toBe(100);
  });

  it('is four times what it usually takes, and never less than 20 ms or more than half a second', () => {
    for (const [tookMs, patienceMs] of [
      [1, 20],
      [30, 120],
      [100, 400],
      [300, 500],
    ] as const) {
      const memory = new EndpointMemory();
      memory.ended('whk', tookMs, true, 0);
      expect(memory.patienceMs('whk'), `${tookMs} ms`).toBe(patienceMs);
    }
  });

  it('grows by half of what one answer is slower, and shrinks with many faster ones', () => {
    const memory = new EndpointMemory();
    memory.ended('whk', 20, true, 0);
    memory.ended('whk', 100, true, 0);
    expect(memory.patienceMs('whk')).toBe(240);
    for (let i = 0; i < 5; i++) memory.ended('whk', 100, true, 0);
    expect(memory.patienceMs('whk')).toBeGreaterThan(380);
    for (let i = 0; i < 30; i++) memory.ended('whk', 20, true, 0);
    expect(memory.patienceMs('whk')).toBeLessThan(90);
  });
});

describe('an endpoint', () => {
  it('is left to its outbox for a minute when it has not answered in time', () => {
    const memory = new EndpointMemory();
    memory.slow('whk', 1_000);
    expect([1_000, 60_999, 61_000].map((now) => memory.isOff('whk', now))).toEqual([true, true, false]);
    expect(memory.isOff('other', 1_000)).toBe(false);
  });

  it('is taken back at once when the late answer was a success within half a second, and not when it took longer', () => {
    const memory = new EndpointMemory();
    memory.slow('whk', 0);
    memory.ended('whk', MOST_PATIENCE_MS, true, 500);
    expect(memory.isOff('whk', 500)).toBe(false);
    memory.slow('whk', 3_000);
    memory.ended('whk', 29_000, true, 32_000);
    expect(memory.isOff('whk', 91_999)).toBe(true);
    memory.ended('slow but sure', MOST_PATIENCE_MS + 1, true, 0);
    expect(memory.isOff('slow but sure', 59_999)).toBe(true);
  });

  it('is left to its outbox for ten seconds after two failures in a row, not after one', () => {
    const memory = new EndpointMemory();
    memory.ended('whk', 5, false, 0);
    expect(memory.isOff('whk', 1)).toBe(false);
    memory.ended('whk', 5, false, 0);
    expect([1, 9_999, 10_000].map((now) => memory.isOff('whk', now))).toEqual([true, true, false]);
    memory.ended('whk', 5, true, 20_000);
    memory.ended('whk', 5, false, 20_000);
    expect(memory.isOff('whk', 20_001)).toBe(false);
  });
});
