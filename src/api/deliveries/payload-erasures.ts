import { listWebhooks } from '../../db/webhooks.ts';
import { deliveryId, isEventId } from '../../domain/ids.ts';
import type { ErasureResult } from '../../outbox/books/ledger.ts';
import { ApiError, notFound } from '../errors.ts';
import { deliveryParams, eventParams, requireOrganization } from '../parameters.ts';
import { type Route, route } from '../route.ts';
import { requireWebhook } from '../webhooks/webhooks.ts';
import { outboxOf, reached } from './outboxes.ts';

const path = '/api/v1/organization/{organizationId}';
const tag = 'Deliveries';

/*
 * A delivery that waits or runs keeps its payload: erasing that would be to drop it without anybody having said so. Who wants it
 * gone disables the webhook first, and what waits is discarded when it falls due.
 */
function notFinished(deliveryIds: readonly string[]): ApiError {
  const message = 'A delivery that waits or runs needs its payload. Erase it when it has ended; disable the webhook to end it.';
  return new ApiError('delivery_not_finished', message, { deliveryIds });
}

const ofDelivery = route({
  method: 'delete',
  path: `${path}/webhooks/{webhookId}/deliveries/{deliveryId}/payload`,
  operationId: 'erasePayload',
  summary: "Erase a delivery's payload for good",
  description:
    'For personal data. The delivery stays in the log with its attempts, without the payload, the signatures made from it, and the headers and ' +
    'bodies of responses, which may repeat it. It can be neither retried nor recovered any more. Only of a delivery that has ended; repeating it changes nothing.',
  tag,
  access: 'write',
  params: deliveryParams,
  success: { status: 204, description: 'It is gone.' },
  errors: ['delivery_not_finished', 'outbox_unavailable'],
  handler: async ({ params, db, env, entry }) => {
    const { id } = await requireWebhook(db, params);
    const { deliveryId } = params;
    const erased = entry('payload.erased', { type: 'delivery', id: deliveryId });
    const result = await reached<ErasureResult>(outboxOf(env, id).erasePayload(deliveryId, erased));
    if (result === 'unknown') throw notFound('delivery');
    if (result === 'unfinished') throw notFinished([deliveryId]);
  },
});

const ofEvent = route({
  method: 'delete',
  path: `${path}/events/{eventId}/payload`,
  operationId: 'eraseEventPayload',
  summary: "Erase an event's payload from the logs of all webhooks",
  description:
    "As for one delivery, for each webhook that the event went to. Where some of its deliveries have not ended, the others' payloads are erased " +
    'all the same, and `details.deliveryIds` names those to come back for.',
  tag,
  access: 'write',
  params: eventParams,
  success: { status: 204, description: 'It is gone from all of them.' },
  errors: ['delivery_not_finished', 'outbox_unavailable'],
  handler: async ({ params, db, env, entry }) => {
    const { organizationId, eventId } = params;
    await requireOrganization(db, organizationId);
    if (!isEventId(eventId)) throw notFound('event');
    const webhooks = await listWebhooks(db, organizationId);
    // One entry, of whichever outbox tells it first.
    const erased = entry('payload.erased', { type: 'event', id: eventId });
    const erasures = await Promise.all(
      webhooks.map(async ({ id: webhookId }) => {
        const id = deliveryId(eventId, webhookId);
        const outbox = outboxOf(env, webhookId);
        // The id of a test without its mark is another one, and leads to the same delivery.
        const isOfEvent = (await reached(outbox.summary(id)))?.eventId === eventId;
        return { id, result: isOfEvent ? await reached<ErasureResult>(outbox.erasePayload(id, erased)) : 'unknown' };
      }),
    );
    if (erasures.every(({ result }) => result === 'unknown')) throw notFound('event');
    const unfinished = erasures.filter(({ result }) => result === 'unfinished').map(({ id }) => id);
    if (unfinished.length > 0) throw notFinished(unfinished);
  },
});

export const payloadErasureRoutes: readonly Route[] = [ofDelivery, ofEvent];
