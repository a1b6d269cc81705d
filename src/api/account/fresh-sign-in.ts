import { FRESH_SIGN_IN_MS } from '../../domain/access/dashboard-session.ts';
import type { Caller } from '../access/auth.ts';
import { ApiError } from '../errors.ts';

/**
 * Refuses a session of the dashboard that began a while ago: whoever finds a browser that somebody has left signed in must not be able to see,
 * or to change, what endpoints are opened with. An API key is a secret itself: with one nothing is asked again.
 */
export function requireFreshSignIn(caller: Caller, nowMs: number): void {
  if (!('session' in caller) || nowMs - caller.session.startedAt <= FRESH_SIGN_IN_MS) return;
  const minutes = FRESH_SIGN_IN_MS / 60_000;
  const message = `You signed in more than ${minutes} minutes ago. Sign in again to see or to change secrets and headers.`;
  throw new ApiError('fresh_sign_in_required', message, { withinSeconds: FRESH_SIGN_IN_MS / 1_000 });
}
