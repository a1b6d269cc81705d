import { type Facts, type Finding, LATE_MINUTES } from './facts.ts';
import type { Faults, Minute } from './figures.ts';
import { messagesText, spanText, times } from './wording.ts';

/** A queue that is not behind hands a message over within a second or two; after a fault of ours it waits for 5 s and more. */
const BEHIND_AFTER_MS = 60_000;
const BEHIND_MESSAGES = 10_000;
/** A parked message is news for so long. */
const PARKED_LATELY_MS = 3_600_000;

/** That producers are refused. */
export function refusingQueue({ 'api.queue_unavailable': refused }: Faults): Finding[] {
  if (!refused) return [];
  const sentence = `the queue refuses events: producers got 503 ${times(refused.count)} in the last ${LATE_MINUTES} minutes, and send them again.`;
  return [{ whose: 'us', sentence, runbook: 'a-queue-is-full' }];
}

/** That what is accepted waits for consumers. */
export function queueBehind({ queues, nowMs }: Facts): Finding[] {
  const behind = Object.entries(queues).flatMap(([name, state]) => {
    if (!state || name === 'DEAD_LETTERS') return [];
    const waitedMs = state.oldestAt === null ? 0 : nowMs - state.oldestAt;
    return waitedMs >= BEHIND_AFTER_MS || state.messages >= BEHIND_MESSAGES ? [{ messages: state.messages, waitedMs }] : [];
  });
  if (behind.length === 0) return [];
  const messages = behind.reduce((sum, each) => sum + each.messages, 0);
  const waitedMs = Math.max(...behind.map((each) => each.waitedMs));
  const oldest = waitedMs > 0 ? `, the oldest for ${spanText(waitedMs)}` : '';
  return [
    {
      whose: 'us',
      sentence: `the queue is behind: ${messagesText(messages)} wait${messages === 1 ? 's' : ''}${oldest}.`,
      runbook: 'the-queue-is-behind',
    },
  ];
}

/** That messages could not be processed, and wait for a person. */
export function parked({ nowMs }: Facts, minutes: readonly Minute[]): Finding[] {
  const state = minutes.find(({ sample }) => sample?.parked)?.sample?.parked;
  if (!state?.newest) return [];
  const isNews = nowMs - state.newest.at < PARKED_LATELY_MS;
  const sentence = `${messagesText(state.messages)} could not be processed and ${state.messages === 1 ? 'is' : 'are'} parked. The newest: ${state.newest.reason}`;
  return [{ whose: isNews ? 'us' : 'nobody', sentence, runbook: 'a-message-cannot-be-processed' }];
}
