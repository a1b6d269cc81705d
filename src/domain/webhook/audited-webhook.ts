import { type AuditChanges, changesBetween, HIDDEN } from '../access/audit-log.ts';
import type { Once } from '../rules/choices.ts';

/** What an audit log tells of a webhook: what its owner has chosen. */
export interface AuditedWebhook {
  name?: string | null;
  url: string;
  description?: string | null;
  events: readonly string[];
  enabled?: boolean;
  secret?: string | null;
  maxPerSecond?: number | null;
  maxConcurrent?: number | null;
  filter?: unknown;
  once?: Once | null;
  fields?: readonly string[] | null;
  format?: string;
  template?: string | null;
  headerNames?: readonly string[] | null;
  retrySchedule?: readonly string[] | null;
}

/** What a request has set anew, also where it was so before: that it was so is not to be seen. */
export interface SetAnew {
  secret?: boolean;
  /** Names of headers. */
  headers?: readonly string[];
}

/** What differs between a webhook before and after. Null: it is not there. Of a secret and of a header's value only that there is one. */
export function webhookChanges(before: AuditedWebhook | null, after: AuditedWebhook | null, anew: SetAnew = {}): AuditChanges {
  const hidden = (is: boolean) => (is ? HIDDEN : null);
  const plain = changesBetween(before ? plainFields(before) : {}, after ? plainFields(after) : {});
  const [hadSecret, hasSecret] = [before?.secret != null, after?.secret != null];
  const secret: AuditChanges = { secret: { from: hidden(hadSecret), to: hidden(hasSecret) } };
  const isOther = hadSecret !== hasSecret || (anew.secret && hasSecret);
  return { ...plain, ...(isOther && secret), ...headerChanges(before?.headerNames ?? [], after?.headerNames ?? [], anew.headers ?? []) };
}

function plainFields({ once, secret: _, headerNames: __, ...webhook }: AuditedWebhook): Record<string, unknown> {
  const { name, url, description, events, enabled, maxPerSecond, maxConcurrent, filter, fields, format, template, retrySchedule } = webhook;
  // Since when `once` counts is the service's to know.
  const chosen = once ? { per: once.per, days: once.days } : null;
  return {
    name,
    url,
    description,
    events,
    enabled,
    maxPerSecond,
    maxConcurrent,
    filter,
    once: chosen,
    fields,
    format,
    template,
    retrySchedule,
  };
}

/** By name, without regard to case, as it is written now. */
function headerChanges(before: readonly string[], after: readonly string[], anew: readonly string[]): AuditChanges {
  const has = (names: readonly string[], name: string) => names.some((other) => other.toLowerCase() === name.toLowerCase());
  const changes: AuditChanges = {};
  for (const name of before) if (!has(after, name)) changes[`headers.${name}`] = { from: HIDDEN, to: null };
  for (const name of after) {
    const was = has(before, name);
    if (!was || has(anew, name)) changes[`headers.${name}`] = { from: was ? HIDDEN : null, to: HIDDEN };
  }
  return changes;
}
