import { findOrganizationWithWebhooks, type WebhookRow } from '../../db/webhooks.ts';
import { MAX_LISTENERS } from '../../domain/endpoint/listen-url.ts';
import { MAX_WEBHOOKS } from '../../domain/webhook/webhook.ts';
import { logError } from '../../log.ts';
import type { OutboxActivity, OutboxStatus } from '../../outbox/outbox.ts';
import { within } from '../../within.ts';
import { delivery, toDelivery } from '../deliveries/deliveries.ts';
import { outboxOf } from '../deliveries/outboxes.ts';
import { statistics, toStatistics } from '../deliveries/statistics.ts';
import { notFound } from '../errors.ts';
import { isoTimeOrNull, organizationParams, time } from '../parameters.ts';
import { type Route, route } from '../route.ts';
import { orNull, z } from '../zod.ts';
import { toWebhook, webhook } from './webhook-schema.ts';

/** How long an outbox may take: the list comes without the activity of one that is slower. */
const ACTIVITY_TIMEOUT_MS = 2_000;

const activity = z
  .object({
    nextProbeAt: time('Where `health` is `open`: when the next probe goes out.').nullable(),
    lastDeliveredAt: time('When a delivery last arrived, about. Null: none did of those that the log still has.').nullable().optional(),
    statistics: orNull(statistics).openapi({ description: 'Of the last 24 hours; null while a long log is still being counted.' }),
    lastDelivery: orNull(delivery).openapi({ description: 'The newest.' }),
  })
  .openapi('Activity');

const listedWebhook = webhook
  .extend({
    activity: orNull(activity).optional().openapi({ description: 'Where it was asked for; null where it cannot be reached right now.' }),
  })
  .openapi('ListedWebhook');

export type WebhookActivity = z.input<typeof activity>;
export type ListedWebhook = z.input<typeof listedWebhook>;

/** Webhooks with how each has been doing: one call to each outbox, all at a time. */
export async function withActivity(env: Env, rows: readonly WebhookRow[]): Promise<ListedWebhook[]> {
  return (await withStatus(env, rows)).map(({ webhook: listed }) => listed);
}

/** The same, each with all that its outbox says of its endpoint: null where it cannot be reached right now. */
export async function withStatus(
  env: Env,
  rows: readonly WebhookRow[],
): Promise<{ webhook: ListedWebhook; status: OutboxStatus | null }[]> {
  return await Promise.all(
    rows.map(async (row) => {
      const answer = await activityOf(env, row.id);
      return { webhook: { ...toWebhook(row), activity: answer?.activity ?? null }, status: answer?.status ?? null };
    }),
  );
}

async function activityOf(env: Env, webhookId: string): Promise<{ activity: WebhookActivity; status: OutboxStatus } | null> {
  try {
    const call: Promise<OutboxActivity> = outboxOf(env, webhookId).activity();
    const { status, statistics: counted, newest } = await within(ACTIVITY_TIMEOUT_MS, call);
    const shown: WebhookActivity = {
      nextProbeAt: isoTimeOrNull(status.nextProbeAt),
      lastDeliveredAt: status.lastDeliveredAt === undefined ? undefined : isoTimeOrNull(status.lastDeliveredAt),
      statistics: counted && toStatistics('24h', counted),
      lastDelivery: newest && toDelivery(webhookId, newest),
    };
    return { activity: shown, status };
  } catch (error) {
    logError('api.outbox_unavailable', error, { webhookId });
    return null;
  }
}

const list = route({
  method: 'get',
  path: '/api/v1/organization/{organizationId}/webhooks',
  operationId: 'listWebhooks',
  summary: "List an organization's webhooks",
  description: `Newest first; there are at most ${MAX_WEBHOOKS}, and ${MAX_LISTENERS} of the command \`listen\`.`,
  tag: 'Webhooks',
  access: 'read',
  params: organizationParams,
  query: z.object({
    include: z.literal('activity').optional().openapi({ description: '`activity`: with what each has done in the last 24 hours.' }),
  }),
  success: {
    status: 200,
    description: 'The webhooks.',
    schema: z.object({ webhooks: z.array(listedWebhook) }).openapi('WebhookList'),
  },
  handler: async ({ params, query, db, env }) => {
    const { organization, webhooks } = await findOrganizationWithWebhooks(db, params.organizationId);
    if (!organization) throw notFound('organization');
    return { webhooks: query.include ? await withActivity(env, webhooks) : webhooks.map(toWebhook) };
  },
});

export { list as listWebhooks };

export const webhookListRoutes: readonly Route[] = [list];
