import { runInDurableObject } from 'cloudflare:test';
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

const LOADED_AT = Date.now();
const DAY_MS = 86_400_000;

/**
 * Sees to it that no object's alarm fires by itself in a file's tests, whatever the date is that they drive: one that is set for a time that has
 * passed on the real clock would fire at once. What is set for sooner than tomorrow is set for tomorrow.
 * @param anyObject through which the storage's class is found: objects and tests share an isolate
 */
export function holdAlarms(anyObject: () => DurableObjectStub): void {
  beforeEach(async () => {
    await runInDurableObject(anyObject(), (_, { storage }) => {
      const { setAlarm } = storage;
      vi.spyOn(Object.getPrototypeOf(storage), 'setAlarm').mockImplementation(function (this: DurableObjectStorage, at: unknown) {
        return setAlarm.call(this, Math.max(Number(at), LOADED_AT + DAY_MS));
      });
    });
  });
  afterEach(() => void vi.restoreAllMocks());
}
