import type { Context } from 'hono';
import { deleteCookie, getCookie, setCookie } from 'hono/cookie';
import { createMiddleware } from 'hono/factory';
import type { CookieOptions } from 'hono/utils/cookie';
import { makeToken } from '../api/access/dashboard-links.ts';
import { ApiError } from '../api/errors.ts';
import { perform, type TypedRoute } from '../api/route.ts';
import type { DashboardEnv } from '../dashboard/frame/visit.ts';
import { isSecure } from '../dashboard/session/session.ts';
import { platformMark, platformMarks } from '../db/platform-mark.ts';
import { openSecret, sealSecret } from '../db/secret-box.ts';
import { networkOf } from '../domain/access/client-address.ts';
import { logWarning } from '../log.ts';
import { meterOf } from '../meter/meter-object.ts';
import { type Settings, settingsOf } from '../settings.ts';
import { within } from '../within.ts';
import { paths } from './paths.ts';

/** How long an operator stays signed in: what this session opens is everything. */
export const OPERATOR_SESSION_MS = 4 * 3_600_000;

const COOKIE = 'bullseye_operator';
const PURPOSE = 'operator sessions';
const BOX = 'operator session';
/** How long the Meter may take to say whether a session was ended. */
const METER_TIMEOUT_MS = 2_000;

/** What Hono keeps of a request for an operator's page. `operator` is there behind requireOperator. */
export interface OperatorEnv extends DashboardEnv {
  Variables: DashboardEnv['Variables'] & { operator: Operator };
}

export type OperatorContext = Context<OperatorEnv>;

/** A signed-in operator's request. */
export interface Operator {
  session: Session;
  settings: Settings;
  nowMs: number;
  /** Calls a route of the API as the platform. */
  call<P, Q, B, S>(route: TypedRoute<P, Q, B, S>, inputs: { params: P; query?: Q; body?: B }): Promise<S>;
}

/** What the cookie holds, sealed: nobody can make one up, and no database is needed to read it, which may be what is broken. */
interface Session {
  id: string;
  startedAt: number;
  /** Of the platform key that it was made with (db/platform-mark.ts): it ends with that. */
  mark: string;
}

/** `Lax`: a link from a chat opens a page; what changes something is a POST from our own pages (see the check of origins). Never in a frame. */
function cookieOptions(c: OperatorContext): CookieOptions {
  const shared = { path: '/', httpOnly: true, sameSite: 'Lax' } as const;
  return isSecure(c) ? { ...shared, secure: true, prefix: 'host' } : shared;
}

function readCookie(c: OperatorContext): string | undefined {
  return isSecure(c) ? getCookie(c, COOKIE, 'host') : getCookie(c, COOKIE);
}

/** Signs an operator in. @param keyIndex which of the platform keys they have */
export async function signIn(c: OperatorContext, keyIndex: number, nowMs: number): Promise<void> {
  const { masterKeys, platformKeys } = settingsOf(c.env);
  const mark = await platformMark(masterKeys[0] as string, platformKeys[keyIndex] as string);
  const session: Session = { id: makeToken(), startedAt: nowMs, mark };
  const sealed = await sealSecret(masterKeys, BOX, JSON.stringify(session), PURPOSE);
  setCookie(c, COOKIE, sealed, { ...cookieOptions(c), maxAge: OPERATOR_SESSION_MS / 1_000 });
}

/** Ends the session for good: a copy of its cookie opens nothing any more. Where the Meter cannot be told, a copy opens pages until its time is over. */
export async function signOut(c: OperatorContext): Promise<void> {
  const session = await openSession(c, Date.now());
  deleteCookie(c, COOKIE, cookieOptions(c));
  if (!session) return;
  try {
    await within(METER_TIMEOUT_MS, meterOf(c.env).endSession(session.id, session.startedAt + OPERATOR_SESSION_MS));
  } catch (error) {
    logWarning('operator.session_not_ended', { error: error instanceof Error ? error.message : String(error) });
  }
}

/** The session of a request by its cookie alone; null: there is none, or its time or its key is over. */
async function openSession(c: OperatorContext, nowMs: number): Promise<(Session & { keyIndex: number }) | null> {
  const sealed = readCookie(c);
  if (sealed === undefined) return null;
  const { masterKeys, platformKeys } = settingsOf(c.env);
  const session = await openSecret(masterKeys, BOX, sealed, PURPOSE).then(
    (text) => JSON.parse(text) as Session,
    () => null,
  );
  if (!session || nowMs >= session.startedAt + OPERATOR_SESSION_MS) return null;
  const at = (await platformMarks(masterKeys, platformKeys)).indexOf(session.mark);
  return at < 0 ? null : { ...session, keyIndex: at % platformKeys.length };
}

/** Whether it was ended. Where the Meter does not say, pages are shown all the same, since they are for such hours; nothing is done. */
async function isEnded(c: OperatorContext, { id }: Session): Promise<boolean> {
  try {
    return await within(METER_TIMEOUT_MS, meterOf(c.env).isEnded(id));
  } catch (error) {
    logWarning('meter.not_read', { error: error instanceof Error ? error.message : String(error) });
    if (c.req.method === 'GET') return false;
    throw new ApiError('configuration_unavailable', 'Your session cannot be checked right now. Use the API with the platform key.');
  }
}

/** Lets signed-in operators through; sends others to the sign-in page, and from there back to where they were going. */
export const requireOperator = createMiddleware<OperatorEnv>(async (c, next) => {
  const nowMs = Date.now();
  const session = await openSession(c, nowMs);
  if (!session || (await isEnded(c, session))) {
    const { pathname, search } = new URL(c.req.url);
    const wanted = c.req.method === 'GET' ? pathname + search : paths.overview;
    return c.redirect(`${paths.signIn}?${new URLSearchParams({ next: wanted })}`, 303);
  }
  const surroundings = {
    caller: { kind: 'platform', keyIndex: session.keyIndex } as const,
    env: c.env,
    url: new URL(c.req.url),
    nowMs,
    network: networkOf(c.req.raw.headers),
    waitUntil: (work: Promise<unknown>) => c.executionCtx.waitUntil(work),
  };
  c.set('operator', {
    session,
    settings: settingsOf(c.env),
    nowMs,
    call: (route, inputs) => perform(route, inputs, surroundings),
  });
  await next();
});
