import { authenticate } from '../../api/access/auth.ts';
import type { ApiError } from '../../api/errors.ts';
import { databaseOf } from '../../db/client.ts';
import { organizationOfLink, releaseDashboardLink, useDashboardLink } from '../../db/dashboard-links.ts';
import { platformMarks } from '../../db/platform-mark.ts';
import { networkOf } from '../../domain/access/client-address.ts';
import { FRESH_SIGN_IN_MS, makerIsActive } from '../../domain/access/dashboard-session.ts';
import { settingsOf } from '../../settings.ts';
import { withHeadersOf } from '../frame/error-page.tsx';
import { page } from '../frame/page.tsx';
import { FRESH, hasFields, paths, safeNext } from '../frame/paths.ts';
import type { PageContext } from '../frame/visit.ts';
import { readForm, textOf } from '../parts/form.ts';
import { HELD, holdForm } from '../parts/held-form.ts';
import { refusedOf } from '../webhook/webhook-input.ts';
import { errorText } from '../words/error-words.ts';
import { bold, rich, t } from '../words/words.tsx';
import { KeyField } from './key-field.tsx';
import { findSession, lookUp, signIn, signOut } from './session.ts';

/** What a person was about when they had to sign in. */
interface Errand {
  /** The page to go on to. */
  next?: string;
  /** The form that they sent (held-form.ts). */
  held?: string;
  /** Whether they are signed in, but began too long ago for what they were about. */
  isFresh?: boolean;
}

/** `GET sign-in`. */
export async function showSignIn(c: PageContext): Promise<Response> {
  return await signInPage(c, { next: c.req.query('next'), isFresh: c.req.query('why') === FRESH });
}

/**
 * `POST sign-in`: with an organization's API key, whose scopes the session has and with which it ends. With `next` in its address it is a form
 * that was sent after its session had ended; its fields are its own, also one that is called like one of ours.
 */
export async function submitSignIn(c: PageContext): Promise<Response> {
  const nowMs = Date.now();
  const form = await readForm(c);
  const wanted = c.req.query('next');
  if (wanted !== undefined) return await signInPage(c, { next: wanted, held: holdForm(form), isFresh: c.req.query('why') === FRESH });
  const errand = { next: form.get('next') ?? undefined, held: form.get(HELD) ?? undefined, isFresh: form.get('why') === FRESH };
  try {
    const waitUntil = (promise: Promise<unknown>) => c.executionCtx.waitUntil(promise);
    const network = networkOf(c.req.raw.headers);
    const caller = await authenticate(textOf(form, 'key'), { env: c.env, nowMs, network, waitUntil });
    if (caller.kind !== 'organization') return await signInPage(c, errand, t('signIn.needsOrganizationKey'), 403);
    const { organizationId, keyId, keyName, scopes } = caller;
    await signIn(c, { organizationId, keyId, scopes: [...scopes], platformMark: null, subject: null }, { keyName }, nowMs);
    const next = safeNext(errand.next);
    // The form goes along once more, back to its address.
    return errand.held !== undefined && hasFields(next) ? c.redirect(next, 307) : c.redirect(next, 303);
  } catch (error) {
    // Whatever the reason (429: too many keys that open nothing, from this network; 503: an outage), the errand goes on with the next try.
    const refused = refusedOf(c, error);
    return withHeadersOf(refused, await signInPage(c, errand, errorText(refused), refused.status));
  }
}

/**
 * `GET link/<token>`: asks for a click. Programs that preview links in messages would else use it up before its reader does; and
 * who was sent a link of another organization sees whose it is before it takes the place of their own session.
 */
export async function showLink(c: PageContext): Promise<Response> {
  const nowMs = Date.now();
  const { name } = settingsOf(c.env).dashboard;
  const organization = await lookUp(c, c.req.param('token'), nowMs, (hash) => organizationOfLink(databaseOf(c.env.DB), hash, nowMs));
  if (!organization) return await refusedLink(c);
  const session = await findSession(c, nowMs);
  const other = session && session.organization.id !== organization.id ? session.organization : null;
  return await page(
    c,
    { title: t('signIn.title') },
    <section class="card narrow">
      <h1>{t('signIn.heading', { product: name })}</h1>
      <p>{rich('link.once', { organization: organization.name, b: bold })}</p>
      {organization.subject !== null && <p>{rich('link.noted', { person: organization.subject, b: bold })}</p>}
      {other && <p>{rich('link.other', { organization: other.name, b: bold })}</p>}
      <form method="post" action={paths.link(c.req.param('token') ?? '')}>
        <button type="submit" class="primary">
          {t('link.continue')}
        </button>
      </form>
    </section>,
  );
}

/** `POST link/<token>`: uses the link up and signs in. Where signing in fails, the link works still. */
export async function submitLink(c: PageContext): Promise<Response> {
  const nowMs = Date.now();
  const { masterKeys, platformKeys } = settingsOf(c.env);
  const db = databaseOf(c.env.DB);
  const used = await lookUp(c, c.req.param('token'), nowMs, (hash) => useDashboardLink(db, hash, nowMs));
  const marks = used?.link.platformMark ? await platformMarks(masterKeys, platformKeys) : [];
  if (!used || !makerIsActive({ key: used.key, platformMark: used.link.platformMark }, marks, nowMs)) return await refusedLink(c);
  const { organizationId, scope, keyId, platformMark, subject } = used.link;
  const madeWith = used.key ? { keyName: used.key.name } : 'platform';
  try {
    await signIn(c, { organizationId, scopes: [scope], keyId, platformMark, subject }, madeWith, nowMs);
  } catch (error) {
    await releaseDashboardLink(db, used.link);
    throw error;
  }
  return c.redirect(paths.list, 303);
}

/** `POST sign-out`. */
export async function submitSignOut(c: PageContext): Promise<Response> {
  await signOut(c);
  return c.redirect(paths.signIn, 303);
}

async function refusedLink(c: PageContext): Promise<Response> {
  return await page(
    c,
    { title: t('link.over'), status: 410 },
    <section class="card narrow">
      <h1>{t('link.over')}</h1>
      <p>{t('link.overHint')}</p>
      <p>
        <a href={paths.signIn}>{t('link.useKey')}</a>
      </p>
    </section>,
  );
}

/** Why somebody is asked to sign in who was about something else. A browser drops the cookie of a session that is over: new or not is not known. */
function reasonOf({ next, held, isFresh }: Errand): string | null {
  if (isFresh) {
    const minutes = FRESH_SIGN_IN_MS / 60_000;
    return held === undefined ? t('signIn.freshNeeded', { minutes }) : t('signIn.freshNeededKept', { minutes });
  }
  if (held !== undefined) return t('signIn.endedKept');
  return next === undefined ? null : t('signIn.ended');
}

async function signInPage(c: PageContext, errand: Errand, error?: string, status: ApiError['status'] | 200 = 200): Promise<Response> {
  const { next, held, isFresh } = errand;
  const goesOn = held !== undefined || isFresh;
  const reason = reasonOf(errand);
  const { name } = settingsOf(c.env).dashboard;
  return await page(
    c,
    { title: t('signIn.title'), status },
    <section class="card narrow">
      <h1>{t('signIn.heading', { product: name })}</h1>
      {reason && (
        <p class="banner info" role="status">
          {reason}
        </p>
      )}
      <form method="post" action={paths.signIn}>
        {next !== undefined && <input type="hidden" name="next" value={next} />}
        {held !== undefined && <input type="hidden" name={HELD} value={held} />}
        {isFresh && <input type="hidden" name="why" value={FRESH} />}
        <KeyField label={t('signIn.key')} hint={t('signIn.keyHint')} error={error} autofocus={error !== undefined} />
        <button type="submit" class="primary">
          {t('signIn.submit')}
        </button>
      </form>
      <p class="hint">{goesOn ? t('signIn.fromProductGoOn', { product: name }) : t('signIn.fromProduct', { product: name })}</p>
      {isFresh && held === undefined && (
        <p>
          <a href={safeNext(next)}>{t('signIn.goOn')}</a>
        </p>
      )}
      {held !== undefined && (
        <form method="post" action={safeNext(next)}>
          <input type="hidden" name={HELD} value={held} />
          <button type="submit">{t('errors.continue')}</button>
        </form>
      )}
    </section>,
  );
}
