import { endSession, endSessions, listSessions, MAX_LISTED_SESSIONS, type ShownSession } from '../../api/account/sessions.ts';
import { ApiError } from '../../api/errors.ts';
import { idOfSession } from '../../domain/dashboard-session.ts';
import { setFlash } from '../flash.ts';
import { page, rootCrumb } from '../page.tsx';
import { paths } from '../paths.ts';
import { RelativeTime } from '../time.tsx';
import type { PageContext, Visit } from '../visit.ts';
import { counted } from '../wording.ts';

/** `GET sessions`: who is signed in. */
export async function showSessions(c: PageContext): Promise<Response> {
  const visit = c.get('visit');
  const { sessions } = await visit.call(listSessions);
  return await page(
    c,
    { title: 'Who is signed in', crumbs: [rootCrumb] },
    <>
      <div class="page-head">
        <div>
          <h1>Who is signed in</h1>
          <p class="lead">
            <span>Everybody who sees these pages of {visit.organization.name} right now.</span>
          </p>
        </div>
        {sessions.length > 1 && (
          <form method="post" action={paths.endOtherSessions} class="actions">
            <button type="submit">Sign everybody else out</button>
          </form>
        )}
      </div>
      <section aria-label="Sessions" class="card table-card">
        <SessionTable sessions={sessions} visit={visit} />
      </section>
      <p class="hint">
        Whoever is signed out can sign in again: with an API key, or from where they came. To keep a person out for good, revoke the key
        that they use, too. {sessions.length === MAX_LISTED_SESSIONS && `These are the latest ${MAX_LISTED_SESSIONS}.`}
      </p>
    </>,
  );
}

/** `POST sessions/<session>/end`. */
export async function submitEndSession(c: PageContext): Promise<Response> {
  const sessionId = c.req.param('sessionId') ?? '';
  try {
    await c.get('visit').call(endSession, { params: { sessionId } });
    await setFlash(c, { kind: 'done', message: 'That person is signed out.' });
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== 'not_found') throw error;
    await setFlash(c, { kind: 'failed', message: 'That session has ended already.' });
  }
  return c.redirect(paths.sessions, 303);
}

/** `POST sessions/end-others`. */
export async function submitEndOtherSessions(c: PageContext): Promise<Response> {
  const { count } = await c.get('visit').call(endSessions);
  const message = count === 0 ? 'Nobody else was signed in.' : `${counted(count, 'session has', 'sessions have')} ended. Yours goes on.`;
  await setFlash(c, { kind: 'done', message });
  return c.redirect(paths.sessions, 303);
}

function SessionTable({ sessions, visit }: { sessions: readonly ShownSession[]; visit: Visit }) {
  const own = idOfSession(visit.tokenHash);
  return (
    <table class="stacking">
      <thead>
        <tr>
          <th scope="col">Who</th>
          <th scope="col" class="w17">
            Signed in
          </th>
          <th scope="col" class="w17">
            Until
          </th>
          <th scope="col" class="w21">
            From
          </th>
          <th scope="col" class="w13">
            <span class="visually-hidden">Sign out</span>
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
  const who = subject ?? 'Somebody';
  return (
    <tr id={`session-${id}`}>
      <th scope="row" class="endpoint">
        {who} {isOwn && <span class="tag">You</span>}
        <span class="hint">
          {madeWith.type === 'platform' ? 'By a link of the platform' : `By the API key ${madeWith.name}`}; scope {scopes.join(', ')}
        </span>
      </th>
      <td data-label="Signed in">
        <RelativeTime at={startedAt} nowMs={nowMs} />
      </td>
      <td data-label="Until">
        <RelativeTime at={expiresAt} nowMs={nowMs} />
      </td>
      <td data-label="From" class={network === null ? 'blank' : 'url'}>
        {network ?? '–'}
      </td>
      <td>
        {!isOwn && (
          <form method="post" action={paths.endSession(id)}>
            <button type="submit" class="plain">
              Sign out<span class="visually-hidden"> {who}</span>
            </button>
          </form>
        )}
      </td>
    </tr>
  );
}
