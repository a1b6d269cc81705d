import { getTableColumns, type Table } from 'drizzle-orm';
import { alertAddresses, alerts, apiKeys, eventTypes, organizations, webhooks } from '../db/schema.ts';
import { LISTEN_URL_PATTERN } from '../domain/endpoint/listen-url.ts';

/*
 * What an export has: which tables, and what of them. Everything else follows from the tables' own columns, so that a column that comes later
 * is in the next export without a word here.
 */

/** A column that is not what it was, as an import makes it. `?2` is the import's time. */
interface Made {
  inserted: string;
  /** Absent: what is there stays as it is. */
  updated?: string;
}

export interface Kind {
  /** The column that tells one row from another; where there are two, the first is the organization. */
  key: readonly string[];
  table: Table;
  /** The table's name in the database. */
  name: string;
  /** Columns that travel within `sealed` (sealing.ts). */
  sealed: readonly string[];
  /** Columns that do not travel: the state of a running instance, not its configuration. */
  made: Readonly<Record<string, Made>>;
  /** Columns that, once they are set, stay so: a key that was revoked here is not alive again. */
  lasting: readonly string[];
  /** What SQL finds rows by that stay where they are; absent: none. */
  stays?: string;
}

const changedNow = (name: string): Made => ({ inserted: '?2', updated: `max(?2, ${name}.updated_at + 1)` });

/** A column that travels with a new row, and says nothing about whether two are the same. */
export const ORIGIN = 'createdAt';

/** In the order in which they are written: what others refer to comes first. */
export const KINDS = {
  event_type: kind(eventTypes, 'event_types', { key: ['name'], made: { updatedAt: changedNow('event_types') } }),
  organization: kind(organizations, 'organizations', { made: { updatedAt: changedNow('organizations') } }),
  api_key: kind(apiKeys, 'api_keys', { made: { lastUsedAt: { inserted: 'NULL' } }, lasting: ['revokedAt'] }),
  webhook: kind(webhooks, 'webhooks', {
    // One of the command `listen` lives as long as that.
    stays: `url LIKE '${LISTEN_URL_PATTERN}'`,
    sealed: ['secret', 'previousSecret', 'previousSecretExpiresAt', 'secretRing', 'headers'],
    made: {
      // An imported webhook has a fresh start: what its endpoint did elsewhere, or before, is not known here.
      health: { inserted: "'healthy'", updated: "'healthy'" },
      healthSince: { inserted: '?2', updated: '?2' },
      freshSince: { inserted: '0', updated: 'max(?2, webhooks.fresh_since + 1)' },
      updatedAt: changedNow('webhooks'),
    },
  }),
  alerts: kind(alerts, 'alerts', { key: ['organizationId'], made: { updatedAt: changedNow('alerts') } }),
  alert_address: kind(alertAddresses, 'alert_addresses', {
    key: ['organizationId', 'address'],
    sealed: ['token'],
    lasting: ['confirmedAt'],
  }),
} as const satisfies Record<string, Kind>;

export type KindName = keyof typeof KINDS;
export const KIND_NAMES = Object.keys(KINDS) as KindName[];

/** What belongs to an organization, and names it in `organizationId`. */
export const OWNED = ['api_key', 'webhook', 'alerts', 'alert_address'] as const satisfies readonly KindName[];

function kind(table: Table, name: string, { key = ['id'], sealed = [], made = {}, lasting = [], stays }: Partial<Kind>): Kind {
  return { key, table, name, sealed, made, lasting, ...(stays !== undefined && { stays }) };
}

/** The columns of a kind that stand in a line by themselves, or (`sealed` included) in what is kept of it. */
export function columnsOf({ table, sealed, made }: Kind, withSealed = false): string[] {
  return Object.keys(getTableColumns(table)).filter((column) => !(column in made) && (withSealed || !sealed.includes(column)));
}

/** A column's name in the database. */
export function inDatabase(column: string): string {
  return column.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
