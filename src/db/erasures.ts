import { and, asc, desc, eq, gte, inArray, isNull, lt, notExists, sql } from 'drizzle-orm';
import type { AuditEntry } from '../domain/access/audit-log.ts';
import type { Notified } from '../domain/erasure.ts';
import { addEntryIfChanged } from './audit-log.ts';
import { type Database, databaseOf } from './client.ts';
import { erasures, erasureWebhooks, organizations, webhooks } from './schema.ts';

export type ErasureRow = typeof erasures.$inferSelect;
export type ErasureWebhookRow = typeof erasureWebhooks.$inferSelect;

/** An erasure that is about to begin, with its value sealed. */
export type NewErasure = Pick<ErasureRow, 'id' | 'organizationId' | 'field' | 'requestedAt'> & { value: string; hash?: string | null };

/** How far an erasure has come in one webhook's outbox. */
export interface ErasureProgress {
  deliveries: number;
  notified: Notified | null;
  /** When its log was through; milliseconds since the epoch. Null: it is not. */
  finishedAt: number | null;
}

/**
 * Adds an erasure, for each of its organization's webhooks, and its entry of the audit log. Where the organization is gone, or has `max` under
 * way already, nothing is added and the answer is false.
 */
export async function insertErasure(
  db: Database,
  { id, organizationId, field, value, hash = null, requestedAt }: NewErasure,
  entry: AuditEntry,
  max: number,
): Promise<boolean> {
  const underWay = sql`(select count(*) from ${erasures} where organization_id = ${organizationId} and finished_at is null)`;
  const isThere = sql`exists (select 1 from ${organizations} where id = ${organizationId})`;
  const [added] = await db.batch([
    db
      .insert(erasures)
      // The values in the order of the table's columns.
      .select(
        sql`select ${id}, ${organizationId}, ${field}, ${value}, ${hash}, '', ${requestedAt}, null where ${isThere} and ${underWay} < ${max}`,
      )
      .returning({ id: erasures.id }),
    addEntryIfChanged(db, entry),
    db.insert(erasureWebhooks).select(
      sql`select ${id}, ${webhooks.id}, 0, null, null from ${webhooks}
        where ${webhooks.organizationId} = ${organizationId} and exists (select 1 from ${erasures} where ${erasures.id} = ${id})`,
    ),
  ]);
  return added.length > 0;
}

/** An organization's erasures, newest first, from after one of them. */
export async function listErasures(db: Database, organizationId: string, limit: number, after: string | null): Promise<ErasureRow[]> {
  const isAfter = after === null ? undefined : lt(erasures.id, after);
  return await db
    .select()
    .from(erasures)
    .where(and(eq(erasures.organizationId, organizationId), isAfter))
    .orderBy(desc(erasures.id))
    .limit(limit);
}

export async function findErasure(db: Database, organizationId: string, id: string): Promise<ErasureRow | undefined> {
  return await db
    .select()
    .from(erasures)
    .where(and(eq(erasures.id, id), eq(erasures.organizationId, organizationId)))
    .get();
}

/** How far some erasures have come in the outboxes of their webhooks. */
export async function listErasureWebhooks(db: Database, erasureIds: readonly string[]): Promise<ErasureWebhookRow[]> {
  return await db
    .select()
    .from(erasureWebhooks)
    // One bound parameter for any number of ids (D1: 100 bound parameters).
    .where(sql`${erasureWebhooks.erasureId} in (select value from json_each(${JSON.stringify(erasureIds)}))`)
    .orderBy(asc(erasureWebhooks.erasureId), asc(erasureWebhooks.webhookId));
}

/** Erasures that are not done, the oldest first. */
export async function listUnfinishedErasures(db: Database, limit: number): Promise<ErasureRow[]> {
  return await db.select().from(erasures).where(isNull(erasures.finishedAt)).orderBy(asc(erasures.requestedAt)).limit(limit);
}

/** The webhooks whose outboxes have not come to the end of an erasure. */
export async function listUnfinishedWebhooks(db: Database, erasureId: string): Promise<{ webhookId: string }[]> {
  return await db
    .select({ webhookId: erasureWebhooks.webhookId })
    .from(erasureWebhooks)
    .where(and(eq(erasureWebhooks.erasureId, erasureId), isNull(erasureWebhooks.finishedAt)));
}

/** How far an erasure has come in one outbox; where that was the last of all, it is done. */
export async function saveErasureProgress(
  d1: D1Database,
  erasureId: string,
  webhookId: string,
  { deliveries, notified, finishedAt }: ErasureProgress,
  nowMs: number,
): Promise<void> {
  const db = databaseOf(d1);
  await db.batch([
    db
      .update(erasureWebhooks)
      // What is through stays so: a write that was given up can land after a later one.
      .set({ deliveries, notified, finishedAt: sql`coalesce(${erasureWebhooks.finishedAt}, ${finishedAt})` })
      .where(and(eq(erasureWebhooks.erasureId, erasureId), eq(erasureWebhooks.webhookId, webhookId))),
    finishErasure(db, erasureId, nowMs),
  ]);
}

/**
 * How far the parked messages have been looked at for an erasure; null: to their end. Webhooks that have been deleted meanwhile have nothing left to
 * erase.
 */
export async function saveParkedProgress(db: Database, erasureId: string, parkedAfter: string | null, nowMs: number): Promise<void> {
  const isDeleted = notExists(db.select({ id: webhooks.id }).from(webhooks).where(eq(webhooks.id, erasureWebhooks.webhookId)));
  await db.batch([
    db.update(erasures).set({ parkedAfter }).where(eq(erasures.id, erasureId)),
    db
      .update(erasureWebhooks)
      .set({ finishedAt: nowMs })
      .where(and(eq(erasureWebhooks.erasureId, erasureId), isNull(erasureWebhooks.finishedAt), isDeleted)),
    finishErasure(db, erasureId, nowMs),
  ]);
}

/** The erasures of some organizations that were asked for at a time or later: their fields and hashes, the latest first. */
export async function listErasureHashes(
  db: Database,
  organizationIds: readonly string[],
  since: number,
  limit: number,
): Promise<Pick<ErasureRow, 'organizationId' | 'field' | 'hash' | 'requestedAt'>[]> {
  const { organizationId, field, hash, requestedAt } = erasures;
  return await db
    .select({ organizationId, field, hash, requestedAt })
    .from(erasures)
    .where(and(sql`${organizationId} in (select value from json_each(${JSON.stringify(organizationIds)}))`, gte(requestedAt, since)))
    .orderBy(desc(erasures.id))
    .limit(limit);
}

/** Drops erasures that were done before a time, a bounded number. */
export async function dropErasuresBefore(db: Database, timeMs: number, limit: number): Promise<void> {
  const old = db
    .select({ id: erasures.id })
    .from(erasures)
    .where(lt(erasures.finishedAt, timeMs))
    .orderBy(erasures.finishedAt)
    .limit(limit);
  await db.delete(erasures).where(inArray(erasures.id, old));
}

/** An erasure is done, and its value forgotten, once nothing of it is left to look at. */
function finishErasure(db: Database, erasureId: string, nowMs: number) {
  const isOfThis = and(eq(erasureWebhooks.erasureId, erasureId), isNull(erasureWebhooks.finishedAt));
  const isThrough = and(
    isNull(erasures.parkedAfter),
    notExists(db.select({ id: erasureWebhooks.webhookId }).from(erasureWebhooks).where(isOfThis)),
  );
  return db
    .update(erasures)
    .set({ finishedAt: nowMs, value: null })
    .where(and(eq(erasures.id, erasureId), isNull(erasures.finishedAt), isThrough));
}
