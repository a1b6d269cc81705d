import type { Database } from '../../db/client.ts';
import { listWebhooks } from '../../db/webhooks.ts';
import { logError } from '../../log.ts';
import type { Outbox, OutboxStatus } from '../../outbox/outbox.ts';
import { within } from '../../within.ts';
import { ApiError } from '../errors.ts';

/** How long an outbox may take to answer a read. */
const TIMEOUT_MS = 5_000;

/** The outbox of a webhook. Callers have checked that the webhook is the caller's: an outbox knows no organizations. */
export function outboxOf(env: Env, webhookId: string): DurableObjectStub<Outbox> {
  return env.OUTBOX.getByName(webhookId);
}

/** Erases the outboxes of deleted webhooks. A failure is only logged: the deletion noted them, and the cron erases them again. */
export async function eraseOutboxes(env: Env, webhookIds: readonly string[]): Promise<void> {
  const erase = async (webhookId: string) => {
    try {
      await outboxOf(env, webhookId).erase();
    } catch (error) {
      logError('api.outbox_not_erased', error, { webhookId });
    }
  };
  await Promise.all(webhookIds.map(erase));
}

/** Hangs up on the `listen` command of a webhook that was deleted. It would find out by itself, within a minute. */
export async function endListener(env: Env, webhookId: string): Promise<void> {
  try {
    await env.LISTENER.getByName(webhookId).end();
  } catch (error) {
    logError('api.listener_not_ended', error, { webhookId });
  }
}

/** Tells an outbox that its webhook was changed: it attempts nothing more by what was so before. It would find out by itself, seconds later. */
export async function tellReconfigured(env: Env, webhookId: string): Promise<void> {
  try {
    await outboxOf(env, webhookId).reconfigured();
  } catch (error) {
    logError('api.outbox_not_told', error, { webhookId });
  }
}

/** The same of all webhooks of an organization: its plan may not include webhooks any more. */
export async function tellAllReconfigured(env: Env, db: Database, organizationId: string): Promise<void> {
  try {
    const webhooks = await listWebhooks(db, organizationId);
    await Promise.all(webhooks.map(({ id }) => tellReconfigured(env, id)));
  } catch (error) {
    logError('api.outboxes_not_told', error, { organization: organizationId });
  }
}

/** How a webhook's endpoint stands. Null where its outbox does not say: the webhook itself can be read all the same. */
export async function statusOf(env: Env, webhookId: string): Promise<OutboxStatus | null> {
  try {
    return await within(TIMEOUT_MS, outboxOf(env, webhookId).status());
  } catch (error) {
    logError('api.outbox_unavailable', error, { webhookId });
    return null;
  }
}

/** What an outbox answers; a 503 where it does not. */
export async function reached<T>(call: Promise<T>, timeoutMs = TIMEOUT_MS): Promise<T> {
  try {
    return await within(timeoutMs, call);
  } catch (error) {
    logError('api.outbox_unavailable', error);
    throw new ApiError('outbox_unavailable', "The webhook's deliveries cannot be reached right now. Please try again shortly.");
  }
}
