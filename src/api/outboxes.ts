import type { Outbox } from '../delivery/outbox.ts';
import { logError } from '../log.ts';
import { within } from '../within.ts';
import { ApiError } from './errors.ts';

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

/** How long an outbox may take to answer a read. */
const TIMEOUT_MS = 5_000;

/** What an outbox answers; a 503 where it does not. */
export async function reached<T>(call: Promise<T>): Promise<T> {
  try {
    return await within(TIMEOUT_MS, call);
  } catch (error) {
    logError('api.outbox_unavailable', error);
    throw new ApiError('outbox_unavailable', "The webhook's deliveries cannot be reached right now. Please try again shortly.");
  }
}
