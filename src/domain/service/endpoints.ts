import type { Cause } from '../delivery/failure.ts';
import { type Facts, type Finding, waitingIn } from './facts.ts';
import { addEndpoints, type EndpointState, type Minute, minuteAt, type WaitingOutbox } from './figures.ts';
import { numberText, spanText } from './wording.ts';

/** What outboxes tell of their endpoints counts for so long: this minute and those before it. */
const TOLD_MINUTES = 3;
/** What is due for so long is late. */
const LATE_AFTER_MS = 180_000;

const CAUSE_WORDS: Readonly<Record<Cause, string>> = {
  rejects: 'rejects what it is sent',
  has_errors: 'answers with errors',
  does_not_answer: 'does not answer',
  unreachable: 'cannot be reached',
  blocked: 'is behind a firewall that blocks us',
};

/** Why a webhook's attempts fail, after its name. */
export function causeText(cause: Cause | null, status: number | null): string {
  return `${cause ? CAUSE_WORDS[cause] : 'fails'}${status === null ? '' : ` (${status})`}`;
}

/** An endpoint that fails. `waiting`: how many deliveries wait for it; null: the cron has not asked its outbox yet. */
export type FailingEndpoint = Omit<WaitingOutbox, 'waiting' | 'dueAt'> & { waiting: number | null };

/** The endpoints that fail, the worst first: by what the cron has seen, and by what outboxes have told since, which need not wait for it. */
export function failingIn(minutes: readonly Minute[], nowMs: number): FailingEndpoint[] {
  const sample = minutes.find((minute) => minute.sample?.waiting)?.sample;
  const since = minuteAt(nowMs) - TOLD_MINUTES;
  const told = minutes
    .filter(({ minute }) => minute > since)
    .reduce<EndpointState[]>((sum, { figures }) => addEndpoints(sum, figures.endpoints ?? []), []);
  const seen = (sample?.waiting?.worst ?? []).filter(
    ({ webhookId }) => !told.some((each) => each.webhookId === webhookId && each.failingSince === null && each.at > (sample?.at ?? 0)),
  );
  const unseen = told.filter(({ webhookId, failingSince }) => failingSince !== null && !seen.some((each) => each.webhookId === webhookId));
  return [...seen, ...unseen.map((each) => ({ ...each, waiting: null }))];
}

/** That endpoints fail: which one, why, and how much waits for it. */
export function failingEndpoints({ webhookName, nowMs }: Facts, minutes: readonly Minute[]): Finding[] {
  const failing = failingIn(minutes, nowMs);
  const [worst] = failing;
  if (!worst) return [];
  const waiting = waitingIn(minutes);
  const more = Math.max(failing.length, (waiting?.failing ?? 0) + (waiting?.open ?? 0)) - 1;
  const and = more === 0 ? '' : ` ${more === 1 ? '1 other endpoint fails' : `${numberText(more)} other endpoints fail`}, too.`;
  const sentence = `${webhookName(worst.webhookId)} ${causeText(worst.cause, worst.status)}${waitText(worst.waiting)}.${and} Nobody else waits for ${more === 0 ? 'it' : 'them'}.`;
  return [{ whose: 'them', sentence, runbook: 'an-endpoint-is-down' }];
}

function waitText(waiting: number | null): string {
  if (waiting === null) return '';
  return `; ${numberText(waiting)}${waiting >= 1_000 ? ' or more' : ''} deliver${waiting === 1 ? 'y waits' : 'ies wait'} for it`;
}

/** That what is due has not gone out, of endpoints that do not fail. */
export function lateDeliveries({ nowMs }: Facts, minutes: readonly Minute[]): Finding[] {
  const waiting = waitingIn(minutes);
  if (!waiting?.lateSince || nowMs - waiting.lateSince < LATE_AFTER_MS) return [];
  const sentence = `deliveries are late by ${spanText(nowMs - waiting.lateSince)} though their endpoint does not fail: by a webhook's own pace, as a rule.`;
  return [{ whose: 'nobody', sentence, runbook: 'deliveries-are-late' }];
}
