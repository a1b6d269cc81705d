import type { Database } from '../../db/client.ts';
import { openSecret, sealSecret } from '../../db/secret-box.ts';
import type { WebhookChanges, WebhookRow } from '../../db/webhooks.ts';
import type { AuditChanges } from '../../domain/access/audit-log.ts';
import type { Once } from '../../domain/rules/choices.ts';
import { webhookChanges } from '../../domain/webhook/audited-webhook.ts';
import type { Settings } from '../../settings.ts';
import type { z } from '../zod.ts';
import { formatAfter, requireRenderable } from './webhook-format.ts';
import { headersAfter } from './webhook-headers.ts';
import type { webhookChangesInput } from './webhook-schema.ts';

/** What a PATCH changes of a webhook as it was read; what is absent, or undefined, stays as it is. */
export async function changesOf(
  body: z.output<typeof webhookChangesInput>,
  before: WebhookRow,
  { db, settings, nowMs }: { db: Database; settings: Settings; nowMs: number },
): Promise<WebhookChanges> {
  const { secret, once, format, template, headers: _, ...changes } = body;
  const { events = before.events, fields = before.fields } = changes;
  const given = [format, template, changes.events, changes.fields].some((value) => value !== undefined);
  const form = formatAfter(before, body);
  if (given) await requireRenderable(db, { ...form, organizationId: before.organizationId, events, fields }, nowMs);
  const isOtherSecret = secret !== undefined && !(await isPresentSecret(settings, before, secret));
  return {
    ...changes,
    ...(given && form),
    ...(await headersAfter(settings.masterKeys, before, body)),
    ...(once !== undefined && { once: onceAfter(before.once, once, nowMs) }),
    ...(isOtherSecret && { secret: secret === null ? null : await sealSecret(settings.masterKeys, before.id, secret) }),
  };
}

/** What an audit log tells of a PATCH: what differs, and what it has set anew of what only an admin may read. */
export function auditedChanges(
  before: WebhookRow,
  changes: WebhookChanges,
  { headers }: Pick<z.output<typeof webhookChangesInput>, 'headers'>,
): AuditChanges {
  const given = Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined));
  const anew = { secret: changes.secret !== undefined, headers: Object.keys(headers ?? {}) };
  return webhookChanges(before, { ...before, ...given }, anew);
}

/** A webhook's `once` after a change. With another `per` than before, null included, it starts afresh: outboxes tell it by when it was chosen. */
export function onceAfter(before: Once | null, given: Once | null, nowMs: number): Once | null {
  return given && { ...given, since: before?.per === given.per ? before.since : nowMs };
}

/** Whether a webhook has this secret now; null: none. One that does not open is none that it could be. */
async function isPresentSecret({ masterKeys }: Settings, { id, secret: sealed }: WebhookRow, secret: string | null): Promise<boolean> {
  if (sealed === null || secret === null) return sealed === secret;
  return (await openSecret(masterKeys, id, sealed).catch(() => null)) === secret;
}
