import { and, desc, eq, type SQL, sql } from 'drizzle-orm';
import type { BatchItem } from 'drizzle-orm/batch';
import type { AuditEntry } from '../domain/access/audit-log.ts';
import { isListenUrl, LISTEN_URL_PATTERN, MAX_LISTENERS } from '../domain/endpoint/listen-url.ts';
import type { SecretColumns } from '../domain/webhook/secret-rotation.ts';
import { MAX_WEBHOOKS } from '../domain/webhook/webhook.ts';
import { addEntryIfChanged } from './audit-log.ts';
import type { Database } from './client.ts';
import type { OrganizationRow } from './organizations.ts';
import { organizations, outboxErasures, webhooks } from './schema.ts';
import { hasSecrets } from './sealed-secrets.ts';

export type WebhookRow = typeof webhooks.$inferSelect;
export type NewWebhook = typeof webhooks.$inferInsert;

/** What an owner can change. An absent field stays as it is. */
export type WebhookChanges = Partial<
  Pick<
    NewWebhook,
    | ('name' | 'url' | 'description' | 'events' | 'enabled' | 'maxPerSecond' | 'maxConcurrent' | 'secret')
    | ('filter' | 'once' | 'fields' | 'format' | 'template' | 'headers' | 'headerNames' | 'retrySchedule')
  >
>;

/** Whether a row belongs to both the webhook's id and its organization: the tenant is part of every look-up. */
const isWebhook = (organizationId: string, id: string) => and(eq(webhooks.id, id), eq(webhooks.organizationId, organizationId));

/** A value as the column keeps it. */
const json = (value: unknown) => sql`${value == null ? null : JSON.stringify(value)}`;

const NO_FORMER_SECRETS = { previousSecret: null, previousSecretExpiresAt: null, secretRing: null };

/** The order of a list. */
export const newestFirst = [desc(webhooks.createdAt), desc(webhooks.id)];

/** An organization's webhooks, newest first; there are at most MAX_WEBHOOKS, and MAX_LISTENERS of those of `listen`. */
export async function listWebhooks(db: Database, organizationId: string): Promise<WebhookRow[]> {
  return await db
    .select()
    .from(webhooks)
    .where(eq(webhooks.organizationId, organizationId))
    .orderBy(...newestFirst);
}

/** An organization and its webhooks, newest first, in one read. */
export async function findOrganizationWithWebhooks(
  db: Database,
  organizationId: string,
): Promise<{ organization: OrganizationRow | undefined; webhooks: WebhookRow[] }> {
  const [[organization], rows] = await db.batch([
    db.select().from(organizations).where(eq(organizations.id, organizationId)),
    db
      .select()
      .from(webhooks)
      .where(eq(webhooks.organizationId, organizationId))
      .orderBy(...newestFirst),
  ]);
  return { organization, webhooks: rows };
}

export async function findWebhook(db: Database, organizationId: string, id: string): Promise<WebhookRow | undefined> {
  return await db.select().from(webhooks).where(isWebhook(organizationId, id)).get();
}

/**
 * Adds a webhook, unless its organization is gone or has as many as it may have already, or MAX_LISTENERS of those of `listen`, which are counted
 * apart: then nothing is added and the answer is null.
 * One statement counts and inserts, so that racing creations cannot pass the limit together.
 */
export async function insertWebhook(
  db: Database,
  webhook: NewWebhook,
  entry: AuditEntry,
  maxWebhooks = MAX_WEBHOOKS,
): Promise<WebhookRow | null> {
  // In the order of db/schema.ts: drizzle maps a select to an insert by place.
  const row = {
    id: sql`${webhook.id}`,
    organizationId: sql`${webhook.organizationId}`,
    name: sql`${webhook.name ?? null}`,
    url: sql`${webhook.url}`,
    description: sql`${webhook.description ?? null}`,
    events: json(webhook.events),
    enabled: sql`${webhook.enabled ? 1 : 0}`,
    secret: sql`${webhook.secret ?? null}`,
    previousSecret: sql`null`,
    previousSecretExpiresAt: sql`null`,
    secretRing: sql`null`,
    health: sql`'healthy'`,
    healthSince: sql`${webhook.healthSince}`,
    freshSince: sql`0`,
    disabledReason: sql`null`,
    maxPerSecond: sql`${webhook.maxPerSecond ?? null}`,
    maxConcurrent: sql`${webhook.maxConcurrent ?? null}`,
    filter: json(webhook.filter),
    once: json(webhook.once),
    fields: json(webhook.fields),
    format: sql`${webhook.format ?? 'event'}`,
    template: sql`${webhook.template ?? null}`,
    headers: sql`${webhook.headers ?? null}`,
    headerNames: json(webhook.headerNames),
    retrySchedule: json(webhook.retrySchedule),
    createdAt: sql`${webhook.createdAt}`,
    updatedAt: sql`${webhook.updatedAt}`,
  };
  const columns = Object.fromEntries(Object.entries(row).map(([name, value]) => [name, value.as(name)]));
  const isOfListen = isListenUrl(webhook.url);
  const alike = and(
    eq(webhooks.organizationId, webhook.organizationId),
    sql`(${webhooks.url} like ${LISTEN_URL_PATTERN}) = ${isOfListen ? 1 : 0}`,
  );
  const count = sql`(select count(*) from ${webhooks} where ${alike})`;
  const allowed = and(eq(organizations.id, webhook.organizationId), sql`${count} < ${isOfListen ? MAX_LISTENERS : maxWebhooks}`);
  const [inserted] = await db.batch([
    db
      .insert(webhooks)
      .select(db.select(columns).from(organizations).where(allowed) as never)
      .returning(),
    addEntryIfChanged(db, entry),
  ]);
  return inserted[0] ?? null;
}

/**
 * What changes are made of, beside what they name: headers are merged, a template is tried with what else is chosen. It is all that an owner
 * chooses, since the audit log tells what was before.
 */
const READ_FOR_CHANGES = [
  ...(['name', 'url', 'description', 'events', 'enabled', 'secret', 'maxPerSecond', 'maxConcurrent', 'filter', 'once'] as const),
  ...(['fields', 'format', 'template', 'headers', 'retrySchedule'] as const),
] as const;

/** Whether what a change was made of is what it was read as. */
function isAsRead(row: WebhookRow): SQL | undefined {
  return and(...READ_FOR_CHANGES.map((name) => sql`${webhooks[name]} is ${asKept(row[name])}`));
}

function asKept(value: WebhookRow[(typeof READ_FOR_CHANGES)[number]]): SQL {
  if (typeof value === 'boolean') return sql`${value ? 1 : 0}`;
  return typeof value === 'object' ? json(value) : sql`${value}`;
}

/**
 * Changes a webhook and answers with it; null where there is none, or where what the changes were made of is not what it was read as any more:
 * of two that merge headers at the same moment none is to lose the other's. A secret that is set or removed ends all overlaps of earlier
 * rotations. Enabling a disabled webhook, or pointing it elsewhere, gives its endpoint a fresh start; else its health is
 * the outbox's to write. Why the service has disabled it is a reason of the endpoint that it had: one that is pointed elsewhere stays
 * disabled, but for no reason of the service's.
 * @param entry null: it changes nothing that an audit log tells of
 */
export async function updateWebhook(
  db: Database,
  before: WebhookRow,
  changes: WebhookChanges,
  nowMs: number,
  entry: AuditEntry | null,
): Promise<WebhookRow | null> {
  const enables = changes.enabled === true ? sql`${webhooks.enabled} = 0` : sql`false`;
  const moves = changes.url === undefined ? sql`false` : sql`${webhooks.url} <> ${changes.url}`;
  const afresh = sql`(${enables} or ${moves})`;
  const update = db
    .update(webhooks)
    .set({
      ...changes,
      ...('secret' in changes && NO_FORMER_SECRETS),
      disabledReason: changes.enabled === true ? null : sql`case when ${moves} then null else ${webhooks.disabledReason} end`,
      health: sql`case when ${afresh} then 'healthy' else ${webhooks.health} end`,
      healthSince: sql`case when ${afresh} then ${nowMs} else ${webhooks.healthSince} end`,
      freshSince: sql`case when ${afresh} then max(${nowMs}, ${webhooks.freshSince} + 1) else ${webhooks.freshSince} end`,
      updatedAt: nowMs,
    })
    .where(and(isWebhook(before.organizationId, before.id), isAsRead(before)))
    .returning();
  return await changed(db, update, entry);
}

/** Makes a change of a webhook, with its entry in the audit log. Null where its condition does not hold: then there is no entry either. */
async function changed(
  db: Database,
  update: BatchItem<'sqlite'> & PromiseLike<WebhookRow[]>,
  entry: AuditEntry | null,
): Promise<WebhookRow | null> {
  const [row = null] = entry ? ((await db.batch([update, addEntryIfChanged(db, entry)]))[0] as WebhookRow[]) : await update;
  return row;
}

/**
 * Replaces a webhook's secrets, and answers with it; null where there is no such webhook, or its secrets are others than those that the
 * new ones were made of. So no rotation forgets what another one has promised at the same moment.
 */
export async function replaceSecrets(
  db: Database,
  before: Pick<WebhookRow, 'id' | 'organizationId'> & SecretColumns,
  after: SecretColumns,
  nowMs: number,
  entry: AuditEntry | null,
): Promise<WebhookRow | null> {
  const { secret, previousSecret, previousSecretExpiresAt, secretRing } = after;
  const update = db
    .update(webhooks)
    .set({ secret, previousSecret, previousSecretExpiresAt, secretRing, updatedAt: nowMs })
    .where(and(isWebhook(before.organizationId, before.id), hasSecrets(before)))
    .returning();
  return await changed(db, update, entry);
}

/**
 * Deletes a webhook, and in the same transaction notes its outbox for erasure. False where it is gone, or is not what it was read as any more:
 * its entry tells what was deleted.
 */
export async function deleteWebhook(db: Database, before: WebhookRow, nowMs: number, entry: AuditEntry): Promise<boolean> {
  const isThis = and(isWebhook(before.organizationId, before.id), isAsRead(before));
  const erasure = db
    .select({ webhookId: webhooks.id, requestedAt: sql<number>`${nowMs}`.as('requested_at') })
    .from(webhooks)
    .where(isThis);
  const [, deleted] = await db.batch([
    db.insert(outboxErasures).select(erasure).onConflictDoNothing(),
    db.delete(webhooks).where(isThis).returning({ id: webhooks.id }),
    addEntryIfChanged(db, entry),
  ]);
  return deleted.length > 0;
}

/** The ids of webhooks of whatever organization, at most so many. */
export async function listWebhookIds(db: Database, limit: number): Promise<string[]> {
  const rows = await db.select({ id: webhooks.id }).from(webhooks).limit(limit);
  return rows.map(({ id }) => id);
}
