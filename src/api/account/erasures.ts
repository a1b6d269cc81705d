import { withoutParameters } from '../../db/client.ts';
import {
  type ErasureRow,
  type ErasureWebhookRow,
  findErasure,
  insertErasure,
  listErasures,
  listErasureWebhooks,
} from '../../db/erasures.ts';
import { sealSecret } from '../../db/secret-box.ts';
import { hashOfPerson, NOTIFIED } from '../../domain/erasure.ts';
import { mintId } from '../../domain/ids.ts';
import { isPath, PATH_FORM } from '../../domain/rules/path.ts';
import { logError } from '../../log.ts';
import { advanceErasure } from '../../upkeep/erasures.ts';
import { countsOfErasure, ERASURES_A_DAY, requireCount } from '../access/rate-limit.ts';
import { ApiError, notFound } from '../errors.ts';
import {
  DEFAULT_PAGE,
  isoTime,
  isoTimeOrNull,
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

const path = '/api/v1/organization/{organizationId}/erasures';
const tag = 'Erasures';

/** Erasures of an organization that can be under way at a time: each goes through the logs of all its webhooks. */
const MAX_UNDER_WAY = 100;
const WAIT_SECONDS = 60;
/** Longest value, in characters. */
const MAX_VALUE_LENGTH = 1_000;

const erasureParams = organizationParams.extend({
  erasureId: z.string().openapi({ description: "The erasure's id.", example: 'ers_01JDCQ7Z8W5M3KXN4R2T6V9YBA' }),
});

const erasureInput = z
  .strictObject({
    field: z
      .string()
      .refine(isPath, `This is not ${PATH_FORM}.`)
      .openapi({ description: 'The field of the events that names the person.', example: 'visitor.email' }),
    value: z
      .string()
      .max(MAX_VALUE_LENGTH)
      .refine((value) => value.trim() !== '', 'This is blank.')
      .openapi({ description: 'Its value, compared as text and without regard to case.', example: 'jane.doe@example.com' }),
  })
  .openapi('ErasureInput');

const erasure = z
  .object({
    id: z.string(),
    field: z.string(),
    status: z.enum(['running', 'done']).openapi({ description: '`done` when the logs of all webhooks are through.' }),
    requestedAt: time('It is of events that were accepted until then.'),
    finishedAt: time('Null while it goes on.').nullable(),
    webhooks: z
      .array(
        z.object({
          webhookId: z.string(),
          deliveries: z.number().int().openapi({ description: 'Deliveries of the person that were found so far.' }),
          notified: z
            .enum(NOTIFIED)
            .nullable()
            .openapi({
              description:
                'What became of the `visitor.erased` that tells the endpoint; it can be `pending` when the erasure is done. Null: its log is not through, or ' +
                'no attempt had been made of any of these deliveries.',
            }),
        }),
      )
      .openapi({ description: 'Those with deliveries of the person.' }),
  })
  .openapi('Erasure', { description: 'A person who is erased from the logs of all webhooks. The value is not kept.' });

function toErasure({ id, field, requestedAt, finishedAt }: ErasureRow, rows: readonly ErasureWebhookRow[]): z.input<typeof erasure> {
  const own = rows.filter(({ erasureId, deliveries }) => erasureId === id && deliveries > 0);
  return {
    id,
    field,
    status: finishedAt === null ? 'running' : 'done',
    requestedAt: isoTime(requestedAt),
    finishedAt: isoTimeOrNull(finishedAt),
    webhooks: own.map(({ webhookId, deliveries, notified }) => ({ webhookId, deliveries, notified })),
  };
}

const create = route({
  method: 'post',
  path,
  operationId: 'erasePerson',
  summary: 'Erase a person from the logs of all webhooks',
  description:
    'Every delivery of the organization whose event has that value loses its payload for good, and what its attempts show of it: in all logs, tests ' +
    'included, of events accepted until now. What waits is not sent any more, and ends as `discarded`, with the reason `person_erased`. An attempt that ' +
    'runs ends as it ends, and is then emptied. Events kept back by a filter or `once` lose the names of whom they were about. A webhook that had received the ' +
    'person, and subscribes to `visitor.erased`, gets that event. It goes on after the answer, in steps, while deliveries do. ' +
    `At most ${MAX_UNDER_WAY} of an organization are under way at a time, and ${ERASURES_A_DAY} in a day: 429 beyond. They are listed for 400 days.`,
  tag,
  access: 'admin',
  writes: true,
  params: organizationParams,
  body: erasureInput,
  success: { status: 202, description: 'The erasure has begun.', schema: erasure },
  handler: async ({ params, body, caller, db, env, settings, nowMs, waitUntil, entry }) => {
    const { organizationId } = params;
    await requireOrganization(db, organizationId);
    if (caller.kind === 'organization') await requireCount(env, organizationId, countsOfErasure(), nowMs);
    const id = mintId('erasure', nowMs);
    const value = await sealSecret(settings.masterKeys, id, body.value);
    const hash = hashOfPerson(settings.masterKeys[0] as string, body.field, body.value);
    const row = { id, organizationId, field: body.field, value, hash, requestedAt: nowMs };
    const erased = entry('person.erased', { type: 'person', id }, { field: { from: null, to: body.field } });
    if (!(await insertErasure(db, row, erased, MAX_UNDER_WAY))) {
      await requireOrganization(db, organizationId);
      const message = `${MAX_UNDER_WAY} erasures of this organization are under way. Wait until one of them is done.`;
      throw new ApiError('rate_limited', message, { limit: MAX_UNDER_WAY }, WAIT_SECONDS);
    }
    const begun = { ...row, parkedAfter: '', finishedAt: null };
    // What fails is done by the cron within a minute.
    waitUntil(
      advanceErasure(env, begun, nowMs).catch((error) => logError('api.erasure_not_begun', withoutParameters(error), { erasure: id })),
    );
    return toErasure(begun, []);
  },
});

const get = route({
  method: 'get',
  path: `${path}/{erasureId}`,
  operationId: 'getErasure',
  summary: 'See how far an erasure has come',
  tag,
  access: 'admin',
  params: erasureParams,
  success: { status: 200, description: 'The erasure.', schema: erasure },
  handler: async ({ params, db }) => {
    const row = await findErasure(db, params.organizationId, params.erasureId);
    if (!row) throw notFound('erasure');
    return toErasure(row, await listErasureWebhooks(db, [row.id]));
  },
});

const list = route({
  method: 'get',
  path,
  operationId: 'listErasures',
  summary: 'List erasures',
  description: 'Newest first.',
  tag,
  access: 'admin',
  params: organizationParams,
  query: pageQuery,
  success: { status: 200, description: 'A page.', schema: z.object({ data: z.array(erasure), nextCursor }).openapi('ErasurePage') },
  handler: async ({ params, query, db }) => {
    const { organizationId } = params;
    await requireOrganization(db, organizationId);
    const { limit = DEFAULT_PAGE } = query;
    // One more than asked for tells whether there is a next page.
    const rows = await listErasures(db, organizationId, limit + 1, readCursor(query.cursor)?.id ?? null);
    const page = rows.slice(0, limit);
    const last = rows.length > limit ? page.at(-1) : undefined;
    const webhooks = await listErasureWebhooks(
      db,
      page.map(({ id }) => id),
    );
    return { data: page.map((row) => toErasure(row, webhooks)), nextCursor: last ? writeCursor(last.requestedAt, last.id) : null };
  },
});

export { create as erasePerson, list as listErasures };

export const erasureRoutes: readonly Route[] = [create, list, get];
