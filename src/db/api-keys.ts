import { and, desc, eq, inArray, isNotNull, isNull, lt, notInArray, or, type SQL, sql } from 'drizzle-orm';
import { ENDED_KEY_RETENTION_MS, MAX_ACTIVE_KEYS, MAX_ENDED_KEYS } from '../domain/access/api-key.ts';
import type { AuditEntry } from '../domain/access/audit-log.ts';
import { addEntryIfChanged } from './audit-log.ts';
import type { Database } from './client.ts';
import { apiKeys, dashboardLinks, dashboardSessions } from './schema.ts';
import { endingSessions } from './session-ends.ts';

export type ApiKeyRow = typeof apiKeys.$inferSelect;
export type NewApiKey = Pick<ApiKeyRow, 'id' | 'organizationId' | 'name' | 'keyHash' | 'keyPrefix' | 'scopes' | 'expiresAt' | 'createdAt'>;

/** The keys of an organization, or (null) those of the platform's producers. */
const ownedBy = (organizationId: string | null): SQL =>
  organizationId === null ? isNull(apiKeys.organizationId) : eq(apiKeys.organizationId, organizationId);

/** As keyStatus has it. Unqualified: it also stands in the sub-select of an insert. */
const isActive = (nowMs: number): SQL => sql`(revoked_at is null and (expires_at is null or expires_at > ${nowMs}))`;

/** When a key that is not active ended: it can have expired before it was revoked. */
const endedAt = sql`min(coalesce(revoked_at, expires_at), coalesce(expires_at, revoked_at))`;

/** The keys of an owner that have ended and are kept: the latest MAX_ENDED_KEYS of those that have not ended long ago. */
function keptEnded(db: Database, organizationId: string | null, nowMs: number) {
  const isRecent = sql`${endedAt} >= ${nowMs - ENDED_KEY_RETENTION_MS}`;
  return db
    .select({ id: apiKeys.id })
    .from(apiKeys)
    .where(and(ownedBy(organizationId), sql`not ${isActive(nowMs)}`, isRecent))
    .orderBy(desc(endedAt), desc(apiKeys.id))
    .limit(MAX_ENDED_KEYS);
}

/** Drops an owner's keys that have ended and are not kept. Nobody misses them meanwhile: the list leaves them out. */
function dropEnded(db: Database, organizationId: string | null, nowMs: number) {
  const ended = and(ownedBy(organizationId), sql`not ${isActive(nowMs)}`);
  return db.delete(apiKeys).where(and(ended, notInArray(apiKeys.id, keptEnded(db, organizationId, nowMs))));
}

export async function findApiKeyByHash(db: Database, keyHash: string): Promise<ApiKeyRow | undefined> {
  return await db.select().from(apiKeys).where(eq(apiKeys.keyHash, keyHash)).get();
}

export async function findApiKey(db: Database, id: string): Promise<ApiKeyRow | undefined> {
  return await db.select().from(apiKeys).where(eq(apiKeys.id, id)).get();
}

/** The active keys, then those that have ended and are kept; of each kind the newest first. Both have their own limit. */
export async function listApiKeys(db: Database, organizationId: string | null, nowMs: number): Promise<ApiKeyRow[]> {
  return await db
    .select()
    .from(apiKeys)
    .where(and(ownedBy(organizationId), or(isActive(nowMs), inArray(apiKeys.id, keptEnded(db, organizationId, nowMs)))))
    .orderBy(desc(isActive(nowMs)), desc(apiKeys.createdAt), desc(apiKeys.id));
}

/**
 * Adds a key, and drops those that have ended and are not kept. Where the owner has MAX_ACTIVE_KEYS active ones (or, an organization, was
 * deleted meanwhile) nothing is added and the answer is null. One statement counts and inserts: racing requests cannot pass the limit.
 * @param entry null: a producer's key is no organization's
 */
export async function insertApiKey(db: Database, key: NewApiKey, nowMs: number, entry: AuditEntry | null): Promise<ApiKeyRow | null> {
  const active = and(ownedBy(key.organizationId), isActive(nowMs));
  const ownerExists = sql`(${key.organizationId} is null or exists (select 1 from organizations where id = ${key.organizationId}))`;
  const insertion = db
    .insert(apiKeys)
    // The values in the order of the table's columns.
    .select(
      sql`select ${key.id}, ${key.organizationId}, ${key.name}, ${key.keyHash}, ${key.keyPrefix}, ${JSON.stringify(key.scopes)},
          ${key.expiresAt}, null, null, ${key.createdAt}
          where ${ownerExists} and (select count(*) from ${apiKeys} where ${active}) < ${MAX_ACTIVE_KEYS}`,
    )
    .returning();
  const [inserted] = await db.batch([
    insertion,
    ...(entry ? [addEntryIfChanged(db, entry)] : []),
    dropEnded(db, key.organizationId, nowMs),
  ]);
  return inserted[0] ?? null;
}

/**
 * Revokes an active or expired key and answers with its hash; null where there is none, or where it is revoked already. The sessions and
 * links that were made with it open nothing from then on, and are dropped with it.
 * @param entry null: a producer's key is no organization's, and has made no sessions
 */
export async function revokeApiKey(
  db: Database,
  organizationId: string | null,
  id: string,
  nowMs: number,
  entry: AuditEntry | null,
): Promise<string | null> {
  const isThis = and(eq(apiKeys.id, id), ownedBy(organizationId));
  const revoked = db
    .select({ id: apiKeys.id })
    .from(apiKeys)
    .where(and(isThis, isNotNull(apiKeys.revokedAt)));
  // By the organization first: that is what they are indexed by. A producer's key makes none.
  const madeWithIt = (table: typeof dashboardSessions | typeof dashboardLinks) =>
    and(eq(table.organizationId, organizationId ?? ''), inArray(table.keyId, revoked));
  const [rows] = await db.batch([
    db
      .update(apiKeys)
      .set({ revokedAt: nowMs })
      .where(and(isThis, isNull(apiKeys.revokedAt)))
      .returning({ keyHash: apiKeys.keyHash }),
    ...(entry ? [addEntryIfChanged(db, entry), ...endingSessions(db, madeWithIt(dashboardSessions), { ...entry, by: entry.actor })] : []),
    db.delete(dashboardLinks).where(madeWithIt(dashboardLinks)),
    dropEnded(db, organizationId, nowMs),
  ]);
  return rows[0]?.keyHash ?? null;
}

/** Notes a key's use, unless one since `notSince` is noted already (by another isolate). */
export async function touchApiKey(db: Database, id: string, usedAt: number, notSince: number): Promise<void> {
  await db
    .update(apiKeys)
    .set({ lastUsedAt: usedAt })
    .where(and(eq(apiKeys.id, id), or(isNull(apiKeys.lastUsedAt), lt(apiKeys.lastUsedAt, notSince))));
}
