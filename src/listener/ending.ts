import { findApiKey } from '../db/api-keys.ts';
import { databaseOf } from '../db/client.ts';
import { deleteWebhook, findWebhook } from '../db/webhooks.ts';
import { keyStatus } from '../domain/access/api-key.ts';
import { type AuditEntry, SERVICE } from '../domain/access/audit-log.ts';
import { mintId } from '../domain/ids.ts';
import { webhookChanges } from '../domain/webhook/audited-webhook.ts';

/** How often a deletion is tried while others change the webhook at the same moment. */
const MAX_TRIES = 5;

/** Whose deliveries a listener hands on. */
export interface Listening {
  organizationId: string;
  webhookId: string;
}

/**
 * Why a listener is to end although its command is there; null: it goes on. A key that was revoked or has expired opens nothing, a socket that it
 * opened before included.
 * @param keyIds of the keys that its sockets were opened with; null: the platform's
 */
export async function whyEnded(
  env: Env,
  { organizationId, webhookId }: Listening,
  keyIds: readonly (string | null)[],
  now: number,
): Promise<'gone' | 'keyEnded' | null> {
  const db = databaseOf(env.DB);
  if (!(await findWebhook(db, organizationId, webhookId))) return 'gone';
  for (const keyId of keyIds) {
    if (keyId === null) continue;
    const key = await findApiKey(db, keyId);
    if (!key || keyStatus(key, now) !== 'active') return 'keyEnded';
  }
  return null;
}

/** Deletes the webhook of a command that is gone, on the service's own account. What is not there needs nothing. */
export async function endWebhook(env: Env, { organizationId, webhookId }: Listening, now: number): Promise<void> {
  const db = databaseOf(env.DB);
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const row = await findWebhook(db, organizationId, webhookId);
    if (!row) return;
    const entry: AuditEntry = {
      ...{ id: mintId('auditEntry', now), organizationId, at: now, actor: SERVICE, network: null },
      action: 'webhook.deleted',
      target: { type: 'webhook', id: webhookId },
      changes: webhookChanges(row, null),
    };
    if (!(await deleteWebhook(db, row, now, entry))) continue;
    // Should this fail, the cron erases it: the deletion has noted it.
    await env.OUTBOX.getByName(webhookId).erase();
    return;
  }
  throw new Error('others are changing the webhook');
}
