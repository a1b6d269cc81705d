import { endSession, endSessions, listSessions, MAX_LISTED_SESSIONS, type ShownSession } from '../../api/account/sessions.ts';
import { ApiError } from '../../api/errors.ts';
import { idOfSession } from '../../domain/access/dashboard-session.ts';
import { setFlash } from '../frame/flash.ts';
import { page, rootCrumb } from '../frame/page.tsx';
import { paths } from '../frame/paths.ts';
import type { PageContext, Visit } from '../frame/visit.ts';
import { RelativeTime } from '../parts/time.tsx';
import { list } from '../words/formats.ts';
import { rich, t } from '../words/words.tsx';

/** `GET sessions`: who is signed in. */
export async function showSessions(c: PageContext): Promise<Response> {
  const visit = c.get('visit');
  const { sessions } = await visit.call(listSessions);
  return await page(
    c,
    { title: t('sessions.title'), crumbs: [rootCrumb] },
    <>
      <div class="page-head">
        <div>
          <h1>{t('sessions.title')}</h1>
          <p class="lead">
            <span>{t('sessions.lead', { organization: visit.organization.name })}</span>
          </p>
        </div>
        {sessions.length > 1 && (
          <form method="post" action={paths.endOtherSessions} class="actions">
            <button type="submit">{t('sessions.endOthers')}</button>
          </form>
        )}
      </div>
      <section aria-label={t('sessions.list')} class="card table-card">
        <SessionTable sessions={sessions} visit={visit} />
      </section>
      <p class="hint">
        {t('sessions.hint')} {sessions.length === MAX_LISTED_SESSIONS && t('sessions.latest', { count: MAX_LISTED_SESSIONS })}
      </p>
    </>,
  );
}

/** `POST sessions/<session>/end`. */
export async function submitEndSession(c: PageContext): Promise<Response> {
  const sessionId = c.req.param('sessionId') ?? '';
  try {
    await c.get('visit').call(endSession, { params: { sessionId } });
    await setFlash(c, { kind: 'done', message: t('sessions.ended') });
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== 'not_found') throw error;
    await setFlash(c, { kind: 'failed', message: t('sessions.endedBefore') });
  }
  return c.redirect(paths.sessions, 303);
}

/** `POST sessions/end-others`. */
export async function submitEndOtherSessions(c: PageContext): Promise<Response> {
  const { count } = await c.get('visit').call(endSessions);
  await setFlash(c, { kind: 'done', message: t('sessions.endedOthers', { count }) });
  return c.redirect(paths.sessions, 303);
}

function SessionTable({ sessions, visit }: { sessions: readonly ShownSession[]; visit: Visit }) {
  const own = idOfSession(visit.tokenHash);
  return (
    <table class="stacking">
      <thead>
        <tr>
          <th scope="col">{t('sessions.who')}</th>
          <th scope="col" class="w17">
            {t('sessions.signedIn')}
          </th>
          <th scope="col" class="w17">
            {t('sessions.until')}
          </th>
          <th scope="col" class="w21">
            {t('sessions.from')}
          </th>
          <th scope="col" class="w13">
            <span class="visually-hidden">{t('sessions.signOut')}</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {sessions.map((session) => (
          <SessionRow session={session} isOwn={session.id === own} nowMs={visit.nowMs} />
        ))}
      </tbody>
    </table>
  );
}

function SessionRow({ session, isOwn, nowMs }: { session: ShownSession; isOwn: boolean; nowMs: number }) {
  const { id, subject, scopes, startedAt, expiresAt, network, madeWith } = session;
  const who = subject ?? t('sessions.somebody');
  return (
    <tr id={`session-${id}`}>
      <th scope="row" class="endpoint">
        {who} {isOwn && <span class="tag">{t('sessions.you')}</span>}
        <span class="hint">
          {madeWith.type === 'platform'
            ? t('sessions.byPlatform', { scopes: list(scopes) })
            : t('sessions.byKey', { key: madeWith.name ?? '–', scopes: list(scopes) })}
        </span>
      </th>
      <td data-label={t('sessions.signedIn')}>
        <RelativeTime at={startedAt} nowMs={nowMs} />
      </td>
      <td data-label={t('sessions.until')}>
        <RelativeTime at={expiresAt} nowMs={nowMs} />
      </td>
      <td data-label={t('sessions.from')} class={network === null ? 'blank' : 'url'}>
        {network ?? '–'}
      </td>
      <td>
        {!isOwn && (
          <form method="post" action={paths.endSession(id)}>
            <button type="submit" class="plain">
              {rich('sessions.signOutOf', { who, hidden: (inner) => <span class="visually-hidden">{inner}</span> })}
            </button>
          </form>
        )}
      </td>
    </tr>
  );
}
