import { keyStatus } from './api-key.ts';

/** How long a link signs in: it is made for somebody who is there. */
export const LINK_LIFETIME_MS = 15 * 60_000;

/** How long a person stays signed in: a working day. */
export const SESSION_LIFETIME_MS = 12 * 3_600_000;

/** How long after signing in a person can see and change secrets and headers. */
export const FRESH_SIGN_IN_MS = 15 * 60_000;

/** The most sessions of an organization that one key, or the platform, has made: a further one ends the oldest. */
export const MAX_SESSIONS = 50;

/** Longest name of the person whom a link is for, in characters. */
export const MAX_SUBJECT_LENGTH = 200;

/** Who made a link or a session, as it is now. */
export interface Maker {
  /** The organization's key; null where a platform key made it. */
  key: { revokedAt: number | null; expiresAt: number | null } | null;
  platformMark: string | null;
}

/** Whether the key that made a link or a session still opens anything: both end with it. */
export function makerIsActive({ key, platformMark }: Maker, platformMarks: readonly string[], nowMs: number): boolean {
  if (platformMark !== null) return platformMarks.includes(platformMark);
  return key !== null && keyStatus(key, nowMs) === 'active';
}

/** What a session is called where its token must not be: the beginning of the token's hash. */
export function idOfSession(tokenHash: string): string {
  return tokenHash.slice(0, 16);
}
