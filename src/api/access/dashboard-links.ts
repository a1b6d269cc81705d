import { insertDashboardLink } from '../../db/dashboard-links.ts';
import { platformMark } from '../../db/platform-mark.ts';
import { KEY_SCOPES } from '../../domain/access/api-key.ts';
import { created } from '../../domain/access/audit-log.ts';
import { LINK_LIFETIME_MS, MAX_SESSIONS, MAX_SUBJECT_LENGTH } from '../../domain/access/dashboard-session.ts';
import { toBase64Url } from '../../domain/text/encoding.ts';
import type { Settings } from '../../settings.ts';
import { isoTime, organizationParams, requireOrganization, time } from '../parameters.ts';
import { type Route, route } from '../route.ts';
import { z } from '../zod.ts';
import { type Caller, hashKey } from './auth.ts';

/** Where the dashboard stands: Settings > Integrations > Webhooks. */
export const DASHBOARD_PATH = '/settings/integrations/webhooks';

const linkInput = z
  .strictObject({
    scope: z
      .enum(KEY_SCOPES)
      .default('write')
      .openapi({
        description:
          'What the person may do: `read` sees everything but secrets; `write` also changes webhooks, tests, retries, recovers; `admin` also ' +
          'reveals and rotates secrets.',
      }),
    subject: z.string().trim().min(1).max(MAX_SUBJECT_LENGTH).optional().openapi({
      description:
        'Whom the link is for, as you call them: a name, an e-mail address, an id. The audit log and the list of sessions say it.',
      example: 'Ada Lovelace',
    }),
  })
  .openapi('DashboardLinkInput');

const dashboardLink = z
  .object({
    url: z.string().openapi({ example: `https://webhooks.example.com${DASHBOARD_PATH}/link/3q2-7wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA` }),
    expiresAt: time('When it stops working, used or not.'),
  })
  .openapi('DashboardLink');

/** A token that opens something for whoever holds it: 256 random bits. Only its hash is stored. */
export function makeToken(): string {
  return toBase64Url(crypto.getRandomValues(new Uint8Array(32)));
}

/** As makeToken makes them: what looks otherwise is not worth a question to the database. */
export const TOKEN = /^[\w-]{43}$/;

/** Whose end is to be the end of what is made. */
async function makerOf(
  caller: Caller,
  { masterKeys, platformKeys }: Settings,
): Promise<{ keyId: string | null; platformMark: string | null }> {
  if (caller.kind === 'organization') return { keyId: caller.keyId, platformMark: null };
  if (caller.kind !== 'platform') throw new Error('nobody else passes authorization');
  return { keyId: null, platformMark: await platformMark(masterKeys[0] as string, platformKeys[caller.keyIndex] as string) };
}

const create = route({
  method: 'post',
  path: '/api/v1/organization/{organizationId}/dashboard-links',
  operationId: 'createDashboardLink',
  summary: 'Make a link that signs a person in to the dashboard',
  description:
    'It works once, within 15 minutes; the person stays signed in for 12 hours, or until the key that made the link is revoked, expires or ' +
    `is rotated away. Of the sessions that one key has made (or the platform, for one organization) the latest ${MAX_SESSIONS} last. Send the ` +
    'person there at once: whoever has the link can use it.',
  tag: 'Dashboard',
  access: 'admin',
  writes: true,
  params: organizationParams,
  body: linkInput,
  bodyOptional: true,
  success: { status: 201, description: 'The link.', schema: dashboardLink },
  handler: async ({ params, body, db, settings, caller, url, nowMs, entry }) => {
    const { organizationId } = params;
    await requireOrganization(db, organizationId);
    const token = makeToken();
    const expiresAt = nowMs + LINK_LIFETIME_MS;
    const made = { ...(await makerOf(caller, settings)), expiresAt, createdAt: nowMs };
    const { scope, subject = null } = body;
    const told = entry('dashboard_link.created', { type: 'organization', id: organizationId }, created({ scope, subject }));
    await insertDashboardLink(db, { tokenHash: await hashKey(token), organizationId, scope, subject, ...made }, nowMs, told);
    const { origin } = settings.publicUrl ?? url;
    return { url: `${origin}${DASHBOARD_PATH}/link/${token}`, expiresAt: isoTime(expiresAt) };
  },
});

export { create as createDashboardLink };

export const dashboardLinkRoutes: readonly Route[] = [create];
