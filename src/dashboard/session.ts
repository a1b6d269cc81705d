import { deleteCookie, getCookie, setCookie } from 'hono/cookie';
import { createMiddleware } from 'hono/factory';
import type { CookieOptions } from 'hono/utils/cookie';
import { hashKey } from '../api/auth.ts';
import { makeToken } from '../api/dashboard-links.ts';
import { ApiError } from '../api/errors.ts';
import { countRequest, rateLimited } from '../api/rate-limit.ts';
import { databaseOf } from '../db/client.ts';
import { type DashboardSessionRow, deleteSession, insertSession, readSession, type SessionView } from '../db/dashboard-sessions.ts';
import { platformMarks } from '../db/platform-mark.ts';
import type { KeyScope } from '../domain/api-key.ts';
import { makerIsActive, SESSION_LIFETIME_MS } from '../domain/dashboard-session.ts';
import { settingsOf } from '../settings.ts';
import { hasFields, pageOfButton, signInPath } from './paths.ts';
import { type DashboardEnv, type PageContext, visitOf } from './visit.ts';

const SESSION_COOKIE = 'bullseye_session';
/** As makeToken makes them. */
const TOKEN = /^[\w-]{43}$/;
const LOOPBACK: ReadonlySet<string> = new Set(['127.0.0.1', 'localhost', '[::1]']);

/** Secure, except where the Worker is served from loopback over http: some browsers keep no Secure cookie from there. */
function isSecure(c: PageContext): boolean {
  const { protocol, hostname } = new URL(c.req.url);
  return protocol !== 'http:' || !LOOPBACK.has(hostname);
}

/**
 * How cookies of the dashboard are set. `Lax` lets a link from elsewhere open a page; what changes something is a POST from our
 * own pages (see the check of origins). In a frame of another site only `None` is sent, kept apart by the site around it.
 */
export function cookieOptions(c: PageContext): CookieOptions {
  const shared = { path: '/', httpOnly: true } as const;
  if (!isSecure(c)) return { ...shared, sameSite: 'Lax' };
  const framed = settingsOf(c.env).dashboard.frameAncestors.length > 0;
  const site = framed ? ({ sameSite: 'None', partitioned: true } as const) : ({ sameSite: 'Lax' } as const);
  // The prefix keeps another host of the domain from setting the cookie.
  return { ...shared, ...site, secure: true, prefix: 'host' };
}

export function readCookie(c: PageContext, name: string): string | undefined {
  return isSecure(c) ? getCookie(c, name, 'host') : getCookie(c, name);
}

export function dropCookie(c: PageContext, name: string): void {
  deleteCookie(c, name, cookieOptions(c));
}

/** What a new session is for, and whose end is its end. */
type SessionGrant = Pick<DashboardSessionRow, 'organizationId' | 'scopes' | 'keyId' | 'platformMark'>;

/** Signs a person in with a new token, whatever cookie the browser came with: nobody can have chosen it for them. */
export async function signIn(c: PageContext, grant: SessionGrant, nowMs: number): Promise<void> {
  await requireTurn(c, grant, nowMs);
  const token = makeToken();
  const session = { tokenHash: await hashKey(token), ...grant, createdAt: nowMs, expiresAt: nowMs + SESSION_LIFETIME_MS };
  const before = readCookie(c, SESSION_COOKIE);
  await insertSession(databaseOf(c.env.DB), session, before === undefined ? null : await hashKey(before), nowMs);
  setCookie(c, SESSION_COOKIE, token, { ...cookieOptions(c), maxAge: SESSION_LIFETIME_MS / 1_000 });
}

/** Ends the session for good: a copy of its cookie opens nothing any more. */
export async function signOut(c: PageContext): Promise<void> {
  const token = readCookie(c, SESSION_COOKIE);
  if (token !== undefined) await deleteSession(databaseOf(c.env.DB), await hashKey(token));
  dropCookie(c, SESSION_COOKIE);
}

/**
 * Counts a request of the sessions that one key, or the platform for one organization, has made: together, so that signing in again
 * and again gives no more of them. Apart from the key's own limit: a dashboard left open does not use up what programs may ask.
 */
async function requireTurn(
  c: PageContext,
  { keyId, organizationId }: Pick<SessionGrant, 'keyId' | 'organizationId'>,
  nowMs: number,
): Promise<void> {
  const state = await countRequest(c.env, `sessions:${keyId ?? organizationId}`);
  if (state && !state.allowed) throw rateLimited(state, nowMs);
}

/** The session of a request, if it has one that is alive. */
export async function findSession(c: PageContext, nowMs: number): Promise<SessionView | null> {
  const token = readCookie(c, SESSION_COOKIE);
  // What is no token of ours is not worth a question to the database.
  if (token === undefined || !TOKEN.test(token)) return null;
  const view = await readSession(databaseOf(c.env.DB), await hashKey(token));
  if (!view || view.session.expiresAt <= nowMs) return null;
  const { platformMark } = view.session;
  const { masterKeys, platformKeys } = settingsOf(c.env);
  const marks = platformMark === null ? [] : await platformMarks(masterKeys, platformKeys);
  return makerIsActive({ key: view.key, platformMark }, marks, nowMs) ? view : null;
}

/** Refuses a page that is of no use without a scope. What a form does is refused by its route. */
export const requireScope = (scope: KeyScope) =>
  createMiddleware<DashboardEnv>(async (c, next) => {
    if (!c.get('visit').can(scope)) throw new ApiError('insufficient_scope', 'Your session can read only.', { requiredScope: scope });
    await next();
  });

/** A form with fields goes along (held-form.ts): a 307 has it posted to the sign-in page. */
function toSignIn(c: PageContext): Response {
  const { pathname, search } = new URL(c.req.url);
  if (c.req.method !== 'POST') return c.redirect(signInPath(pathname + search), 303);
  return hasFields(pathname) ? c.redirect(signInPath(pathname), 307) : c.redirect(signInPath(pageOfButton(pathname)), 303);
}

/** Lets signed-in people through, with their visit; sends others to the sign-in page, and from there back to where they were going. */
export const requireSession = createMiddleware<DashboardEnv>(async (c, next) => {
  const nowMs = Date.now();
  const view = await findSession(c, nowMs);
  if (!view) return toSignIn(c);
  await requireTurn(c, view.session, nowMs);
  c.set('visit', visitOf(c, view, nowMs));
  await next();
});
