import { longestAttemptMs } from '../../attempt/attempt.ts';
import { listEventTypes } from '../../db/event-types.ts';
import type { WebhookRow } from '../../db/webhooks.ts';
import { sampledType } from '../../domain/event/event-type.ts';
import { VISITOR_ERASED } from '../../domain/event/operational-event.ts';
import { deliveryId, mintTestEventId } from '../../domain/ids.ts';
import type { TestResult } from '../../outbox/by-hand.ts';
import { TESTS_A_MINUTE } from '../../outbox/test-limit.ts';
import { RateLimited } from '../access/rate-limit.ts';
import { attempt, delivery, toAttempt, toDelivery } from '../deliveries/deliveries.ts';
import { outboxOf, reached } from '../deliveries/outboxes.ts';
import { ApiError, invalid, notFound } from '../errors.ts';
import { MAX_OWN_EVENT_BODY_BYTES, type OwnEvent, ownEventOf, sampleOf } from '../events/own-event.ts';
import { requireOrganization, webhookParams } from '../parameters.ts';
import { type ApiRequest, type Route, route } from '../route.ts';
import { orNull, z } from '../zod.ts';
import { requirePlan, requireWebhook } from './webhooks.ts';

/** How long a test may take beyond its attempt: the way there and back. */
const TEST_MARGIN_MS = 5_000;

const SOURCES = ['event', 'payload', 'deliveryId'] as const;

const testInput = z
  .strictObject({
    event: z
      .string()
      .min(1)
      .max(128)
      .optional()
      .openapi({ description: 'An event type, whether the webhook subscribes to it or not; by default one that it does subscribe to.' }),
    payload: z
      .record(z.string(), z.unknown())
      .optional()
      .openapi({
        description:
          'An event of your own, in place of an example: of a type in the catalogue, as producers post it. A `timestamp` and an `organization_id` that it ' +
          'does not have are put in front; what it has keeps its exact text.',
        example: { event: 'visitor.identified', session_id: 'ses_1', visitor: { email: 'jane.doe@example.com' } },
      }),
    deliveryId: z.string().min(1).max(128).optional().openapi({
      description: "A delivery of this webhook, whose event is sent again as it was accepted. 409 where it isn't kept any more.",
    }),
  })
  .superRefine((input, context) => {
    const [, second] = SOURCES.filter((name) => input[name] !== undefined);
    if (second)
      context.addIssue({ code: 'custom', path: [second], message: 'Only one of `event`, `payload` and `deliveryId` can be given.' });
  })
  .openapi('TestInput');

const testResult = z
  .object({
    delivery: delivery.extend({ error: z.string().nullable().openapi({ description: 'Why it could not be rendered.' }) }),
    attempt: orNull(attempt).openapi({ description: 'Null where it could not be rendered: nothing was sent.' }),
  })
  .openapi('TestResult');

const test = route({
  method: 'post',
  path: '/api/v1/organization/{organizationId}/webhooks/{webhookId}/test',
  operationId: 'testWebhook',
  summary: 'Send a test event now',
  description:
    "Sends the event type's example, or an event of your own, marked by `X-Bullseye-Test: true`, and answers with the attempt once it has ended: 200 also " +
    'where the endpoint fails. A test passes the filter and `once`, and is sent in the format of the webhook, with its fields and headers. ' +
    'It is not retried by itself, and stays a test when it is retried by hand: `test` is true, its event id begins with ' +
    '`evt_test_`, and it is never recovered or counted. It can be sent to a disabled webhook, too, and does not wait for `maxPerSecond`. ' +
    `A webhook gets at most ${TESTS_A_MINUTE} in a minute: 429 beyond. ` +
    'Where nothing is named it is of a type that the webhook subscribes to, also by a prefix or `*`; 422 where the catalogue has none any more.',
  tag: 'Deliveries',
  access: 'write',
  params: webhookParams,
  body: testInput,
  bodyOptional: true,
  maxBodyBytes: MAX_OWN_EVENT_BODY_BYTES,
  examples: {
    'The example of an event type': { event: 'visitor.identified' },
    'An event of your own': {
      payload: {
        event: 'visitor.identified',
        session_id: 'ses_test',
        visitor: { email: 'jane.doe@example.com' },
        company: { name: 'Example Corp', employee_count: 250 },
      },
    },
  },
  success: { status: 200, description: 'How the attempt ended.', schema: testResult },
  errors: ['unknown_event_type', 'payload_erased', 'plan_upgrade_required', 'outbox_unavailable'],
  handler: async (request) => {
    const { params, db, env, settings, nowMs } = request;
    const webhook = await requireWebhook(db, params);
    requirePlan((await requireOrganization(db, params.organizationId)).plan);
    const { event, sessionId, payload } = await eventOf(request, webhook);
    const eventId = mintTestEventId(nowMs);
    const sample = { id: deliveryId(eventId, webhook.id), eventId, event, sessionId, acceptedAt: nowMs, payload };
    const timeoutMs = longestAttemptMs(settings.deliveryTimeoutMs) + TEST_MARGIN_MS;
    const result = await reached<TestResult | null>(outboxOf(env, webhook.id).sendTest(sample), timeoutMs);
    if (result && 'waitMs' in result) throw tooManyTests(result.waitMs, nowMs);
    const made = result?.attempts[0] ?? null;
    const isLogged = made !== null || result?.reason === 'not_rendered';
    // It may have been deleted meanwhile.
    if (!result || !isLogged) await requireWebhook(db, params);
    if (!result || !isLogged) throw new ApiError('outbox_unavailable', 'The test could not be sent right now. Please try again shortly.');
    return { delivery: { ...toDelivery(webhook.id, result), error: result.error ?? null }, attempt: made && toAttempt(made) };
  },
});

type TestRequest = Pick<ApiRequest<unknown, never, never, z.output<typeof testInput>>, 'body' | 'bytes' | 'db' | 'env' | 'nowMs'>;

type SentEvent = Omit<OwnEvent, 'value'>;

/** What a test sends. */
async function eventOf({ body, bytes, db, env, nowMs }: TestRequest, { id, organizationId, events }: WebhookRow): Promise<SentEvent> {
  if (body.payload) return await ownEventOf(body.payload, { bytes, field: 'payload', organizationId, nowMs, db });
  if (body.deliveryId !== undefined) return await pastEventOf(env, id, body.deliveryId);
  const types = await listEventTypes(db);
  const type = body.event === undefined ? sampledType(events, types) : types.find(({ name }) => name === body.event);
  if (!type) throw invalid([{ field: 'event', message: noSample(body.event) }], 'unknown_event_type');
  return sampleOf(type, organizationId, nowMs);
}

/** The event of a delivery that the log has, as it was accepted. */
async function pastEventOf(env: Env, webhookId: string, id: string): Promise<SentEvent> {
  const detail = await reached(outboxOf(env, webhookId).find(id));
  if (!detail) throw notFound('delivery');
  const text = detail.acceptedPayload ?? detail.payload;
  // What tells of an erasure is to be gone when it has ended, and a test of it would stay.
  if (text === null || detail.event === VISITOR_ERASED)
    throw new ApiError('payload_erased', 'The payload of this delivery was erased, or never kept: there is nothing to send.');
  return { event: detail.event, sessionId: detail.sessionId, payload: new TextEncoder().encode(text) };
}

function noSample(event: string | undefined): string {
  if (event !== undefined) return `There is no event type \`${event}\`.`;
  return 'The catalogue has no event type that this webhook subscribes to. Name one in `event`, or change what it subscribes to.';
}

function tooManyTests(waitMs: number, nowMs: number): ApiError {
  const state = { allowed: false, limit: TESTS_A_MINUTE, remaining: 0, resetAt: nowMs + waitMs, of: 'tests of a webhook' };
  return new RateLimited(state, nowMs);
}

export { test as testWebhook };

export const webhookTestRoutes: readonly Route[] = [test];
