import type { ErrorCode } from '../errors.ts';

/** What an error of each code says, for the description of the API: message and details as a client gets them. */
export const ERROR_EXAMPLES: Readonly<Record<ErrorCode, { message: string; details: Record<string, unknown> }>> = {
  malformed_json: { message: 'The body is not JSON: the mistake is at line 3, column 12.', details: {} },
  missing_api_key: { message: 'An API key is needed, in the header X-API-Key.', details: {} },
  invalid_api_key: { message: 'The API key is unknown, revoked or expired.', details: {} },
  https_required: {
    message: 'Plain http is refused: use https. If a key was sent, take it for known to others, and revoke it.',
    details: {},
  },
  insufficient_scope: { message: 'This route needs a key with the scope "write".', details: { requiredScope: 'write' } },
  platform_key_required: { message: 'This route needs a platform key.', details: {} },
  plan_upgrade_required: { message: 'Webhooks need the Scale plan or above.', details: { plan: 'growth', requiredPlan: 'scale' } },
  fresh_sign_in_required: {
    message: 'You signed in more than 15 minutes ago. Sign in again to see or to change secrets and headers.',
    details: { withinSeconds: 900 },
  },
  not_found: { message: 'There is no such webhook.', details: {} },
  method_not_allowed: { message: 'This path takes GET, HEAD, OPTIONS.', details: { allowed: ['GET', 'HEAD', 'OPTIONS'] } },
  webhook_quota_reached: {
    message: 'Your plan includes 5 webhooks. Delete one, or move to a higher plan.',
    details: { plan: 'scale', limit: 5 },
  },
  webhook_limit_reached: { message: 'An organization has at most 20 webhooks.', details: { limit: 20 } },
  api_key_limit_reached: { message: 'There are 100 active keys already.', details: { limit: 100 } },
  built_in_event_type: { message: 'This event type ships with the service and cannot be removed.', details: {} },
  rotation_in_progress: {
    message:
      '3 former secrets of this webhook still sign, the first of them until 2026-11-24T14:05:09.000Z. Wait for that, or end all overlaps.',
    details: { limit: 3, firstEndsAt: '2026-11-24T14:05:09.000Z' },
  },
  message_unreadable: {
    message: 'The message is not one of events, and would only come back: the message has no header line.',
    details: {},
  },
  attempt_in_progress: { message: 'An attempt of this delivery is being made right now.', details: {} },
  attempt_limit_reached: { message: 'This delivery has had 50 attempts, which is as many as a delivery can have.', details: {} },
  delivery_finished: { message: 'This delivery has ended already: nothing of it waits.', details: {} },
  delivery_not_finished: {
    message: 'A delivery that waits or runs needs its payload. Erase it when it has ended; disable the webhook to end it.',
    details: { deliveryIds: ['dlv_01JDCQ7Z8W5M3KXN4R2T6V9YBA6V9YBA'] },
  },
  payload_erased: { message: 'The payload of this delivery was erased, or never kept: there is nothing to send.', details: {} },
  webhook_disabled: { message: 'The webhook is disabled. Enable it to deliver to it.', details: {} },
  email_not_available: {
    message:
      'This deployment sends no e-mail. A webhook that subscribes to `webhook.*`, with the format `slack`, `teams` or `discord`, tells the same.',
    details: {},
  },
  import_conflict: {
    message: 'Nothing was imported: whk_01JDCQ7Z8W5M3KXN4R2T6V9YBA: webhook: it is here already, and differs.',
    details: {
      field: 'whk_01JDCQ7Z8W5M3KXN4R2T6V9YBA',
      issues: [{ field: 'whk_01JDCQ7Z8W5M3KXN4R2T6V9YBA', message: 'webhook: it is here already, and differs' }],
    },
  },
  payload_too_large: { message: 'The body must not be larger than 256000 bytes.', details: { maxBytes: 256_000 } },
  unsupported_content_type: {
    message: 'The body must be JSON in UTF-8: Content-Type: application/json.',
    details: { accepted: 'application/json' },
  },
  unsupported_content_encoding: { message: 'The body must come uncompressed, without Content-Encoding.', details: {} },
  validation_failed: {
    message: 'url: The URL must start with "https://".',
    details: { field: 'url', issues: [{ field: 'url', message: 'The URL must start with "https://".' }] },
  },
  unknown_event_type: {
    message: 'There is no event type `company.seen`.',
    details: { field: 'event', issues: [{ field: 'event', message: 'There is no event type `company.seen`.' }] },
  },
  rate_limited: { message: 'At most 1000 requests of an API key a minute.', details: { limit: 1_000 } },
  internal_error: {
    message: 'Something went wrong on our side. Please quote the request id.',
    details: { requestId: 'req_01JDCQ7Z8W5M3KXN4R2T6V9YBA' },
  },
  queue_unavailable: {
    message:
      'The queue has not confirmed the events. Please send them again shortly; with the same Idempotency-Key nothing is delivered twice.',
    details: {},
  },
  configuration_unavailable: { message: 'The configuration cannot be reached right now. Please try again shortly.', details: {} },
  outbox_unavailable: { message: "The webhook's deliveries cannot be reached right now. Please try again shortly.", details: {} },
  insecure_deployment: { message: 'This service is not set up for use: its log says why.', details: {} },
};
