import { setTimeout as wait } from 'node:timers/promises';
import { arrivalsOf } from './arrivals.ts';
import type { Setting } from './comparison.ts';
import { nowMs } from './statistics.ts';

/** How long events may still take to arrive once everything has been measured. */
const ARRIVE_WITHIN_MS = 15_000;
/** How long the log may take to have everything, after the last arrival. */
const LOGGED_WITHIN_MS = 30_000;
const LOOK_EVERY_MS = 1_000;

/** Which of some events the log does not have as delivered, at this moment; null where the target keeps no log. */
export async function notDelivered({ target, organizations }: Setting, eventIds: readonly string[]): Promise<string[] | null> {
  if (!target.log) return null;
  const delivered = new Set<string>();
  for (const { id } of organizations) {
    for (const { eventId, status } of await target.log(id)) if (status === 'delivered') delivered.add(eventId);
  }
  return eventIds.filter((id) => !delivered.has(id));
}

/** How many events did not arrive, or are not in the log as delivered, once both have had time to. */
export async function lostOf(setting: Setting, eventIds: readonly string[]): Promise<number> {
  const { first } = await arrivalsOf(eventIds, setting.endpoints, ARRIVE_WITHIN_MS);
  const deadline = nowMs() + LOGGED_WITHIN_MS;
  for (;;) {
    const missing = new Set(await notDelivered(setting, eventIds));
    if (missing.size === 0 || nowMs() > deadline) return eventIds.filter((id) => missing.has(id) || !first.has(id)).length;
    await wait(LOOK_EVERY_MS);
  }
}
