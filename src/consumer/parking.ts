import { databaseOf, withoutParameters } from '../db/client.ts';
import { insertParkedMessage } from '../db/parked-messages.ts';
import { decodeEventMessage, type EventMessage, encodeEventMessage } from '../domain/event/event-message.ts';
import { logError, logWarning } from '../log.ts';
import { withoutErased } from '../upkeep/erased-events.ts';
import { within } from '../within.ts';
import { eventsOf } from './fan-out.ts';

/** Messages that D1 keeps at most. Queues take 128 KB a message: that is up to 640 MB of D1's 10 GB, which all organizations share. */
const MAX_PARKED = 5_000;

/** How long D1 may take to keep a message before the queue is asked to redeliver it. */
const D1_TIMEOUT_MS = 5_000;

/** With the queue's 100 retries this outlasts its retention of 4 days: nothing is deleted for want of retries. */
export const PARK_AGAIN_SECONDS = 3_600;

/**
 * Takes what the dead-letter queue holds into D1, where a person sees it (`GET /api/v1/platform/parked-messages`) and sends it
 * again: a dead-letter queue without a consumer would delete it after 4 days. When D1 keeps as many as it may, a message stays in
 * the queue, and is lost if nobody makes room within these 4 days: the log says so as an error.
 */
export async function parkMessages(batch: MessageBatch, env: Env, maxParked = MAX_PARKED): Promise<void> {
  let left = 0;
  for (const message of batch.messages) {
    try {
      const { body, reason } = await parkable(env, bytesOf(message.body));
      if (body === null) {
        message.ack();
        continue;
      }
      const parked = { id: message.id, reason, body, parkedAt: Date.now() };
      if (await within(D1_TIMEOUT_MS, insertParkedMessage(databaseOf(env.DB), parked, maxParked))) {
        logWarning('message.parked', { message: message.id, reason, sizeBytes: body.length });
        message.ack();
      } else {
        left++;
        message.retry({ delaySeconds: PARK_AGAIN_SECONDS });
      }
    } catch (error) {
      logError('message.not_parked', withoutParameters(error), { message: message.id });
      message.retry({ delaySeconds: PARK_AGAIN_SECONDS });
    }
  }
  const full = `${maxParked} messages are parked, and no more are taken: redrive or delete some`;
  if (left > 0) logError('parking.full', new Error(full), { messages: left });
}

/**
 * What is kept of a message, without the events of people who have been erased since it was accepted (null: nothing), and what was wrong with it:
 * what reading it says, or else the redeliveries of a fault of ours were used up.
 */
async function parkable(env: Env, body: Uint8Array): Promise<{ body: Uint8Array | null; reason: string }> {
  let message: EventMessage;
  try {
    message = decodeEventMessage(body);
    eventsOf({ message, failed: false });
  } catch (error) {
    return { body, reason: `It cannot be read: ${error instanceof Error ? error.message : String(error)}` };
  }
  const left = await within(D1_TIMEOUT_MS, withoutErased(env, message));
  const reason = 'Its redeliveries are used up: see the log for message.redelivered and its causes';
  return { body: left === message ? body : left && encodeEventMessage(left), reason };
}

function bytesOf(body: unknown): Uint8Array {
  if (body instanceof Uint8Array) return body;
  if (body instanceof ArrayBuffer) return new Uint8Array(body);
  return new TextEncoder().encode(JSON.stringify(body) ?? 'undefined');
}
