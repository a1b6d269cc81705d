import { withoutParameters } from '../db/client.ts';
import { logError } from '../log.ts';
import { within } from '../within.ts';

/** Outboxes called at a time. */
const CONCURRENCY = 20;
/** How long an outbox, and what is done about it, may take. */
const CALL_TIMEOUT_MS = 10_000;
/**
 * No call begins later than this after the first. The platform ends the cron's invocation after 15 minutes, and what the calls
 * showed is noted only after the last.
 */
const BEGIN_WITHIN_MS = 600_000;

/** What became of the calls. An outbox that was not called, because the time was over, is in neither list. */
export interface OutboxCalls<T, A> {
  answered: { outbox: T; answer: A }[];
  failed: T[];
}

/**
 * Calls outboxes, a few at a time. One that fails is logged, and does not hold the others up.
 * @param limits in milliseconds: how long one may take, and how long after the first the last may begin
 */
export async function callOutboxes<T extends { webhookId: string }, A>(
  failure: string,
  outboxes: readonly T[],
  call: (outbox: T) => Promise<A>,
  { timeoutMs = CALL_TIMEOUT_MS, beginWithinMs = BEGIN_WITHIN_MS }: { timeoutMs?: number; beginWithinMs?: number } = {},
): Promise<OutboxCalls<T, A>> {
  const calls: OutboxCalls<T, A> = { answered: [], failed: [] };
  const beginUntil = Date.now() + beginWithinMs;
  const waiting = outboxes.values();
  const caller = async (): Promise<void> => {
    // The callers share one iterator: each takes the next outbox.
    for (const outbox of waiting) {
      if (Date.now() > beginUntil) return;
      try {
        calls.answered.push({ outbox, answer: await within(timeoutMs, call(outbox)) });
      } catch (error) {
        calls.failed.push(outbox);
        logError(failure, withoutParameters(error), { webhook: outbox.webhookId });
      }
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, caller));
  return calls;
}
