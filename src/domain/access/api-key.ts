import { toHex } from '../text/encoding.ts';

/** What an organization's key can be allowed to do; see GRANTS for what includes what. */
export const KEY_SCOPES = ['read', 'write', 'admin'] as const;

export type KeyScope = (typeof KEY_SCOPES)[number];

/** The one scope of a platform key for producers: to post events, and nothing else. */
export const INGEST_SCOPE = 'ingest';

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

/** Whose a key is, by its looks. */
export type KeyKind = 'organization' | 'producer';

const PREFIXES: Record<KeyKind, string> = { organization: 'bsk_live_', producer: 'bsk_ingest_' };
const PATTERNS: Record<KeyKind, RegExp> = { organization: /^bsk_live_[0-9a-f]{32}$/, producer: /^bsk_ingest_[0-9a-f]{32}$/ };

/** Random bits are an argument: 16 bytes make a key that a plain hash keeps safe. */
export function writeKey(kind: KeyKind, random: Uint8Array): string {
  return PREFIXES[kind] + toHex(random);
}

/** Null where the text cannot be a stored key, and need not be looked up. */
export function keyKind(text: string): KeyKind | null {
  if (PATTERNS.organization.test(text)) return 'organization';
  return PATTERNS.producer.test(text) ? 'producer' : null;
}

/** What a key is recognized by in a list: its first 12 characters, and of a producer's, whose prefix is longer, 17. */
export function keyPrefix(plainKey: string): string {
  return plainKey.slice(0, plainKey.startsWith(PREFIXES.producer) ? 17 : 12);
}
