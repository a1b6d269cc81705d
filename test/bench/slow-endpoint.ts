import { setTimeout as wait } from 'node:timers/promises';
import { acceptedOf, idsOf, lastAcceptedAt, notArrived, waitsOf } from './accepted.ts';
import { arrivalsOf } from './arrivals.ts';
import type { ComparisonPart, Measured, Setting } from './comparison.ts';
import { NONE, underMs } from './goal.ts';
import { post } from './load.ts';
import { steady } from './load-plan.ts';
import { lostOf, notDelivered } from './logged.ts';
import { nowMs, percentiles, seededRandom } from './statistics.ts';

/*
 * A slow endpoint: more events a second for one webhook than its endpoint answers one after another, so that they arrive in time only
 * if many of them are under way at once.
 */

const ENDPOINT_MS = 1_000;
/** Looked at once the last event has had this long. */
const WAITING_AFTER_MS = 5_000;
/** Twice the length of the load: who sends a third of what comes is through by then. */
const ARRIVE_WITHIN_MS = 60_000;

interface Values {
  p50: number | null;
  p95: number | null;
  p99: number | null;
  notArrived: number;
  waiting: number;
  /** How late the load generator was at most. */
  latestMs: number | null;
}

export const slowEndpoint: ComparisonPart<Values> = {
  name: 'slow-endpoint',
  title: ({ rate, seconds }) =>
    `A slow endpoint: an open loop of ${rate} events/s for ${seconds} s to one webhook, whose endpoint takes ${ENDPOINT_MS / 1_000} s`,
  organizations: 1,
  // Not the webhook that is measured: it would be known as a fast one.
  warmUp: { organizations: 20 },
  metrics: [
    { title: 'accept to arrival p50, ms', of: ({ p50 }) => p50 },
    { title: 'accept to arrival p95, ms', of: ({ p95 }) => p95, goal: underMs(3_000) },
    { title: 'accept to arrival p99, ms', of: ({ p99 }) => p99 },
    { title: `not arrived ${ARRIVE_WITHIN_MS / 1_000} s after the last`, of: ({ notArrived }) => notArrived, goal: NONE },
    { title: `waiting ${WAITING_AFTER_MS / 1_000} s after the last`, of: ({ waiting }) => waiting, goal: NONE },
  ],
  measure,
};

async function measure(setting: Setting): Promise<Measured<Values>> {
  const { target, endpoints, organizations, options, turn } = setting;
  const ids = organizations.map(({ id }) => id);
  const planned = steady(ids, options.rate, options.seconds * 1_000, seededRandom(1 + turn));
  endpoints.answerAfter(ENDPOINT_MS);
  const posted = await post(() => target.ingestUrl, target.key, planned);
  const accepted = acceptedOf(posted);
  const lookAt = lastAcceptedAt(accepted) + WAITING_AFTER_MS;
  await wait(Math.max(0, lookAt - nowMs()));
  const waitingInLog = await notDelivered(setting, idsOf(accepted));
  const deadline = lastAcceptedAt(accepted) + ARRIVE_WITHIN_MS;
  const arrivals = await arrivalsOf(idsOf(accepted), endpoints, deadline - nowMs());
  // What is still under way gets through at once, and not into the next measurement.
  endpoints.answerAfter(0);
  const { p50, p95, p99 } = percentiles(waitsOf(accepted, arrivals));
  return {
    values: {
      ...{ p50, p95, p99 },
      notArrived: notArrived(accepted, arrivals),
      // The floor has no log: the best that is known of its events is whether they have arrived.
      waiting: (waitingInLog ?? idsOf(accepted).filter((id) => (arrivals.first.get(id) ?? Infinity) > lookAt)).length,
      latestMs: percentiles(posted.map(({ lateMs }) => lateMs)).max,
    },
    lost: await lostOf(setting, idsOf(accepted)),
    refusals: posted.map(({ refusal }) => refusal).filter((refusal) => refusal !== null),
  };
}
