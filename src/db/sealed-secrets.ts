import { and, eq, isNotNull, or, type SQL, sql } from 'drizzle-orm';
import type { SQLiteColumn } from 'drizzle-orm/sqlite-core';
import { databaseOf, whole } from './client.ts';
import { type OutboxConfig, webhookColumns } from './configuration.ts';
import { organizations, webhooks } from './schema.ts';

/** The id of the master key that a stored secret is sealed under: its second part (db/secret-box.ts). */
const keyIdOf = (column: SQLiteColumn): SQL<string> => sql<string>`substr(${column}, 4, 8)`;

/** How many stored secrets are sealed under each master key, by the key's id; the ones before a rotation included. */
export async function countSealedSecrets(d1: D1Database): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for (const column of [webhooks.secret, webhooks.previousSecret]) {
    const rows = await databaseOf(d1)
      .select({ keyId: keyIdOf(column), count: sql<number>`count(*)` })
      .from(webhooks)
      .where(isNotNull(column))
      .groupBy(keyIdOf(column));
    for (const { keyId, count } of rows) counts.set(keyId, (counts.get(keyId) ?? 0) + count);
  }
  return counts;
}

/**
 * Some webhooks that have a secret sealed under a master key, as their outboxes know them. Each sweep begins `limit` rows after the
 * one before, and where the rows end at the first again: those that cannot be sealed anew do not keep the others from their turn.
 */
export async function listSealedUnder(d1: D1Database, keyId: string, sweepNumber: number, limit: number): Promise<OutboxConfig[]> {
  const sealed = or(eq(keyIdOf(webhooks.secret), keyId), eq(keyIdOf(webhooks.previousSecret), keyId));
  const turns = sql`((SELECT max(rowid) FROM ${webhooks}) - 1) / ${whole(limit)} + 1`;
  const start = sql`(SELECT ${whole(sweepNumber)} % (${turns}) * ${whole(limit)})`;
  const rows = (place: SQL) =>
    sql`SELECT rowid FROM (SELECT rowid FROM ${webhooks} WHERE rowid ${place} AND ${sealed} ORDER BY rowid LIMIT ${limit})`;
  // In two parts, rather than in an order: as a rule the first one is enough, and stops when it has found them.
  const inTurn = sql`${rows(sql`> ${start}`)} UNION ALL ${rows(sql`<= ${start}`)} LIMIT ${limit}`;
  return await databaseOf(d1)
    .select({ plan: organizations.plan, webhook: webhookColumns })
    .from(webhooks)
    .innerJoin(organizations, eq(webhooks.organizationId, organizations.id))
    .where(sql`${webhooks}.rowid IN (${inTurn})`);
}

type SealedSecrets = Pick<OutboxConfig['webhook'], 'id' | 'secret' | 'previousSecret' | 'previousSecretExpiresAt'>;

/** Replaces a webhook's sealed secrets, unless its owner has set or rotated them since they were read. */
export async function replaceSealedSecrets(d1: D1Database, before: SealedSecrets, after: SealedSecrets): Promise<void> {
  const { secret, previousSecret, previousSecretExpiresAt } = after;
  await databaseOf(d1)
    .update(webhooks)
    .set({ secret, previousSecret, previousSecretExpiresAt })
    .where(
      and(
        eq(webhooks.id, before.id),
        sql`${webhooks.secret} is ${before.secret}`,
        sql`${webhooks.previousSecret} is ${before.previousSecret}`,
      ),
    );
}
