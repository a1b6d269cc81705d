import { and, eq, gt, isNull, lt } from 'drizzle-orm';
import type { Database } from './client.ts';
import { apiKeys, dashboardLinks } from './schema.ts';

export type NewDashboardLink = Omit<typeof dashboardLinks.$inferInsert, 'usedAt'>;
export type DashboardLinkRow = typeof dashboardLinks.$inferSelect;

/** Adds a link, and drops those of its organization that have expired. */
export async function insertDashboardLink(db: Database, link: NewDashboardLink, nowMs: number): Promise<void> {
  await db.batch([
    db.delete(dashboardLinks).where(and(eq(dashboardLinks.organizationId, link.organizationId), lt(dashboardLinks.expiresAt, nowMs))),
    db.insert(dashboardLinks).values(link),
  ]);
}

/**
 * Uses a link up and answers with it and its key; null where it is unknown, expired or used. One statement finds and marks it:
 * of two requests that race with one link, one is signed in.
 */
export async function useDashboardLink(
  db: Database,
  tokenHash: string,
  nowMs: number,
): Promise<{ link: DashboardLinkRow; key: { revokedAt: number | null; expiresAt: number | null } | null } | null> {
  const [link] = await db
    .update(dashboardLinks)
    .set({ usedAt: nowMs })
    .where(and(eq(dashboardLinks.tokenHash, tokenHash), isNull(dashboardLinks.usedAt), gt(dashboardLinks.expiresAt, nowMs)))
    .returning();
  if (!link) return null;
  if (link.keyId === null) return { link, key: null };
  const [key = null] = await db
    .select({ revokedAt: apiKeys.revokedAt, expiresAt: apiKeys.expiresAt })
    .from(apiKeys)
    .where(eq(apiKeys.id, link.keyId));
  return { link, key };
}
