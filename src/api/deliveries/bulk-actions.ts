import type { AuditChanges } from '../../domain/access/audit-log.ts';
import {
  CANCELABLE,
  type Cancellation,
  RECOVERABLE,
  RECOVERED_BY_DEFAULT,
  type Recovery,
  type Selection,
} from '../../domain/delivery/bulk.ts';
import { MAX_UNFINISHED } from '../../outbox/bulk/jobs.ts';
import type { BulkAnswer } from '../../outbox/outbox.ts';
import { ApiError, invalid } from '../errors.ts';
import { isoTime, isoTimeOrNull, requireOrganization, time, timeInput, webhookParams } from '../parameters.ts';
import { OtherSuccess, type Route, route } from '../route.ts';
import { requirePlan, requireWebhook } from '../webhooks/webhooks.ts';
import { z } from '../zod.ts';
import { eventPattern } from './deliveries.ts';
import { outboxOf, reached } from './outboxes.ts';

const path = '/api/v1/organization/{organizationId}/webhooks/{webhookId}';
const tag = 'Deliveries';
/** When it is worth to ask again where too many are under way. */
const WAIT_SECONDS = 60;

const until = timeInput('Of events accepted before; now where nothing is said.').optional();
const dryRun = z.boolean().default(false).openapi({ description: 'Whether to count alone, and do nothing: 200 with the count.' });

const counted = z.object({ count: z.number().int().openapi({ description: 'How many deliveries it is.' }) }).openapi('DeliveryCount');
const onlyCounted = { status: 200, description: 'With `dryRun`: how many deliveries it would be.' } as const;

/** What a request selects. 422 where its times are the wrong way round; what is not said is until now. */
function selectionOf(body: { since?: number; until?: number; event?: string }, nowMs: number): Selection {
  const { since = 0, until: end = nowMs } = body;
  if (end <= since && body.until === undefined) throw invalid([{ field: 'since', message: '`since` is not in the past.' }]);
  if (end <= since) throw invalid([{ field: 'until', message: '`until` is not after `since`.' }]);
  return { since, until: end, ...(body.event !== undefined && { event: body.event }) };
}

/** How long an outbox may take: it counts first. */
const TIMEOUT_MS = 15_000;

/** How many deliveries an outbox says it is; an error where nothing begins. */
function countIn(answer: BulkAnswer | null, what: string): { count: number } {
  if (typeof answer === 'number') return { count: answer };
  if (answer === 'too_many_under_way') {
    const message = `${MAX_UNFINISHED} ${what} of this webhook are under way. Wait until one of them has finished.`;
    throw new ApiError('rate_limited', message, { limit: MAX_UNFINISHED }, WAIT_SECONDS);
  }
  throw new ApiError(
    'outbox_unavailable',
    'There is more to count than one request has time for. Nothing has begun. Ask for a shorter span of time.',
  );
}

/** What an entry of the audit log says of a selection. */
function changesOf({ since, until: end, ...others }: Selection & { statuses?: readonly string[] }): AuditChanges {
  const said = { since: since === 0 ? null : isoTime(since), until: isoTime(end), event: others.event, status: others.statuses };
  return Object.fromEntries(Object.entries(said).flatMap(([name, to]) => (to == null ? [] : [[name, { from: null, to }]])));
}

function statusesOf<const T extends readonly string[]>(statuses: T) {
  return z
    .array(z.enum(statuses))
    .min(1)
    .refine((chosen) => new Set(chosen).size === chosen.length, 'A status is there more than once.')
    .optional();
}

const recoverInput = z
  .strictObject({
    since: timeInput('Of events accepted then or later.'),
    until,
    event: eventPattern,
    status: statusesOf(RECOVERABLE).openapi({
      description: `What starts over; ${RECOVERED_BY_DEFAULT.join(' and ')} where nothing is said. What was delivered arrives once more, with the same \`webhook-id\`.`,
    }),
    dryRun,
  })
  .openapi('RecoverInput');

const recover = route({
  method: 'post',
  path: `${path}/recover`,
  operationId: 'recoverDeliveries',
  summary: 'Start deliveries over that have ended',
  description:
    'Those that failed or were discarded, or with `status` others, too. Each gets its whole schedule again. They go out a few at a time, at a rising ' +
    'pace, so that an endpoint that just came back is not knocked over. Asking twice starts nothing over twice that is still on its way. `GET …/recover` shows how far it has ' +
    `come. Tests, and deliveries whose payload was erased, do not start over. At most ${MAX_UNFINISHED} of a webhook are under way at a time: 429 beyond.`,
  tag,
  access: 'write',
  params: webhookParams,
  body: recoverInput,
  examples: {
    'What an outage has cost': { since: '2026-11-23T14:00:00Z', until: '2026-11-23T18:00:00Z' },
    'How much that is': { since: '2026-11-23T14:00:00Z', until: '2026-11-23T18:00:00Z', dryRun: true },
    'All of a day once more': {
      since: '2026-11-23T00:00:00Z',
      until: '2026-11-24T00:00:00Z',
      status: ['failed', 'discarded', 'delivered'],
    },
  },
  success: { status: 202, description: 'How many deliveries start over.', schema: counted, other: onlyCounted },
  errors: ['webhook_disabled', 'plan_upgrade_required', 'outbox_unavailable'],
  handler: async ({ params, body, db, env, nowMs, entry }) => {
    const webhook = await requireWebhook(db, params);
    const outbox = outboxOf(env, webhook.id);
    const selection = { ...selectionOf(body, nowMs), ...(body.status && { statuses: body.status }) };
    if (body.dryRun) return new OtherSuccess(countIn(await reached(outbox.countRecovery(selection), TIMEOUT_MS), 'recoveries'));
    requirePlan((await requireOrganization(db, params.organizationId)).plan);
    if (!webhook.enabled) throw new ApiError('webhook_disabled', 'The webhook is disabled. Enable it, then recover what it missed.');
    const recovered = entry('deliveries.recovered', { type: 'webhook', id: webhook.id }, changesOf(selection));
    return countIn(await reached<BulkAnswer>(outbox.recoverSelected(selection, recovered), TIMEOUT_MS), 'recoveries');
  },
});

const ofEvent = z.string().nullable().openapi({ description: 'The event type or prefix that it is of; null: every type.' });
const finishedAt = time('Null while it goes on.').nullable();

/** What the routes that list recoveries and cancellations have in common. */
const listed = {
  method: 'get',
  description: 'The latest 20, newest first.',
  tag,
  access: 'read',
  params: webhookParams,
  errors: ['outbox_unavailable'],
} as const;

/** The same of what they list. */
function selectedBy(job: Recovery | Cancellation) {
  const { until: end, event = null, requestedAt, finishedAt: ended } = job;
  return { until: isoTime(end), event, requestedAt: isoTime(requestedAt), finishedAt: isoTimeOrNull(ended) };
}

const recovery = z
  .object({
    since: time(),
    until: time(),
    event: ofEvent,
    status: z.array(z.enum(RECOVERABLE)).openapi({ description: 'What starts over.' }),
    requestedAt: time(),
    count: z.number().int().nullable().openapi({ description: 'How many deliveries it was of when it was asked for; null: not known.' }),
    recovered: z.number().int().openapi({ description: 'Deliveries that have started over so far.' }),
    finishedAt,
  })
  .openapi('Recovery');

function toRecovery(job: Recovery): z.input<typeof recovery> {
  const { since, statuses = RECOVERED_BY_DEFAULT, count = null, recovered } = job;
  return { since: isoTime(since), ...selectedBy(job), status: [...statuses], count, recovered };
}

const recoveries = route({
  ...listed,
  path: `${path}/recover`,
  operationId: 'listRecoveries',
  summary: 'See how far recoveries have come',
  success: {
    status: 200,
    description: 'The recoveries.',
    schema: z.object({ recoveries: z.array(recovery) }).openapi('RecoveryList'),
  },
  handler: async ({ params, db, env }) => {
    const { id } = await requireWebhook(db, params);
    return { recoveries: (await reached<Recovery[]>(outboxOf(env, id).recoveries())).map(toRecovery) };
  },
});

const cancelInput = z
  .strictObject({
    since: timeInput('Of events accepted then or later; all where nothing is said.').optional(),
    until,
    event: eventPattern,
    status: statusesOf(CANCELABLE).openapi({
      description: 'What ends: `pending` waits for its first attempt to end, `retrying` for a further one; both where nothing is said.',
    }),
    dryRun,
  })
  .openapi('CancelInput');

const cancel = route({
  method: 'post',
  path: `${path}/cancel`,
  operationId: 'cancelDeliveries',
  summary: 'Cancel deliveries that wait',
  description:
    'They end as `discarded`, with the reason `canceled`, and are not attempted any more; a recovery can start them over later. An attempt that runs ' +
    `is left to end. \`GET …/cancel\` shows how far it has come. At most ${MAX_UNFINISHED} of a webhook are under way at a time: 429 beyond.`,
  tag,
  access: 'write',
  params: webhookParams,
  body: cancelInput,
  bodyOptional: true,
  examples: {
    'All that waits': {},
    'How much that is': { dryRun: true },
    'What came before noon': { until: '2026-11-23T12:00:00Z' },
    'What has failed already': { status: ['retrying'] },
  },
  success: { status: 202, description: 'How many deliveries end.', schema: counted, other: onlyCounted },
  errors: ['outbox_unavailable'],
  handler: async ({ params, body, db, env, nowMs, entry }) => {
    const { id } = await requireWebhook(db, params);
    const selection = { ...selectionOf(body, nowMs), ...(body.status && { statuses: body.status }) };
    const outbox = outboxOf(env, id);
    if (body.dryRun) return new OtherSuccess(countIn(await reached(outbox.countCancellation(selection), TIMEOUT_MS), 'cancellations'));
    const canceled = entry('deliveries.canceled', { type: 'webhook', id }, changesOf(selection));
    return countIn(await reached<BulkAnswer>(outbox.cancel(selection, canceled), TIMEOUT_MS), 'cancellations');
  },
});

const cancellation = z
  .object({
    since: time('Null: from the first on.').nullable(),
    until: time(),
    event: ofEvent,
    status: z.array(z.enum(CANCELABLE)).openapi({ description: 'What ends.' }),
    requestedAt: time(),
    canceled: z.number().int().openapi({ description: 'Deliveries that have ended by it so far.' }),
    finishedAt,
  })
  .openapi('Cancellation');

function toCancellation(job: Cancellation): z.input<typeof cancellation> {
  const { since, statuses = CANCELABLE, canceled } = job;
  return { since: since === 0 ? null : isoTime(since), ...selectedBy(job), status: [...statuses], canceled };
}

const cancellations = route({
  ...listed,
  path: `${path}/cancel`,
  operationId: 'listCancellations',
  summary: 'See how far cancellations have come',
  success: {
    status: 200,
    description: 'The cancellations.',
    schema: z.object({ cancellations: z.array(cancellation) }).openapi('CancellationList'),
  },
  handler: async ({ params, db, env }) => {
    const { id } = await requireWebhook(db, params);
    return { cancellations: (await reached<Cancellation[]>(outboxOf(env, id).cancellations())).map(toCancellation) };
  },
});

export { cancel as cancelDeliveries, recover as recoverDeliveries, recoveries as listRecoveries };

export const bulkActionRoutes: readonly Route[] = [recover, recoveries, cancel, cancellations];
