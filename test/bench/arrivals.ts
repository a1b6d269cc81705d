import { setTimeout as wait } from 'node:timers/promises';
import type { Endpoints } from './endpoints.ts';
import { nowMs } from './statistics.ts';

/** How long arrivals are waited for after the last event was sent, where a part says nothing else. */
const ARRIVE_WITHIN_MS = 30_000;
/** How long they may fail to come while so many wait that they take their time. */
const STALLED_AFTER_MS = 15_000;
const LOOK_EVERY_MS = 250;

/** When events first arrived, by id, how many arrivals were repetitions, and until when they were waited for. */
export interface Arrivals {
  first: Map<string, number>;
  twice: number;
  until: number;
}

/** When each event first arrived; waits for those that are still on their way, but no longer than it is told. */
export async function arrivalsOf(
  eventIds: readonly string[],
  endpoints: Endpoints,
  withinMs: number = ARRIVE_WITHIN_MS,
): Promise<Arrivals> {
  const deadline = nowMs() + withinMs;
  for (;;) {
    const arrivals = firstArrivals(await endpoints.arrivals());
    if (eventIds.every((id) => arrivals.first.has(id)) || nowMs() > deadline) return arrivals;
    await wait(LOOK_EVERY_MS);
  }
}

/** Waits until so many have arrived, however long it takes while more keep coming. */
export async function untilArrived(count: number, endpoints: Endpoints): Promise<void> {
  let arrived = 0;
  let stalledAt = nowMs() + STALLED_AFTER_MS;
  while (arrived < count && nowMs() < stalledAt) {
    await wait(LOOK_EVERY_MS);
    const now = await endpoints.arrivedCount();
    if (now > arrived) stalledAt = nowMs() + STALLED_AFTER_MS;
    arrived = now;
  }
}

function firstArrivals(arrivals: Awaited<ReturnType<Endpoints['arrivals']>>): Arrivals {
  const first = new Map<string, number>();
  for (const { eventId, atMs } of arrivals) if (!first.has(eventId)) first.set(eventId, atMs);
  return { first, twice: arrivals.length - first.size, until: nowMs() };
}
