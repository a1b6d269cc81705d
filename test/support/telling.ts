import { vi } from 'vitest';

/** How long an isolate gathers what filters keep back before it tells outboxes. */
const GATHERED_MS = 20_000;

/**
 * Has isolates tell outboxes at once of what filters have kept back: else whoever waits for what a batch or a request has left to do waits for
 * as long as they gather. vi.restoreAllMocks() ends it.
 */
export function tellAtOnce(): void {
  const wait = scheduler.wait.bind(scheduler);
  vi.spyOn(scheduler, 'wait').mockImplementation((ms, options) => wait(ms === GATHERED_MS ? 0 : ms, options));
}
