import { logError } from '../log.ts';
import { within } from '../within.ts';
import { ApiError } from './errors.ts';
import type { RateLimitState } from './rate-limiter.ts';

/** How long a request waits for its count. */
const TIMEOUT_MS = 500;

/** Counts a request of an organization key. Null where that fails: a limiter that is down must not take the API with it. */
export async function countRequest(env: Env, keyId: string): Promise<RateLimitState | null> {
  try {
    return await within(TIMEOUT_MS, env.RATE_LIMITER.getByName(keyId).take());
  } catch (error) {
    logError('api.rate_limiter_failed', error, { keyId });
    return null;
  }
}

/** The 429 of a key that has used up its window. */
export function rateLimited(state: RateLimitState, nowMs: number): ApiError {
  const retryAfterSeconds = Math.max(1, Math.ceil((state.resetAt - nowMs) / 1_000));
  return new ApiError('rate_limited', `At most ${state.limit} requests a minute.`, { limit: state.limit }, retryAfterSeconds);
}

/** `X-RateLimit-*`, on every answer to an organization key; `-Reset` in Unix seconds. */
export function setRateLimitHeaders(headers: Headers, state: RateLimitState): void {
  headers.set('X-RateLimit-Limit', String(state.limit));
  headers.set('X-RateLimit-Remaining', String(state.remaining));
  headers.set('X-RateLimit-Reset', String(Math.ceil(state.resetAt / 1_000)));
}
