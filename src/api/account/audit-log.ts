import { listEntries } from '../../db/audit-log.ts';
import type { Database } from '../../db/client.ts';
import {
  ACTOR_TYPES,
  AUDIT_ACTIONS,
  AUDIT_RETENTION_MS,
  type AuditAction,
  type AuditEntry,
  MAX_AUDIT_ENTRIES,
  MAX_VALUE_LENGTH,
  TARGET_TYPES,
} from '../../domain/access/audit-log.ts';
import { DAY_MS } from '../../domain/text/day.ts';
import {
  DEFAULT_PAGE,
  isoTime,
  nextCursor,
  organizationParams,
  pageQuery,
  readCursor,
  requireOrganization,
  time,
  writeCursor,
} from '../parameters.ts';
import { type Route, route } from '../route.ts';
import { z } from '../zod.ts';

const path = '/api/v1/organization/{organizationId}/audit-log';
const tag = 'Audit log';

/** Entries that an export reads at a time, and how many times: D1 takes 1,000 queries of a request. */
const EXPORT_PAGE = 500;
const MAX_EXPORT_PAGES = 400;

const entry = z
  .object({
    id: z.string(),
    at: time(),
    actor: z.object({ type: z.enum(ACTOR_TYPES), id: z.string().nullable(), name: z.string().nullable() }).openapi({
      description:
        'Who did it. `api_key`: the key and its name; `dashboard`: the session, and the `subject` of the link that started it; `platform`: the ' +
        'platform key; `service`: nobody, the service did it by itself.',
    }),
    network: z.string().nullable().openapi({
      description: 'Where the request came from: an IPv4 address, an IPv6 /64, or the Workers of a zone. Null where that is not known.',
    }),
    action: z.enum(AUDIT_ACTIONS),
    target: z.object({ type: z.enum(TARGET_TYPES), id: z.string() }),
    changes: z.record(z.string(), z.object({ from: z.unknown(), to: z.unknown() })).openapi({
      description:
        'What changed, from what to what. A secret, and the value of a header, is `"•••"`. A value of more than ' +
        `${MAX_VALUE_LENGTH.toLocaleString('en')} characters is cut, and ends with \`…\`.`,
      example: { url: { from: 'https://hooks.example.com/old', to: 'https://hooks.example.com/new' } },
    }),
  })
  .openapi('AuditEntry', { description: 'One thing that somebody did.' });

/** An entry as answers carry it. */
export type ShownEntry = z.input<typeof entry>;

function toEntry({ id, at, actor, network, action, target, changes }: AuditEntry): ShownEntry {
  return { id, at: isoTime(at), actor, network, action, target, changes };
}

const action = z
  .enum(AUDIT_ACTIONS, { error: `This is not an action. These are: ${AUDIT_ACTIONS.join(', ')}.` })
  .optional()
  .openapi({ description: 'Only entries of this action.', example: 'secret.revealed' });

const list = route({
  method: 'get',
  path,
  operationId: 'listAuditLog',
  summary: 'See who did what',
  description:
    'Each change of the configuration, of keys and secrets, each secret that was revealed, what was recovered, canceled or erased, who signed in and out: newest ' +
    `first. Entries are kept for ${AUDIT_RETENTION_MS / DAY_MS} days, at most ${MAX_AUDIT_ENTRIES.toLocaleString('en')} of them.`,
  tag,
  access: 'admin',
  params: organizationParams,
  query: pageQuery.extend({ action }),
  success: { status: 200, description: 'A page.', schema: z.object({ data: z.array(entry), nextCursor }).openapi('AuditLogPage') },
  handler: async ({ params, query, db }) => {
    const { organizationId } = params;
    const { limit = DEFAULT_PAGE, cursor, action } = query;
    const after = readCursor(cursor);
    await requireOrganization(db, organizationId);
    // One more than the page has tells whether there is a next one.
    const found = await listEntries(db, organizationId, { action, before: after?.id, limit: limit + 1 });
    const data = found.slice(0, limit);
    const last = found.length > limit ? data.at(-1) : undefined;
    return { data: data.map(toEntry), nextCursor: last ? writeCursor(last.at, last.id) : null };
  },
});

const exportAll = route({
  method: 'get',
  path: `${path}/export`,
  operationId: 'exportAuditLog',
  summary: 'Download the audit log',
  description:
    'All of it, newest first, as NDJSON: one entry a line, as the list has them. To go on with a download that broke off, pass the `id` of the last whole line ' +
    `as \`before\`; likewise after ${EXPORT_PAGE * MAX_EXPORT_PAGES} lines, which is where one download ends.`,
  tag,
  access: 'admin',
  params: organizationParams,
  query: z.object({
    action,
    before: z
      .string()
      .max(100)
      .optional()
      .openapi({ description: 'Only entries before this one.', example: 'aud_01JDCQ7Z8W5M3KXN4R2T6V9YBA' }),
  }),
  success: { status: 200, description: 'The entries, one a line.', contentType: 'application/x-ndjson', schema: z.string() },
  handler: async ({ params, query, db }) => {
    await requireOrganization(db, params.organizationId);
    const headers = { 'Content-Type': 'application/x-ndjson', 'Content-Disposition': 'attachment; filename="audit-log.ndjson"' };
    return new Response(linesOf(db, params.organizationId, query), { headers });
  },
});

/** The entries as lines. Each page is read when the reader has taken the one before: a slow reader costs no memory. */
function linesOf(db: Database, organizationId: string, query: { action?: AuditAction | undefined; before?: string | undefined }) {
  const encoder = new TextEncoder();
  let { before } = query;
  let pages = 0;
  const pull = async (controller: ReadableStreamDefaultController<Uint8Array>) => {
    const entries = await listEntries(db, organizationId, { action: query.action, before, limit: EXPORT_PAGE });
    before = entries.at(-1)?.id;
    pages += 1;
    if (entries.length > 0) controller.enqueue(encoder.encode(entries.map((each) => `${JSON.stringify(toEntry(each))}\n`).join('')));
    if (entries.length < EXPORT_PAGE || pages === MAX_EXPORT_PAGES) controller.close();
  };
  return new ReadableStream<Uint8Array>({ pull }, { highWaterMark: 0 });
}

export { exportAll as exportAuditLog, list as listAuditLog };

export const auditLogRoutes: readonly Route[] = [list, exportAll];
