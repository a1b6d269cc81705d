import type { Posted } from '../load.ts';
import type { Load } from '../machine.ts';
import { type Percentiles, percentiles } from '../statistics.ts';

/** From here on a half has settled: what its start alone brings is over. */
export const SETTLED_AFTER_MS = 5_000;
/** How many of the slowest events a run tells of: more than stand above the p99 of a half. */
const SLOWEST = 50;

/** One half, as healthy endpoints saw it. Latencies in milliseconds. */
export interface Half {
  expected: number;
  arrived: number;
  /** From sending the request to its arrival at the endpoint. */
  fromSent: Percentiles;
  /** From the 202 to the arrival. Below 0 where the delivery overtook the answer. */
  fromAccepted: Percentiles;
  /** The same of the events that were planned once the half had settled; null where it was too short to. */
  settledP99: number | null;
  /** How long queue batches took, as wrangler says. */
  batches: Percentiles & { count: number };
  /** The events that took longest from the 202 to the arrival, longest first: when they were sent, from the half's start, and how long. */
  slowest: { atMs: number; tookMs: number }[];
  /** How late the load generator was at most. */
  latestMs: number | null;
  load: Load;
}

export function halfOf(
  load: readonly Posted[],
  badIds: ReadonlySet<string>,
  arrivedAt: ReadonlyMap<string, number>,
  rest: Pick<Half, 'batches' | 'load'>,
): Half {
  const counted = load.filter(({ organizationId, acceptedAt }) => !badIds.has(organizationId) && acceptedAt !== null);
  const arrived = counted.flatMap((event) => {
    const atMs = arrivedAt.get(event.eventId as string);
    if (atMs === undefined) return [];
    return [{ plannedAtMs: event.atMs, fromSent: atMs - event.sentAt, fromAccepted: atMs - (event.acceptedAt as number) }];
  });
  const settled = arrived.filter(({ plannedAtMs }) => plannedAtMs >= SETTLED_AFTER_MS);
  const slowest = arrived.toSorted((a, b) => b.fromAccepted - a.fromAccepted).slice(0, SLOWEST);
  return {
    expected: counted.length,
    arrived: arrived.length,
    fromSent: percentiles(arrived.map(({ fromSent }) => fromSent)),
    fromAccepted: percentiles(arrived.map(({ fromAccepted }) => fromAccepted)),
    settledP99: percentiles(settled.map(({ fromAccepted }) => fromAccepted)).p99,
    slowest: slowest.map(({ plannedAtMs, fromAccepted }) => ({ atMs: plannedAtMs, tookMs: fromAccepted })),
    latestMs: percentiles(load.map(({ lateMs }) => lateMs)).max,
    ...rest,
  };
}

/** wrangler says of every batch how long it took: `QUEUE bullseye-events 3/3 (12ms)`. */
export function batchesOf(output: string): Half['batches'] {
  const took = [...output.matchAll(/QUEUE \S+ \d+\/\d+ .*?\((\d+)ms\)/g)].map(([, ms]) => Number(ms));
  return { count: took.length, ...percentiles(took) };
}
