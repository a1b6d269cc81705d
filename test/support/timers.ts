import { vi } from 'vitest';

/**
 * Timers that are set from now on and have neither fired nor been cleared, each with its time in milliseconds. Restored by
 * `vi.restoreAllMocks()`.
 */
export function watchTimers(): ReadonlyMap<unknown, number | undefined> {
  const pending = new Map<unknown, number | undefined>();
  const [set, clear] = [globalThis.setTimeout, globalThis.clearTimeout];
  vi.spyOn(globalThis, 'setTimeout').mockImplementation(((callback: () => void, ms?: number) => {
    const timer = set(() => {
      pending.delete(timer);
      callback();
    }, ms);
    pending.set(timer, ms);
    return timer;
  }) as typeof setTimeout);
  vi.spyOn(globalThis, 'clearTimeout').mockImplementation((timer) => {
    pending.delete(timer);
    clear(timer);
  });
  return pending;
}
