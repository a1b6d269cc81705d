import type { CancelResult, RetryResult } from '../../outbox/by-hand.ts';
import { ApiError, notFound } from '../errors.ts';
import { deliveryParams, requireOrganization } from '../parameters.ts';
import { type Route, route } from '../route.ts';
import { requirePlan, requireWebhook } from '../webhooks/webhooks.ts';
import { delivery, toDelivery } from './deliveries.ts';
import { outboxOf, reached } from './outboxes.ts';

const path = '/api/v1/organization/{organizationId}/webhooks/{webhookId}';
const tag = 'Deliveries';

function attemptInProgress(): ApiError {
  return new ApiError('attempt_in_progress', 'An attempt of this delivery is being made right now.');
}

const retry = route({
  method: 'post',
  path: `${path}/deliveries/{deliveryId}/retry`,
  operationId: 'retryDelivery',
  summary: 'Attempt a delivery once more, now',
  description:
    'One attempt, whatever the circuit and `maxPerSecond` say. Where an attempt was scheduled this one replaces it, and counts as it; a delivery that had ' +
    'failed and fails again stays failed. Read the delivery to see how the attempt ended.',
  tag,
  access: 'write',
  params: deliveryParams,
  success: { status: 202, description: 'The attempt is being made.', schema: delivery },
  errors: [
    'attempt_in_progress',
    'attempt_limit_reached',
    'payload_erased',
    'webhook_disabled',
    'plan_upgrade_required',
    'outbox_unavailable',
  ],
  handler: async ({ params, db, env }) => {
    const { id } = await requireWebhook(db, params);
    const result = await reached<RetryResult>(outboxOf(env, id).retryNow(params.deliveryId));
    if (result.kind === 'unknown') throw notFound('delivery');
    if (result.kind === 'running') throw attemptInProgress();
    if (result.kind === 'erased')
      throw new ApiError('payload_erased', 'The payload of this delivery was erased, or never kept: there is nothing to send.');
    if (result.kind === 'exhausted')
      throw new ApiError('attempt_limit_reached', 'This delivery has had 50 attempts, which is as many as a delivery can have.');
    if (result.kind === 'busy')
      throw new ApiError(
        'outbox_unavailable',
        'Many retries by hand wait for the endpoint of this webhook already. Please try again shortly.',
      );
    if (result.kind === 'begun') return toDelivery(id, result.delivery);
    if (result.reason === 'plan_not_eligible') requirePlan((await requireOrganization(db, params.organizationId)).plan);
    throw new ApiError('webhook_disabled', 'The webhook is disabled. Enable it to deliver to it.');
  },
});

const cancel = route({
  method: 'post',
  path: `${path}/deliveries/{deliveryId}/cancel`,
  operationId: 'cancelDelivery',
  summary: 'Cancel a delivery that waits',
  description:
    'It ends as `discarded`, with the reason `canceled`, and is not attempted any more. Retry or recover it to send it after all. An attempt that runs ' +
    'is left to end.',
  tag,
  access: 'write',
  params: deliveryParams,
  success: { status: 202, description: 'The delivery as it is now.', schema: delivery },
  errors: ['attempt_in_progress', 'delivery_finished', 'outbox_unavailable'],
  handler: async ({ params, db, env, entry }) => {
    const { id } = await requireWebhook(db, params);
    const canceled = entry('deliveries.canceled', { type: 'delivery', id: params.deliveryId });
    const result = await reached<CancelResult>(outboxOf(env, id).cancelOne(params.deliveryId, canceled));
    if (result.kind === 'unknown') throw notFound('delivery');
    if (result.kind === 'running') throw attemptInProgress();
    if (result.kind === 'finished') throw new ApiError('delivery_finished', 'This delivery has ended already: nothing of it waits.');
    return toDelivery(id, result.delivery);
  },
});

export { cancel as cancelDelivery, retry as retryDelivery };

export const deliveryActionRoutes: readonly Route[] = [retry, cancel];
