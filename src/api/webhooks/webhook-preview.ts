import { listEventTypes } from '../../db/event-types.ts';
import type { WebhookRow } from '../../db/webhooks.ts';
import { isOperational } from '../../domain/event/operational-event.ts';
import { mismatch } from '../../domain/issue.ts';
import type { Rendering } from '../../domain/rules/choices.ts';
import { type Condition, matcherOf } from '../../domain/rules/condition.ts';
import { render } from '../../domain/rules/render.ts';
import { spokenNameOf } from '../../domain/webhook/webhook.ts';
import type { PastPreview } from '../../outbox/log/past-events.ts';
import { countsOfPreview, requireCount } from '../access/rate-limit.ts';
import { outboxOf, reached } from '../deliveries/outboxes.ts';
import { invalid } from '../errors.ts';
import { MAX_OWN_EVENT_BODY_BYTES, type OwnEvent, ownEventOf, sampleOf } from '../events/own-event.ts';
import { organizationParams, requireOrganization } from '../parameters.ts';
import { type ApiRequest, type Route, route } from '../route.ts';
import { orNull, z } from '../zod.ts';
import { fieldsInput, filterInput, formatInput, templateInput } from './webhook-choices.ts';
import { formatAfter } from './webhook-format.ts';
import { requireWebhook } from './webhooks.ts';

/** How long going through a webhook's log may take. */
const TIMEOUT_MS = 20_000;
const DEFAULT_EVENT = 'visitor.identified';
const CONTENT_TYPE = 'application/json';

/** Checked by hand, for a message that names both forms: the type is what the check leaves over. */
const event = z
  .unknown()
  .superRefine((value, context) => {
    if (typeof value === 'string' || (typeof value === 'object' && value !== null && !Array.isArray(value))) return;
    context.addIssue({ code: 'custom', message: mismatch('`event`', value, 'the name of an event type, or a whole event as an object') });
  })
  .openapi({
    anyOf: [{ type: 'string' }, { type: 'object', additionalProperties: true }],
    description: `The name of an event type, whose example is taken, or a whole event of one's own, as \`POST …/test\` takes it. Absent: \`${DEFAULT_EVENT}\`.`,
    example: DEFAULT_EVENT,
  }) as unknown as z.ZodType<string | object>;

const previewInput = z
  .strictObject({
    webhookId: z
      .string()
      .optional()
      .openapi({ description: 'The webhook that has what is absent here, and whose latest events are gone through.' }),
    filter: filterInput.optional(),
    fields: fieldsInput.optional(),
    format: formatInput.optional(),
    template: templateInput.optional(),
    event: event.optional(),
  })
  .openapi('PreviewInput');

const rendered = z
  .string()
  .nullable()
  .openapi({ description: 'What would be sent, also where the filter would keep it back; null where it cannot be rendered.' });

const past = z
  .object({
    considered: z
      .number()
      .int()
      .openapi({ description: "How many of the latest events were looked at: those in the webhook's log, at most 1,000." }),
    matching: z.number().int().openapi({ description: 'How many of them match the filter.' }),
    samples: z
      .array(z.object({ deliveryId: z.string(), eventId: z.string(), payload: rendered }))
      .openapi({ description: 'At most 10 of those that match, the latest.' }),
  })
  .openapi('PastPreview');

const preview = z
  .object({
    matches: z.boolean().openapi({ description: 'Whether the event makes a delivery.' }),
    failedConditions: z.array(z.string()).openapi({
      description: 'The places in the filter that keep it back: a field, or the group where no single one decides.',
      example: ['filter.all[1]'],
    }),
    contentType: z.string(),
    payload: rendered,
    error: z.string().nullable().openapi({ description: 'Why it cannot be rendered.' }),
    past: orNull(past).openapi({ description: 'Null where no webhook was named.' }),
  })
  .openapi('Preview');

const slack = { filter: { field: 'company.employee_count', operator: 'at_least', value: 200 }, format: 'slack' };

const post = route({
  method: 'post',
  path: '/api/v1/organization/{organizationId}/webhooks/preview',
  operationId: 'previewWebhook',
  summary: 'Try a filter and a format, on an event and on what came',
  description:
    'What a webhook with this filter, these fields and this format would do with an event; and, where a webhook is named, with the latest in its log. Nothing is ' +
    "sent or kept. The service's own events pass every filter. An organization has at most 240 previews with `webhookId` in a minute, 120 with one key, since those go through a log: 429 beyond.",
  tag: 'Webhooks',
  access: 'read',
  params: organizationParams,
  body: previewInput,
  maxBodyBytes: MAX_OWN_EVENT_BODY_BYTES,
  examples: {
    'A message in Slack of the companies that are large enough': slack,
    'A template, with an event of your own': {
      format: 'template',
      template: '{ "email": {{ visitor.email | json }} }',
      event: { event: 'visitor.identified', session_id: 'ses_1', visitor: { email: 'jane.doe@example.com' } },
    },
  },
  success: { status: 200, description: 'What would be sent.', schema: preview },
  errors: ['unknown_event_type', 'outbox_unavailable'],
  handler: async (request) => {
    const { params, body, caller, db, env, nowMs } = request;
    const { organizationId } = params;
    await requireOrganization(db, organizationId);
    const webhook = body.webhookId === undefined ? null : await requireWebhook(db, { organizationId, webhookId: body.webhookId });
    // Only one of a webhook goes through a log.
    const isCounted = caller.kind === 'organization' && body.webhookId !== undefined;
    if (isCounted) await requireCount(env, organizationId, countsOfPreview(caller.keyId), nowMs);
    const { filter, rendering } = chosenIn(body, webhook);
    const own = await eventOf(request);
    const failedConditions = filter === null || isOperational(own.event) ? [] : matcherOf(filter).failed(own.value);
    const { payload, error } = render(rendering, own.payload);
    const went: PastPreview | null = webhook && (await reached(outboxOf(env, webhook.id).preview({ filter, rendering }), TIMEOUT_MS));
    return {
      matches: failedConditions.length === 0,
      failedConditions,
      contentType: CONTENT_TYPE,
      payload: payload && new TextDecoder().decode(payload),
      error,
      past: went,
    };
  },
});

/** What a preview is of: what is given, else what the webhook has. */
function chosenIn(body: z.output<typeof previewInput>, webhook: WebhookRow | null): { filter: Condition | null; rendering: Rendering } {
  const { filter = webhook?.filter ?? null, fields = webhook?.fields ?? null } = body;
  const form = formatAfter(webhook ?? { format: 'event', template: null }, body);
  return { filter, rendering: { fields, ...form, name: webhook ? spokenNameOf(webhook) : '' } };
}

type PreviewRequest = Pick<
  ApiRequest<z.output<typeof organizationParams>, never, never, z.output<typeof previewInput>>,
  'params' | 'body' | 'bytes' | 'db' | 'nowMs'
>;

async function eventOf({ params: { organizationId }, body, bytes, db, nowMs }: PreviewRequest): Promise<OwnEvent> {
  const { event: given = DEFAULT_EVENT } = body;
  if (typeof given === 'object') return await ownEventOf(given, { bytes, field: 'event', organizationId, nowMs, db });
  const type = (await listEventTypes(db)).find(({ name }) => name === given);
  if (!type) throw invalid([{ field: 'event', message: 'The catalogue has no such event type.' }], 'unknown_event_type');
  return sampleOf(type, organizationId, nowMs);
}

export { post as previewWebhook };

export const webhookPreviewRoutes: readonly Route[] = [post];
