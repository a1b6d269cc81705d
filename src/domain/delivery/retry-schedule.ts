import { type Issue, mismatch } from '../issue.ts';
import { parseDuration } from '../text/duration.ts';

/** The longest wait that a `Retry-After` can ask for. */
export const MAX_RETRY_AFTER_MS = 3_600_000;
/** A wait is lengthened by up to this share, so that the retries of an outage do not come back all at once. */
export const JITTER = 0.1;
/**
 * How an HTTP date begins (its three forms start with the day of the week), or an ISO 8601 time, and the time of day that both
 * have: Date.parse alone finds a date in "-5", and in "until 2030".
 */
const TIME = /^\s*(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*,? |\d{4}-\d\d-\d\dT).*\d\d:\d\d:\d\d/i;

/**
 * When the next attempt is due, or null where the schedule is used up. Times are milliseconds since the epoch.
 * @param scheduleMs waits after the first, second, … failed attempt
 * @param failures failed attempts of the schedule so far, this one included
 * @param endedAt when the attempt ended: waits count from there, not from its start
 * @param random 0 ≤ random < 1
 * @param retryAfterMs what the endpoint asked for; it can lengthen a wait, never shorten it
 */
export function nextAttemptAt(
  scheduleMs: readonly number[],
  failures: number,
  endedAt: number,
  random: number,
  retryAfterMs: number | null = null,
): number | null {
  const waitMs = scheduleMs[failures - 1];
  if (waitMs === undefined) return null;
  const jittered = Math.round(waitMs * (1 + JITTER * random));
  return endedAt + Math.max(jittered, Math.min(retryAfterMs ?? 0, MAX_RETRY_AFTER_MS));
}

/** Milliseconds that a `Retry-After` header asks for (seconds, or an HTTP date), or null where it says nothing usable. */
export function parseRetryAfter(header: string | null | undefined, nowMs: number): number | null {
  if (!header) return null;
  if (/^\s*\d{1,12}\s*$/.test(header)) return Number(header) * 1_000;
  if (!TIME.test(header)) return null;
  // The oldest form of an HTTP date, asctime's, names no zone and means UTC; Date.parse would take the machine's.
  const at = Date.parse(/ \d{4}\s*$/.test(header) ? `${header} GMT` : header);
  return Number.isNaN(at) ? null : Math.max(0, at - nowMs);
}

/** How a webhook's own schedule is bounded: its waits, each of them, and all of them together, in milliseconds. */
export const MAX_RETRIES = 12;
const WAIT_MS = [30_000, 86_400_000] as const;
const MAX_SCHEDULE_MS = 7 * 86_400_000;
const WAIT = /^[1-9]\d{0,6}[smh]$/;

/** What is wrong with a webhook's own schedule: a list of durations such as `30s`. */
export function scheduleFlaws(schedule: unknown): Issue[] {
  const flaw = (message: string, place = ''): Issue => ({ field: `retrySchedule${place}`, message });
  if (!Array.isArray(schedule)) return [flaw(mismatch('`retrySchedule`', schedule, 'an array of durations'))];
  if (schedule.length === 0 || schedule.length > MAX_RETRIES) {
    return [flaw(`\`retrySchedule\` has ${schedule.length} durations; it has 1 to ${MAX_RETRIES}`)];
  }
  const [least, most] = WAIT_MS;
  const waits = schedule.map((wait) => (typeof wait === 'string' && WAIT.test(wait) ? parseDuration(wait) : Number.NaN));
  const flaws = waits.flatMap((ms, at) => (ms >= least && ms <= most ? [] : [flaw('this is not a duration of `30s` to `24h`', `[${at}]`)]));
  if (flaws.length > 0) return flaws;
  const sum = waits.reduce((all, ms) => all + ms, 0);
  return sum > MAX_SCHEDULE_MS ? [flaw('the durations of `retrySchedule` are more than 7 days together')] : [];
}
