import { and, eq, lt, lte, sql } from 'drizzle-orm';
import type { DisabledReason, Health } from '../domain/webhook.ts';
import { databaseOf } from './client.ts';
import { busyOutboxes, outboxErasures, webhooks } from './schema.ts';

/**
 * Disables a webhook on the service's own account, unless its owner has pointed it elsewhere since, or enabled it anew: this is
 * tried until D1 confirms it, and may have worked before.
 */
export async function disableWebhook(
  d1: D1Database,
  webhookId: string,
  { url, reason, decidedAt }: { url: string; reason: DisabledReason; decidedAt: number },
  now: number,
): Promise<void> {
  await databaseOf(d1)
    .update(webhooks)
    .set({ enabled: false, disabledReason: reason, updatedAt: now })
    .where(and(eq(webhooks.id, webhookId), eq(webhooks.url, url), eq(webhooks.enabled, true), lte(webhooks.healthSince, decidedAt)));
}

/** Keeps a webhook's health as its outbox sees it, unless its owner has set it anew since. */
export async function saveHealth(d1: D1Database, webhookId: string, health: Health, since: number): Promise<void> {
  await databaseOf(d1)
    .update(webhooks)
    .set({ health, healthSince: since })
    .where(and(eq(webhooks.id, webhookId), lte(webhooks.healthSince, since)));
}

/** Notes that an outbox has deliveries waiting, so that the cron looks after its alarm. */
export async function markBusy(d1: D1Database, webhookId: string, now: number): Promise<void> {
  await databaseOf(d1)
    .insert(busyOutboxes)
    .values({ webhookId, since: now })
    .onConflictDoUpdate({ target: busyOutboxes.webhookId, set: { since: now } });
}

/** Takes a note back, unless it was made anew since. */
export async function clearBusy(d1: D1Database, webhookId: string, since: number): Promise<void> {
  await databaseOf(d1)
    .delete(busyOutboxes)
    .where(and(eq(busyOutboxes.webhookId, webhookId), eq(busyOutboxes.since, since)));
}

/** The outboxes noted as busy, the longest first. */
export function listBusy(d1: D1Database, limit: number): Promise<{ webhookId: string; since: number }[]> {
  return databaseOf(d1).select().from(busyOutboxes).orderBy(busyOutboxes.since).limit(limit);
}

/** One of `turns` shares of all webhooks, by their rows' numbers: it reads no more rows than it finds. */
export function listInTurn(d1: D1Database, turn: number, turns: number, limit: number): Promise<{ webhookId: string }[]> {
  const row = sql`${webhooks}.rowid`;
  const share = sql`(SELECT (max(rowid) + ${turns - 1}) / ${turns} FROM ${webhooks})`;
  return databaseOf(d1)
    .select({ webhookId: webhooks.id })
    .from(webhooks)
    .where(and(sql`${row} > ${turn} * ${share}`, sql`${row} <= (${turn} + 1) * ${share}`))
    .limit(limit);
}

/** Outboxes of webhooks that were deleted before a time, still to be erased. */
export function listErasures(d1: D1Database, before: number, limit: number): Promise<{ webhookId: string; requestedAt: number }[]> {
  return databaseOf(d1).select().from(outboxErasures).where(lt(outboxErasures.requestedAt, before)).limit(limit);
}

export async function clearErasure(d1: D1Database, webhookId: string): Promise<void> {
  await databaseOf(d1).delete(outboxErasures).where(eq(outboxErasures.webhookId, webhookId));
}
