import { deleteEventType, listEventTypes, putEventType } from '../../db/event-types.ts';
import { schemaProblem } from '../../domain/event/event-schema.ts';
import { BUILT_IN_EVENT_TYPES, EVENT_TYPE_NAME, MAX_EVENT_TYPE_NAME_LENGTH, mergeCatalogue } from '../../domain/event/event-type.ts';
import { ApiError, invalid, notFound } from '../errors.ts';
import { OtherSuccess, type Route, route } from '../route.ts';
import { z } from '../zod.ts';
import { expireCatalogue } from './catalogue.ts';

const path = '/api/v1/event-types';
const tag = 'Event types';

const jsonObject = z.record(z.string(), z.unknown());

const eventTypeInput = z
  .strictObject({
    name: z.string().optional().openapi({ description: 'As in the path, where it is said at all.' }),
    description: z.string().trim().min(1).max(1_000),
    example: jsonObject.nullable().optional().openapi({ description: 'A sample event, as receivers get it.' }),
    schema: jsonObject
      .nullable()
      .optional()
      .openapi({
        description:
          'JSON Schema (draft 2020-12) that events of this type must match, `format` included. It is bounded: `$ref`s stay within it and lead ' +
          'back to no schema of the same value; a `pattern` has at most 1,000 characters, does not look ahead or behind, and repeats nothing that ' +
          'repeats already; `uniqueItems` needs a `maxItems` of at most 1,000; at most 1,000 schemas are applied to one value.',
      }),
  })
  .openapi('EventTypeInput');

const eventType = z
  .object({
    name: z.string(),
    description: z.string(),
    example: jsonObject.nullable(),
    schema: jsonObject.nullable(),
    builtIn: z.boolean().openapi({ description: 'Whether it ships with the service, and cannot be removed.' }),
  })
  .openapi('EventType', { description: 'What producers may post, and webhooks may subscribe to.' });

const eventTypeList = z.object({ eventTypes: z.array(eventType) }).openapi('EventTypeList');

const nameParams = z.object({ name: z.string().openapi({ example: 'visitor.identified' }) });

const list = route({
  method: 'get',
  path,
  operationId: 'listEventTypes',
  summary: 'List the event types',
  description: 'The catalogue, by name. It is the same for every organization.',
  tag,
  access: 'read',
  success: { status: 200, description: 'The catalogue.', schema: eventTypeList },
  handler: async ({ db }) => ({ eventTypes: (await listEventTypes(db)) as z.input<typeof eventType>[] }),
});

const get = route({
  method: 'get',
  path: `${path}/{name}`,
  operationId: 'getEventType',
  summary: 'Read an event type',
  tag,
  access: 'read',
  params: nameParams,
  success: { status: 200, description: 'The event type.', schema: eventType },
  handler: async ({ params, db }) => {
    const found = (await listEventTypes(db)).find(({ name }) => name === params.name);
    if (!found) throw notFound('event type');
    return found as z.input<typeof eventType>;
  },
});

const put = route({
  method: 'put',
  path: `${path}/{name}`,
  operationId: 'putEventType',
  summary: 'Add an event type, or describe one anew',
  description:
    'One that ships with the service is overlaid; what it requires stays required. An event that would take too much work to check is refused.',
  tag,
  access: 'platform',
  params: z.object({
    name: z
      .string()
      .max(MAX_EVENT_TYPE_NAME_LENGTH)
      .regex(EVENT_TYPE_NAME, 'A name is lower-case words of letters, digits and _, joined by dots.')
      .openapi({ example: 'company.identified' }),
  }),
  body: eventTypeInput,
  success: {
    status: 200,
    description: 'The event type as it is now.',
    schema: eventType,
    other: { status: 201, description: 'The event type, which is new.' },
  },
  handler: async ({ params, body, db, nowMs }) => {
    const { description, example = null, schema = null } = body;
    if (body.name !== undefined && body.name !== params.name) {
      throw invalid([{ field: 'name', message: `\`name\` is not \`${params.name}\`, as the path says.` }]);
    }
    requireUsable(schema);
    const type = { name: params.name, description, example, schema };
    const isNew = (await putEventType(db, type, nowMs)) && !isBuiltIn(type.name);
    expireCatalogue();
    const merged = mergeCatalogue([type]).find(({ name }) => name === type.name) as z.input<typeof eventType>;
    return isNew ? new OtherSuccess(merged) : merged;
  },
});

const remove = route({
  method: 'delete',
  path: `${path}/{name}`,
  operationId: 'deleteEventType',
  summary: 'Remove an event type',
  description: 'Events of it are refused from then on. One that ships with the service only loses what was put over it.',
  tag,
  access: 'platform',
  params: nameParams,
  success: { status: 204, description: 'It is gone.' },
  errors: ['built_in_event_type'],
  handler: async ({ params, db }) => {
    const removed = await deleteEventType(db, params.name);
    expireCatalogue();
    if (removed) return;
    if (isBuiltIn(params.name)) throw new ApiError('built_in_event_type', 'This event type ships with the service and cannot be removed.');
    throw notFound('event type');
  },
});

/** Refuses a schema that events could not be checked against. */
function requireUsable(schema: Record<string, unknown> | null): void {
  const problem = schema && schemaProblem(schema);
  if (!problem) return;
  throw invalid([{ field: problem.field ? `schema.${problem.field}` : 'schema', message: problem.message }]);
}

function isBuiltIn(name: string): boolean {
  return BUILT_IN_EVENT_TYPES.some((type) => type.name === name);
}

export { list as listEventTypes };

export const eventTypeRoutes: readonly Route[] = [list, get, put, remove];
