import { and, eq, sql } from 'drizzle-orm';
import { type AuditAction, type AuditChanges, type AuditEntry, changesBetween, created } from '../domain/access/audit-log.ts';
import type { Plan } from '../domain/plan.ts';
import { dayOf } from '../domain/text/day.ts';
import { addEntryIfChanged } from './audit-log.ts';
import type { Database } from './client.ts';
import { apiKeys, organizations, outboxErasures, webhooks } from './schema.ts';
import { deleteUse } from './usage.ts';

export type OrganizationRow = typeof organizations.$inferSelect;

export async function findOrganization(db: Database, id: string): Promise<OrganizationRow | undefined> {
  return await db.select().from(organizations).where(eq(organizations.id, id)).get();
}

/** What came of a PUT of an organization. */
export interface PutOrganization {
  outcome: 'created' | 'changed' | 'unchanged';
  row: OrganizationRow;
}

/**
 * Creates an organization, or gives the existing one its new name and plan. Null where another request was first, so that the entry would not
 * tell what was before: then it is worth another try.
 */
export async function putOrganization(
  db: Database,
  id: string,
  values: { name: string; plan: Plan },
  nowMs: number,
  entryOf: (action: AuditAction, changes: AuditChanges) => AuditEntry,
): Promise<PutOrganization | null> {
  const before = await findOrganization(db, id);
  if (!before) {
    const added = { id, ...values, createdAt: nowMs, updatedAt: nowMs };
    const [[row]] = await db.batch([
      db.insert(organizations).values(added).onConflictDoNothing().returning(),
      addEntryIfChanged(db, entryOf('organization.created', created(values))),
    ]);
    return row ? { outcome: 'created', row } : null;
  }
  const changes = changesBetween({ name: before.name, plan: before.plan }, values);
  if (Object.keys(changes).length === 0) return { outcome: 'unchanged', row: before };
  const isAsRead = and(eq(organizations.id, id), eq(organizations.name, before.name), eq(organizations.plan, before.plan));
  const [[row]] = await db.batch([
    db
      .update(organizations)
      .set({ ...values, updatedAt: nowMs })
      .where(isAsRead)
      .returning(),
    addEntryIfChanged(db, entryOf('organization.updated', changes)),
  ]);
  return row ? { outcome: 'changed', row } : null;
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
  const [erased, , , , deleted] = await db.batch([
    db.insert(outboxErasures).select(owned).onConflictDoNothing().returning({ webhookId: outboxErasures.webhookId }),
    db.delete(webhooks).where(eq(webhooks.organizationId, id)),
    db.delete(apiKeys).where(eq(apiKeys.organizationId, id)),
    deleteUse(db, id, dayOf(nowMs)),
    db.delete(organizations).where(eq(organizations.id, id)).returning({ id: organizations.id }),
  ]);
  return deleted.length === 0 ? null : erased.map((row) => row.webhookId);
}
