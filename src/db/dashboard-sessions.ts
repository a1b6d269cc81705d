import { and, desc, eq, gt, inArray, isNotNull, isNull, lt, notInArray, or, sql } from 'drizzle-orm';
import { type AuditEntry, SERVICE } from '../domain/access/audit-log.ts';
import { MAX_SESSIONS } from '../domain/access/dashboard-session.ts';
import { addEntry } from './audit-log.ts';
import type { Database } from './client.ts';
import type { OrganizationRow } from './organizations.ts';
import { apiKeys, dashboardLinks, dashboardSessions, organizations, webhooks } from './schema.ts';
import { endingSessions } from './session-ends.ts';
import { newestFirst, type WebhookRow } from './webhooks.ts';

export type DashboardSessionRow = typeof dashboardSessions.$inferSelect;
export type NewDashboardSession = typeof dashboardSessions.$inferInsert;

/** A session with all that its pages need of the database. */
export interface SessionView {
  session: DashboardSessionRow;
  organization: OrganizationRow;
  /** The key that made it; null where a platform key did. */
  key: { revokedAt: number | null; expiresAt: number | null } | null;
  /** Newest first. */
  webhooks: WebhookRow[];
}

/**
 * The session of a token, its organization and that one's webhooks, in one read. Null where there is no such session.
 * Without joins: in a batch D1 answers with objects, in which columns of the same name hide one another.
 */
export async function readSession(db: Database, tokenHash: string): Promise<SessionView | null> {
  const isThis = eq(dashboardSessions.tokenHash, tokenHash);
  const organizationId = db.select({ id: dashboardSessions.organizationId }).from(dashboardSessions).where(isThis);
  const keyId = db.select({ id: dashboardSessions.keyId }).from(dashboardSessions).where(isThis);
  const [[session], [organization], [key = null], rows] = await db.batch([
    db.select().from(dashboardSessions).where(isThis),
    db.select().from(organizations).where(inArray(organizations.id, organizationId)),
    db.select({ revokedAt: apiKeys.revokedAt, expiresAt: apiKeys.expiresAt }).from(apiKeys).where(inArray(apiKeys.id, keyId)),
    db
      .select()
      .from(webhooks)
      .where(inArray(webhooks.organizationId, organizationId))
      .orderBy(...newestFirst),
  ]);
  return session && organization ? { session, organization, key, webhooks: rows } : null;
}

/**
 * Signs somebody in: adds a session, and drops the one it takes the place of, those of its organization that have expired, and all but
 * the latest MAX_SESSIONS that the same key (or the platform, for this organization) has made.
 */
export async function insertSession(
  db: Database,
  session: NewDashboardSession,
  replacedHash: string | null,
  started: AuditEntry,
): Promise<void> {
  const { at: nowMs, network } = started;
  const { organizationId, keyId = null } = session;
  const expired = and(eq(dashboardSessions.organizationId, organizationId), lt(dashboardSessions.expiresAt, nowMs));
  const replaced = eq(dashboardSessions.tokenHash, replacedHash ?? '');
  const sameMaker = and(
    eq(dashboardSessions.organizationId, organizationId),
    keyId === null ? isNull(dashboardSessions.keyId) : eq(dashboardSessions.keyId, keyId),
  );
  const latest = db
    .select({ tokenHash: dashboardSessions.tokenHash })
    .from(dashboardSessions)
    .where(sameMaker)
    .orderBy(desc(dashboardSessions.createdAt), sql`rowid desc`)
    .limit(MAX_SESSIONS);
  await db.batch([
    db.delete(dashboardSessions).where(expired),
    ...endingSessions(db, replaced, { at: nowMs, by: 'themselves', network }),
    db.insert(dashboardSessions).values(session),
    addEntry(db, started),
    ...endingSessions(db, and(sameMaker, notInArray(dashboardSessions.tokenHash, latest)), { at: nowMs, by: SERVICE, network: null }),
  ]);
}

/** Drops sessions and links of whatever organization that have expired, a bounded number of each. */
export async function dropExpired(db: Database, nowMs: number, limit: number): Promise<void> {
  const expired = (table: typeof dashboardSessions | typeof dashboardLinks) =>
    sql`rowid in (select rowid from ${table} where ${lt(table.expiresAt, nowMs)} limit ${limit})`;
  await db.batch([
    db.delete(dashboardSessions).where(expired(dashboardSessions)),
    db.delete(dashboardLinks).where(expired(dashboardLinks)),
  ]);
}

/** A session as it is listed, with the key that made it; null where a platform key did. */
export interface ListedSession {
  session: DashboardSessionRow;
  key: { id: string; name: string } | null;
}

/**
 * The sessions of an organization that open something, as makerIsActive has it, the latest first.
 * @param platformMarks of the platform keys that are configured
 */
export async function listSessions(
  db: Database,
  organizationId: string,
  platformMarks: readonly string[],
  nowMs: number,
  limit: number,
): Promise<ListedSession[]> {
  const { tokenHash, keyId, platformMark, createdAt } = dashboardSessions;
  const { id, name, revokedAt, expiresAt } = apiKeys;
  const ofOrganization = eq(dashboardSessions.organizationId, organizationId);
  const keyIsActive = and(isNotNull(id), isNull(revokedAt), or(isNull(expiresAt), gt(expiresAt, nowMs)));
  return await db
    .select({ session: dashboardSessions, key: { id, name } })
    .from(dashboardSessions)
    .leftJoin(apiKeys, eq(id, keyId))
    .where(and(ofOrganization, gt(dashboardSessions.expiresAt, nowMs), or(keyIsActive, inArray(platformMark, [...platformMarks]))))
    .orderBy(desc(createdAt), desc(tokenHash))
    .limit(limit);
}

/**
 * Notes that a message with a secret is being shown, by when it was left. False where it has been already, or one that was left later: a
 * copy of its cookie shows nothing.
 */
export async function noteSecretShown(db: Database, tokenHash: string, leftAt: number): Promise<boolean> {
  const isNew = or(isNull(dashboardSessions.secretShownAt), lt(dashboardSessions.secretShownAt, leftAt));
  const rows = await db
    .update(dashboardSessions)
    .set({ secretShownAt: leftAt })
    .where(and(eq(dashboardSessions.tokenHash, tokenHash), isNew))
    .returning({ tokenHash: dashboardSessions.tokenHash });
  return rows.length > 0;
}
