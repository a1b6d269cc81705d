import type { DeliveryDetail, DeliveryFilter, DeliveryPage, DeliveryPosition } from '../domain/delivery.ts';
import { logError } from '../log.ts';
import { within } from '../within.ts';
import { ApiError } from './errors.ts';

/** What the API asks of a webhook's outbox. */
export interface OutboxRpc {
  /** Newest first. */
  list(filter: DeliveryFilter, limit: number, after: DeliveryPosition | null): Promise<DeliveryPage>;
  find(id: string): Promise<DeliveryDetail | null>;
  /** Forgets everything, and what waits. */
  erase(): Promise<void>;
}

/** The outbox of a webhook. Callers have checked that the webhook is the caller's: an outbox knows no organizations. */
export function outboxOf(env: Env, webhookId: string): OutboxRpc {
  return env.OUTBOX.getByName(webhookId) as unknown as OutboxRpc;
}

/** Erases the outboxes of deleted webhooks. A failure is only logged: the deletion noted them, and the cron erases them again. */
export async function eraseOutboxes(env: Env, webhookIds: readonly string[]): Promise<void> {
  await Promise.all(
    webhookIds.map((webhookId) =>
      outboxOf(env, webhookId)
        .erase()
        .catch((error) => logError('api.outbox_not_erased', error, { webhookId })),
    ),
  );
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
