import { type SQL, sql } from 'drizzle-orm';
import type { AuditEntry } from '../domain/audit-log.ts';
import type { Database } from './client.ts';
import { auditLog } from './schema.ts';

/*
 * Entries are written in the transaction of the change that they tell of (`db.batch`): there is no change without its entry, and no entry
 * without its change.
 */

/** Writes an entry, once: one that comes again is the same. */
export function addEntry(db: Database, entry: AuditEntry) {
  return db.insert(auditLog).values(rowOf(entry)).onConflictDoNothing();
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
  const { id, organizationId, at, actorType, actorId, actorName, network, action, targetType, targetId, changes } = rowOf(entry);
  return db.insert(auditLog).select(
    // The values in the order of the table's columns.
    sql`select ${id}, ${organizationId}, ${at}, ${actorType}, ${actorId}, ${actorName}, ${network}, ${action}, ${targetType}, ${targetId},
      ${JSON.stringify(changes)} where ${condition}`,
  );
}

/** Whether an entry is there. */
export function hasEntry({ id }: AuditEntry): SQL {
  return sql`exists (select 1 from ${auditLog} where ${auditLog.id} = ${id})`;
}

function rowOf({ actor, target, ...entry }: AuditEntry): typeof auditLog.$inferInsert {
  const who = { actorType: actor.type, actorId: actor.id, actorName: actor.name };
  return { ...entry, ...who, targetType: target.type, targetId: target.id };
}
