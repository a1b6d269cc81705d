import { and, eq, getTableColumns, lt, or } from 'drizzle-orm';
import type { Database } from './client.ts';
import type { OrganizationRow } from './organizations.ts';
import { apiKeys, dashboardSessions, organizations, webhooks } from './schema.ts';
import { newestFirst, type WebhookRow } from './webhooks.ts';

export type DashboardSessionRow = typeof dashboardSessions.$inferSelect;

/** A session with all that its pages need of the database. */
export interface SessionView {
  session: DashboardSessionRow;
  organization: OrganizationRow;
  /** The key that made it; null where a platform key did. */
  key: { revokedAt: number | null; expiresAt: number | null } | null;
  /** Newest first. */
  webhooks: WebhookRow[];
}

/** The session of a token, its organization and that one's webhooks, in one read. Null where there is no such session. */
export async function readSession(db: Database, tokenHash: string): Promise<SessionView | null> {
  const isThis = eq(dashboardSessions.tokenHash, tokenHash);
  const [[found], rows] = await db.batch([
    db
      .select({
        session: dashboardSessions,
        organization: organizations,
        key: { revokedAt: apiKeys.revokedAt, expiresAt: apiKeys.expiresAt, id: apiKeys.id },
      })
      .from(dashboardSessions)
      .innerJoin(organizations, eq(organizations.id, dashboardSessions.organizationId))
      .leftJoin(apiKeys, eq(apiKeys.id, dashboardSessions.keyId))
      .where(isThis),
    db
      .select(getTableColumns(webhooks))
      .from(webhooks)
      .innerJoin(dashboardSessions, eq(dashboardSessions.organizationId, webhooks.organizationId))
      .where(isThis)
      .orderBy(...newestFirst),
  ]);
  return found ? { ...found, webhooks: rows } : null;
}

/** Signs somebody in: adds a session, and drops the one it takes the place of and those of its organization that have expired. */
export async function insertSession(db: Database, session: DashboardSessionRow, replacedHash: string | null, nowMs: number): Promise<void> {
  const { organizationId } = session;
  const expired = and(eq(dashboardSessions.organizationId, organizationId), lt(dashboardSessions.expiresAt, nowMs));
  const replaced = eq(dashboardSessions.tokenHash, replacedHash ?? '');
  await db.batch([db.delete(dashboardSessions).where(or(expired, replaced)), db.insert(dashboardSessions).values(session)]);
}

export async function deleteSession(db: Database, tokenHash: string): Promise<void> {
  await db.delete(dashboardSessions).where(eq(dashboardSessions.tokenHash, tokenHash));
}
