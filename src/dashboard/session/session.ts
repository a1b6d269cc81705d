import { deleteCookie, getCookie, setCookie } from 'hono/cookie';
import { createMiddleware } from 'hono/factory';
import type { CookieOptions } from 'hono/utils/cookie';
import { hashKey } from '../../api/access/auth.ts';
import { makeToken, TOKEN } from '../../api/access/dashboard-links.ts';
import { guesses } from '../../api/access/guesses.ts';
import { countsOfSession, countsOfSignIn, requireCount } from '../../api/access/rate-limit.ts';
import { ApiError } from '../../api/errors.ts';
import { databaseOf, withoutParameters } from '../../db/client.ts';
import { type DashboardSessionRow, insertSession, readSession, type SessionView } from '../../db/dashboard-sessions.ts';
import { platformMarks } from '../../db/platform-mark.ts';
import { deleteSession } from '../../db/session-ends.ts';
import type { KeyScope } from '../../domain/access/api-key.ts';
import { type AuditEntry, created } from '../../domain/access/audit-log.ts';
import { networkOf } from '../../domain/access/client-address.ts';
import { idOfSession, makerIsActive, SESSION_LIFETIME_MS } from '../../domain/access/dashboard-session.ts';
import { isLoopback } from '../../domain/endpoint/loopback.ts';
import { mintId } from '../../domain/ids.ts';
import { logError } from '../../log.ts';
import { keepNewest } from '../../newest.ts';
import { settingsOf } from '../../settings.ts';
import { FRESH, hasFields, pageOfButton, signInPath } from '../frame/paths.ts';
import { type DashboardEnv, type PageContext, visitOf } from '../frame/visit.ts';
import { t } from '../words/words.tsx';

const SESSION_COOKIE = 'bullseye_session';
/** Most sessions that an isolate remembers to be alive. */
const MAX_SEEN = 10_000;

/** Secure, except where the Worker is served from loopback over http: some browsers keep no Secure cookie from there. */
export function isSecure(c: { req: { url: string } }): boolean {
  const url = new URL(c.req.url);
  return url.protocol !== 'http:' || !isLoopback(url);
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
type SessionGrant = Pick<DashboardSessionRow, 'organizationId' | 'scopes' | 'keyId' | 'platformMark' | 'subject'>;

/** Who says that somebody may sign in: a key of the organization, by its name, or the platform. */
export type MadeWith = { keyName: string } | 'platform';

/** Signs a person in with a new token, whatever cookie the browser came with: nobody can have chosen it for them. */
export async function signIn(c: PageContext, grant: SessionGrant, madeWith: MadeWith, nowMs: number): Promise<void> {
  const { organizationId, keyId } = grant;
  await requireCount(c.env, organizationId, [...countsOfSession(keyId, null), ...countsOfSignIn(keyId)], nowMs);
  const token = makeToken();
  const network = networkOf(c.req.raw.headers);
  const session = { tokenHash: await hashKey(token), ...grant, network, createdAt: nowMs, expiresAt: nowMs + SESSION_LIFETIME_MS };
  const before = readCookie(c, SESSION_COOKIE);
  const started = entryOfSignIn(session, madeWith);
  await insertSession(databaseOf(c.env.DB), session, before === undefined ? null : await hashKey(before), started);
  setCookie(c, SESSION_COOKIE, token, { ...cookieOptions(c), maxAge: SESSION_LIFETIME_MS / 1_000 });
}

function entryOfSignIn(
  session: SessionGrant & { tokenHash: string; network: string | null; createdAt: number },
  madeWith: MadeWith,
): AuditEntry {
  const { tokenHash, organizationId, scopes, subject, network, createdAt } = session;
  const id = idOfSession(tokenHash);
  const keyName = madeWith === 'platform' ? null : madeWith.keyName;
  return {
    id: mintId('auditEntry', createdAt),
    organizationId,
    at: createdAt,
    actor: { type: 'dashboard', id, name: subject },
    network,
    action: 'session.started',
    target: { type: 'organization', id: organizationId },
    changes: created({ session: id, subject, scopes, madeWith: madeWith === 'platform' ? 'platform' : 'api_key', keyName }),
  };
}

/**
 * Ends the session for good: a copy of its cookie opens nothing any more. This browser forgets it in any case. Where the database cannot be
 * asked, or a network is refused whose token is not known here, a copy opens pages until the session's 12 hours are over.
 */
export async function signOut(c: PageContext): Promise<void> {
  const token = readCookie(c, SESSION_COOKIE);
  dropCookie(c, SESSION_COOKIE);
  try {
    const end = { at: Date.now(), network: networkOf(c.req.raw.headers) };
    await lookUp(c, token, end.at, (hash) => deleteSession(databaseOf(c.env.DB), hash, end));
  } catch (error) {
    if (!(error instanceof ApiError)) logError('dashboard.session_not_ended', withoutParameters(error));
  }
}

/** Hashes of sessions that were alive when they were asked for here: guesses from the same address do not hold them up. */
const seen = new Map<string, true>();

/**
 * Looks a token of a session or a link up by its hash, unless it is none of ours by its looks. What opens nothing is counted by the
 * network it comes from: 429 once there are too many of them.
 * @param forget called where it opens nothing, also before a 429
 * @returns null where it opens nothing
 */
export async function lookUp<T>(
  c: PageContext,
  token: string | undefined,
  nowMs: number,
  find: (hash: string) => Promise<T | null>,
  forget?: () => void,
): Promise<T | null> {
  if (token === undefined) return null;
  const network = networkOf(c.req.raw.headers);
  const hash = await hashKey(token);
  if (TOKEN.test(token)) {
    if (!seen.has(hash)) guesses.requireTurn(network, nowMs);
    const found = await find(hash);
    if (found !== null) return found;
  }
  seen.delete(hash);
  forget?.();
  await guesses.failed(c.env.FAILED_KEYS, network, nowMs);
  return null;
}

/** The session of a request, if it has one that is alive. A cookie that opens nothing is not to come, and to be counted, with each request. */
export async function findSession(c: PageContext, nowMs: number): Promise<SessionView | null> {
  const find = async (hash: string) => {
    const found = await readSession(databaseOf(c.env.DB), hash);
    return found && (await isAlive(c, found, nowMs)) ? found : null;
  };
  const view = await lookUp(c, readCookie(c, SESSION_COOKIE), nowMs, find, () => dropCookie(c, SESSION_COOKIE));
  if (!view) return null;
  seen.set(view.session.tokenHash, true);
  keepNewest(seen, MAX_SEEN);
  return view;
}

async function isAlive(c: PageContext, { session, key }: SessionView, nowMs: number): Promise<boolean> {
  const { platformMark, expiresAt } = session;
  if (expiresAt <= nowMs) return false;
  const { masterKeys, platformKeys } = settingsOf(c.env);
  const marks = platformMark === null ? [] : await platformMarks(masterKeys, platformKeys);
  return makerIsActive({ key, platformMark }, marks, nowMs);
}

/** Refuses a page that is of no use without a scope. What a form does is refused by its route. */
export const requireScope = (scope: KeyScope) =>
  createMiddleware<DashboardEnv>(async (c, next) => {
    const visit = c.get('visit');
    if (!visit.can(scope)) {
      const message = visit.can('write') ? t('errors.adminOnly', { scope }) : t('errors.readOnly');
      throw new ApiError('insufficient_scope', message, { requiredScope: scope });
    }
    await next();
  });

/** A form with fields goes along (held-form.ts): a 307 has it posted to the sign-in page. */
function toSignIn(c: PageContext, why?: typeof FRESH): Response {
  const { pathname, search } = new URL(c.req.url);
  if (c.req.method !== 'POST') return c.redirect(signInPath(pathname + search, why), 303);
  return hasFields(pathname) ? c.redirect(signInPath(pathname, why), 307) : c.redirect(signInPath(pageOfButton(pathname), why), 303);
}

/** Asks somebody who signed in too long ago to see or to change a secret to do so again; then they are where they were. */
export function toFreshSignIn(c: PageContext): Response {
  return toSignIn(c, FRESH);
}

/** Lets signed-in people through, with their visit; sends others to the sign-in page, and from there back to where they were going. */
export const requireSession = createMiddleware<DashboardEnv>(async (c, next) => {
  const nowMs = Date.now();
  const view = await findSession(c, nowMs);
  if (!view) return toSignIn(c);
  const { organizationId, keyId, tokenHash } = view.session;
  await requireCount(c.env, organizationId, countsOfSession(keyId, tokenHash), nowMs);
  c.set('visit', visitOf(c, view, nowMs));
  await next();
});
