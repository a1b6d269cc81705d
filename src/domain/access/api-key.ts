import { toHex } from '../text/encoding.ts';

/** What an organization's key can be allowed to do; see GRANTS for what includes what. */
export const KEY_SCOPES = ['read', 'write', 'admin'] as const;

export type KeyScope = (typeof KEY_SCOPES)[number];

/** The scope of a platform key for producers: to post events, and nothing else. */
export const INGEST_SCOPE = 'ingest';

/** The scope of a platform key for who watches the service: to read its metrics, and nothing else. */
export const METRICS_SCOPE = 'metrics';

/** What a platform key can be made for; each is for one thing. */
export const PLATFORM_SCOPES = [INGEST_SCOPE, METRICS_SCOPE] as const;

export type PlatformScope = (typeof PLATFORM_SCOPES)[number];

/** The most keys of an organization (or of the platform) that can be active at a time. */
export const MAX_ACTIVE_KEYS = 100;

/** The most keys of an owner that have ended and are still listed: the latest. */
export const MAX_ENDED_KEYS = 200;

/** How long a revoked or expired key stays listed. */
export const ENDED_KEY_RETENTION_MS = 30 * 86_400_000;

/** Which scopes open a route that needs one: admin includes write, and whoever may write may see what was written. */
const GRANTS: Record<KeyScope, readonly string[]> = {
  read: ['read', 'write', 'admin'],
  write: ['write', 'admin'],
  admin: ['admin'],
};

export function grants(scopes: readonly string[], needed: KeyScope): boolean {
  return scopes.some((scope) => GRANTS[needed].includes(scope));
}

/**
 * - `active`: opens what its scopes allow.
 * - `revoked`: was ended by a person. Final.
 * - `expired`: its `expiresAt` has passed. Final.
 */
export const KEY_STATUSES = ['active', 'revoked', 'expired'] as const;

export type KeyStatus = (typeof KEY_STATUSES)[number];

export function keyStatus(key: { revokedAt: number | null; expiresAt: number | null }, nowMs: number): KeyStatus {
  if (key.revokedAt !== null) return 'revoked';
  return key.expiresAt !== null && key.expiresAt <= nowMs ? 'expired' : 'active';
}

/**
 * Whose a key is, by its looks. A monitor's has a prefix of its own, so that versions before, which take every stored key of the platform for a
 * producer's, do not know it at all.
 */
export type KeyKind = 'organization' | 'producer' | 'monitor';

const PREFIXES: Record<KeyKind, string> = { organization: 'bsk_live_', producer: 'bsk_ingest_', monitor: 'bsk_metrics_' };
const KEY_KINDS = Object.keys(PREFIXES) as KeyKind[];
/** Of a key that is listed, beyond `bsk_live_`'s: its prefix and so many characters. */
const SHOWN_CHARACTERS = 6;

/** Random bits are an argument: 16 bytes make a key that a plain hash keeps safe. */
export function writeKey(kind: KeyKind, random: Uint8Array): string {
  return PREFIXES[kind] + toHex(random);
}

/** Null where the text cannot be a stored key, and need not be looked up. */
export function keyKind(text: string): KeyKind | null {
  return KEY_KINDS.find((kind) => text.startsWith(PREFIXES[kind]) && /^[0-9a-f]{32}$/.test(text.slice(PREFIXES[kind].length))) ?? null;
}

/** What a key is recognized by in a list: its first 12 characters, and of a platform key, whose prefix is longer, 17 or 18. */
export function keyPrefix(plainKey: string): string {
  const kind = KEY_KINDS.find((each) => each !== 'organization' && plainKey.startsWith(PREFIXES[each]));
  return plainKey.slice(0, kind ? PREFIXES[kind].length + SHOWN_CHARACTERS : 12);
}
