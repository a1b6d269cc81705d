import { configurationsOf, type LoadedConfig } from '../consumer/configuration-cache.ts';
import { webhooksThatWant } from '../consumer/fan-out.ts';
import type { IncomingEvent } from '../domain/event.ts';
import { TimedOut, within } from '../within.ts';
import type { ApiRequest } from './route.ts';

/** How long D1 may take to say that still nobody wants an event. Then it is sent: the consumer asks again. */
const ASK_TIMEOUT_MS = 500;
/** That somebody still wants an organization's events is learned anew so often: nothing that is accepted depends on it. */
const LEARN_AGAIN_MS = 60_000;

/**
 * Whether no webhook wants any of these events, so that they need not be queued: it is certain by a configuration of the last seconds
 * (consumer/configuration-cache.ts), or they are sent. A producer posts all that happens, and most organizations want little of it.
 * Only where nobody wanted them when this isolate last looked is D1 asked on their way; where somebody did, or nothing is known yet,
 * they go out at once, and D1 is asked beside it for the next ones.
 */
export async function areUnwanted(
  events: readonly IncomingEvent[],
  { env, waitUntil }: Pick<ApiRequest<never, never, never, never>, 'env' | 'waitUntil'>,
): Promise<boolean> {
  // As late as can be: reading the body may have taken its time, and a webhook can be new since.
  const now = Date.now();
  const configurations = configurationsOf(env);
  const ids = [...new Set(events.map(({ organizationId }) => organizationId))];
  const known = configurations.known(ids, now);
  if (!isWantedByNone(events, known)) {
    const old = ids.filter((id) => now - (known.get(id)?.readAt ?? Number.NEGATIVE_INFINITY) > LEARN_AGAIN_MS);
    if (old.length > 0) waitUntil(configurations.load(env.DB, old, now));
    return false;
  }
  if (areFresh(known)) return true;
  const loading = configurations.load(env.DB, ids, now);
  // What comes too late for these events is in time for the next ones.
  waitUntil(loading);
  try {
    const loaded = await within(ASK_TIMEOUT_MS, loading);
    return areFresh(loaded) && isWantedByNone(events, loaded);
  } catch (error) {
    if (error instanceof TimedOut) return false;
    throw error;
  }
}

/** Whether by these configurations no webhook wants any of the events. Of an organization that is missing nobody can say so. */
function isWantedByNone(events: readonly IncomingEvent[], configs: ReadonlyMap<string, LoadedConfig>): boolean {
  return events.every(({ organizationId, event }) => {
    const loaded = configs.get(organizationId);
    // Producers cannot post events of the service itself, which alone have a subject.
    return loaded !== undefined && webhooksThatWant(loaded.config, { event, subject: null }).length === 0;
  });
}

function areFresh(configs: ReadonlyMap<string, LoadedConfig>): boolean {
  return [...configs.values()].every(({ fresh }) => fresh);
}
