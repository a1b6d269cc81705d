import { listWebhooks } from '../../db/webhooks.ts';
import {
  ATTEMPT_OUTCOMES,
  ATTEMPT_TRIGGERS,
  type AttemptRecord,
  DELIVERY_REASONS,
  DELIVERY_STATUSES,
  type DeliveryDetail,
  type DeliverySummary,
} from '../../domain/delivery/delivery.ts';
import { EVENT_TYPE_NAME, MAX_EVENT_TYPE_NAME_LENGTH } from '../../domain/event/event-type.ts';
import { deliveryId, isEventId, isTestEvent } from '../../domain/ids.ts';
import { notFound } from '../errors.ts';
import {
  DEFAULT_PAGE,
  deliveryParams,
  eventParams,
  isoTime,
  isoTimeOrNull,
  nextCursor,
  pageQuery,
  readCursor,
  requireOrganization,
  time,
  timeInput,
  webhookParams,
  writeCursor,
} from '../parameters.ts';
import { type Route, route } from '../route.ts';
import { requireWebhook } from '../webhooks/webhooks.ts';
import { z } from '../zod.ts';
import { answerFilters } from './answer-filters.ts';
import { outboxOf, reached } from './outboxes.ts';

const path = '/api/v1/organization/{organizationId}/webhooks/{webhookId}/deliveries';
const tag = 'Deliveries';

export const delivery = z
  .object({
    id: z.string(),
    webhookId: z.string(),
    eventId: z.string(),
    event: z.string(),
    test: z.boolean().openapi({
      description: 'Whether it is a test: then its event id begins with `evt_test_`, and it stays one when it is retried by hand.',
    }),
    subject: z.string().nullable().openapi({
      description:
        'Whom its event is about: of `visitor.identified` the name, or else the e-mail, and the company. Null where nobody is named, and where its payload was erased or never kept.',
      example: 'Jane Doe, Example Corp',
    }),
    sessionId: z.string().nullable(),
    status: z.enum(DELIVERY_STATUSES),
    reason: z.enum(DELIVERY_REASONS).nullable().openapi({ description: 'Why it ended other than delivered.' }),
    attemptCount: z.number().int(),
    nextAttemptAt: time().nullable(),
    createdAt: time('When its event was accepted.'),
    finishedAt: time().nullable(),
    lastResponseStatus: z.number().int().nullable(),
    lastDurationMs: z.number().nullable().openapi({ description: 'How long the last attempt that ended took.' }),
  })
  .openapi('Delivery', { description: 'One event for one webhook.' });

/** Which event types are meant, of those that the log can have. */
export const eventPattern = z
  .string()
  .max(MAX_EVENT_TYPE_NAME_LENGTH + 2)
  .refine((text) => text === '*' || EVENT_TYPE_NAME.test(text.replace(/\.\*$/, '')), {
    message: '`event` is not an event type such as visitor.identified, or a prefix such as visitor.*.',
  })
  .optional()
  .openapi({
    description:
      'An event type, or a prefix such as `visitor.*`. It need not be in the catalogue: the log can have types that were removed.',
    example: 'visitor.identified',
  });
const headerMap = z.record(z.string(), z.string());

export const attempt = z
  .object({
    number: z.number().int(),
    trigger: z.enum(ATTEMPT_TRIGGERS),
    startedAt: time(),
    url: z
      .string()
      .nullable()
      .openapi({ description: "Where it went: the webhook's URL when it began. Null where it was made before URLs were kept." }),
    durationMs: z.number().nullable().openapi({ description: "To the response's headers, or to the failure." }),
    outcome: z.enum(ATTEMPT_OUTCOMES),
    requestHeaders: headerMap,
    responseStatus: z.number().int().nullable(),
    responseHeaders: headerMap.nullable(),
    responseBody: z.string().nullable(),
    responseBodyEncoding: z.enum(['utf-8', 'base64']).nullable(),
    responseBodyTruncated: z.boolean(),
    error: z.string().nullable().openapi({ description: 'What went wrong, in words.' }),
  })
  .openapi('Attempt', { description: 'One HTTP POST of a delivery.' });

const deliveryDetail = delivery
  .extend({
    payload: z.string().nullable().openapi({
      description:
        'The exact text that is sent, the same on every attempt; null where it was erased, never kept, or could not be rendered.',
    }),
    acceptedPayload: z.string().nullable().openapi({
      description:
        'The exact text of the event as it was accepted; null where that is what is sent, and where it was erased or never kept.',
    }),
    error: z
      .string()
      .nullable()
      .openapi({ description: 'Where `reason` is `not_rendered`: what of the template, or the format, went wrong.' }),
    payloadErasedAt: time().nullable(),
    attempts: z.array(attempt),
  })
  .openapi('DeliveryDetail');

export const deliveryPage = z
  .object({
    data: z.array(delivery),
    nextCursor,
    searchedSince: time('Where there is a next page: everything accepted later has been looked through.').optional(),
    keptSince: time('Where something was removed: of events accepted before, deliveries are missing.').optional(),
  })
  .openapi('DeliveryPage');

/** What deliveries are filtered by. */
export const deliveryFilters = {
  status: z.enum(DELIVERY_STATUSES).optional(),
  event: eventPattern,
  from: timeInput('Accepted then or later.').optional(),
  to: timeInput('Accepted before.').optional(),
  q: z.string().min(1).max(200).optional().openapi({
    description:
      "Part of the visitor's e-mail or name, the company's name or domain, or the delivery's, the event's or the session's id; in any case.",
    example: 'jane.doe@example.com',
  }),
  ...answerFilters,
};

export function toDelivery(webhookId: string, summary: DeliverySummary): z.input<typeof delivery> {
  return {
    id: summary.id,
    webhookId,
    eventId: summary.eventId,
    event: summary.event,
    test: isTestEvent(summary.eventId),
    // An outbox of the version before, which can still answer during a deploy, does not say.
    subject: summary.subject ?? null,
    sessionId: summary.sessionId,
    status: summary.status,
    reason: summary.reason,
    attemptCount: summary.attemptCount,
    nextAttemptAt: isoTimeOrNull(summary.nextAttemptAt),
    createdAt: isoTime(summary.createdAt),
    finishedAt: isoTimeOrNull(summary.finishedAt),
    lastResponseStatus: summary.lastResponseStatus,
    lastDurationMs: summary.lastDurationMs,
  };
}

export function toAttempt(record: AttemptRecord): z.input<typeof attempt> {
  return { ...record, startedAt: isoTime(record.startedAt), url: record.url ?? null };
}

function toDetail(webhookId: string, detail: DeliveryDetail): z.input<typeof deliveryDetail> {
  // An outbox of the version before, which can still answer during a deploy, renders nothing.
  const { payload, acceptedPayload = null, error = null, payloadErasedAt, attempts } = detail;
  const texts = { payload, acceptedPayload, error, payloadErasedAt: isoTimeOrNull(payloadErasedAt) };
  return { ...toDelivery(webhookId, detail), ...texts, attempts: attempts.map(toAttempt) };
}

const list = route({
  method: 'get',
  path,
  operationId: 'listDeliveries',
  summary: "List a webhook's deliveries",
  description:
    'Newest first. A page looks through a bounded part of the log: it can hold fewer than `limit`, even none, and still have a next one. Go on while ' +
    '`nextCursor` is not null.',
  tag,
  access: 'read',
  params: webhookParams,
  query: pageQuery.extend(deliveryFilters),
  success: { status: 200, description: 'A page.', schema: deliveryPage },
  errors: ['outbox_unavailable'],
  handler: async ({ params, query, db, env }) => {
    const { limit = DEFAULT_PAGE, cursor, ...filter } = query;
    const after = readCursor(cursor);
    const { id } = await requireWebhook(db, params);
    const position = after && { createdAt: after.timeMs, id: after.id };
    const page = await reached(outboxOf(env, id).list(filter, limit, position));
    return {
      data: page.deliveries.map((summary) => toDelivery(id, summary)),
      nextCursor: page.next && writeCursor(page.next.createdAt, page.next.id),
      ...(page.next && { searchedSince: isoTime(page.next.createdAt) }),
      ...(page.keptSince !== null && { keptSince: isoTime(page.keptSince) }),
    };
  },
});

const get = route({
  method: 'get',
  path: `${path}/{deliveryId}`,
  operationId: 'getDelivery',
  summary: 'Read a delivery with its payload and every attempt',
  tag,
  access: 'read',
  params: deliveryParams,
  success: { status: 200, description: 'The delivery.', schema: deliveryDetail },
  errors: ['outbox_unavailable'],
  handler: async ({ params, db, env }) => {
    const { id } = await requireWebhook(db, params);
    const detail = await reached(outboxOf(env, id).find(params.deliveryId));
    if (!detail) throw notFound('delivery');
    return toDetail(id, detail);
  },
});

const eventDeliveries = z
  .object({ id: z.string(), event: z.string(), createdAt: time('When it was accepted.'), deliveries: z.array(delivery) })
  .openapi('EventDeliveries');

const getEvent = route({
  method: 'get',
  path: '/api/v1/organization/{organizationId}/events/{eventId}',
  operationId: 'getEvent',
  summary: "Read one event's deliveries across the webhooks",
  description: 'An event that went to no webhook, or that the logs no longer have, is not found.',
  tag,
  access: 'read',
  params: eventParams,
  success: { status: 200, description: 'The event with a delivery for each webhook it went to.', schema: eventDeliveries },
  errors: ['outbox_unavailable'],
  handler: async ({ params, db, env }) => {
    const { organizationId, eventId } = params;
    await requireOrganization(db, organizationId);
    if (!isEventId(eventId)) throw notFound('event');
    const webhooks = await listWebhooks(db, organizationId);
    const found = await Promise.all(
      webhooks.map(async ({ id }) => {
        const summary = await reached(outboxOf(env, id).summary(deliveryId(eventId, id)));
        // The id of a test without its mark is another one.
        return summary?.eventId === eventId ? toDelivery(id, summary) : null;
      }),
    );
    const deliveries = found.filter((each) => each !== null);
    const [first] = deliveries;
    if (!first) throw notFound('event');
    return { id: eventId, event: first.event, createdAt: first.createdAt, deliveries };
  },
});

export { get as getDelivery, getEvent, list as listDeliveries };

export const deliveryRoutes: readonly Route[] = [list, get, getEvent];
