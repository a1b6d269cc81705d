import type { ShownEntry } from '../../api/account/audit-log.ts';
import type { AuditAction } from '../../domain/access/audit-log.ts';
import { list } from '../words/formats.ts';
import { t } from '../words/words.tsx';

/** The entries of an audit log as sentences: “Ada (dashboard) changed the URL of CRM.” */

/** An action, as a filter names it. */
export function actionName(action: AuditAction): string {
  return t(`audit.action.${action}`);
}

/** Fields that people have a word for; others are called as the API calls them. */
const NAMED_FIELDS = [
  ...['url', 'description', 'events', 'filter', 'once', 'fields', 'format', 'template', 'maxPerSecond', 'maxConcurrent'],
  ...['retrySchedule', 'enabled', 'secret', 'formerSecretsExpireAt', 'disabledReason', 'name', 'plan', 'scopes', 'scope'],
  ...['expiresAt', 'keyName', 'madeWith', 'session', 'subject', 'emails', 'field', 'event', 'status', 'since', 'until'],
] as const;

const HEADER = 'headers.';

/** What a field is called. */
export function fieldWords(field: string): string {
  if (field.startsWith(HEADER)) return t('audit.header', { name: field.slice(HEADER.length) });
  const known = NAMED_FIELDS.find((name) => name === field);
  return known === undefined ? field : t(`audit.field.${known}`);
}

/** Longest name in a sentence, in characters: of who did something, and to what. */
const MAX_NAME_LENGTH = 120;

/** Most fields that a sentence names. */
const MAX_NAMED = 3;

/** What a webhook is called, by its id; undefined where it is not there any more. */
export type WebhookNames = ReadonlyMap<string, string>;

/** Who did it: “Ada (dashboard)”. */
export function actorWords({ type, name }: ShownEntry['actor']): string {
  if (type === 'platform') return t('audit.actor.platform');
  // With a name it is an address whose link in a mail somebody has used.
  if (type === 'service') return name === null ? t('audit.actor.service') : t('audit.actor.byMail', { name: cut(name) });
  if (type === 'api_key') return t('audit.actor.apiKey', { name: name === null ? t('audit.actor.aKey') : cut(name) });
  return t('audit.actor.dashboard', { name: name === null ? t('audit.actor.somebody') : cut(name) });
}

/** What they did, to be read after who it was. */
export function deedWords(entry: ShownEntry, names: WebhookNames): string {
  const { action, target, changes } = entry;
  const webhook = webhookName(entry, names);
  switch (action) {
    case 'organization.updated':
      return t('audit.deed.organization.updated', { fields: changedWords(changes) });
    case 'api_key.created':
      return t('audit.deed.api_key.created', { name: named(changes.name?.to, target.id) });
    case 'api_key.revoked':
      return t('audit.deed.api_key.revoked', { name: named(changes.name?.from, target.id) });
    case 'webhook.updated':
      return updateWords(changes, webhook);
    case 'webhook.disabled':
      return changes.disabledReason?.to === 'endpoint_gone'
        ? t('audit.deed.webhook.gone', { webhook })
        : t('audit.deed.webhook.failed', { webhook });
    case 'webhook.created':
    case 'webhook.deleted':
    case 'secret.revealed':
      return t(`audit.deed.${action}`, { webhook });
    case 'secret.rotated':
      return changes.secret ? t('audit.deed.secret.rotated', { webhook }) : t('audit.deed.secret.overlapEnded', { webhook });
    case 'deliveries.recovered':
      return target.type === 'delivery'
        ? t('audit.deed.delivery.recovered', { id: target.id })
        : t('audit.deed.deliveries.recovered', { webhook });
    case 'deliveries.canceled':
      return target.type === 'delivery'
        ? t('audit.deed.delivery.canceled', { id: target.id })
        : t('audit.deed.deliveries.canceled', { webhook });
    case 'payload.erased':
      return t('audit.deed.payload.erased', { type: target.type, id: target.id });
    case 'alerts.updated':
      return alertsWords(entry);
    case 'dashboard_link.created':
      return typeof changes.subject?.to === 'string'
        ? t('audit.deed.dashboard_link.createdFor', { name: cut(changes.subject.to) })
        : t('audit.deed.dashboard_link.created');
    case 'session.started':
      return signInWords(entry);
    case 'session.ended':
      return endWords(entry);
    case 'organization.created':
    case 'organization.imported':
    case 'person.erased':
      return t(`audit.deed.${action}`);
  }
}

function updateWords(changes: ShownEntry['changes'], webhook: string): string {
  const fields = Object.keys(changes);
  if (fields.length !== 1 || fields[0] !== 'enabled') return t('audit.deed.webhook.updated', { fields: changedWords(changes), webhook });
  return changes.enabled?.to ? t('audit.deed.webhook.resumed', { webhook }) : t('audit.deed.webhook.paused', { webhook });
}

/** An address that has confirmed, or that has ended its mails, does so by itself. */
function alertsWords({ actor, changes }: ShownEntry): string {
  const own = actor.type === 'service' ? changes[`emails.${actor.name}`] : undefined;
  if (own === undefined) return t('audit.deed.alerts.updated');
  return own.to === null ? t('audit.deed.alerts.ended') : t('audit.deed.alerts.confirmed');
}

/** “URL, events and 2 more” */
function changedWords(changes: ShownEntry['changes']): string {
  const fields = Object.keys(changes);
  const shown = fields.slice(0, fields.length > MAX_NAMED ? MAX_NAMED - 1 : MAX_NAMED).map((field) => cut(fieldWords(field)));
  if (shown.length < fields.length) shown.push(t('audit.moreFields', { count: fields.length - shown.length }));
  return shown.length === 0 ? t('audit.settings') : list(shown);
}

/** Who has no name came with a key: it is all that is known of them. */
function signInWords({ actor, changes }: ShownEntry): string {
  const key = changes.keyName?.to;
  return actor.name === null && typeof key === 'string'
    ? t('audit.deed.session.startedByKey', { name: cut(key) })
    : t('audit.deed.session.started');
}

function endWords({ actor, changes }: ShownEntry): string {
  if (actor.type === 'dashboard' && actor.id === changes.session?.from) return t('audit.deed.session.ended');
  const name = typeof changes.subject?.from === 'string' ? cut(changes.subject.from) : t('audit.somebody');
  return actor.type === 'service' ? t('audit.deed.session.tooMany', { name }) : t('audit.deed.session.endedOf', { name });
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
  if (value === null) return t('audit.value.none');
  if (typeof value === 'boolean') return value ? t('audit.value.yes') : t('audit.value.no');
  if (Array.isArray(value) && value.every((item) => typeof item === 'string'))
    return value.length === 0 ? t('audit.value.none') : value.join(', ');
  return typeof value === 'string' ? value : JSON.stringify(value);
}
