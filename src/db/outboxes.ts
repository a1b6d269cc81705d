import { and, eq, lte, or, type SQL, sql } from 'drizzle-orm';
import type { SQLiteColumn } from 'drizzle-orm/sqlite-core';
import { SERVICE } from '../domain/access/audit-log.ts';
import { mintId } from '../domain/ids.ts';
import type { DisabledReason, Health } from '../domain/webhook/webhook.ts';
import { addEntryFrom } from './audit-log.ts';
import { type Database, databaseOf, whole } from './client.ts';
import { busyOutboxes, outboxErasures, webhooks } from './schema.ts';

/** Why and when an outbox decided that its webhook is to be disabled, and of which webhook that speaks. */
export interface Disabling {
  url: string;
  reason: DisabledReason;
  decidedAt: number;
  /** Of the configuration that the attempt was made with. Missing in what earlier versions have stored. */
  freshSince?: number;
}

/**
 * Disables a webhook on the service's own account, unless its owner has pointed it elsewhere since the attempt began, or enabled it
 * anew. Returns whether it is disabled by this decision: this is tried until D1 confirms it, and may have worked before. Since an
 * outbox decides once between two fresh starts of the owner's, these and the reason tell the decision from any other (in what earlier
 * versions have stored, its time does), whatever else the owner has changed since.
 */
export async function disableWebhook(
  d1: D1Database,
  webhookId: string,
  { url, reason, decidedAt, freshSince }: Disabling,
): Promise<boolean> {
  const isTheSame = freshSince === undefined ? undefined : eq(webhooks.freshSince, freshSince);
  const mayBe = and(eq(webhooks.enabled, true), lte(webhooks.healthSince, decidedAt), isTheSame);
  const byThis = isTheSame ?? eq(webhooks.updatedAt, decidedAt);
  const isAlready = and(eq(webhooks.enabled, false), eq(webhooks.disabledReason, reason), byThis);
  const isThis = and(eq(webhooks.id, webhookId), eq(webhooks.url, url));
  const db = databaseOf(d1);
  const [, disabled] = await db.batch([
    entryOfDisabling(db, { webhookId, reason, decidedAt }, sql`from ${webhooks} where ${and(isThis, mayBe)}`),
    db
      .update(webhooks)
      .set({ enabled: false, disabledReason: reason, updatedAt: sql`max(${webhooks.updatedAt}, ${decidedAt})` })
      .where(and(isThis, or(mayBe, isAlready)))
      .returning({ id: webhooks.id }),
  ]);
  return disabled.length > 0;
}

/** Before the change, which can then be told from its repetition: one that has been made has no entry any more. */
function entryOfDisabling(
  db: Database,
  { webhookId, reason, decidedAt }: Pick<Disabling, 'reason' | 'decidedAt'> & { webhookId: string },
  enabled: SQL,
) {
  const entry = {
    id: mintId('auditEntry', decidedAt),
    organizationId: '',
    at: decidedAt,
    actor: SERVICE,
    network: null,
    action: 'webhook.disabled',
    target: { type: 'webhook', id: webhookId },
    changes: { enabled: { from: true, to: false }, disabledReason: { from: null, to: reason } },
  } as const;
  return addEntryFrom(db, entry, enabled, { organizationId: sql`${webhooks.organizationId}` });
}

/** A webhook's health as its outbox sees it. */
export interface SeenHealth {
  health: Health;
  since: number;
  /** Of the configuration that it is the health of. Missing in what earlier versions have stored. */
  freshSince?: number;
}

/** Keeps a webhook's health as its outbox sees it, unless its owner has set it anew since. */
export async function saveHealth(d1: D1Database, webhookId: string, { health, since, freshSince }: SeenHealth): Promise<void> {
  const isTheSame = freshSince === undefined ? undefined : eq(webhooks.freshSince, freshSince);
  await databaseOf(d1)
    .update(webhooks)
    .set({ health, healthSince: since })
    .where(and(eq(webhooks.id, webhookId), lte(webhooks.healthSince, since), isTheSame));
}

/** Notes that an outbox has deliveries waiting, so that the cron looks after its alarm. */
export async function markBusy(d1: D1Database, webhookId: string, now: number): Promise<void> {
  await databaseOf(d1)
    .insert(busyOutboxes)
    .values({ webhookId, since: now })
    .onConflictDoUpdate({ target: busyOutboxes.webhookId, set: { since: now } });
}

/** Notes the same of several, after a look at them. A note that an outbox has made meanwhile stands. */
export async function markAllBusy(d1: D1Database, webhookIds: readonly string[], now: number): Promise<void> {
  if (webhookIds.length === 0) return;
  const rows = sql`SELECT value, ${now} FROM json_each(${JSON.stringify(webhookIds)}) WHERE true`;
  await databaseOf(d1).insert(busyOutboxes).select(rows).onConflictDoNothing();
}

/** A note that an outbox is busy, as it was listed. */
type BusyNote = typeof busyOutboxes.$inferSelect;

/** Takes notes back, each unless it was made anew since it was listed. */
export async function clearBusy(d1: D1Database, notes: readonly BusyNote[]): Promise<void> {
  if (notes.length > 0) await databaseOf(d1).delete(busyOutboxes).where(areAsListed(notes));
}

/** Moves notes to the end of the line, each unless it was made anew since it was listed: then it is there already. */
export async function moveBusyToEnd(d1: D1Database, notes: readonly BusyNote[], now: number): Promise<void> {
  if (notes.length > 0) await databaseOf(d1).update(busyOutboxes).set({ since: now }).where(areAsListed(notes));
}

function areAsListed(notes: readonly BusyNote[]): SQL {
  const listed = JSON.stringify(notes.map(({ webhookId, since }) => [webhookId, since]));
  return sql`(${busyOutboxes.webhookId}, ${busyOutboxes.since}) IN (SELECT value ->> 0, value ->> 1 FROM json_each(${listed}))`;
}

/** The outboxes noted as busy, the longest first. */
export function listBusy(d1: D1Database, limit: number): Promise<BusyNote[]> {
  return databaseOf(d1).select().from(busyOutboxes).orderBy(busyOutboxes.since).limit(limit);
}

/**
 * The webhooks whose turn it is in a sweep: every one of them once in `turns` sweeps. A webhook's turn depends on its row's number
 * alone, so it does not move while others come and go. It reads no more rows than it finds.
 *
 * A sweep takes `limit` of them. Should there be more than turns × limit webhooks, all of them still have their turns, but these
 * come round in two times `turns` sweeps, in three times, and so on.
 */
export function listInTurn(
  d1: D1Database,
  sweepNumber: number,
  turns: number,
  limit: number,
): Promise<{ webhookId: string; organizationId: string }[]> {
  const last = sql`(SELECT max(rowid) FROM ${webhooks})`;
  const round = sql`(SELECT ${whole(turns)} * ((${last} - 1) / ${whole(turns * limit)} + 1))`;
  const rows = sql`
    WITH RECURSIVE due (number, round) AS (
      SELECT ${whole(sweepNumber)} % ${round} + 1, ${round}
      UNION ALL
      SELECT number + round, round FROM due WHERE number + round <= ${last}
    )
    SELECT number FROM due`;
  return databaseOf(d1)
    .select({ webhookId: webhooks.id, organizationId: webhooks.organizationId })
    .from(webhooks)
    .where(sql`${webhooks}.rowid IN (${rows})`);
}

/** Outboxes of webhooks that were deleted by a time and are still to be erased, the earliest first. */
export function listErasures(d1: D1Database, until: number, limit: number): Promise<(typeof outboxErasures.$inferSelect)[]> {
  const { requestedAt } = outboxErasures;
  return databaseOf(d1).select().from(outboxErasures).where(lte(requestedAt, until)).orderBy(requestedAt).limit(limit);
}

export async function clearErasures(d1: D1Database, webhookIds: readonly string[]): Promise<void> {
  if (webhookIds.length > 0) await databaseOf(d1).delete(outboxErasures).where(isOneOf(outboxErasures.webhookId, webhookIds));
}

/** Moves erasures that failed behind all others of the line, which ends at this time. */
export async function moveErasuresToEnd(d1: D1Database, webhookIds: readonly string[], end: number): Promise<void> {
  if (webhookIds.length === 0) return;
  await databaseOf(d1).update(outboxErasures).set({ requestedAt: end }).where(isOneOf(outboxErasures.webhookId, webhookIds));
}

/** One bound parameter for any number of ids (D1: 100 bound parameters). */
const isOneOf = (column: SQLiteColumn, ids: readonly string[]): SQL =>
  sql`${column} IN (SELECT value FROM json_each(${JSON.stringify(ids)}))`;
