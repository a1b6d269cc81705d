import { configurationsOf, type LoadedConfig } from '../../consumer/configuration-cache.ts';
import { keepsBack, subscribersOf } from '../../consumer/fan-out.ts';
import { untoldEventsOf } from '../../consumer/untold-events.ts';
import type { IncomingEvent } from '../../domain/event/event.ts';
import { mintedAt } from '../../domain/ids.ts';
import { countingWebhook } from '../../domain/usage.ts';
import { TimedOut, within } from '../../within.ts';
import type { ApiRequest } from '../route.ts';

/** How long D1 may take to say that still nobody wants an event. Then it is sent: the consumer asks again. */
const ASK_TIMEOUT_MS = 500;
/** That somebody still wants an organization's events is learned anew so often: nothing that is accepted depends on it. */
const LEARN_AGAIN_MS = 60_000;

type Asking = Pick<ApiRequest<never, never, never, never>, 'env' | 'waitUntil'>;

/** Producers cannot post events of the service itself, which alone are about a webhook. */
const ABOUT_NONE = { about: null };

/**
 * Whether no webhook wants any of these events, so that they need not be queued: it is certain by a configuration of the last seconds
 * (consumer/configuration-cache.ts), or they are sent. A producer posts all that happens, and most organizations want little of it.
 * Only where nobody wanted them when this isolate last looked is D1 asked on their way; where somebody did, or nothing is known yet,
 * they go out at once, and D1 is asked beside it for the next ones. What filters keep back is noted here where it is not queued.
 * @param ids under which they are accepted, in their order
 */
export async function areUnwanted(events: readonly IncomingEvent[], ids: readonly string[], request: Asking): Promise<boolean> {
  const configs = await configsWithoutNeed(events, request);
  if (!configs) return false;
  noteFiltered(events, ids, configs, request);
  return true;
}

/** The configurations by which certainly no webhook wants any of the events; null where there are none. */
async function configsWithoutNeed(
  events: readonly IncomingEvent[],
  { env, waitUntil }: Asking,
): Promise<ReadonlyMap<string, LoadedConfig> | null> {
  // As late as can be: reading the body may have taken its time, and a webhook can be new since.
  const now = Date.now();
  const configurations = configurationsOf(env);
  const ids = [...new Set(events.map(({ organizationId }) => organizationId))];
  const known = configurations.known(ids, now);
  if (!isWantedByNone(events, known)) {
    const old = ids.filter((id) => now - (known.get(id)?.readAt ?? Number.NEGATIVE_INFINITY) > LEARN_AGAIN_MS);
    if (old.length > 0) waitUntil(configurations.load(env.DB, old, now));
    return null;
  }
  if (areFresh(known)) return known;
  const loading = configurations.load(env.DB, ids, now);
  // What comes too late for these events is in time for the next ones.
  waitUntil(loading);
  try {
    const loaded = await within(ASK_TIMEOUT_MS, loading);
    return areFresh(loaded) && isWantedByNone(events, loaded) ? loaded : null;
  } catch (error) {
    if (error instanceof TimedOut) return null;
    throw error;
  }
}

/** Whether by these configurations no webhook wants any of the events. Of an organization that is missing nobody can say so. */
function isWantedByNone(events: readonly IncomingEvent[], configs: ReadonlyMap<string, LoadedConfig>): boolean {
  return events.every(({ organizationId, event, value }) => {
    const loaded = configs.get(organizationId);
    if (loaded === undefined) return false;
    return subscribersOf(loaded.config, { event, ...ABOUT_NONE }).every((webhook) => keepsBack(webhook, { event, value }));
  });
}

function areFresh(configs: ReadonlyMap<string, LoadedConfig>): boolean {
  return [...configs.values()].every(({ fresh }) => fresh);
}

/** Notes events that are not queued with the webhooks that would have got them but for their filters. */
function noteFiltered(
  events: readonly IncomingEvent[],
  ids: readonly string[],
  configs: ReadonlyMap<string, LoadedConfig>,
  { env, waitUntil }: Asking,
): void {
  const now = Date.now();
  const untold = untoldEventsOf(env);
  for (const [index, { organizationId, event, value }] of events.entries()) {
    const id = ids[index] as string;
    const noted = { id, event, value, acceptedAt: mintedAt(id) ?? now };
    const subscribers = subscribersOf(configs.get(organizationId)?.config ?? null, { event, ...ABOUT_NONE });
    const counting = countingWebhook(subscribers);
    for (const webhook of subscribers) untold.note(webhook, noted, webhook === counting);
  }
  untold.tellSoon(env, waitUntil, now);
}
