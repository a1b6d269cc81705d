import { type MockInstance, vi } from 'vitest';

/** How long an isolate gathers what filters keep back before it tells outboxes. */
const GATHERED_MS = 24_000;

/**
 * Has isolates tell outboxes at once of what filters have kept back: else whoever waits for what a batch or a request has left to do waits for
 * as long as they gather. vi.restoreAllMocks() ends it.
 */
export function tellAtOnce(): MockInstance {
  return gatherFor(async () => {});
}

/** Has isolates gather until a driven date (support/clock.ts) has moved on by as long. vi.restoreAllMocks() ends it. */
export function gatherByDate(): MockInstance {
  const wait = scheduler.wait.bind(scheduler);
  return gatherFor(async () => {
    for (const until = Date.now() + GATHERED_MS; Date.now() < until; ) await wait(1);
  });
}

function gatherFor(gathering: () => Promise<void>): MockInstance {
  const wait = scheduler.wait.bind(scheduler);
  return vi
    .spyOn(scheduler, 'wait')
    .mockImplementation(async (ms, options) => await (ms === GATHERED_MS ? gathering() : wait(ms, options)));
}
