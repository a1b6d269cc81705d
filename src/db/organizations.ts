import { and, asc, eq, getTableColumns, gt, type SQL, sql } from 'drizzle-orm';
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

/** An organization with how many webhooks it has. */
export interface ListedOrganization extends OrganizationRow {
  webhooks: number;
  disabled: number;
  /** Enabled, and failing or open. */
  failing: number;
}

/**
 * A page of organizations, in the order of their ids. Looking for a text reads a row for each organization up to the page's last.
 * @param q a part of the name or the id; null: all
 * @param after the id that the page before ends with; null: there is none
 */
export async function listOrganizations(
  db: Database,
  { q, plan }: { q: string | null; plan: Plan | null },
  limit: number,
  after: string | null,
): Promise<ListedOrganization[]> {
  const { id, name } = organizations;
  const contains = (column: SQL | typeof id | typeof name) => sql`instr(lower(${column}), lower(${q})) > 0`;
  const isFound = q === null ? undefined : sql`(${contains(name)} or ${contains(id)})`;
  const count = (where: SQL) =>
    sql<number>`(select count(*) from ${webhooks} where ${webhooks.organizationId} = ${organizations}.id and ${where})`;
  return await db
    .select({
      ...getTableColumns(organizations),
      webhooks: count(sql`true`),
      disabled: count(sql`not ${webhooks.enabled}`),
      failing: count(sql`${webhooks.enabled} and ${webhooks.health} <> 'healthy'`),
    })
    .from(organizations)
    .where(and(after === null ? undefined : gt(id, after), isFound, plan === null ? undefined : eq(organizations.plan, plan)))
    .orderBy(asc(id))
    .limit(limit);
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
