import { sql } from 'drizzle-orm';
import { blob, check, index, integer, primaryKey, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core';
import { KEY_SCOPES } from '../domain/access/api-key.ts';
import { ACTOR_TYPES, AUDIT_ACTIONS, type AuditChanges, TARGET_TYPES } from '../domain/access/audit-log.ts';
import { NOTIFIED } from '../domain/erasure.ts';
import { PLANS } from '../domain/plan.ts';
import { FORMATS, type Once } from '../domain/rules/choices.ts';
import type { Condition } from '../domain/rules/condition.ts';
import type { KeptSecret } from '../domain/webhook/secret-rotation.ts';
import { HEALTHS } from '../domain/webhook/webhook.ts';

/*
 * D1 holds configuration only: nothing is written here on the way of an event. Times are milliseconds since the epoch.
 * Deliveries and attempts live in the outboxes (delivery/outbox-store.ts).
 */

/** A tenant. Its plan decides whether its webhooks are used; a move down keeps the configuration. */
export const organizations = sqliteTable(
  'organizations',
  {
    id: text().primaryKey(),
    name: text().notNull(),
    plan: text({ enum: PLANS }).notNull(),
    createdAt: integer().notNull(),
    updatedAt: integer().notNull(),
  },
  (table) => [check('organizations_plan', sql`${table.plan} in (${sql.raw(PLANS.map((plan) => `'${plan}'`).join(', '))})`)],
);

/** An API key, of an organization or (organizationId null) of the platform for its producers. The key itself is not stored. */
export const apiKeys = sqliteTable(
  'api_keys',
  {
    id: text().primaryKey(),
    organizationId: text().references(() => organizations.id, { onDelete: 'cascade' }),
    name: text().notNull(),
    /** SHA-256 of the whole key, lower-case hex. Keys have 128 random bits: a plain hash cannot be guessed backwards. */
    keyHash: text().notNull(),
    /** The first 12 characters, to recognize a key by. */
    keyPrefix: text().notNull(),
    scopes: text({ mode: 'json' }).$type<string[]>().notNull(),
    expiresAt: integer(),
    /** Written at most once a minute for a key. */
    lastUsedAt: integer(),
    revokedAt: integer(),
    createdAt: integer().notNull(),
  },
  (table) => [uniqueIndex('api_keys_hash').on(table.keyHash), index('api_keys_organization').on(table.organizationId)],
);

/** A configured endpoint. */
export const webhooks = sqliteTable(
  'webhooks',
  {
    id: text().primaryKey(),
    organizationId: text()
      .notNull()
      .references(() => organizations.id, { onDelete: 'cascade' }),
    /** What its owner calls it. Null: the host of its URL. */
    name: text(),
    url: text().notNull(),
    description: text(),
    /** Event type names, `*`, or prefixes such as `visitor.*`. */
    events: text({ mode: 'json' }).$type<string[]>().notNull(),
    enabled: integer({ mode: 'boolean' }).notNull(),
    /** Sealed by db/secret-box.ts, with the webhook's id as associated data. Null: deliveries are not signed. */
    secret: text(),
    /** The former secret whose overlap ends first, sealed: it signs beside the present one until previousSecretExpiresAt. */
    previousSecret: text(),
    previousSecretExpiresAt: integer(),
    /** All of them, this one included, while former ones sign, too (domain/webhook/secret-rotation.ts). */
    secretRing: text({ mode: 'json' }).$type<KeptSecret[]>(),
    /** Written by the outbox when it changes, and only then. */
    health: text({ enum: HEALTHS }).notNull().default('healthy'),
    healthSince: integer().notNull(),
    /**
     * When its owner last enabled it, or pointed it elsewhere; no two such changes have the same value. 0: never. An attempt that began with
     * another value says nothing of the webhook as it is now. Only the owner's changes write it, so that no change of the health hides one.
     */
    freshSince: integer().notNull().default(0),
    /** Why the service (not its owner) disabled the webhook, e.g. `endpoint_gone`. */
    disabledReason: text(),
    maxPerSecond: integer(),
    maxConcurrent: integer(),
    /** What its owner has chosen of what is sent (domain/rules). Null, and the format `event`: nothing. */
    filter: text({ mode: 'json' }).$type<Condition>(),
    once: text({ mode: 'json' }).$type<Once>(),
    fields: text({ mode: 'json' }).$type<string[]>(),
    format: text({ enum: FORMATS }).notNull().default('event'),
    template: text(),
    /** Headers of its owner's own: JSON of names and values, sealed as its secret is; and their names. */
    headers: text(),
    headerNames: text({ mode: 'json' }).$type<string[]>(),
    /** Durations such as `30s`; null: the deployment's. */
    retrySchedule: text({ mode: 'json' }).$type<string[]>(),
    createdAt: integer().notNull(),
    updatedAt: integer().notNull(),
  },
  (table) => [
    index('webhooks_organization').on(table.organizationId),
    // For the cron, which erases those whose overlap has ended.
    index('webhooks_overlaps').on(table.previousSecretExpiresAt).where(sql`${table.previousSecretExpiresAt} is not null`),
    check('webhooks_health', sql`${table.health} in (${sql.raw(HEALTHS.map((health) => `'${health}'`).join(', '))})`),
  ],
);

/** Who made a link or a session, and whose end is its end: an API key of the organization, or a platform key by its mark. */
const maker = () => ({
  keyId: text().references(() => apiKeys.id, { onDelete: 'cascade' }),
  /** Keyed hash of the platform key (db/platform-mark.ts): which one it was shows only to who has it. */
  platformMark: text(),
});

/** A link that signs a person in to the dashboard, once. The token itself is not stored. */
export const dashboardLinks = sqliteTable(
  'dashboard_links',
  {
    /** SHA-256 of the token, lower-case hex; the token has 256 random bits. */
    tokenHash: text().primaryKey(),
    organizationId: text()
      .notNull()
      .references(() => organizations.id, { onDelete: 'cascade' }),
    scope: text({ enum: KEY_SCOPES }).notNull(),
    /** The person whom it was made for, as its maker names them. */
    subject: text(),
    ...maker(),
    expiresAt: integer().notNull(),
    /** Set by whoever is first; a link that is used opens nothing. */
    usedAt: integer(),
    createdAt: integer().notNull(),
  },
  (table) => [
    index('dashboard_links_organization').on(table.organizationId),
    check('dashboard_links_maker', sql`(${table.keyId} is null) <> (${table.platformMark} is null)`),
  ],
);

/** A person signed in to the dashboard, until it expires, is signed out, or the key that made it ends. */
export const dashboardSessions = sqliteTable(
  'dashboard_sessions',
  {
    /** SHA-256 of the cookie's token, lower-case hex. */
    tokenHash: text().primaryKey(),
    organizationId: text()
      .notNull()
      .references(() => organizations.id, { onDelete: 'cascade' }),
    scopes: text({ mode: 'json' }).$type<string[]>().notNull(),
    /** The person whom its link was made for. */
    subject: text(),
    /** The network that it was started from (domain/access/client-address.ts). */
    network: text(),
    ...maker(),
    expiresAt: integer().notNull(),
    createdAt: integer().notNull(),
    /** The latest message with a secret that was shown, by when it was written. It and earlier ones are not shown again. */
    secretShownAt: integer(),
  },
  (table) => [
    index('dashboard_sessions_organization').on(table.organizationId),
    check('dashboard_sessions_maker', sql`(${table.keyId} is null) <> (${table.platformMark} is null)`),
  ],
);

/** The catalogue of event types, beyond and over those that ship with the code (domain/event/event-type.ts). */
export const eventTypes = sqliteTable('event_types', {
  name: text().primaryKey(),
  description: text().notNull(),
  example: text({ mode: 'json' }).$type<unknown>(),
  /** JSON Schema, draft 2020-12. */
  schema: text({ mode: 'json' }).$type<unknown>(),
  createdAt: integer().notNull(),
  updatedAt: integer().notNull(),
});

/** Queue messages that could not be processed: kept until a person redrives or deletes them. Bounded (consumer/parking.ts). */
export const parkedMessages = sqliteTable('parked_messages', {
  /** The queue's id of the message: parking one twice is a no-op. */
  id: text().primaryKey(),
  reason: text().notNull(),
  body: blob({ mode: 'buffer' }).$type<Uint8Array>().notNull(),
  parkedAt: integer().notNull(),
});

/** Outboxes of deleted webhooks that the cron has yet to erase (again): written in the same batch as the deletion. */
export const outboxErasures = sqliteTable('outbox_erasures', {
  webhookId: text().primaryKey(),
  /** When the webhook was deleted. Later, once the cron has tried in vain: its place in the line. */
  requestedAt: integer().notNull(),
});

/** Outboxes that hold waiting deliveries, for the cron to poke: the backstop for a lost alarm. Marked once, cleared when seen idle. */
export const busyOutboxes = sqliteTable('busy_outboxes', {
  webhookId: text().primaryKey(),
  /** When the note was made, or moved to the end of the line. Who takes it back says which one was meant. */
  since: integer().notNull(),
});

/** Who did what to an organization's configuration and deliveries (domain/access/audit-log.ts). Written in the transaction of the change. */
export const auditLog = sqliteTable(
  'audit_log',
  {
    /** Sorts by the time of the entry. */
    id: text().primaryKey(),
    organizationId: text()
      .notNull()
      .references(() => organizations.id, { onDelete: 'cascade' }),
    at: integer().notNull(),
    actorType: text({ enum: ACTOR_TYPES }).notNull(),
    actorId: text(),
    actorName: text(),
    network: text(),
    action: text({ enum: AUDIT_ACTIONS }).notNull(),
    targetType: text({ enum: TARGET_TYPES }).notNull(),
    targetId: text().notNull(),
    changes: text({ mode: 'json' }).$type<AuditChanges>().notNull(),
  },
  (table) => [
    index('audit_log_organization').on(table.organizationId, table.id),
    index('audit_log_action').on(table.organizationId, table.action, table.id),
  ],
);

/** What an organization wants to be told of by e-mail. None: the defaults. */
export const alerts = sqliteTable('alerts', {
  organizationId: text()
    .primaryKey()
    .references(() => organizations.id, { onDelete: 'cascade' }),
  /** Names of the service's own events. */
  events: text({ mode: 'json' }).$type<string[]>().notNull(),
  updatedAt: integer().notNull(),
});

/** Where it wants to be told. An address gets nothing but a link to confirm until it has confirmed. */
export const alertAddresses = sqliteTable(
  'alert_addresses',
  {
    organizationId: text()
      .notNull()
      .references(() => organizations.id, { onDelete: 'cascade' }),
    address: text().notNull(),
    /** What its links carry: whoever has one can confirm the address and end its mails, and nothing else. */
    token: text().notNull(),
    confirmedAt: integer(),
    createdAt: integer().notNull(),
  },
  (table) => [primaryKey({ columns: [table.organizationId, table.address] }), uniqueIndex('alert_addresses_token').on(table.token)],
);

/** A person who is being erased, or was, from the logs of all of an organization's webhooks. */
export const erasures = sqliteTable(
  'erasures',
  {
    id: text().primaryKey(),
    organizationId: text()
      .notNull()
      .references(() => organizations.id, { onDelete: 'cascade' }),
    /** The path of the field that names the person, such as `visitor.email`. */
    field: text().notNull(),
    /** Its value, sealed with the erasure's id as associated data (db/secret-box.ts). Null once it is done: it is not kept. */
    value: text(),
    /** Keyed hash of field and value (domain/erasure.ts): it tells events of the person in messages that are parked later. */
    hash: text(),
    /** The last of the parked messages that was looked at for it, by its id; null: all were. */
    parkedAfter: text().default(''),
    requestedAt: integer().notNull(),
    finishedAt: integer(),
  },
  (table) => [
    index('erasures_organization').on(table.organizationId, table.id),
    // For the cron, which drops those of long ago.
    index('erasures_finished').on(table.finishedAt),
    // For the cron, which sees to those that are not done.
    index('erasures_unfinished').on(table.requestedAt).where(sql`${table.finishedAt} is null`),
  ],
);

/** What became of an erasure in one webhook's outbox. */
export const erasureWebhooks = sqliteTable(
  'erasure_webhooks',
  {
    erasureId: text()
      .notNull()
      .references(() => erasures.id, { onDelete: 'cascade' }),
    webhookId: text().notNull(),
    /** Deliveries of the person that were found so far. */
    deliveries: integer().notNull().default(0),
    /** What became of the `visitor.erased` that tells its endpoint (domain/erasure.ts); null: it has nothing to be told of. */
    notified: text({ enum: NOTIFIED }),
    /** When its log was through. */
    finishedAt: integer(),
  },
  (table) => [primaryKey({ columns: [table.erasureId, table.webhookId] })],
);

const used = () => ({
  events: integer().notNull(),
  deliveries: integer().notNull(),
  attempts: integer().notNull(),
});

/**
 * What was used, by day and organization (domain/usage.ts); of organization '' what all of them have used together, deleted ones included. The cron
 * writes it, and an outbox that is erased: no event does.
 */
export const usage = sqliteTable(
  'usage',
  {
    /** Days since the epoch, by UTC. First in the key: what is too old is dropped by it. */
    day: integer().notNull(),
    organizationId: text().notNull(),
    ...used(),
  },
  (table) => [primaryKey({ columns: [table.day, table.organizationId] })],
);

/** How much of it came from which outbox, of days that can still change: what it tells next is more by the difference (db/usage.ts). */
export const usageTold = sqliteTable(
  'usage_told',
  {
    day: integer().notNull(),
    /** An outbox, until it is erased: it says who it is. */
    source: text().notNull(),
    ...used(),
  },
  (table) => [primaryKey({ columns: [table.day, table.source] })],
);

/** An import of configuration that is on its way (transfer/staging.ts). It goes when it has ended; the cron drops those that broke off. */
export const imports = sqliteTable('imports', {
  id: text().primaryKey(),
  createdAt: integer().notNull(),
  /** Set in the transaction that takes all of it over. Null: nothing of it is in force. */
  appliedAt: integer(),
});

/** What an import has brought so far: nothing of it is in force. */
export const importChunks = sqliteTable(
  'import_chunks',
  {
    importId: text()
      .notNull()
      .references(() => imports.id, { onDelete: 'cascade' }),
    number: integer().notNull(),
    /** What its rows are (transfer/kinds.ts). */
    kind: text().notNull(),
    /** An array of rows, as the table of their kind will keep them. */
    data: text().notNull(),
  },
  (table) => [primaryKey({ columns: [table.importId, table.number] })],
);
