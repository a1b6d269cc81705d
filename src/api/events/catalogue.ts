import { databaseOf, withoutParameters } from '../../db/client.ts';
import { listEventTypes } from '../../db/event-types.ts';
import { FreshCache, NothingKnown } from '../../db/fresh-cache.ts';
import { BUILT_IN_EVENT_TYPES, type EventType } from '../../domain/event/event-type.ts';
import { logError } from '../../log.ts';

type Catalogue = ReadonlyMap<string, EventType>;

/** What ingest may rely on. */
export interface KnownEventTypes {
  types: Catalogue;
  /** False where D1 was never reached: a type that is not known may exist all the same. */
  complete: boolean;
}

const KEY = 'catalogue';
/** The whole catalogue as one value: it is small. A change is in force everywhere within 5 s: 3 s old at most, and time to spare. */
const cache = new FreshCache<Catalogue>({ maxAgeMs: 3_000, lastKnownAgeMs: Number.POSITIVE_INFINITY, timeoutMs: 1_000, maxEntries: 1 });
const builtIn: Catalogue = byName(BUILT_IN_EVENT_TYPES);

/** After D1 could not be reached by an isolate that knows nothing yet: how long the built-in types serve without another try. */
const TRY_AGAIN_MS = 1_000;
let tryAgainAt = 0;

/** The catalogue for events of some types, read at most every few seconds; anew where it lacks one of them, which may just have been added. */
export async function knownEventTypes(env: Env, needed: readonly string[], nowMs: number): Promise<KnownEventTypes> {
  if (nowMs < tryAgainAt && cache.readAt(KEY) === undefined) return { types: builtIn, complete: false };
  const read = async () => byName(await listEventTypes(databaseOf(env.DB)));
  try {
    let types = await cache.get(KEY, nowMs, read);
    if (cache.readAt(KEY) !== nowMs && needed.some((name) => !types.has(name))) {
      cache.expire(KEY);
      types = await cache.get(KEY, nowMs, read);
    }
    return { types, complete: true };
  } catch (error) {
    if (!(error instanceof NothingKnown)) throw error;
    logError('api.catalogue_unreachable', withoutParameters(error.cause));
    tryAgainAt = nowMs + TRY_AGAIN_MS;
    return { types: builtIn, complete: false };
  }
}

/** Makes a change made through this isolate take effect in it at once. */
export function expireCatalogue(): void {
  cache.expire(KEY);
}

function byName(types: readonly EventType[]): Catalogue {
  return new Map(types.map((type) => [type.name, type]));
}
