/** Who did something: an API key, a person in a session of the dashboard, the platform with its key, the service by itself. */
export const ACTOR_TYPES = ['api_key', 'dashboard', 'platform', 'service'] as const;

/** Everything that an organization's audit log tells of. An action keeps its meaning for good: clients branch on it. */
export const AUDIT_ACTIONS = [
  'organization.created',
  'organization.updated',
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
  /** The network that the request came from (domain/client-address.ts); null where that is nobody's, and of the service. */
  network: string | null;
  action: AuditAction;
  target: AuditTarget;
  changes: AuditChanges;
}

/** The service by itself. */
export const SERVICE: AuditActor = { type: 'service', id: null, name: null };

/** Which of some fields differ, from what to what; what is equal as JSON is the same. */
export function changesBetween(before: Record<string, unknown>, after: Record<string, unknown>): AuditChanges {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  const changes = [...names].map((name) => [name, { from: before[name] ?? null, to: after[name] ?? null }] as const);
  return Object.fromEntries(changes.filter(([, { from, to }]) => JSON.stringify(from) !== JSON.stringify(to)));
}
