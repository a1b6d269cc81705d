import { and, asc, eq, isNotNull, isNull, sql } from 'drizzle-orm';
import type { AuditEntry } from '../domain/access/audit-log.ts';
import { NOTICES, type NoticeName } from '../domain/event/operational-event.ts';
import { addEntryWhere, hasEntry } from './audit-log.ts';
import { type Database, databaseOf } from './client.ts';
import { alertAddresses, alerts, organizations, webhooks } from './schema.ts';

/** An address that an organization wants to be told at. */
export interface AlertAddress {
  address: string;
  /** What its links carry. */
  token: string;
  confirmedAt: number | null;
}

/** Where an organization wants to be told, and of what. */
export interface Alerts {
  events: NoticeName[];
  /** In the order of their names. */
  addresses: AlertAddress[];
  /** Tells one state from another: null where nothing was chosen yet. */
  updatedAt: number | null;
}

/** What an organization has chosen. */
export async function readAlerts(db: Database, organizationId: string): Promise<Alerts> {
  const [[chosen], addresses] = await db.batch([
    db.select().from(alerts).where(eq(alerts.organizationId, organizationId)),
    db
      .select({ address: alertAddresses.address, token: alertAddresses.token, confirmedAt: alertAddresses.confirmedAt })
      .from(alertAddresses)
      .where(eq(alertAddresses.organizationId, organizationId))
      .orderBy(asc(alertAddresses.address)),
  ]);
  return { events: noticesOf(chosen?.events ?? null), addresses, updatedAt: chosen?.updatedAt ?? null };
}

/** What the mails about a webhook need to know. */
export interface WebhookAlerts {
  /** The organization's name. */
  organization: string;
  events: NoticeName[];
  /** The confirmed ones. */
  addresses: Pick<AlertAddress, 'address' | 'token'>[];
}

/** Who is to be told of a webhook, and of what; null where it has been deleted. */
export async function readAlertsOfWebhook(d1: D1Database, webhookId: string): Promise<WebhookAlerts | null> {
  const db = databaseOf(d1);
  const isItsOrganization = sql`(select ${webhooks.organizationId} from ${webhooks} where ${eq(webhooks.id, webhookId)})`;
  const [[row], addresses] = await db.batch([
    db
      .select({ organization: organizations.name, events: alerts.events })
      .from(webhooks)
      .innerJoin(organizations, eq(organizations.id, webhooks.organizationId))
      .leftJoin(alerts, eq(alerts.organizationId, webhooks.organizationId))
      .where(eq(webhooks.id, webhookId)),
    db
      .select({ address: alertAddresses.address, token: alertAddresses.token })
      .from(alertAddresses)
      .where(and(sql`${alertAddresses.organizationId} = ${isItsOrganization}`, isNotNull(alertAddresses.confirmedAt)))
      .orderBy(asc(alertAddresses.address)),
  ]);
  return row ? { organization: row.organization, events: noticesOf(row.events), addresses } : null;
}

/**
 * Puts what an organization has chosen in the place of what was read, with its entry of the audit log. An address that stays keeps its
 * confirmation. False where somebody else has changed it since it was read: then nothing is changed.
 * @param addresses all there are to be; those that are new need their token
 */
export async function putAlerts(
  db: Database,
  before: Alerts,
  { events, addresses }: { events: readonly NoticeName[]; addresses: readonly Pick<AlertAddress, 'address' | 'token'>[] },
  entry: AuditEntry,
): Promise<boolean> {
  const { organizationId } = entry;
  const isAsRead =
    before.updatedAt === null
      ? sql`not exists (select 1 from ${alerts} where ${eq(alerts.organizationId, organizationId)})`
      : sql`exists (select 1 from ${alerts} where ${and(eq(alerts.organizationId, organizationId), eq(alerts.updatedAt, before.updatedAt))})`;
  // No two states have the same.
  const updatedAt = Math.max(entry.at, (before.updatedAt ?? 0) + 1);
  const isThis = hasEntry(entry);
  const pairs = JSON.stringify(addresses.map(({ address, token }) => [address, token]));
  const [added] = await db.batch([
    addEntryWhere(db, entry, isAsRead).returning({ id: sql`id` }),
    db
      .insert(alerts)
      .select(sql`select ${organizationId}, ${JSON.stringify(events)}, ${updatedAt} where ${isThis}`)
      .onConflictDoUpdate({ target: alerts.organizationId, set: { events: [...events], updatedAt } }),
    db
      .delete(alertAddresses)
      .where(
        and(
          eq(alertAddresses.organizationId, organizationId),
          sql`${alertAddresses.address} not in (select value ->> 0 from json_each(${pairs}))`,
          isThis,
        ),
      ),
    db
      .insert(alertAddresses)
      .select(sql`select ${organizationId}, value ->> 0, value ->> 1, null, ${entry.at} from json_each(${pairs}) where ${isThis}`)
      .onConflictDoNothing(),
  ]);
  return added.length > 0;
}

/** An address by what its links carry, with its organization's name; null where there is none: it was taken out, or has ended its mails. */
export async function findAlertAddress(
  db: Database,
  token: string,
): Promise<{ organizationId: string; organization: string; address: string; confirmedAt: number | null } | null> {
  const [found = null] = await db
    .select({
      organizationId: alertAddresses.organizationId,
      organization: organizations.name,
      address: alertAddresses.address,
      confirmedAt: alertAddresses.confirmedAt,
    })
    .from(alertAddresses)
    .innerJoin(organizations, eq(organizations.id, alertAddresses.organizationId))
    .where(eq(alertAddresses.token, token));
  return found;
}

/** Confirms an address, with its entry of the audit log. One that is confirmed stays so. */
export async function confirmAddress(db: Database, token: string, entry: AuditEntry): Promise<void> {
  const isUnconfirmed = and(eq(alertAddresses.token, token), isNull(alertAddresses.confirmedAt));
  // The entry first: it is written where there is something to confirm.
  await db.batch([
    addEntryWhere(db, entry, sql`exists (select 1 from ${alertAddresses} where ${isUnconfirmed})`),
    db.update(alertAddresses).set({ confirmedAt: entry.at }).where(isUnconfirmed),
  ]);
}

/** Ends the mails to an address, with its entry of the audit log. */
export async function removeAddress(db: Database, token: string, entry: AuditEntry): Promise<void> {
  const isIt = eq(alertAddresses.token, token);
  await db.batch([
    addEntryWhere(db, entry, sql`exists (select 1 from ${alertAddresses} where ${isIt})`),
    // Who is about to change what was read before is to read it again.
    db
      .update(alerts)
      .set({ updatedAt: sql`max(${entry.at}, ${alerts.updatedAt} + 1)` })
      .where(eq(alerts.organizationId, entry.organizationId)),
    db.delete(alertAddresses).where(isIt),
  ]);
}

/** The known ones, in their order. */
function noticesOf(events: readonly string[] | null): NoticeName[] {
  return NOTICES.filter((name) => events === null || events.includes(name));
}
