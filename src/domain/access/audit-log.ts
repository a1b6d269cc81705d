import { DAY_MS } from '../text/day.ts';

/** Who did something: an API key, a person in a session of the dashboard, the platform with its key, the service by itself. */
export const ACTOR_TYPES = ['api_key', 'dashboard', 'platform', 'service'] as const;

/** Everything that an organization's audit log tells of. An action keeps its meaning for good: clients branch on it. */
export const AUDIT_ACTIONS = [
  'organization.created',
  'organization.updated',
  'organization.imported',
  'api_key.created',
  'api_key.revoked',
  'webhook.created',
  'webhook.updated',
  'webhook.deleted',
  'webhook.disabled',
  'secret.revealed',
  'secret.rotated',
  'deliveries.recovered',
  'deliveries.canceled',
  'payload.erased',
  'person.erased',
  'alerts.updated',
  'dashboard_link.created',
  'session.started',
  'session.ended',
] as const;

export const TARGET_TYPES = ['webhook', 'api_key', 'organization', 'delivery', 'event', 'person'] as const;

export type AuditAction = (typeof AUDIT_ACTIONS)[number];

export interface AuditActor {
  type: (typeof ACTOR_TYPES)[number];
  /** The key's, or the session's. Null: the platform, and the service. */
  id: string | null;
  /** The key's name, or the person whom the session's link was made for, where it says so. */
  name: string | null;
}

export interface AuditTarget {
  type: (typeof TARGET_TYPES)[number];
  id: string;
}

/** Fields that have changed, from what to what. A creation has `from: null`, a deletion `to: null`. Never a secret: see HIDDEN. */
export type AuditChanges = Record<string, { from: unknown; to: unknown }>;

/** Stands for a secret, or a header's value, that there is. */
export const HIDDEN = '•••';

/** One thing that somebody did. */
export interface AuditEntry {
  id: string;
  organizationId: string;
  /** Milliseconds since the epoch. */
  at: number;
  actor: AuditActor;
  /** The network that the request came from (domain/access/client-address.ts); null where that is nobody's, and of the service. */
  network: string | null;
  action: AuditAction;
  target: AuditTarget;
  changes: AuditChanges;
}

/** The service by itself. */
export const SERVICE: AuditActor = { type: 'service', id: null, name: null };

/** How long an organization's entries are kept. */
export const AUDIT_RETENTION_MS = 400 * DAY_MS;

/** Most entries of an organization that are kept, so that none fills the database that all share: the oldest go first. */
export const MAX_AUDIT_ENTRIES = 50_000;

/**
 * Longest value in an entry, and longest changes together, as JSON in characters. Where these are longer, each value is cut shorter: full of the
 * longest entries the log of one organization takes 200 MB of D1's 10 GB.
 */
export const MAX_VALUE_LENGTH = 1_000;
export const MAX_CHANGES_LENGTH = 4_000;
const SHORTER_VALUE_LENGTHS = [200, 50] as const;

/** Stands for the fields that an entry has no room for: those of dozens of headers with long names. */
const MORE = '…';

/** Changes as an entry keeps them: what is too long is cut, and ends with `…`. */
export function boundedChanges(changes: AuditChanges): AuditChanges {
  let bounded = cutTo(changes, MAX_VALUE_LENGTH);
  for (const length of SHORTER_VALUE_LENGTHS) if (!fits(bounded)) bounded = cutTo(changes, length);
  return fits(bounded) ? bounded : firstOf(bounded);
}

function fits(changes: AuditChanges): boolean {
  return JSON.stringify(changes).length <= MAX_CHANGES_LENGTH;
}

/** As many of the first fields as there is room for, and how many there are beside them. */
function firstOf(changes: AuditChanges): AuditChanges {
  const fields = Object.entries(changes);
  for (let kept = fields.length - 1; kept > 0; kept--) {
    const shown = { ...Object.fromEntries(fields.slice(0, kept)), [MORE]: { from: null, to: `${fields.length - kept} more` } };
    if (fits(shown)) return shown;
  }
  return { [MORE]: { from: null, to: `${fields.length} more` } };
}

function cutTo(changes: AuditChanges, length: number): AuditChanges {
  return Object.fromEntries(
    Object.entries(changes).map(([name, { from, to }]) => [name, { from: cutValue(from, length), to: cutValue(to, length) }]),
  );
}

/** A value that is not a text is cut as JSON. */
function cutValue(value: unknown, length: number): unknown {
  const json = JSON.stringify(value) ?? '';
  if (json.length <= length) return value;
  return `${(typeof value === 'string' ? value : json).slice(0, length).toWellFormed()}…`;
}

/** What there is now, and was not before. */
export function created(fields: Record<string, unknown>): AuditChanges {
  return changesBetween({}, fields);
}

/** Which of some fields differ, from what to what; what is equal as JSON is the same. */
export function changesBetween(before: Record<string, unknown>, after: Record<string, unknown>): AuditChanges {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  const changes = [...names].map((name) => [name, { from: before[name] ?? null, to: after[name] ?? null }] as const);
  return Object.fromEntries(changes.filter(([, { from, to }]) => JSON.stringify(from) !== JSON.stringify(to)));
}
