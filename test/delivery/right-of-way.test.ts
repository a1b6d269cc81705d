import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { isLate } from '../../src/delivery/lateness.ts';
import { MOST_WAIT_MS, RightOfWay } from '../../src/delivery/right-of-way.ts';

// Every wait here is virtual.
beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** An isolate that is overloaded, or not. */
function isolate({ overloaded }: { overloaded: boolean }): RightOfWay {
  return new RightOfWay(async () => overloaded);
}

/** Ordinary work that lasts until it is told to end. */
function ordinaryWork(way: RightOfWay) {
  const ends = Promise.withResolvers<void>();
  const done = way.ordinary(() => ends.promise);
  return {
    end: async () => {
      ends.resolve();
      await done;
    },
    fail: async () => {
      ends.reject(new Error('the batch failed'));
      await done.catch(() => {});
    },
  };
}

/** Gives way, and notes when the way was clear or it went on all the same. */
function givingWay(way: RightOfWay) {
  const startedAt = Date.now();
  const given: { wentOnAfterMs: number | null; clear: boolean | null } = { wentOnAfterMs: null, clear: null };
  void way.giveWay().then((clear) => Object.assign(given, { wentOnAfterMs: Date.now() - startedAt, clear }));
  return given;
}

describe('what gives way', () => {
  it('goes on at once where nothing else is under way, or was and is over', async () => {
    const way = isolate({ overloaded: true });
    const before = givingWay(way);
    await vi.advanceTimersByTimeAsync(0);
    await ordinaryWork(way).end();
    await ordinaryWork(way).fail();
    const after = givingWay(way);
    await vi.advanceTimersByTimeAsync(0);
    expect([before, after]).toEqual(Array(2).fill({ wentOnAfterMs: 0, clear: true }));
  });

  it('goes on beside what is under way while the isolate has time for both', async () => {
    const way = isolate({ overloaded: false });
    ordinaryWork(way);
    const given = givingWay(way);
    await vi.advanceTimersByTimeAsync(0);
    expect(given).toEqual({ wentOnAfterMs: 0, clear: true });
  });

  it('waits in an overloaded isolate until all that goes first is over', async () => {
    const way = isolate({ overloaded: true });
    const [one, other] = [ordinaryWork(way), ordinaryWork(way)];
    const given = givingWay(way);
    await vi.advanceTimersByTimeAsync(10);
    await one.end();
    await vi.advanceTimersByTimeAsync(10);
    expect(given.wentOnAfterMs).toBeNull();
    await other.end();
    await vi.advanceTimersByTimeAsync(0);
    expect(given).toEqual({ wentOnAfterMs: 20, clear: true });
    expect(vi.getTimerCount()).toBe(0);
  });

  it('waits for a moment only: it comes last, and not never', async () => {
    const way = isolate({ overloaded: true });
    ordinaryWork(way);
    const given = givingWay(way);
    await vi.advanceTimersByTimeAsync(MOST_WAIT_MS - 1);
    expect(given.wentOnAfterMs).toBeNull();
    await vi.advanceTimersByTimeAsync(1);
    expect(given).toEqual({ wentOnAfterMs: MOST_WAIT_MS, clear: false });
  });

  it('does not wait for a batch that the platform must have ended', async () => {
    const way = isolate({ overloaded: true });
    ordinaryWork(way);
    await vi.advanceTimersByTimeAsync(60_000);
    const given = givingWay(way);
    await vi.advanceTimersByTimeAsync(0);
    expect(given).toEqual({ wentOnAfterMs: 0, clear: true });
  });
});

describe('an isolate', () => {
  beforeEach(() => {
    vi.useRealTimers();
  });

  it('is late where something keeps its thread, and in time where nothing does', async () => {
    const late = isLate();
    // Some 200 ms on a fast machine.
    spin(3e8);
    expect(await late).toBe(true);
    await vi.waitFor(async () => expect(await isLate()).toBe(false));
  });
});

/** Keeps the thread. The result is returned so that nothing of it is left out. */
function spin(rounds: number): number {
  let value = 1;
  for (let round = 0; round < rounds; round++) value = Math.imul(value, 48_271) ^ round;
  return value;
}
