import { and, asc, desc, eq, gt, lt, or, sql } from 'drizzle-orm';
import { fromHex } from '../domain/text/encoding.ts';
import type { Database } from './client.ts';
import { parkedMessages } from './schema.ts';

/** A queue message that could not be processed, without its body. */
export interface ParkedMessage {
  /** The queue's id of the message. */
  id: string;
  reason: string;
  sizeBytes: number;
  parkedAt: number;
}

/** A place in the list, newest first. */
export interface ParkedPosition {
  parkedAt: number;
  id: string;
}

const listed = {
  id: parkedMessages.id,
  reason: parkedMessages.reason,
  sizeBytes: sql<number>`length(${parkedMessages.body})`,
  parkedAt: parkedMessages.parkedAt,
};

/**
 * Keeps a message, if fewer than `max` are kept. Returns whether it is kept, now or since an earlier time. One statement counts
 * and inserts, so that messages parked at once cannot pass the bound together; it counts no further than the bound.
 */
export async function insertParkedMessage(
  db: Database,
  { id, reason, body, parkedAt }: { id: string; reason: string; body: Uint8Array; parkedAt: number },
  max: number,
): Promise<boolean> {
  const hasRoom = sql`(SELECT count(*) FROM (SELECT 1 FROM ${parkedMessages} LIMIT ${max})) < ${max}`;
  const isKept = sql`EXISTS (SELECT 1 FROM ${parkedMessages} WHERE id = ${id})`;
  const kept = await db
    .insert(parkedMessages)
    // The values in the order of the table's columns.
    .select(sql`SELECT ${id}, ${reason}, ${body}, ${parkedAt} WHERE ${hasRoom} OR ${isKept}`)
    // It changes nothing, but RETURNING answers with the row.
    .onConflictDoUpdate({ target: parkedMessages.id, set: { id } })
    .returning({ id: parkedMessages.id });
  return kept.length > 0;
}

/** One page, newest first. */
export async function listParkedMessages(db: Database, limit: number, after: ParkedPosition | null): Promise<ParkedMessage[]> {
  const { id, parkedAt } = parkedMessages;
  return await db
    .select(listed)
    .from(parkedMessages)
    .where(after ? or(lt(parkedAt, after.parkedAt), and(eq(parkedAt, after.parkedAt), lt(id, after.id))) : undefined)
    .orderBy(desc(parkedAt), desc(id))
    .limit(limit);
}

/** The ids of some, in their order, from after one of them. */
export async function listParkedAfter(db: Database, after: string, limit: number): Promise<string[]> {
  const { id } = parkedMessages;
  const rows = await db.select({ id }).from(parkedMessages).where(gt(id, after)).orderBy(asc(id)).limit(limit);
  return rows.map((row) => row.id);
}

/** Keeps another body of a message, where it is as it was read. False where it is another one by now, or gone. */
export async function replaceParkedMessage(db: Database, id: string, before: Uint8Array, after: Uint8Array): Promise<boolean> {
  const replaced = await db
    .update(parkedMessages)
    .set({ body: sql`${after}` })
    .where(and(eq(parkedMessages.id, id), sql`${parkedMessages.body} = ${before}`))
    .returning({ id: parkedMessages.id });
  return replaced.length > 0;
}

export async function findParkedMessage(db: Database, id: string): Promise<(ParkedMessage & { body: Uint8Array }) | undefined> {
  // As hex: drizzle reads a blob into Node's Buffer, which Workers do not have.
  const columns = { ...listed, bodyHex: sql<string>`hex(${parkedMessages.body})` };
  const row = await db.select(columns).from(parkedMessages).where(eq(parkedMessages.id, id)).get();
  if (!row) return undefined;
  const { bodyHex, ...message } = row;
  return { ...message, body: fromHex(bodyHex) };
}

/** False where there was none (any more). */
export async function deleteParkedMessage(db: Database, id: string): Promise<boolean> {
  const deleted = await db.delete(parkedMessages).where(eq(parkedMessages.id, id)).returning({ id: parkedMessages.id });
  return deleted.length > 0;
}
