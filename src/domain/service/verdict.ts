import type { Cause } from '../delivery/failure.ts';
import {
  addCounts,
  addFaults,
  addOrganizations,
  type Counts,
  type Faults,
  type Minute,
  type OrganizationEvents,
  type QueueState,
  type Waiting,
} from './figures.ts';

/*
 * Is it us, or is it them? What the first screen of `/operator` says in a sentence, by the figures that it shows below. Each finding leads to its
 * paragraph of the runbook.
 */

/** Whose fault something is. `nobody`: it is no fault, or somebody should look at it by day. */
export type Whose = 'us' | 'them' | 'nobody';

export interface Finding {
  whose: Whose;
  /** Without “it is us”. */
  sentence: string;
  /** A heading of docs/runbook.md, as its address has it. */
  runbook: string;
}

/** What is known when somebody asks. */
export interface Facts {
  nowMs: number;
  /** The latest first. Null: the Meter does not answer. */
  minutes: readonly Minute[] | null;
  /** When the cron last told what it saw, however long ago; null: it never has. */
  sampledAt: number | null;
  /** By their bindings, as of now. Null: a queue does not say. */
  queues: Readonly<Record<string, QueueState | null>>;
  /** How long the database took to answer just now; null: it did not. */
  databaseMs: number | null;
  /** How people call a webhook: its endpoint's host, and whose it is. */
  webhookName(id: string): string;
  organizationName(id: string): string;
}

/** What happened “of late”. */
export const LATE_MINUTES = 5;
const SILENT_CRON_MS = 180_000;
/** The platform can take so many minutes to run the cron of a new deployment for the first time. */
const FIRST_CRON_MINUTES = 15;
/** A small question that takes the database so long. It takes some milliseconds, and some 100 from the other side of the earth. */
const SLOW_DATABASE_MS = 1_000;
/** A queue that is not behind hands a message over within a second or two; after a fault of ours it waits for 5 s and more. */
const BEHIND_AFTER_MS = 60_000;
const BEHIND_MESSAGES = 10_000;
/** A parked message is news for so long. */
const PARKED_LATELY_MS = 3_600_000;
/** What is due for so long is late. */
const LATE_AFTER_MS = 180_000;
/** So few faults of ours come now and then, and are made good by themselves. */
const FEW_FAULTS = 5;
/** What one organization must have to flood: so many events of late, more than half of all, and so many times what it had before. */
const FLOOD_EVENTS = 1_000;
const FLOOD_SHARE = 0.5;
const FLOOD_TIMES = 5;
/** Minutes before, of which some must be known to say what is usual. */
const BEFORE_MINUTES = 30;
const KNOWN_BEFORE = 10;

const OF_DATABASE: ReadonlySet<string> = new Set([
  'configuration.read_failed',
  'webhook.read_failed',
  'api.configuration_unavailable',
  'api.catalogue_unreachable',
  'api.key_lookup_failed',
]);
/** Told by findings of their own, or no fault of ours. */
const TOLD_ELSEWHERE: ReadonlySet<string> = new Set([
  ...OF_DATABASE,
  'api.queue_unavailable',
  'message.parked',
  'message.redelivered',
  'outbox.full',
]);

/** What happened in some minutes, together. */
export interface Lately {
  counts: Counts;
  faults: Faults;
  organizations: OrganizationEvents[];
}

export function lately(minutes: readonly Minute[], nowMs: number, count = LATE_MINUTES): Lately {
  const since = Math.floor(nowMs / 60_000) - count;
  const sum: Lately = { counts: {}, faults: {}, organizations: [] };
  for (const { minute, figures } of minutes) {
    if (minute <= since) continue;
    addCounts(sum.counts, figures.counts);
    addFaults(sum.faults, figures.faults);
    sum.organizations = addOrganizations(sum.organizations, figures.organizations);
  }
  return sum;
}

/** What is wrong, the most pressing first; none: all is well. */
export function findingsOf(facts: Facts): Finding[] {
  const { minutes, nowMs } = facts;
  if (minutes === null) {
    const sentence = 'the Meter does not answer, so that nothing can be said of the last minutes. Events and deliveries do not need it.';
    return [{ whose: 'us', sentence, runbook: 'the-figures-stand-still' }, ...databaseFindings(facts, {})];
  }
  const now = lately(minutes, nowMs);
  return [
    ...silentCron(facts, minutes),
    ...databaseFindings(facts, now.faults),
    ...refusingQueue(now.faults),
    ...floods(facts, now, minutes),
    ...queueBehind(facts),
    ...parked(facts, minutes),
    ...otherFaults(now.faults),
    ...failingEndpoints(facts, waitingIn(minutes)),
    ...lateDeliveries(facts, waitingIn(minutes)),
    ...firstCron(facts, minutes),
  ];
}

/** The verdict in a sentence, with what it follows from first. */
export function verdictOf(findings: readonly Finding[]): { whose: Whose; sentence: string; runbook: string | null } {
  const [first] = findings;
  if (!first) return { whose: 'nobody', sentence: 'All is well: nothing fails, and nothing is late.', runbook: null };
  const begin = { us: 'It is us', them: 'It is them', nobody: 'Nothing fails' }[first.whose];
  return { whose: first.whose, sentence: `${begin}: ${first.sentence}`, runbook: first.runbook };
}

export function waitingIn(minutes: readonly Minute[]): Waiting | null {
  return minutes.find(({ sample }) => sample?.waiting)?.sample?.waiting ?? null;
}

/** A service that has just been set up: its cron has not run, and need not have. */
function isBeforeFirstCron({ nowMs, sampledAt }: Facts, minutes: readonly Minute[]): boolean {
  const oldest = minutes.at(-1)?.minute ?? Number.POSITIVE_INFINITY;
  return sampledAt === null && minutes.every(({ sample }) => sample === null) && oldest > Math.floor(nowMs / 60_000) - FIRST_CRON_MINUTES;
}

function firstCron(facts: Facts, minutes: readonly Minute[]): Finding[] {
  if (!isBeforeFirstCron(facts, minutes)) return [];
  const sentence = `the cron has not run yet, so what waits is not known. In a new deployment it begins within ${FIRST_CRON_MINUTES} minutes.`;
  return [{ whose: 'nobody', sentence, runbook: 'the-figures-stand-still' }];
}

function silentCron(facts: Facts, minutes: readonly Minute[]): Finding[] {
  const { nowMs, sampledAt } = facts;
  const at = minutes.find(({ sample }) => sample !== null)?.sample?.at ?? sampledAt;
  if (isBeforeFirstCron(facts, minutes) || (at !== null && nowMs - at < SILENT_CRON_MS)) return [];
  if (at === null)
    return [{ whose: 'us', sentence: 'the cron has never run: what waits is not known.', runbook: 'the-figures-stand-still' }];
  const since = `for ${spanText(nowMs - at)}`;
  return [{ whose: 'us', sentence: `the cron has not run ${since}. What is said of it below is old.`, runbook: 'the-figures-stand-still' }];
}

function databaseFindings({ databaseMs, minutes }: Facts, faults: Faults): Finding[] {
  const sample = minutes?.find((minute) => minute.sample !== null)?.sample;
  const ofDatabase = Object.entries(faults).filter(([event]) => OF_DATABASE.has(event));
  const runbook = 'd1-is-gone';
  const goesOn = 'Events are accepted and delivered by what is known; changes wait.';
  if (databaseMs === null || sample?.databaseMs === null) {
    return [{ whose: 'us', sentence: `the database (D1) does not answer. ${goesOn}`, runbook }];
  }
  const tookMs = Math.max(databaseMs, sample?.databaseMs ?? 0);
  if (tookMs >= SLOW_DATABASE_MS) {
    return [{ whose: 'us', sentence: `the database (D1) is slow: a small question took ${spanText(tookMs)}. ${goesOn}`, runbook }];
  }
  const count = ofDatabase.reduce((sum, [, fault]) => sum + fault.count, 0);
  if (count < FEW_FAULTS) return [];
  return [{ whose: 'us', sentence: `the database (D1) failed ${times(count)} in the last ${LATE_MINUTES} minutes. ${goesOn}`, runbook }];
}

function refusingQueue({ 'api.queue_unavailable': refused }: Faults): Finding[] {
  if (!refused) return [];
  const sentence = `the queue refuses events: producers got 503 ${times(refused.count)} in the last ${LATE_MINUTES} minutes, and send them again.`;
  return [{ whose: 'us', sentence, runbook: 'a-queue-is-full' }];
}

function floods(facts: Facts, { counts, organizations, faults }: Lately, minutes: readonly Minute[]): Finding[] {
  const { id, events } = organizations[0] ?? { id: '', events: 0 };
  const all = counts.accepted ?? 0;
  if (events < FLOOD_EVENTS || events <= all * FLOOD_SHARE) return [];
  const isNews = events / LATE_MINUTES >= FLOOD_TIMES * usualOf(id, minutes, facts.nowMs);
  if (!isNews && queueBehind(facts).length === 0 && !faults['outbox.full']) return [];
  const share = Math.floor((100 * events) / all);
  const sentence = `the organization ${facts.organizationName(id)} floods: ${share} % of ${numberText(all)} events of the last ${LATE_MINUTES} minutes are its own. Its own webhooks alone can be late by that.`;
  return [{ whose: 'them', sentence, runbook: 'an-organization-floods' }];
}

/** How many events an organization usually has in a minute; infinitely many: too little is known to say so. */
function usualOf(id: string, minutes: readonly Minute[], nowMs: number): number {
  const now = Math.floor(nowMs / 60_000);
  const before = minutes.filter(({ minute }) => minute <= now - LATE_MINUTES && minute > now - LATE_MINUTES - BEFORE_MINUTES);
  if (before.length < KNOWN_BEFORE) return Number.POSITIVE_INFINITY;
  const events = before.map(({ figures }) => figures.organizations.find((each) => each.id === id)?.events ?? 0);
  return events.reduce((sum, each) => sum + each, 0) / before.length;
}

function queueBehind({ queues, nowMs }: Facts): Finding[] {
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

function parked({ nowMs }: Facts, minutes: readonly Minute[]): Finding[] {
  const state = minutes.find(({ sample }) => sample?.parked)?.sample?.parked;
  if (!state?.newest) return [];
  const isNews = nowMs - state.newest.at < PARKED_LATELY_MS;
  const sentence = `${messagesText(state.messages)} could not be processed and ${state.messages === 1 ? 'is' : 'are'} parked. The newest: ${state.newest.reason}`;
  return [{ whose: isNews ? 'us' : 'nobody', sentence, runbook: 'a-message-cannot-be-processed' }];
}

function otherFaults(faults: Faults): Finding[] {
  const others = Object.entries(faults).filter(([event]) => !TOLD_ELSEWHERE.has(event));
  const count = others.reduce((sum, [, fault]) => sum + fault.count, 0);
  if (count < FEW_FAULTS) return [];
  const [most] = others.sort(([, a], [, b]) => b.count - a.count);
  const sentence = `${numberText(count)} faults of ours in the last ${LATE_MINUTES} minutes, most of them ${most?.[0]}: ${most?.[1].error}`;
  return [{ whose: 'us', sentence, runbook: 'log-events' }];
}

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

function failingEndpoints({ webhookName }: Facts, waiting: Waiting | null): Finding[] {
  const [worst] = waiting?.worst ?? [];
  if (!waiting || !worst) return [];
  const others = waiting.worst.length - 1;
  const isMore = waiting.failing + waiting.open > waiting.worst.length;
  const more = isMore ? waiting.failing + waiting.open - 1 : others;
  const and = more === 0 ? '' : ` ${more === 1 ? '1 other endpoint fails' : `${numberText(more)} other endpoints fail`}, too.`;
  const deliveries = `${numberText(worst.waiting)}${worst.waiting >= 1_000 ? ' or more' : ''} deliver${worst.waiting === 1 ? 'y waits' : 'ies wait'} for it`;
  const sentence = `${webhookName(worst.webhookId)} ${causeText(worst.cause, worst.status)}; ${deliveries}.${and} Nobody else waits for ${others === 0 ? 'it' : 'them'}.`;
  return [{ whose: 'them', sentence, runbook: 'an-endpoint-is-down' }];
}

function lateDeliveries({ nowMs }: Facts, waiting: Waiting | null): Finding[] {
  if (!waiting?.lateSince || nowMs - waiting.lateSince < LATE_AFTER_MS) return [];
  const sentence = `deliveries are late by ${spanText(nowMs - waiting.lateSince)} though their endpoint does not fail: by a webhook's own pace, as a rule.`;
  return [{ whose: 'nobody', sentence, runbook: 'deliveries-are-late' }];
}

const numberText = (value: number): string => value.toLocaleString('en-US');
const times = (count: number): string => (count === 1 ? 'once' : `${numberText(count)} times`);
const messagesText = (count: number): string => `${numberText(count)} message${count === 1 ? '' : 's'}`;

const SPANS = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'min'],
  [1_000, 's'],
] as const;

/** `3 min`, `2.4 s`. */
export function spanText(ms: number): string {
  const [unitMs, unit] = SPANS.find(([each]) => ms >= each) ?? [1, 'ms'];
  const value = ms / unitMs;
  return `${unit === 's' && value < 10 ? Math.round(value * 10) / 10 : Math.round(value)} ${unit}`;
}
