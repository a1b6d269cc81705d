import { and, eq, lte, or, type SQL, sql } from 'drizzle-orm';
import type { SQLiteColumn } from 'drizzle-orm/sqlite-core';
import type { SecretColumns } from '../domain/webhook/secret-rotation.ts';
import { databaseOf, whole } from './client.ts';
import { type OutboxConfig, toOutboxConfig, webhookColumns } from './configuration.ts';
import { erasures, organizations, webhooks } from './schema.ts';

/** The id of the master key that a stored secret is sealed under: its second part (db/secret-box.ts). */
const keyIdOf = (column: SQLiteColumn): SQL<string> => sql<string>`substr(${column}, 4, 8)`;

/** How many stored secrets are sealed under each master key, by the key's id; former ones that still sign included, a webhook's own headers as one, and the values of erasures that are not done. */
export async function countSealedSecrets(d1: D1Database): Promise<Map<string, number>> {
  const entry = sql`json_each(${webhooks.secretRing})`;
  const inRing = sql`json_extract(value, '$.endsAt') IS NOT NULL`;
  const sealed = sql`
    SELECT ${webhooks.secret} AS sealed FROM ${webhooks}
    UNION ALL SELECT ${webhooks.previousSecret} FROM ${webhooks} WHERE ${webhooks.secretRing} IS NULL
    UNION ALL SELECT json_extract(value, '$.sealed') FROM ${webhooks}, ${entry} WHERE ${inRing}
    UNION ALL SELECT ${webhooks.headers} FROM ${webhooks}
    UNION ALL SELECT ${erasures.value} FROM ${erasures}`;
  const rows = await databaseOf(d1).all<{ keyId: string; count: number }>(
    sql`SELECT substr(sealed, 4, 8) AS keyId, count(*) AS count FROM (${sealed}) WHERE sealed IS NOT NULL GROUP BY keyId`,
  );
  return new Map(rows.map(({ keyId, count }) => [keyId, count]));
}

/**
 * Some webhooks that have a secret, or headers, sealed under a master key, as their outboxes know them. Each sweep begins `limit` rows after the
 * one before, and where the rows end at the first again: those that cannot be sealed anew do not keep the others from their turn.
 */
export async function listSealedUnder(d1: D1Database, keyId: string, sweepNumber: number, limit: number): Promise<OutboxConfig[]> {
  const inRing = sql`instr(${webhooks.secretRing}, ${`"v1:${keyId}:`}) > 0`;
  const sealed = or(...[webhooks.secret, webhooks.previousSecret, webhooks.headers].map((column) => eq(keyIdOf(column), keyId)), inRing);
  const turns = sql`((SELECT max(rowid) FROM ${webhooks}) - 1) / ${whole(limit)} + 1`;
  const start = sql`(SELECT ${whole(sweepNumber)} % (${turns}) * ${whole(limit)})`;
  const rows = (place: SQL) =>
    sql`SELECT rowid FROM (SELECT rowid FROM ${webhooks} WHERE rowid ${place} AND ${sealed} ORDER BY rowid LIMIT ${limit})`;
  // In two parts, rather than in an order: as a rule the first one is enough, and stops when it has found them.
  const inTurn = sql`${rows(sql`> ${start}`)} UNION ALL ${rows(sql`<= ${start}`)} LIMIT ${limit}`;
  const found = await databaseOf(d1)
    .select({ plan: organizations.plan, webhook: webhookColumns })
    .from(webhooks)
    .innerJoin(organizations, eq(webhooks.organizationId, organizations.id))
    .where(sql`${webhooks}.rowid IN (${inTurn})`);
  return found.map(toOutboxConfig);
}

/** Some webhooks with a former secret whose overlap has ended, those of longest ago first. */
export async function listEndedOverlaps(d1: D1Database, now: number, limit: number): Promise<OutboxConfig[]> {
  const found = await databaseOf(d1)
    .select({ plan: organizations.plan, webhook: webhookColumns })
    .from(webhooks)
    .innerJoin(organizations, eq(webhooks.organizationId, organizations.id))
    .where(lte(webhooks.previousSecretExpiresAt, now))
    .orderBy(webhooks.previousSecretExpiresAt)
    .limit(limit);
  return found.map(toOutboxConfig);
}

/**
 * Whether a webhook still has the secrets that it was read with. Two columns say it: each secret that is set or rotated to is sealed anew,
 * and what ends an overlap changes the former secret.
 */
export function hasSecrets({ secret, previousSecret }: SecretColumns): SQL {
  return sql`${webhooks.secret} is ${secret} and ${webhooks.previousSecret} is ${previousSecret}`;
}

/**
 * Keeps a webhook's secrets, and its headers where any are given, in another form. False where it is gone, or its owner has set or rotated
 * them since they were read.
 */
export async function replaceSealedSecrets(
  d1: D1Database,
  before: OutboxConfig['webhook'],
  after: SecretColumns,
  headers = before.choices?.headers ?? null,
): Promise<boolean> {
  const { secret, previousSecret, previousSecretExpiresAt, secretRing } = after;
  const hasHeaders = sql`${webhooks.headers} is ${before.choices?.headers ?? null}`;
  const rows = await databaseOf(d1)
    .update(webhooks)
    .set({ secret, previousSecret, previousSecretExpiresAt, secretRing, headers })
    .where(and(eq(webhooks.id, before.id), hasSecrets(before), hasHeaders))
    .returning({ id: webhooks.id });
  return rows.length > 0;
}
