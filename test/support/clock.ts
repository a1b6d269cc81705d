import { afterEach, beforeEach, vi } from 'vitest';

/**
 * Drives the date in a file's tests: it moves only when a test moves it (vi.setSystemTime), and only forwards from test to test,
 * since ids carry it. Waits inside the runtime stay real, and alarms are run by hand (runAlarm).
 */
export function driveDate(startMs = Date.now()): void {
  let now = startMs;
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['Date'], now });
  });
  afterEach(() => {
    now = Date.now();
    vi.useRealTimers();
  });
}
