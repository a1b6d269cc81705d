import type { RetryResult } from '../outbox/by-hand.ts';
import { MAX_UNFINISHED } from '../outbox/recoveries.ts';
import { delivery, toDelivery } from './deliveries.ts';
import { ApiError, invalid, notFound } from './errors.ts';
import { outboxOf, reached } from './outboxes.ts';
import { deliveryParams, isoTime, isoTimeOrNull, requireOrganization, time, timeInput, webhookParams } from './parameters.ts';
import { type Route, route } from './route.ts';
import { requirePlan, requireWebhook } from './webhooks.ts';
import { z } from './zod.ts';

const path = '/api/v1/organization/{organizationId}/webhooks/{webhookId}';
const tag = 'Deliveries';
/** When it is worth to ask for a recovery again where too many are under way. */
const RECOVERY_WAIT_SECONDS = 60;

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
    if (result.kind === 'running') throw new ApiError('attempt_in_progress', 'An attempt of this delivery is being made right now.');
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

function tooManyRecoveries(): ApiError {
  const message = `${MAX_UNFINISHED} recoveries of this webhook are under way. Wait until one of them has finished.`;
  return new ApiError('rate_limited', message, { limit: MAX_UNFINISHED }, RECOVERY_WAIT_SECONDS);
}

const recoverInput = z
  .strictObject({
    since: timeInput('Of events accepted then or later.'),
    until: timeInput('Of events accepted before; now where nothing is said.').optional(),
  })
  .openapi('RecoverInput');

const recover = route({
  method: 'post',
  path: `${path}/recover`,
  operationId: 'recoverDeliveries',
  summary: 'Start failed and discarded deliveries over',
  description:
    'Each gets its whole schedule again. They go out a few at a time, at a rising pace, so that an endpoint that just came back is not ' +
    'knocked over. Asking twice delivers nothing twice. `GET …/recover` shows how far it has come. ' +
    `At most ${MAX_UNFINISHED} of a webhook are under way at a time: 429 beyond.`,
  tag,
  access: 'write',
  params: webhookParams,
  body: recoverInput,
  success: {
    status: 202,
    description: 'How many deliveries start over.',
    schema: z.object({ count: z.number().int() }).openapi('RecoverResult'),
  },
  errors: ['webhook_disabled', 'plan_upgrade_required', 'outbox_unavailable'],
  handler: async ({ params, body, db, env, nowMs }) => {
    const webhook = await requireWebhook(db, params);
    requirePlan((await requireOrganization(db, params.organizationId)).plan);
    if (!webhook.enabled) throw new ApiError('webhook_disabled', 'The webhook is disabled. Enable it, then recover what it missed.');
    const until = body.until ?? nowMs;
    if (until <= body.since) throw invalid([{ field: 'until', message: '`until` is not after `since`.' }]);
    const count = await reached(outboxOf(env, webhook.id).recover(body.since, until));
    if (count === null) throw tooManyRecoveries();
    return { count };
  },
});

const recovery = z
  .object({
    since: time(),
    until: time(),
    requestedAt: time(),
    recovered: z.number().int().openapi({ description: 'Deliveries that have started over so far.' }),
    finishedAt: time('Null while it goes on.').nullable(),
  })
  .openapi('Recovery');

const recoveries = route({
  method: 'get',
  path: `${path}/recover`,
  operationId: 'listRecoveries',
  summary: 'See how far recoveries have come',
  description: 'The latest 20, newest first.',
  tag,
  access: 'read',
  params: webhookParams,
  success: {
    status: 200,
    description: 'The recoveries.',
    schema: z.object({ recoveries: z.array(recovery) }).openapi('RecoveryList'),
  },
  errors: ['outbox_unavailable'],
  handler: async ({ params, db, env }) => {
    const { id } = await requireWebhook(db, params);
    const list = await reached(outboxOf(env, id).recoveries());
    return {
      recoveries: list.map(({ since, until, requestedAt, recovered, finishedAt }) => ({
        since: isoTime(since),
        until: isoTime(until),
        requestedAt: isoTime(requestedAt),
        recovered,
        finishedAt: isoTimeOrNull(finishedAt),
      })),
    };
  },
});

export { recover as recoverDeliveries, recoveries as listRecoveries, retry as retryDelivery };

export const deliveryActionRoutes: readonly Route[] = [retry, recover, recoveries];
