import type { ShownEntry } from '../../api/account/audit-log.ts';
import type { AuditAction } from '../../domain/audit-log.ts';

/** The entries of an audit log as sentences: “Ada (dashboard) changed the URL of CRM.” */

/** Each action, as a filter names it. */
export const ACTION_NAMES: Record<AuditAction, string> = {
  'organization.created': 'Organization set up',
  'organization.updated': 'Organization changed',
  'api_key.created': 'API key made',
  'api_key.revoked': 'API key revoked',
  'webhook.created': 'Webhook added',
  'webhook.updated': 'Webhook changed',
  'webhook.deleted': 'Webhook deleted',
  'webhook.disabled': 'Webhook disabled',
  'secret.revealed': 'Secret revealed',
  'secret.rotated': 'Secret rotated',
  'deliveries.recovered': 'Deliveries recovered',
  'deliveries.canceled': 'Deliveries canceled',
  'payload.erased': 'Payload erased',
  'person.erased': 'Person erased',
  'alerts.updated': 'Alerts changed',
  'dashboard_link.created': 'Sign-in link made',
  'session.started': 'Signed in',
  'session.ended': 'Signed out',
};

/** Fields as people call them; others, such as `name` and `plan`, are called as they are. */
const FIELD_WORDS: Readonly<Record<string, string>> = {
  url: 'URL',
  maxPerSecond: 'pace',
  maxConcurrent: 'number of attempts at a time',
  once: 'rule of once',
  retrySchedule: 'retries',
  expiresAt: 'end',
  keyName: 'key',
  madeWith: 'way of signing in',
  disabledReason: 'reason',
  formerSecretsExpireAt: 'end of the former secrets',
};

const HEADER = 'headers.';

/** What a field is called. */
export function fieldWords(field: string): string {
  return field.startsWith(HEADER) ? `header ${field.slice(HEADER.length)}` : (FIELD_WORDS[field] ?? field);
}

/** Longest name in a sentence, in characters: of who did something, and to what. */
const MAX_NAME_LENGTH = 120;

/** Most fields that a sentence names. */
const MAX_NAMED = 3;

/** What a webhook is called, by its id; undefined where it is not there any more. */
export type WebhookNames = ReadonlyMap<string, string>;

/** Who did it: “Ada (dashboard)”. */
export function actorWords({ type, name }: ShownEntry['actor']): string {
  if (type === 'platform') return 'The platform';
  // With a name it is an address whose link in a mail somebody has used.
  if (type === 'service') return name === null ? 'The service' : `${cut(name)} (by e-mail)`;
  if (type === 'api_key') return `${name === null ? 'A key' : cut(name)} (API key)`;
  return `${name === null ? 'Somebody' : cut(name)} (dashboard)`;
}

/** What they did, to be read after who it was. */
export function deedWords(entry: ShownEntry, names: WebhookNames): string {
  const { target, changes } = entry;
  const webhook = webhookName(entry, names);
  switch (entry.action) {
    case 'organization.created':
      return 'set the organization up';
    case 'organization.updated':
      return `changed the ${changedWords(changes)} of the organization`;
    case 'api_key.created':
      return `made the API key ${named(changes.name?.to, target.id)}`;
    case 'api_key.revoked':
      return `revoked the API key ${named(changes.name?.from, target.id)}`;
    case 'webhook.created':
      return `added the webhook ${webhook}`;
    case 'webhook.updated':
      return updateWords(changes, webhook);
    case 'webhook.deleted':
      return `deleted the webhook ${webhook}`;
    case 'webhook.disabled':
      return `disabled the webhook ${webhook}${changes.disabledReason?.to === 'endpoint_gone' ? ': it answered 410 Gone' : ': it failed for too long'}`;
    case 'secret.revealed':
      return `looked at the secret of ${webhook}`;
    case 'secret.rotated':
      return changes.secret ? `rotated the secret of ${webhook}` : `stopped signing with the former secrets of ${webhook}`;
    case 'deliveries.recovered':
      return `recovered ${deliveriesWords(entry, webhook)}`;
    case 'deliveries.canceled':
      return `canceled ${deliveriesWords(entry, webhook)}`;
    case 'payload.erased':
      return `erased the payload of the ${target.type} ${target.id}`;
    case 'person.erased':
      return 'had a person erased from all logs';
    case 'alerts.updated':
      return alertsWords(entry);
    case 'dashboard_link.created':
      return typeof changes.subject?.to === 'string' ? `made a sign-in link for ${cut(changes.subject.to)}` : 'made a sign-in link';
    case 'session.started':
      return signInWords(entry);
    case 'session.ended':
      return endWords(entry);
  }
}

function updateWords(changes: ShownEntry['changes'], webhook: string): string {
  const fields = Object.keys(changes);
  if (fields.length === 1 && fields[0] === 'enabled') return `${changes.enabled?.to ? 'resumed' : 'paused'} ${webhook}`;
  return `changed the ${changedWords(changes)} of ${webhook}`;
}

/** An address that has confirmed, or that has ended its mails, does so by itself. */
function alertsWords({ actor, changes }: ShownEntry): string {
  const own = actor.type === 'service' ? changes[`emails.${actor.name}`] : undefined;
  if (own === undefined) return 'changed who is told by e-mail';
  return own.to === null ? 'ended the mails to it' : 'confirmed the address';
}

/** “URL, the events and 2 more” */
function changedWords(changes: ShownEntry['changes']): string {
  const fields = Object.keys(changes);
  const shown = fields
    .slice(0, fields.length > MAX_NAMED ? MAX_NAMED - 1 : MAX_NAMED)
    .map((field) => cut(field === 'enabled' ? 'state' : fieldWords(field)));
  if (shown.length < fields.length) return `${shown.join(', the ')} and ${fields.length - shown.length} more`;
  const last = shown.pop() ?? 'settings';
  return shown.length === 0 ? last : `${shown.join(', the ')} and the ${last}`;
}

function deliveriesWords({ target }: ShownEntry, webhook: string): string {
  return target.type === 'delivery' ? `the delivery ${target.id}` : `deliveries of ${webhook}`;
}

/** Who has no name came with a key: it is all that is known of them. */
function signInWords({ actor, changes }: ShownEntry): string {
  const key = changes.keyName?.to;
  return actor.name === null && typeof key === 'string' ? `signed in by the key ${cut(key)}` : 'signed in';
}

function endWords({ actor, changes }: ShownEntry): string {
  if (actor.type === 'dashboard' && actor.id === changes.session?.from) return 'signed out';
  const whom = typeof changes.subject?.from === 'string' ? cut(changes.subject.from) : 'somebody';
  return actor.type === 'service' ? `signed ${whom} out: there were too many sessions` : `signed ${whom} out`;
}

/** As it is called now; of one that is gone what its entry says of it. */
function webhookName({ target, changes }: ShownEntry, names: WebhookNames): string {
  const told = ['name', 'description', 'url'].flatMap((field) => [changes[field]?.from, changes[field]?.to]);
  const shown = told.find((value) => typeof value === 'string');
  return names.get(target.id) ?? named(shown, target.id);
}

function named(name: unknown, otherwise: string): string {
  return typeof name === 'string' ? cut(name) : otherwise;
}

function cut(name: string): string {
  return name.length > MAX_NAME_LENGTH ? `${name.slice(0, MAX_NAME_LENGTH).toWellFormed()}…` : name;
}

/** A value as people read it; a text as it is. */
export function valueWords(value: unknown): string {
  if (value === null) return 'nothing';
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value.length === 0 ? 'nothing' : value.join(', ');
  return typeof value === 'string' ? value : JSON.stringify(value);
}
