import { count, eq, max, sql } from 'drizzle-orm';
import type { ParkedState, Sizes } from '../domain/service/figures.ts';
import { databaseOf } from './client.ts';
import { organizations, parkedMessages, webhooks } from './schema.ts';

/** How many messages are parked, and why the newest is. It reads a row for each: they are bounded (consumer/parking.ts). */
export async function countParked(d1: D1Database): Promise<ParkedState> {
  const { parkedAt, reason } = parkedMessages;
  // SQLite: beside max() other columns are those of the row that has it.
  const columns = { messages: count(), at: max(parkedAt), reason };
  const [counted] = await databaseOf(d1).select(columns).from(parkedMessages);
  const { messages = 0, at = null, reason: why = '' } = counted ?? {};
  return { messages, newest: at === null ? null : { at, reason: why } };
}

/** How many there are in all. It reads a row for each. */
export async function countSizes(d1: D1Database): Promise<Sizes> {
  const db = databaseOf(d1);
  const isDisabled = sql<number>`count(CASE WHEN ${eq(webhooks.enabled, false)} THEN 1 END)`;
  const [[owners], [owned]] = await db.batch([
    db.select({ all: count() }).from(organizations),
    db.select({ all: count(), disabled: isDisabled }).from(webhooks),
  ]);
  return { organizations: owners?.all ?? 0, webhooks: owned?.all ?? 0, disabled: owned?.disabled ?? 0 };
}

/** A webhook as an operator reads of it: its URL only as far as its host, which is in the logs as well. */
export interface NamedWebhook {
  id: string;
  url: string;
  organizationId: string;
  organizationName: string;
}

/** Some webhooks with whose they are, and the names of some organizations. What is deleted is missing. */
export async function namesOf(
  d1: D1Database,
  webhookIds: readonly string[],
  organizationIds: readonly string[],
): Promise<{ webhooks: NamedWebhook[]; organizations: { id: string; name: string }[] }> {
  const db = databaseOf(d1);
  const { id, url, organizationId } = webhooks;
  const isOne = (column: typeof id | typeof organizations.id, ids: readonly string[]) =>
    sql`${column} IN (SELECT value FROM json_each(${JSON.stringify(ids)}))`;
  const [named, owners] = await db.batch([
    db
      .select({ id, url, organizationId, organizationName: organizations.name })
      .from(webhooks)
      .innerJoin(organizations, eq(organizations.id, organizationId))
      .where(isOne(id, webhookIds)),
    db.select({ id: organizations.id, name: organizations.name }).from(organizations).where(isOne(organizations.id, organizationIds)),
  ]);
  return { webhooks: named, organizations: owners };
}
