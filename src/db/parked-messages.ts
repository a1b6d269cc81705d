import { and, desc, eq, lt, or, sql } from 'drizzle-orm';
import { fromHex } from '../domain/encoding.ts';
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
