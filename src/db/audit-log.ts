import { and, desc, eq, inArray, lt, type SQL, sql } from 'drizzle-orm';
import { type AuditAction, type AuditEntry, boundedChanges, MAX_AUDIT_ENTRIES } from '../domain/access/audit-log.ts';
import { leastIdAt } from '../domain/ids.ts';
import { type Database, databaseOf } from './client.ts';
import { auditLog, organizations } from './schema.ts';

/*
 * Entries are written in the transaction of the change that they tell of (`db.batch`): there is no change without its entry, and no entry
 * without its change.
 */

/** Writes an entry, once: one that comes again is the same. */
export function addEntry(db: Database, entry: AuditEntry) {
  return db.insert(auditLog).values(rowOf(entry)).onConflictDoNothing();
}

/** Writes an entry by itself, before what it tells of. False where its organization is gone: then nothing of it is to be done. */
export async function writeEntry(db: Database, entry: AuditEntry): Promise<boolean> {
  const ofOrganization = sql`from ${organizations} where ${eq(organizations.id, entry.organizationId)}`;
  return (await addEntryFrom(db, entry, ofOrganization).returning({ id: auditLog.id })).length > 0;
}

/**
 * Writes an entry where the statement before it in the same batch has changed a row: a change that was not made, because another was first, has
 * no entry.
 */
export function addEntryIfChanged(db: Database, entry: AuditEntry) {
  return addEntryWhere(db, entry, sql`changes() > 0`);
}

/** Writes an entry where a condition holds: what it tells of is done in the same batch, where the entry is there (`hasEntry`). */
export function addEntryWhere(db: Database, entry: AuditEntry, condition: SQL) {
  return addEntryFrom(db, entry, sql`where ${condition}`);
}

/** Whether an entry is there. */
export function hasEntry({ id }: AuditEntry): SQL {
  return sql`exists (select 1 from ${auditLog} where ${auditLog.id} = ${id})`;
}

/** Writes entries of what outboxes did, each once. Those of an organization that is gone are dropped, as its log was. */
export async function addEntries(d1: D1Database, entries: readonly AuditEntry[]): Promise<void> {
  const db = databaseOf(d1);
  const [first, ...others] = entries.map((entry) => {
    const isThere = sql`exists (select 1 from ${organizations} where ${organizations.id} = ${entry.organizationId})`;
    return addEntryWhere(db, entry, isThere).onConflictDoNothing();
  });
  if (first) await db.batch([first, ...others]);
}

/** What an entry says that a statement reads from where it is written from. */
export interface ReadValues {
  id?: SQL;
  organizationId?: SQL;
  actorId?: SQL;
  actorName?: SQL;
  targetId?: SQL;
  changes?: SQL;
}

/** Writes an entry for each row of a select: what it says is the entry's, but for what is read there. */
export function addEntryFrom(db: Database, entry: AuditEntry, rows: SQL, read: ReadValues = {}) {
  const { id, organizationId, at, actorType, actorId, actorName, network, action, targetType, targetId, changes } = rowOf(entry);
  return db.insert(auditLog).select(
    // The values in the order of the table's columns.
    sql`select ${read.id ?? id}, ${read.organizationId ?? organizationId}, ${at}, ${actorType}, ${read.actorId ?? actorId},
      ${read.actorName ?? actorName}, ${network}, ${action}, ${targetType}, ${read.targetId ?? targetId},
      ${read.changes ?? JSON.stringify(changes)} ${rows}`,
  );
}

/** An id for each of several rows: the time of an entry's id, and characters of the database's own choice. */
export function idLike({ id }: AuditEntry): SQL {
  // A minted id is a prefix of 4 characters, 10 of the time and 16 of chance. Hexadecimal digits are all of its alphabet.
  return sql`${id.slice(0, 14)} || hex(randomblob(8))`;
}

function rowOf({ actor, target, changes, ...entry }: AuditEntry): typeof auditLog.$inferInsert {
  const who = { actorType: actor.type, actorId: actor.id, actorName: actor.name };
  return { ...entry, ...who, targetType: target.type, targetId: target.id, changes: boundedChanges(changes) };
}

function entryOf(row: typeof auditLog.$inferSelect): AuditEntry {
  const { actorType, actorId, actorName, targetType, targetId, ...entry } = row;
  return { ...entry, actor: { type: actorType, id: actorId, name: actorName }, target: { type: targetType, id: targetId } };
}

/** Entries of an organization, newest first, those before one if one is named. */
export async function listEntries(
  db: Database,
  organizationId: string,
  { action, before, limit }: { action?: AuditAction | undefined; before?: string | undefined; limit: number },
): Promise<AuditEntry[]> {
  const rows = await db
    .select()
    .from(auditLog)
    .where(
      and(
        eq(auditLog.organizationId, organizationId),
        before === undefined ? undefined : lt(auditLog.id, before),
        action && eq(auditLog.action, action),
      ),
    )
    .orderBy(desc(auditLog.id))
    .limit(limit);
  return rows.map(entryOf);
}

/** Drops entries of before a time, of whatever organization, a bounded number: their ids sort by time, so that none other is read. */
export async function dropEntriesBefore(db: Database, timeMs: number, limit: number): Promise<void> {
  await drop(db, lt(auditLog.id, leastIdAt('auditEntry', timeMs)), limit);
}

/** Most organizations whose surplus one call drops. */
const MAX_CROWDED = 10;

/** Drops the oldest entries of organizations that have more than are kept, a bounded number of each. */
export async function dropSurplusEntries(db: Database, limit: number, kept = MAX_AUDIT_ENTRIES): Promise<void> {
  const count = sql<number>`count(*)`;
  const crowded = await db
    .select({ organizationId: auditLog.organizationId, count })
    .from(auditLog)
    .groupBy(auditLog.organizationId)
    .having(sql`${count} > ${kept}`)
    .limit(MAX_CROWDED);
  for (const each of crowded) await drop(db, eq(auditLog.organizationId, each.organizationId), Math.min(limit, each.count - kept));
}

async function drop(db: Database, which: SQL, limit: number): Promise<void> {
  const oldest = db.select({ id: auditLog.id }).from(auditLog).where(which).orderBy(auditLog.id).limit(limit);
  await db.delete(auditLog).where(inArray(auditLog.id, oldest));
}
