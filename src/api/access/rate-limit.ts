import { logError } from '../../log.ts';
import { within } from '../../within.ts';
import { ApiError } from '../errors.ts';
import type { Count, RateLimitState } from './rate-limiter.ts';

/** How long a request waits for its count. */
const TIMEOUT_MS = 500;

/*
 * What an organization may ask for in a minute. A key's requests are limited within those of all keys, and a session's within those of
 * all sessions: whoever has one key or one session does not use up what is the others'. Programs and people are counted apart: who
 * looks at a dashboard is not locked out by a program, nor the other way.
 */
export const REQUESTS_OF_KEY = 1_000;
export const REQUESTS_OF_KEYS = 10_000;
export const REQUESTS_OF_SESSION = 600;
export const REQUESTS_OF_SESSIONS = 5_000;
/** What adds to the database that all organizations share, or changes it. What ends something does neither for long, and is not counted. */
export const WRITES_OF_KEY = 250;
export const WRITES = 500;
/** A session is a row as well; apart, since who may only read must not keep others from writing. */
export const SIGN_INS_OF_KEY = 120;
export const SIGN_INS = 600;
/** A preview goes through what a webhook's log has of the latest events, and renders some of them. */
export const PREVIEWS_OF_KEY = 120;
export const PREVIEWS = 240;

const allKeys: Count = { name: 'keys', limit: REQUESTS_OF_KEYS, of: "requests of an organization's API keys" };
const allSessions: Count = { name: 'sessions', limit: REQUESTS_OF_SESSIONS, of: "requests of an organization's dashboard sessions" };

/** What a request with a key counts for. */
export function countsOfKey(keyId: string): Count[] {
  return [{ name: `key:${keyId}`, limit: REQUESTS_OF_KEY, of: 'requests of an API key' }, allKeys];
}

/**
 * What a request of a session counts for. Sessions made with one key share what a key has, so that signing in again and again gives no
 * more of it.
 * @param keyId the key that the session was made with; null where the platform's did
 * @param session the hash of its token; null where it is about to be made
 */
export function countsOfSession(keyId: string | null, session: string | null): Count[] {
  const one = session === null ? [] : [{ name: `session:${session}`, limit: REQUESTS_OF_SESSION, of: 'requests of a dashboard session' }];
  return [...one, ...ofKey(keyId, 'sessions', REQUESTS_OF_KEY, 'requests of sessions that were made with one API key'), allSessions];
}

/** What writing with a key, or in a session that was made with it, counts for; in one that the platform made (null) for the organization alone. */
export function countsOfWrite(keyId: string | null): Count[] {
  const what = 'new or changed webhooks, keys and sign-in links';
  return [
    ...ofKey(keyId, 'writes', WRITES_OF_KEY, `${what} with one API key`),
    { name: 'writes', limit: WRITES, of: `${what} of an organization` },
  ];
}

/** What a preview with a key counts for, or one in a session that was made with it; in one that the platform made (null) for the organization alone. */
export function countsOfPreview(keyId: string | null): Count[] {
  return [
    ...ofKey(keyId, 'previews', PREVIEWS_OF_KEY, 'previews with one API key'),
    { name: 'previews', limit: PREVIEWS, of: 'previews of an organization' },
  ];
}

/** What signing in counts for; with a link of the platform (null) for the organization alone: each link is one person's click. */
export function countsOfSignIn(keyId: string | null): Count[] {
  return [
    ...ofKey(keyId, 'sign-ins', SIGN_INS_OF_KEY, 'sign-ins with one API key'),
    { name: 'sign-ins', limit: SIGN_INS, of: 'sign-ins of an organization' },
  ];
}

/** Mails that ask somebody whether they want alerts: an organization names the addresses, and nobody has proved that they are its own. */
export const CONFIRMATIONS_A_DAY = 20;
const CONFIRMATION_AGAIN_MS = 600_000;
const CONFIRMATIONS_OF_ONE = 3;
const DAY_MS = 86_400_000;
/** Trials of the alerts, each a mail to every confirmed address. */
export const TRIALS_AN_HOUR = 5;

/**
 * What a mail counts for that asks an address whether it wants alerts: twice for the address, and last for the organization.
 * @param address its keyed hash: addresses are not kept here
 */
export function countsOfConfirmation(address: string): [again: Count, ofOne: Count, ofAll: Count] {
  return [
    { name: `confirmation:${address}`, limit: 1, windowMs: CONFIRMATION_AGAIN_MS, of: 'mails that ask one address to confirm' },
    { name: `confirmations:${address}`, limit: CONFIRMATIONS_OF_ONE, windowMs: DAY_MS, of: 'mails that ask one address to confirm' },
    {
      name: 'confirmations',
      limit: CONFIRMATIONS_A_DAY,
      windowMs: DAY_MS,
      of: 'mails of an organization that ask an address to confirm',
    },
  ];
}

/** Erasures of people that an organization can ask for in a day: each is rows in the database that all share. */
export const ERASURES_A_DAY = 1_000;

/** What an erasure of a person counts for. */
export function countsOfErasure(): Count[] {
  return [{ name: 'erasures', limit: ERASURES_A_DAY, windowMs: DAY_MS, of: 'erasures of an organization' }];
}

/** What a trial of the alerts counts for. */
export function countsOfTrial(): Count[] {
  return [{ name: 'trials', limit: TRIALS_AN_HOUR, windowMs: 3_600_000, of: 'trials of the alerts of an organization' }];
}

/** What is counted of one key; nothing where none is behind the request. */
function ofKey(keyId: string | null, name: string, limit: number, of: string): Count[] {
  return keyId === null ? [] : [{ name: `${name}:${keyId}`, limit, of }];
}

/** Counts a request of an organization. Null where that fails: a limiter that is down must not take the API with it. */
export async function countRequest(env: Env, organizationId: string, counts: readonly Count[]): Promise<RateLimitState | null> {
  return await ofLimiter(env, organizationId, (limiter) => limiter.take(counts));
}

/** Where counts of an organization stand, in their order, before anything is done that counts. Null where that fails. */
export async function lookAtCounts(env: Env, organizationId: string, counts: readonly Count[]): Promise<RateLimitState[] | null> {
  return await ofLimiter(env, organizationId, (limiter) => limiter.look(counts));
}

async function ofLimiter<T>(
  env: Env,
  organizationId: string,
  ask: (limiter: ReturnType<Env['RATE_LIMITER']['getByName']>) => Promise<T>,
): Promise<T | null> {
  try {
    return await within(TIMEOUT_MS, ask(env.RATE_LIMITER.getByName(`organization:${organizationId}`)));
  } catch (error) {
    logError('api.rate_limiter_failed', error, { organization: organizationId });
    return null;
  }
}

/** Counts a request of an organization: 429 where that is one too many. */
export async function requireCount(env: Env, organizationId: string, counts: readonly Count[], nowMs: number): Promise<void> {
  const state = await countRequest(env, organizationId, counts);
  if (state && !state.allowed) throw new RateLimited(state, nowMs);
}

const PERIODS: Readonly<Record<number, string>> = { 600000: 'in ten minutes', 3600000: 'an hour', 86400000: 'a day' };

/** The 429 of a window that is used up. `X-RateLimit-*` beside it are those of this window: it is the one to wait for. */
export class RateLimited extends ApiError {
  readonly state: RateLimitState;

  constructor(state: RateLimitState, nowMs: number) {
    const { limit, of, resetAt, windowMs } = state;
    super(
      'rate_limited',
      `At most ${limit} ${of} ${(windowMs && PERIODS[windowMs]) || 'a minute'}.`,
      { limit },
      Math.max(1, Math.ceil((resetAt - nowMs) / 1_000)),
    );
    this.state = state;
  }
}

/** `X-RateLimit-*`, on every answer to an organization key; `-Reset` in Unix seconds. */
export function setRateLimitHeaders(headers: Headers, state: RateLimitState): void {
  headers.set('X-RateLimit-Limit', String(state.limit));
  headers.set('X-RateLimit-Remaining', String(state.remaining));
  headers.set('X-RateLimit-Reset', String(Math.ceil(state.resetAt / 1_000)));
}
