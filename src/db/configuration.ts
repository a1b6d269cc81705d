import { eq, sql } from 'drizzle-orm';
import type { Plan } from '../domain/plan.ts';
import type { WebhookConfig } from '../domain/webhook.ts';
import { databaseOf } from './client.ts';
import { organizations, outboxErasures, webhooks } from './schema.ts';

/** What deliveries need to know of an organization. */
export interface OrganizationConfig {
  plan: Plan;
  webhooks: WebhookConfig[];
}

/** What an outbox needs to know of its webhook. */
export interface OutboxConfig {
  plan: Plan;
  webhook: WebhookConfig;
}

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
};

/** The configuration of some organizations, in one read; those that are not known are missing from the map. */
export async function readOrganizations(d1: D1Database, ids: readonly string[]): Promise<Map<string, OrganizationConfig>> {
  const rows = await databaseOf(d1)
    .select({ organizationId: organizations.id, plan: organizations.plan, webhook: webhookColumns })
    .from(organizations)
    .leftJoin(webhooks, eq(webhooks.organizationId, organizations.id))
    // One bound parameter for any number of ids (D1: 100 bound parameters).
    .where(sql`${organizations.id} IN (SELECT value FROM json_each(${JSON.stringify(ids)}))`);
  const configs = new Map<string, OrganizationConfig>();
  for (const { organizationId, plan, webhook } of rows) {
    const config = configs.get(organizationId) ?? { plan, webhooks: [] };
    configs.set(organizationId, config);
    if (webhook) config.webhooks.push(webhook);
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
  if (row) return row;
  const [deletion] = await db.select().from(outboxErasures).where(eq(outboxErasures.webhookId, webhookId));
  if (deletion) return null;
  throw new UnknownWebhook(`webhook ${webhookId} is neither in the database nor among the deleted`);
}
