import { failingEndpoints, lateDeliveries } from './endpoints.ts';
import { type Facts, type Finding, LATE_MINUTES, lately, type Whose } from './facts.ts';
import type { Fault, Faults, Minute } from './figures.ts';
import { floods, unknownFlood } from './floods.ts';
import { parked, queueBehind, refusingQueue } from './queues.ts';
import { numberText, spanText, times } from './wording.ts';

/*
 * Is it us, or is it them? What the first screen of `/operator` says in a sentence, by the figures that it shows below. Each finding leads to its
 * paragraph of the runbook.
 */

const SILENT_CRON_MS = 180_000;
/** The platform can take so many minutes to run the cron of a new deployment for the first time (docs/alerts.yml has them, too). */
export const FIRST_CRON_MINUTES = 15;
/** A small question that takes the database so long. It takes some milliseconds, and some 100 from the other side of the earth. */
const SLOW_DATABASE_MS = 1_000;
/** A fault that came last so long ago is over, or comes again seldom. */
const PAST_FROM_MS = 60_000;
/** So few faults of ours come now and then, and are made good by themselves. */
const FEW_FAULTS = 5;
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
  'message.keeps_failing',
  'message.parked',
  'message.redelivered',
  'outbox.full',
]);

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
    ...keepsFailing(now.faults, nowMs),
    ...parked(facts, minutes),
    ...otherFaults(now.faults, nowMs),
    ...failingEndpoints(facts, minutes),
    ...lateDeliveries(facts, minutes),
    ...unknownFlood(facts, now, minutes),
    ...pastOutage(facts, now.faults),
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

/** A service that has just been set up: its cron has not run, and need not have. */
function isBeforeFirstCron({ nowMs, meteredSince, sampledAt }: Facts, minutes: readonly Minute[]): boolean {
  const isNew = nowMs - meteredSince < FIRST_CRON_MINUTES * 60_000;
  return isNew && sampledAt === null && minutes.every(({ sample }) => sample === null);
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

function databaseFindings({ nowMs, databaseMs, databaseFault, minutes }: Facts, faults: Faults): Finding[] {
  const sample = minutes?.find((minute) => minute.sample !== null)?.sample;
  const runbook = 'd1-is-gone';
  const goesOn = 'Events are accepted and delivered by what is known; changes wait.';
  // The cron waits for longer than a page does: what it has seen to be slow does answer.
  const seenMs = sample?.databaseMs;
  if (seenMs === null || (databaseMs === null && (seenMs ?? 0) < SLOW_DATABASE_MS)) {
    const instead = databaseFault === null ? '' : `: ${databaseFault}`;
    return [{ whose: 'us', sentence: `the database (D1) does not answer${instead}. ${goesOn}`, runbook }];
  }
  const tookMs = Math.max(databaseMs ?? 0, seenMs ?? 0);
  if (tookMs >= SLOW_DATABASE_MS) {
    return [{ whose: 'us', sentence: `the database (D1) is slow: a small question took ${spanText(tookMs)}. ${goesOn}`, runbook }];
  }
  const failed = failuresOfDatabase(faults);
  if (failed.count < FEW_FAULTS || isPast(failed, nowMs)) return [];
  return [{ whose: 'us', sentence: `the database (D1) failed ${oftenOfLate(failed.count)}. ${goesOn}`, runbook }];
}

/** The database failed a few minutes ago, and answers now: what is counted of that is no fault that anybody has to see to. */
function pastOutage({ nowMs, databaseMs }: Facts, faults: Faults): Finding[] {
  const failed = failuresOfDatabase(faults);
  if (failed.count < FEW_FAULTS || !isPast(failed, nowMs) || databaseMs === null) return [];
  const ended = `the last time ${spanText(nowMs - failed.at)} ago. It answers now: what waited for it goes on.`;
  return [{ whose: 'nobody', sentence: `the database (D1) failed ${oftenOfLate(failed.count)}, ${ended}`, runbook: 'd1-is-gone' }];
}

function failuresOfDatabase(faults: Faults): Pick<Fault, 'count' | 'at'> {
  const ofDatabase = Object.entries(faults).flatMap(([event, fault]) => (OF_DATABASE.has(event) ? [fault] : []));
  return { count: ofDatabase.reduce((sum, { count }) => sum + count, 0), at: Math.max(0, ...ofDatabase.map(({ at }) => at)) };
}

/** Isolates tell of what fails within half a minute: what has not come for longer than that does not come now. */
const isPast = ({ at }: Pick<Fault, 'at'>, nowMs: number): boolean => nowMs - at >= PAST_FROM_MS;
const oftenOfLate = (count: number): string => `${times(count)} in the last ${LATE_MINUTES} minutes`;
const lastTime = (fault: Pick<Fault, 'at'>, nowMs: number): string =>
  isPast(fault, nowMs) ? ` (the last time ${spanText(nowMs - fault.at)} ago)` : '';

/** A message that fails each time: of whatever it is, there is a fault of ours beside it that says so. */
function keepsFailing(faults: Faults, nowMs: number): Finding[] {
  const { 'message.keeps_failing': failed } = faults;
  if (!failed) return [];
  const [most] = othersIn(faults);
  const why = most ? ` The fault: ${faultText(most)}` : '';
  const sentence = `a message cannot be processed: ${failed.error}${lastTime(failed, nowMs)}.${why}`;
  return [{ whose: 'us', sentence, runbook: 'a-message-cannot-be-processed' }];
}

function otherFaults(faults: Faults, nowMs: number): Finding[] {
  const others = othersIn(faults);
  const count = others.reduce((sum, [, fault]) => sum + fault.count, 0);
  const [most] = others;
  if (!most || count < FEW_FAULTS) return [];
  const at = Math.max(...others.map(([, fault]) => fault.at));
  const sentence = `${numberText(count)} faults of ours in the last ${LATE_MINUTES} minutes${lastTime({ at }, nowMs)}, most of them ${faultText(most)}`;
  return [{ whose: 'us', sentence, runbook: 'log-events' }];
}

/** The faults that no other finding tells of, the most frequent first. */
function othersIn(faults: Faults): [event: string, fault: Fault][] {
  return Object.entries(faults)
    .filter(([event]) => !TOLD_ELSEWHERE.has(event))
    .sort(([, a], [, b]) => b.count - a.count);
}

const faultText = ([event, { error }]: [string, Fault]): string => `${event}: ${error}`;
