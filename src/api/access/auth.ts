import { findApiKeyByHash, touchApiKey } from '../../db/api-keys.ts';
import { databaseOf, withoutParameters } from '../../db/client.ts';
import { FreshCache, NothingKnown } from '../../db/fresh-cache.ts';
import { grants, INGEST_SCOPE, type KeyScope, keyKind, keyStatus, METRICS_SCOPE } from '../../domain/access/api-key.ts';
import type { AuditActor } from '../../domain/access/audit-log.ts';
import { sha256 } from '../../domain/access/sha256.ts';
import { toHex } from '../../domain/text/encoding.ts';
import { logError } from '../../log.ts';
import { settingsOf } from '../../settings.ts';
import { ApiError, notFound } from '../errors.ts';
import { guesses } from './guesses.ts';

/**
 * Who a route is for. `any`: every key that is one. `ingest` and `metrics` are scopes of platform keys; `read`, `write` and `admin` of organization
 * keys; the platform key itself opens everything.
 */
export type Access = 'public' | 'any' | 'ingest' | 'metrics' | 'platform' | KeyScope;

/** Who makes a request, for the audit log. A producer's key, and nobody, change nothing that it tells of. */
export function actorOf(caller: Caller): AuditActor {
  if (caller.kind !== 'organization') return { type: 'platform', id: null, name: null };
  if ('session' in caller) return { type: 'dashboard', id: caller.session.id, name: caller.session.subject };
  return { type: 'api_key', id: caller.keyId, name: caller.keyName };
}

/** Who has presented a key. */
export type KeyCaller =
  /** `keyIndex`: which of the configured platform keys it is. */
  | { kind: 'platform'; keyIndex: number }
  /** A producer's key: it posts events, and nothing else. */
  | { kind: 'producer'; keyId: string }
  /** A key for who watches the service: it reads metrics, and nothing else. */
  | { kind: 'monitor'; keyId: string }
  | { kind: 'organization'; keyId: string; keyName: string; organizationId: string; scopes: readonly string[] };

/** Who makes a request. */
export type Caller =
  | KeyCaller
  /** Nobody in particular: a public route. */
  | { kind: 'anonymous' }
  /** A person in a session of the dashboard, with the key that made it; null: a link of the platform did. */
  | { kind: 'organization'; keyId: string | null; organizationId: string; scopes: readonly string[]; session: SessionOfCaller };

/** A person's session, as an audit log names it. */
export interface SessionOfCaller {
  id: string;
  /** Whom its link was made for, where it says so. */
  subject: string | null;
  /** When it was started, milliseconds since the epoch. */
  startedAt: number;
}

/** A stored key as authentication needs it. */
interface KnownKey {
  id: string;
  name: string;
  organizationId: string | null;
  scopes: readonly string[];
  expiresAt: number | null;
  revokedAt: number | null;
  lastUsedAt: number | null;
}

const encoder = new TextEncoder();

/** Up to this often a key's use is noted. */
const TOUCH_INTERVAL_MS = 60_000;

/**
 * While the database does not answer, a key that was seen opens for so long: it may have been revoked just before. A producer's opens
 * longer, since it adds events and shows nothing, and an outage of the database is not to stop what is accepted.
 */
const ORGANIZATION_KNOWN_MS = 300_000;
const PRODUCER_KNOWN_MS = 3_600_000;

/** By SHA-256 of the key. */
const knownKeys = new FreshCache<KnownKey | null>({
  // A change is in force everywhere within 5 s (DESIGN, section 3), and there is time to spare.
  maxAgeMs: 3_000,
  lastKnownAgeMs: (key) => (key?.organizationId === null ? PRODUCER_KNOWN_MS : ORGANIZATION_KNOWN_MS),
  timeoutMs: 1_000,
  maxEntries: 2_000,
  // A key that does not exist could be made in the next moment, and guesses would crowd out real keys.
  isKept: (key) => key !== null,
});

/** What a request needs of its surroundings to be authenticated. */
export interface AuthContext {
  env: Env;
  nowMs: number;
  /** Where it comes from (domain/access/client-address.ts); null where that is nobody's to be counted. */
  network: string | null;
  waitUntil(promise: Promise<unknown>): void;
}

/**
 * Finds out whose key a request carries. 401 where there is none or it opens nothing, 429 where too many such come from its network;
 * 503 where that cannot be found out.
 */
export async function authenticate(presented: string | undefined, context: AuthContext): Promise<KeyCaller> {
  if (presented === undefined || presented === '') throw new ApiError('missing_api_key', 'An API key is needed, in the header X-API-Key.');
  const keyIndex = platformKeyIndex(presented, settingsOf(context.env).platformKeys);
  if (keyIndex !== null) return { kind: 'platform', keyIndex };
  const key = keyKind(presented) === null ? null : await findKey(await hashKey(presented), context);
  if (key === null || keyStatus(key, context.nowMs) !== 'active') {
    await guesses.failed(context.env.FAILED_KEYS, context.network, context.nowMs);
    throw invalidKey();
  }
  noteUse(key, context);
  if (key.organizationId === null) return { kind: key.scopes.includes(METRICS_SCOPE) ? 'monitor' : 'producer', keyId: key.id };
  return { kind: 'organization', keyId: key.id, keyName: key.name, organizationId: key.organizationId, scopes: key.scopes };
}

/** The refusal of a key that opens nothing. */
export function invalidKey(): ApiError {
  return new ApiError('invalid_api_key', 'The API key is unknown, revoked or expired.');
}

/**
 * Whether a caller may use a route. Another organization's things are 404, exactly as if they did not exist: that is checked
 * before everything else.
 */
export function authorize(caller: Caller, access: Access, organizationId: string | undefined): void {
  if (access === 'public' || access === 'any' || caller.kind === 'platform') return;
  if (caller.kind === 'producer' && access === INGEST_SCOPE) return;
  if (caller.kind === 'monitor' && access === METRICS_SCOPE) return;
  if (caller.kind !== 'organization') {
    const may = caller.kind === 'monitor' ? 'read metrics' : 'post events';
    throw new ApiError('insufficient_scope', `This key may ${may}, and nothing else.`);
  }
  if (organizationId !== undefined && organizationId !== caller.organizationId) throw notFound('organization');
  if (access === 'ingest' || access === 'metrics' || access === 'platform')
    throw new ApiError('platform_key_required', 'This route needs a platform key.');
  if (!grants(caller.scopes, access)) {
    throw new ApiError('insufficient_scope', `This route needs a key with the scope "${access}".`, { requiredScope: access });
  }
}

/** The SHA-256 under which a key is stored, lower-case hex. */
export async function hashKey(plainKey: string): Promise<string> {
  return toHex(await sha256(plainKey));
}

/** Makes a change of a key made through this isolate take effect in it at once. */
export function forgetKey(keyHash: string): void {
  knownKeys.forget(keyHash);
}

/** Which of the platform keys it is; null where it is none. */
function platformKeyIndex(presented: string, platformKeys: readonly string[]): number | null {
  const bytes = encoder.encode(presented);
  let found: number | null = null;
  // Every key is compared, every byte of it: the time taken says nothing of how near a guess came, but for the key's length.
  for (const [index, key] of platformKeys.entries()) {
    const known = encoder.encode(key);
    const same = known.length === bytes.length;
    if (crypto.subtle.timingSafeEqual(known, same ? bytes : known) && same) found ??= index;
  }
  return found;
}

async function findKey(hash: string, { env, nowMs, network }: AuthContext): Promise<KnownKey | null> {
  if (knownKeys.readAt(hash) === undefined) guesses.requireTurn(network, nowMs);
  try {
    return await knownKeys.get(hash, nowMs, async () => (await findApiKeyByHash(databaseOf(env.DB), hash)) ?? null);
  } catch (error) {
    if (!(error instanceof NothingKnown)) throw error;
    logError('api.key_lookup_failed', withoutParameters(error.cause));
    throw new ApiError('configuration_unavailable', 'The API key cannot be checked right now. Please try again shortly.');
  }
}

/** Notes a key's use after the answer, at most once a minute from this isolate, and in the database over all isolates. */
function noteUse(key: KnownKey, { env, nowMs, waitUntil }: AuthContext): void {
  const notSince = nowMs - TOUCH_INTERVAL_MS;
  if (key.lastUsedAt !== null && key.lastUsedAt >= notSince) return;
  key.lastUsedAt = nowMs;
  waitUntil(
    touchApiKey(databaseOf(env.DB), key.id, nowMs, notSince).catch((error) =>
      logError('api.key_use_not_noted', withoutParameters(error), { keyId: key.id }),
    ),
  );
}
