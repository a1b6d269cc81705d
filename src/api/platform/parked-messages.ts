import { eventQueueFor } from '../../consumer/event-queues.ts';
import { deleteParkedMessage, findParkedMessage, listParkedMessages, type ParkedMessage } from '../../db/parked-messages.ts';
import { decodeEventMessage, type EventMessage, encodeEventMessage } from '../../domain/event/event-message.ts';
import { toBase64 } from '../../domain/text/encoding.ts';
import { withoutErased } from '../../upkeep/erased-events.ts';
import { ApiError, notFound } from '../errors.ts';
import { sendToQueue } from '../events/events.ts';
import { DEFAULT_PAGE, isoTime, nextCursor, pageQuery, readCursor, time, writeCursor } from '../parameters.ts';
import { type Route, route } from '../route.ts';
import { z } from '../zod.ts';

const path = '/api/v1/platform/parked-messages';
const tag = 'Platform';

const parkedMessage = z
  .object({
    id: z.string(),
    reason: z.string(),
    sizeBytes: z.number().int(),
    parkedAt: time(),
  })
  .openapi('ParkedMessage', { description: 'A queue message that could not be processed: kept until it is redriven or deleted.' });

const parkedMessageDetail = parkedMessage
  .extend({ bodyBase64: z.string(), bodyText: z.string().openapi({ description: 'As UTF-8, for reading.' }) })
  .openapi('ParkedMessageDetail');

const parkedMessagePage = z.object({ data: z.array(parkedMessage), nextCursor }).openapi('ParkedMessagePage');
const redriven = z.object({ id: z.string() }).openapi('RedrivenMessage');
const params = z.object({ messageId: z.string() });

function toParkedMessage({ id, reason, sizeBytes, parkedAt }: ParkedMessage): z.input<typeof parkedMessage> {
  return { id, reason, sizeBytes, parkedAt: isoTime(parkedAt) };
}

const list = route({
  method: 'get',
  path,
  operationId: 'listParkedMessages',
  summary: 'List the messages that could not be processed',
  description: 'Newest first.',
  tag,
  access: 'platform',
  query: pageQuery,
  success: { status: 200, description: 'A page.', schema: parkedMessagePage },
  handler: async ({ query, db }) => {
    const { limit = DEFAULT_PAGE } = query;
    const after = readCursor(query.cursor);
    // One more than asked for tells whether there is a next page.
    const rows = await listParkedMessages(db, limit + 1, after && { parkedAt: after.timeMs, id: after.id });
    const page = rows.slice(0, limit);
    const last = rows.length > limit ? page.at(-1) : undefined;
    return { data: page.map(toParkedMessage), nextCursor: last ? writeCursor(last.parkedAt, last.id) : null };
  },
});

const get = route({
  method: 'get',
  path: `${path}/{messageId}`,
  operationId: 'getParkedMessage',
  summary: 'Read a parked message with its body',
  tag,
  access: 'platform',
  params,
  success: { status: 200, description: 'The message.', schema: parkedMessageDetail },
  handler: async ({ params: { messageId }, db }) => {
    const message = await findParkedMessage(db, messageId);
    if (!message) throw notFound('parked message');
    const { body } = message;
    return { ...toParkedMessage(message), bodyBase64: toBase64(body), bodyText: new TextDecoder().decode(body) };
  },
});

const redrive = route({
  method: 'post',
  path: `${path}/{messageId}/redrive`,
  operationId: 'redriveParkedMessage',
  summary: 'Put a parked message into the queue again',
  description:
    'It leaves the list. Deliveries that it had already led to are not made twice, and events of people who have been erased since are left out.',
  tag,
  access: 'platform',
  params,
  success: { status: 202, description: 'It is in the queue.', schema: redriven },
  errors: ['message_unreadable', 'queue_unavailable'],
  handler: async ({ params: { messageId }, db, env }) => {
    const message = await findParkedMessage(db, messageId);
    if (!message) throw notFound('parked message');
    // First into the queue, then off the list: where this ends in between, the message is in both: the outboxes know what they have.
    const left = await withoutErased(env, readable(message.body));
    if (left) await sendToQueue(eventQueueFor(env, messageId), [encodeEventMessage(left)]);
    await deleteParkedMessage(db, messageId);
    return { id: messageId };
  },
});

function readable(body: Uint8Array): EventMessage {
  try {
    return decodeEventMessage(body);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new ApiError('message_unreadable', `The message is not one of events, and would only come back: ${why}.`);
  }
}

const remove = route({
  method: 'delete',
  path: `${path}/{messageId}`,
  operationId: 'deleteParkedMessage',
  summary: 'Delete a parked message for good',
  tag,
  access: 'platform',
  params,
  success: { status: 204, description: 'It is gone.' },
  handler: async ({ params: { messageId }, db }) => {
    if (!(await deleteParkedMessage(db, messageId))) throw notFound('parked message');
  },
});

export { get as getParkedMessage, list as listParked, redrive as redriveParkedMessage, remove as removeParkedMessage };

export const parkedMessageRoutes: readonly Route[] = [list, get, redrive, remove];
