import { describe, expect, test } from 'vitest';
import { FreshCache, NothingKnown } from '../../src/db/fresh-cache.ts';

const options = { maxAgeMs: 3_000, lastKnownAgeMs: 60_000, timeoutMs: 20, maxEntries: 2 };
const down = () => Promise.reject(new Error('down'));

/** A source that counts how often it is read. */
function source() {
  let reads = 0;
  return { read: async () => ++reads, count: () => reads };
}

describe('what an isolate knows', () => {
  test('is read anew once it is older than its age', async () => {
    const cache = new FreshCache<number>(options);
    const { read } = source();
    expect(await cache.get('a', 0, read)).toBe(1);
    expect(await cache.get('a', 2_999, read)).toBe(1);
    expect(await cache.get('a', 3_000, read)).toBe(2);
  });

  test('serves as last known while it cannot be read, without a try for every request', async () => {
    const cache = new FreshCache<number>(options);
    const { read, count } = source();
    await cache.get('a', 0, read);
    expect(await cache.get('a', 10_000, down)).toBe(1);
    expect(await cache.get('a', 10_999, read)).toBe(1);
    expect(count()).toBe(1);
    expect(await cache.get('a', 11_000, read)).toBe(2);
  });

  test('serves as last known where the read hangs', async () => {
    const cache = new FreshCache<number>(options);
    await cache.get('a', 0, async () => 1);
    expect(await cache.get('a', 10_000, () => new Promise<number>(() => {}))).toBe(1);
  });

  test('is nothing where it was never read, or too long ago', async () => {
    const cache = new FreshCache<number>(options);
    await expect(cache.get('a', 0, down)).rejects.toThrow(NothingKnown);
    await cache.get('a', 0, async () => 1);
    await expect(cache.get('a', 60_001, down)).rejects.toThrow(NothingKnown);
  });

  test('is bounded: what was read longest ago goes first', async () => {
    const cache = new FreshCache<number>(options);
    for (const key of ['a', 'b', 'a', 'c']) await cache.get(key, key === 'c' ? 1 : 0, async () => 1);
    await cache.get('a', 5_000, async () => 2);
    expect(['a', 'b', 'c'].map((key) => cache.readAt(key) !== undefined)).toEqual([true, false, true]);
  });

  test('leaves out what is not worth keeping, which pushes nothing out', async () => {
    const cache = new FreshCache<number>({ ...options, isKept: (value) => value > 0 });
    for (const [key, value] of [
      ['a', 1],
      ['b', 1],
      ['c', 0],
      ['d', 0],
    ] as const)
      await cache.get(key, 0, async () => value);
    expect(['a', 'b', 'c', 'd'].map((key) => cache.readAt(key))).toEqual([0, 0, undefined, undefined]);
    expect(await cache.get('a', 3_000, async () => 0)).toBe(0);
    expect(cache.readAt('a')).toBeUndefined();
  });

  test('is read by the next request after it expired through a change of our own', async () => {
    const cache = new FreshCache<number>(options);
    const { read } = source();
    await cache.get('a', 0, read);
    cache.expire('a');
    expect(await cache.get('a', 1, read)).toBe(2);
    cache.expire('a');
    expect(await cache.get('a', 2, down)).toBe(2);
  });
});
