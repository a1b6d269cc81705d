import { eventQueueFor } from '../../consumer/event-queues.ts';
import { type IncomingEvent, MAX_EVENTS, MAX_EVENTS_BYTES, readEvents } from '../../domain/event/event.ts';
import { packEvents } from '../../domain/event/event-message.ts';
import { checkAgainstSchema } from '../../domain/event/event-schema.ts';
import { EVENT_TYPE_NAME, MAX_EVENT_TYPE_NAME_LENGTH } from '../../domain/event/event-type.ts';
import { isOperational } from '../../domain/event/operational-event.ts';
import { VISITOR_IDENTIFIED_SCHEMA } from '../../domain/event/visitor-identified.ts';
import { keyedEventIds, mintId } from '../../domain/ids.ts';
import { logError, logWarning } from '../../log.ts';
import { gatheredOf } from '../../meter/gathered.ts';
import { within } from '../../within.ts';
import { ApiError, type Issue, invalid, refusal } from '../errors.ts';
import { type ApiRequest, type Route, route } from '../route.ts';
import { z } from '../zod.ts';
import { knownEventTypes } from './catalogue.ts';
import { event } from './event.ts';
import { areUnwanted } from './unwanted-events.ts';

/** How long the queue may take to accept. An overloaded one can hang for a minute; a producer is better served by a quick 503. */
const QUEUE_TIMEOUT_MS = 2_000;

const accepted = z.object({ id: z.string().openapi({ example: 'evt_01JDCQ7Z8W5M3KXN4R2T6V9YBA' }) }).openapi('AcceptedEvent');
const acceptedAll = z.object({ ids: z.array(z.string()) }).openapi('AcceptedEvents');

const idempotencyKey = z
  .string()
  .regex(/^[\x21-\x7e][\x20-\x7e]{0,254}$/, 'An Idempotency-Key has 1 to 255 printable ASCII characters.')
  .optional();

/** The id of an event, or those of an array, in its order. */
export type AcceptedEvents = { id: string } | { ids: string[] };

const post = route({
  method: 'post',
  path: '/api/v1/events',
  operationId: 'postEvents',
  summary: 'Accept an event, or an array of them',
  description:
    `One event of at most 100,000 bytes, or an array of up to ${MAX_EVENTS} and ${MAX_EVENTS_BYTES.toLocaleString('en')} bytes in all: all or nothing. 202 means ` +
    'durably queued. The same `Idempotency-Key` gives the same events the same ids and no second delivery; ' +
    'another body under the same key is another event.',
  tag: 'Events',
  access: 'ingest',
  headers: z.object({
    'Idempotency-Key': idempotencyKey.openapi({ description: '1 to 255 printable ASCII characters. Counts per organization and event.' }),
  }),
  rawBody: { schema: z.union([event, z.array(event).min(1).max(MAX_EVENTS)]), maxBytes: MAX_EVENTS_BYTES },
  success: { status: 202, description: 'In the queue: `id` of an event, `ids` of an array.', schema: z.union([accepted, acceptedAll]) },
  errors: ['unknown_event_type', 'queue_unavailable'],
  handler: async ({ bytes, headers, env, nowMs, waitUntil }) =>
    await acceptEvents(bytes, headers['Idempotency-Key'], { env, nowMs, waitUntil }),
});

/** The key where it is one; a 422 where it is not. */
export function checkIdempotencyKey(key: string | undefined): string | undefined {
  const checked = idempotencyKey.safeParse(key);
  if (checked.success) return checked.data;
  throw invalid(checked.error.issues.map(({ message }) => ({ field: 'Idempotency-Key', message })));
}

/**
 * Accepts the JSON of an event, or of an array of them: all or nothing, and durably queued when it returns. What is not accepted is an ApiError.
 * @param bytes at most MAX_EVENTS_BYTES
 * @param key an Idempotency-Key that was checked
 */
export async function acceptEvents(
  bytes: Uint8Array,
  key: string | undefined,
  { env, nowMs, waitUntil }: Pick<ApiRequest<never, never, never, never>, 'env' | 'nowMs' | 'waitUntil'>,
): Promise<AcceptedEvents> {
  if (bytes.length === 0) throw new ApiError('malformed_json', 'The body is empty; it must be JSON.');
  const read = readEvents(bytes);
  if (!read.ok) throw refusal(read.error.code, read.error.message, read.error.issues);
  await requireKnown(env, read, nowMs);
  const ids = key === undefined ? read.events.map(() => mintId('event', nowMs)) : await keyedEventIds(read.events, key);
  if (await areUnwanted(read.events, ids, { env, waitUntil })) countDropped(read.events, env);
  else {
    // An array goes into one queue, whoever's its events are: two could not accept it as a whole.
    const [first] = read.events;
    const queued = read.events.map(({ payload }, index) => ({ id: ids[index] as string, payload }));
    await sendToQueue(eventQueueFor(env, first?.organizationId ?? ''), packEvents(queued, nowMs));
  }
  return read.array ? { ids } : { id: ids[0] as string };
}

/** Events that nobody wants are counted here, since no consumer sees them. */
function countDropped(events: readonly IncomingEvent[], env: Env): void {
  const gathered = gatheredOf(env);
  for (const { organizationId } of events) gathered.event(organizationId);
  gathered.count('dropped', events.length);
}

type Accepted = Extract<ReturnType<typeof readEvents>, { ok: true }>;

/** Refuses events whose type the catalogue does not know, or that do not match their type's schema. */
async function requireKnown(env: Env, { array, events }: Accepted, nowMs: number): Promise<void> {
  const { types, complete } = await knownEventTypes(
    env,
    events.map((one) => one.event),
    nowMs,
  );
  const place = (index: number) => (array ? { index } : {});
  const unknown = [...events.entries()].filter(([, one]) => !types.has(one.event) || isOperational(one.event));
  if (unknown.length > 0 && !complete) {
    throw new ApiError('configuration_unavailable', 'The catalogue of event types cannot be reached right now. Please try again shortly.');
  }
  if (unknown.length > 0) {
    // The service's own events look like unknown ones to a producer: nobody else can speak for it.
    throw invalid(
      unknown.map(([index, one]) => ({ ...place(index), field: 'event', message: noSuchType(one.event) })),
      'unknown_event_type',
    );
  }
  const issues = events.flatMap((one, index) =>
    mismatches(one, types.get(one.event)?.schema ?? null).map((issue) => ({ ...place(index), ...issue })),
  );
  if (issues.length > 0) throw invalid(issues);
}

/** Names what looks like a type; anything else is something of the payload. */
function noSuchType(name: string): string {
  return EVENT_TYPE_NAME.test(name) && name.length <= MAX_EVENT_TYPE_NAME_LENGTH
    ? `There is no event type \`${name}\`.`
    : '`event` is not the name of an event type, such as `visitor.identified`.';
}

function mismatches(one: IncomingEvent, schema: Record<string, unknown> | null): Issue[] {
  // What ships requires what readEvents has required already.
  if (!schema || schema === VISITOR_IDENTIFIED_SCHEMA) return [];
  return checkAgainstSchema(schema, one.value, one.payload.length).map(({ field, message, givenUp }) => {
    if (givenUp !== undefined) logWarning('api.event_not_checked', { eventType: one.event, cause: givenUp });
    return { field, message };
  });
}

/**
 * Puts messages into a queue, all or none: one sendBatch. Where it fails or takes too long the producer is told to try again;
 * a send that succeeds after that is a duplicate, which at-least-once delivery allows.
 */
export async function sendToQueue(queue: Queue, bodies: readonly Uint8Array[]): Promise<void> {
  const [only] = bodies;
  try {
    if (only && bodies.length === 1) await within(QUEUE_TIMEOUT_MS, queue.send(only, { contentType: 'bytes' }));
    else await within(QUEUE_TIMEOUT_MS, queue.sendBatch(bodies.map((body) => ({ body, contentType: 'bytes' as const }))));
  } catch (error) {
    logError('api.queue_unavailable', error, { messages: bodies.length });
    throw new ApiError(
      'queue_unavailable',
      'The queue has not confirmed the events. Please send them again shortly; with the same Idempotency-Key nothing is delivered twice.',
    );
  }
}

export const eventRoutes: readonly Route[] = [post];
