import { and, eq, gt, inArray, isNull, lt } from 'drizzle-orm';
import type { AuditEntry } from '../domain/access/audit-log.ts';
import { addEntry } from './audit-log.ts';
import type { Database } from './client.ts';
import { apiKeys, dashboardLinks, organizations } from './schema.ts';

export type NewDashboardLink = Omit<typeof dashboardLinks.$inferInsert, 'usedAt'>;
export type DashboardLinkRow = typeof dashboardLinks.$inferSelect;

/** Adds a link, and drops those of its organization that have expired. */
export async function insertDashboardLink(db: Database, link: NewDashboardLink, nowMs: number, entry: AuditEntry): Promise<void> {
  await db.batch([
    db.delete(dashboardLinks).where(and(eq(dashboardLinks.organizationId, link.organizationId), lt(dashboardLinks.expiresAt, nowMs))),
    db.insert(dashboardLinks).values(link),
    addEntry(db, entry),
  ]);
}

/** A link that works is neither used nor expired. */
const works = (tokenHash: string, nowMs: number) =>
  and(eq(dashboardLinks.tokenHash, tokenHash), isNull(dashboardLinks.usedAt), gt(dashboardLinks.expiresAt, nowMs));

/** The organization that a link opens, and for whom, without using it; null where the link is unknown, expired or used. */
export async function organizationOfLink(
  db: Database,
  tokenHash: string,
  nowMs: number,
): Promise<{ id: string; name: string; subject: string | null } | null> {
  const [organization = null] = await db
    .select({ id: organizations.id, name: organizations.name, subject: dashboardLinks.subject })
    .from(dashboardLinks)
    .innerJoin(organizations, eq(organizations.id, dashboardLinks.organizationId))
    .where(works(tokenHash, nowMs));
  return organization;
}

/**
 * Uses a link up and answers with it and its key; null where it is unknown, expired or used. One statement finds and marks it:
 * of two requests that race with one link, one is signed in. The key is read with it, all or nothing: no link is used up by a
 * read that failed.
 */
export async function useDashboardLink(
  db: Database,
  tokenHash: string,
  nowMs: number,
): Promise<{ link: DashboardLinkRow; key: { name: string; revokedAt: number | null; expiresAt: number | null } | null } | null> {
  const keyId = db.select({ id: dashboardLinks.keyId }).from(dashboardLinks).where(eq(dashboardLinks.tokenHash, tokenHash));
  const [[link], [key = null]] = await db.batch([
    db.update(dashboardLinks).set({ usedAt: nowMs }).where(works(tokenHash, nowMs)).returning(),
    db
      .select({ name: apiKeys.name, revokedAt: apiKeys.revokedAt, expiresAt: apiKeys.expiresAt })
      .from(apiKeys)
      .where(inArray(apiKeys.id, keyId)),
  ]);
  return link ? { link, key } : null;
}

/** Gives a link back whose use led to no session; the one that was used then, and not again since. */
export async function releaseDashboardLink(db: Database, { tokenHash, usedAt }: DashboardLinkRow): Promise<void> {
  if (usedAt === null) return;
  await db
    .update(dashboardLinks)
    .set({ usedAt: null })
    .where(and(eq(dashboardLinks.tokenHash, tokenHash), eq(dashboardLinks.usedAt, usedAt)));
}
