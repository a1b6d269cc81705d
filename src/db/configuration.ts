import { eq, sql } from 'drizzle-orm';
import type { Plan } from '../domain/plan.ts';
import type { Choices } from '../domain/rules/choices.ts';
import { parseDuration } from '../domain/text/duration.ts';
import { type FilteredWebhook, spokenNameOf, type WebhookConfig } from '../domain/webhook/webhook.ts';
import { databaseOf } from './client.ts';
import { organizations, outboxErasures, webhooks } from './schema.ts';
import type { WebhookRow } from './webhooks.ts';

/** What deliveries need to know of an organization. */
export interface OrganizationConfig {
  plan: Plan;
  webhooks: FilteredWebhook[];
}

/** What an outbox needs to know of its webhook. */
export interface OutboxConfig {
  plan: Plan;
  webhook: WebhookConfig;
}

/** What is read of a webhook for its outbox: toOutboxConfig makes its configuration of it. */
export const webhookColumns = {
  id: webhooks.id,
  organizationId: webhooks.organizationId,
  url: webhooks.url,
  events: webhooks.events,
  enabled: webhooks.enabled,
  secret: webhooks.secret,
  previousSecret: webhooks.previousSecret,
  previousSecretExpiresAt: webhooks.previousSecretExpiresAt,
  secretRing: webhooks.secretRing,
  health: webhooks.health,
  healthSince: webhooks.healthSince,
  freshSince: webhooks.freshSince,
  maxPerSecond: webhooks.maxPerSecond,
  maxConcurrent: webhooks.maxConcurrent,
  name: webhooks.name,
  description: webhooks.description,
  once: webhooks.once,
  fields: webhooks.fields,
  format: webhooks.format,
  template: webhooks.template,
  headers: webhooks.headers,
  retrySchedule: webhooks.retrySchedule,
  createdAt: webhooks.createdAt,
};

type WebhookColumns = Pick<WebhookRow, keyof typeof webhookColumns>;

/** What an outbox needs to know, of what was read for it. */
export function toOutboxConfig({ plan, webhook }: { plan: Plan; webhook: WebhookColumns }): OutboxConfig {
  return { plan, webhook: toWebhookConfig(webhook) };
}

/** A webhook's configuration. One whose owner has chosen nothing of what is sent carries nothing of it. */
function toWebhookConfig(row: WebhookColumns): WebhookConfig {
  const { name, description, once, fields, format, template, headers, retrySchedule, ...webhook } = row;
  return { ...webhook, choices: choicesOf(row) };
}

function choicesOf(row: WebhookColumns): Choices | null {
  const { once, fields, format, template, headers, retrySchedule } = row;
  if (once === null && fields === null && format === 'event' && headers === null && retrySchedule === null) return null;
  return { once, fields, format, template, name: spokenNameOf(row), headers, retryScheduleMs: retrySchedule?.map(parseDuration) ?? null };
}

/** The configuration of some organizations, in one read; those that are not known are missing from the map. */
export async function readOrganizations(d1: D1Database, ids: readonly string[]): Promise<Map<string, OrganizationConfig>> {
  const rows = await databaseOf(d1)
    .select({ organizationId: organizations.id, plan: organizations.plan, webhook: { ...webhookColumns, filter: webhooks.filter } })
    .from(organizations)
    .leftJoin(webhooks, eq(webhooks.organizationId, organizations.id))
    // One bound parameter for any number of ids (D1: 100 bound parameters).
    .where(sql`${organizations.id} IN (SELECT value FROM json_each(${JSON.stringify(ids)}))`);
  const configs = new Map<string, OrganizationConfig>();
  for (const { organizationId, plan, webhook } of rows) {
    const config = configs.get(organizationId) ?? { plan, webhooks: [] };
    configs.set(organizationId, config);
    if (!webhook) continue;
    const { filter, ...columns } = webhook;
    config.webhooks.push(filter === null ? toWebhookConfig(columns) : { ...toWebhookConfig(columns), filter });
  }
  return configs;
}

/** A webhook is neither in the database nor among the deleted. */
export class UnknownWebhook extends Error {
  override name = 'UnknownWebhook';
}

/**
 * A webhook and its organization's plan; null where the webhook has been deleted. That a row is missing is no proof of it (a
 * database can be restored to an earlier time), and what follows cannot be undone: the deletion's own note is.
 * Throws UnknownWebhook where neither is there.
 */
export async function readWebhook(d1: D1Database, webhookId: string): Promise<OutboxConfig | null> {
  const db = databaseOf(d1);
  const [row] = await db
    .select({ plan: organizations.plan, webhook: webhookColumns })
    .from(webhooks)
    .innerJoin(organizations, eq(webhooks.organizationId, organizations.id))
    .where(eq(webhooks.id, webhookId));
  if (row) return toOutboxConfig(row);
  const [deletion] = await db.select().from(outboxErasures).where(eq(outboxErasures.webhookId, webhookId));
  if (deletion) return null;
  throw new UnknownWebhook(`webhook ${webhookId} is neither in the database nor among the deleted`);
}
