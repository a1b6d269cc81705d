import type { OpenAPIHono } from '@hono/zod-openapi';
import { describedEvents } from '../events/event.ts';
import { z } from '../zod.ts';

/** What receivers get is described under this tag. */
export const RECEIVED_TAG = 'What a webhook receives';

/** The headers of a delivery (attempt/attempt.ts). */
const headers = z.object({
  'webhook-id': z.string().openapi({
    description: "The event's id: the same on every attempt, and for every webhook. Deduplicate on it.",
    example: 'evt_01JDCQ7Z8W5M3KXN4R2T6V9YBA',
  }),
  'webhook-timestamp': z.string().openapi({ description: 'When this attempt was made, Unix seconds.', example: '1795442709' }),
  'webhook-signature': z
    .string()
    .optional()
    .openapi({
      description:
        '`v1,` and the base64 HMAC-SHA256 of `webhook-id.webhook-timestamp.body` (Standard Webhooks); several, separated by spaces, while a rotation ' +
        'overlaps. Absent where the webhook has no secret.',
      example: 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    }),
  'X-Bullseye-Signature': z.string().optional().openapi({
    description: "Lower-case hex HMAC-SHA256 of the body, keyed with the secret's bytes. Absent where the webhook has no secret.",
    example: '8f14e45fceea167a5a36dedd4bea2543f6e4a1b7d3c2a1908f7e6d5c4b3a2918',
  }),
  'X-Bullseye-Event': z.string().openapi({ description: "The event's type, as in the body.", example: 'visitor.identified' }),
  'X-Bullseye-Delivery': z
    .string()
    .openapi({ description: 'This event for this webhook: the same on every attempt.', example: 'dlv_01JDCQ7Z8W5M3KXN4R2T6V9YBA6V9YBA' }),
  'X-Bullseye-Attempt': z.string().openapi({ description: '1, 2, …', example: '1' }),
  'X-Bullseye-Test': z.literal('true').optional().openapi({ description: 'On test events alone.' }),
  'User-Agent': z.string().openapi({ description: '`Bullseye-Webhooks/` and the version.', example: 'Bullseye-Webhooks/0.1.0' }),
});

/** Describes what receivers get, as OpenAPI's `webhooks`: one for each type that ships with the service. */
export function describeWebhooks(registry: OpenAPIHono['openAPIRegistry']): void {
  for (const { name, description, example, payload } of describedEvents) {
    registry.registerWebhook({
      method: 'post',
      path: name,
      summary: `An event of the type ${name}`,
      description: `${description}\n\nA POST to the webhook's URL. The body is the event exactly as it was accepted (or, where the webhook has \`fields\` or a \`format\`, what was made of it once), the same bytes on every attempt. The webhook's own \`headers\` come beside these.`,
      tags: [RECEIVED_TAG],
      security: [],
      request: { headers, body: { required: true, content: { 'application/json': { schema: payload, example } } } },
      responses: {
        '2XX': { description: 'Acknowledged, where its headers come within 30 seconds. The body is read for the log alone.' },
        410: { description: 'The endpoint is gone: the delivery has failed, and the webhook is disabled.' },
        default: {
          description:
            'Attempted again 1, 5 and 30 minutes after the attempt before (or as its `retrySchedule` says), then failed. Redirects are not followed; `Retry-After` on 429 and 503 counts.',
        },
      },
    });
  }
}
