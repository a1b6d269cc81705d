import { acceptedOf, idsOf, notArrived, waitsOf } from './accepted.ts';
import { arrivalsOf } from './arrivals.ts';
import type { ComparisonPart, Measured, Setting } from './comparison.ts';
import { atMostFloorTimes, withinMsOfFloor } from './goal.ts';
import { post } from './load.ts';
import { steady } from './load-plan.ts';
import { percentiles, seededRandom } from './statistics.ts';

/*
 * Latency and CPU under a load that is bearable: an open loop at a steady rate, every event posted at its moment. Latency runs from
 * the 202 to the arrival at the endpoint; CPU is all that wrangler and its runtime use, from the first event to the last arrival.
 */

const WEBHOOKS = 20;

interface Values {
  p50: number | null;
  p95: number | null;
  p99: number | null;
  cpuSecondsPerThousand: number | null;
  /** How late the load generator was at most. */
  latestMs: number | null;
}

const load = ({ rate, seconds }: Setting['options']) => `an open loop of ${rate} events/s for ${seconds} s over ${WEBHOOKS} webhooks`;

export const latency: ComparisonPart<Values> = {
  name: 'latency',
  title: (options) => `Latency, accept to arrival, in ms: ${load(options)}`,
  organizations: WEBHOOKS,
  metrics: [
    { title: 'p50', of: ({ p50 }) => p50, goal: withinMsOfFloor(3) },
    { title: 'p95', of: ({ p95 }) => p95 },
    { title: 'p99', of: ({ p99 }) => p99, goal: atMostFloorTimes(2) },
  ],
  measure,
};

export const cpu: ComparisonPart<Values> = {
  name: 'cpu',
  title: (options) => `CPU: ${load(options)}`,
  organizations: WEBHOOKS,
  metrics: [
    { title: 'CPU seconds per 1,000 events', of: ({ cpuSecondsPerThousand }) => cpuSecondsPerThousand, goal: atMostFloorTimes(1.4) },
  ],
  measure,
};

async function measure({ target, endpoints, organizations, options, turn }: Setting): Promise<Measured<Values>> {
  const ids = organizations.map(({ id }) => id);
  const planned = steady(ids, options.rate, options.seconds * 1_000, seededRandom(1 + turn));
  const cpuBefore = target.cpuSeconds();
  const posted = await post(() => target.ingestUrl, target.key, planned);
  const accepted = acceptedOf(posted);
  const arrivals = await arrivalsOf(idsOf(accepted), endpoints);
  const cpuAfter = target.cpuSeconds();
  const { p50, p95, p99 } = percentiles(waitsOf(accepted, arrivals));
  return {
    values: {
      ...{ p50, p95, p99 },
      cpuSecondsPerThousand: cpuBefore === null || cpuAfter === null ? null : ((cpuAfter - cpuBefore) * 1_000) / accepted.length,
      latestMs: percentiles(posted.map(({ lateMs }) => lateMs)).max,
    },
    lost: notArrived(accepted, arrivals),
    refusals: posted.map(({ refusal }) => refusal).filter((refusal) => refusal !== null),
  };
}
