import { eq, sql } from 'drizzle-orm';
import type { Plan } from '../domain/plan.ts';
import type { Database } from './client.ts';
import { apiKeys, organizations, outboxErasures, webhooks } from './schema.ts';

export type OrganizationRow = typeof organizations.$inferSelect;

export async function findOrganization(db: Database, id: string): Promise<OrganizationRow | undefined> {
  return await db.select().from(organizations).where(eq(organizations.id, id)).get();
}

/** Creates an organization, or gives the existing one its new name and plan. */
export async function putOrganization(
  db: Database,
  id: string,
  values: { name: string; plan: Plan },
  nowMs: number,
): Promise<{ created: boolean; row: OrganizationRow }> {
  // One transaction: of two requests that race, one has created it.
  const [before, [row]] = await db.batch([
    db.select({ id: organizations.id }).from(organizations).where(eq(organizations.id, id)),
    db
      .insert(organizations)
      .values({ id, ...values, createdAt: nowMs, updatedAt: nowMs })
      .onConflictDoUpdate({ target: organizations.id, set: { ...values, updatedAt: nowMs } })
      .returning(),
  ]);
  return { created: before.length === 0, row: row as OrganizationRow };
}

/**
 * Deletes an organization with its keys and webhooks, and in the same transaction notes every webhook's outbox for erasure.
 * Answers with the webhooks' ids, or null where there was no such organization.
 */
export async function deleteOrganization(db: Database, id: string, nowMs: number): Promise<string[] | null> {
  const owned = db
    .select({ webhookId: webhooks.id, requestedAt: sql<number>`${nowMs}`.as('requested_at') })
    .from(webhooks)
    .where(eq(webhooks.organizationId, id));
  const [erased, , , deleted] = await db.batch([
    db.insert(outboxErasures).select(owned).onConflictDoNothing().returning({ webhookId: outboxErasures.webhookId }),
    db.delete(webhooks).where(eq(webhooks.organizationId, id)),
    db.delete(apiKeys).where(eq(apiKeys.organizationId, id)),
    db.delete(organizations).where(eq(organizations.id, id)).returning({ id: organizations.id }),
  ]);
  return deleted.length === 0 ? null : erased.map((row) => row.webhookId);
}
