import { type ListedSession, listSessions } from '../../db/dashboard-sessions.ts';
import { platformMarks } from '../../db/platform-mark.ts';
import { endSessions } from '../../db/session-ends.ts';
import { idOfSession } from '../../domain/access/dashboard-session.ts';
import { actorOf, type Caller } from '../access/auth.ts';
import { notFound } from '../errors.ts';
import { isoTime, organizationParams, requireOrganization, time } from '../parameters.ts';
import { type Route, route } from '../route.ts';
import { z } from '../zod.ts';

const path = '/api/v1/organization/{organizationId}/sessions';
const tag = 'Dashboard';

/** Most sessions in a list. */
export const MAX_LISTED_SESSIONS = 100;

const session = z
  .object({
    id: z.string().openapi({ example: '9f86d081884c7d65' }),
    subject: z
      .string()
      .nullable()
      .openapi({ description: 'Whom its link was made for; null where nothing was said, or no link was used.' }),
    scopes: z.array(z.string()),
    startedAt: time(),
    expiresAt: time(),
    network: z
      .string()
      .nullable()
      .openapi({ description: 'Where it was started: an IPv4 address, an IPv6 /64, or the Workers of a zone.' }),
    madeWith: z
      .object({ type: z.enum(['api_key', 'platform']), id: z.string().nullable(), name: z.string().nullable() })
      .openapi({ description: 'The API key that the person signed in with, or that made their link; or the platform, which made it.' }),
  })
  .openapi('Session', { description: 'Somebody who is signed in to the dashboard.' });

/** A session as answers carry it. */
export type ShownSession = z.input<typeof session>;

function toSession({ session: row, key }: ListedSession): ShownSession {
  return {
    id: idOfSession(row.tokenHash),
    subject: row.subject,
    scopes: row.scopes,
    startedAt: isoTime(row.createdAt),
    expiresAt: isoTime(row.expiresAt),
    network: row.network,
    madeWith: key ? { type: 'api_key', id: key.id, name: key.name } : { type: 'platform', id: null, name: null },
  };
}

const list = route({
  method: 'get',
  path,
  operationId: 'listSessions',
  summary: 'See who is signed in to the dashboard',
  description: `The latest first, at most ${MAX_LISTED_SESSIONS}.`,
  tag,
  access: 'admin',
  params: organizationParams,
  success: { status: 200, description: 'The sessions.', schema: z.object({ sessions: z.array(session) }).openapi('SessionList') },
  handler: async ({ params, db, settings, nowMs }) => {
    await requireOrganization(db, params.organizationId);
    const marks = await platformMarks(settings.masterKeys, settings.platformKeys);
    const found = await listSessions(db, params.organizationId, marks, nowMs, MAX_LISTED_SESSIONS);
    return { sessions: found.map(toSession) };
  },
});

const end = route({
  method: 'delete',
  path: `${path}/{sessionId}`,
  operationId: 'endSession',
  summary: 'Sign somebody out of the dashboard',
  description:
    'Their next click leads to the sign-in page. The key or the link that they signed in with is another matter: revoke the key, too, if it must not be used again.',
  tag,
  access: 'admin',
  params: organizationParams.extend({ sessionId: z.string().openapi({ description: "The session's id.", example: '9f86d081884c7d65' }) }),
  success: { status: 204, description: 'It has ended.' },
  handler: async ({ params, db, caller, network, nowMs }) => {
    const { organizationId, sessionId } = params;
    const ended = await endSessions(db, organizationId, { id: sessionId }, { at: nowMs, by: actorOf(caller), network });
    if (ended === 0) throw notFound('session');
  },
});

const endAll = route({
  method: 'delete',
  path,
  operationId: 'endSessions',
  summary: 'Sign everybody out of the dashboard',
  description: 'All sessions of the organization end; where a person asks in the dashboard, all but their own.',
  tag,
  access: 'admin',
  params: organizationParams,
  success: {
    status: 200,
    description: 'How many sessions have ended.',
    schema: z.object({ count: z.number().int() }).openapi('EndedSessions'),
  },
  handler: async ({ params, db, caller, network, nowMs }) => {
    const { organizationId } = params;
    await requireOrganization(db, organizationId);
    const count = await endSessions(db, organizationId, { except: ownSession(caller) }, { at: nowMs, by: actorOf(caller), network });
    return { count };
  },
});

function ownSession(caller: Caller): string | null {
  return 'session' in caller ? caller.session.id : null;
}

export { end as endSession, endAll as endSessions, list as listSessions };

export const sessionRoutes: readonly Route[] = [list, endAll, end];
