import { databaseOf, withoutParameters } from '../db/client.ts';
import { parkedMessages } from '../db/schema.ts';
import { decodeEventMessage } from '../domain/event-message.ts';
import { logError, logWarning } from '../log.ts';
import { within } from '../within.ts';
import { eventsOf } from './fan-out.ts';

/** How long D1 may take to keep a message before the queue is asked to redeliver it. */
const D1_TIMEOUT_MS = 5_000;

/** With the queue's 100 retries this outlasts its retention of 4 days: nothing is deleted for want of retries. */
const RETRY_SECONDS = 3_600;

/**
 * Takes what the dead-letter queue holds into D1, where a person sees it (`GET /api/v1/platform/parked-messages`) and sends it
 * again: a dead-letter queue without a consumer would delete it after 4 days.
 */
export async function parkMessages(batch: MessageBatch, env: Env): Promise<void> {
  for (const message of batch.messages) {
    const body = bytesOf(message.body);
    const reason = reasonOf(body);
    try {
      const parked = databaseOf(env.DB)
        .insert(parkedMessages)
        .values({ id: message.id, reason, body, parkedAt: Date.now() })
        .onConflictDoNothing();
      await within(D1_TIMEOUT_MS, Promise.resolve(parked));
      logWarning('message.parked', { message: message.id, reason });
      message.ack();
    } catch (error) {
      logError('message.not_parked', withoutParameters(error), { message: message.id });
      message.retry({ delaySeconds: RETRY_SECONDS });
    }
  }
}

/** What was wrong with it: what reading it says, or else the redeliveries of a fault of ours were used up. */
function reasonOf(body: Uint8Array): string {
  try {
    eventsOf({ repeated: true, message: decodeEventMessage(body), failed: false });
    return 'Its redeliveries are used up: see the log for message.redelivered and its causes';
  } catch (error) {
    return `It cannot be read: ${error instanceof Error ? error.message : String(error)}`;
  }
}

function bytesOf(body: unknown): Uint8Array {
  if (body instanceof Uint8Array) return body;
  if (body instanceof ArrayBuffer) return new Uint8Array(body);
  return new TextEncoder().encode(JSON.stringify(body) ?? 'undefined');
}
