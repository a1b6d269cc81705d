import type { DeliveryStatus } from './delivery.ts';
import { isUnreached } from './edge-answer.ts';

/** What statistics can be asked for, and how finely they are divided. */
export const PERIODS = {
  '1h': { lengthMs: 3_600_000, bucketMs: 300_000 },
  '24h': { lengthMs: 86_400_000, bucketMs: 3_600_000 },
  '7d': { lengthMs: 7 * 86_400_000, bucketMs: 6 * 3_600_000 },
  '30d': { lengthMs: 30 * 86_400_000, bucketMs: 86_400_000 },
} as const;

export type Period = keyof typeof PERIODS;
export const PERIOD_NAMES = Object.keys(PERIODS) as [Period, ...Period[]];

/** The finest division: what is told by time is told by these. */
export const SLOT_MS = PERIODS['1h'].bucketMs;

/** Past hours are counted once, and the counts kept. */
export const HOUR_MS = 3_600_000;

/** Durations are counted in bins, each 5 % wider than the one before: a percentile is right to 5 %, and bins can be added up. */
const BIN_WIDTH = Math.log(1.05);

/** What an endpoint answered, by class; `none`: the attempt ended without a response of its own, or nobody knows of one. */
export const RESPONSE_CLASSES = ['2xx', '3xx', '4xx', '5xx', 'none'] as const;

export type ResponseClass = (typeof RESPONSE_CLASSES)[number];

/** Deliveries counted, by when their events were accepted. */
export interface Tally {
  delivered: number;
  failed: number;
  discarded: number;
  /** Events that made no delivery: the filter kept them back, or their value had gone out. */
  filtered: number;
  repeated: number;
  /** Begun, also those that still run. */
  attempts: number;
  /** Attempts that ended, by what the endpoint answered. */
  responses: Record<ResponseClass, number>;
  /** Last attempts that were answered, by the bin of how long that took. */
  durations: Record<number, number>;
}

export function emptyTally(): Tally {
  const responses = { '2xx': 0, '3xx': 0, '4xx': 0, '5xx': 0, none: 0 };
  return { delivered: 0, failed: 0, discarded: 0, filtered: 0, repeated: 0, attempts: 0, responses, durations: {} };
}

/** Counts one delivery in. @param answeredMs how long the endpoint took to answer its last attempt that ended; null where it did not answer */
export function count(tally: Tally, delivery: { status: DeliveryStatus; attemptCount: number; answeredMs: number | null }): void {
  if (delivery.status === 'delivered' || delivery.status === 'failed' || delivery.status === 'discarded') tally[delivery.status]++;
  tally.attempts += delivery.attemptCount;
  if (delivery.answeredMs === null) return;
  const bin = Math.round(Math.log(Math.max(delivery.answeredMs, 1)) / BIN_WIDTH);
  tally.durations[bin] = (tally.durations[bin] ?? 0) + 1;
}

/** Counts attempts in that ended with the same response. @param status null where there was no response */
export function countResponses(tally: Tally, status: number | null, attempts = 1): void {
  tally.responses[responseClass(status)] += attempts;
}

/** Servers may answer with any number of three digits: those beyond 5xx say no more than that it did not work. */
function responseClass(status: number | null): ResponseClass {
  if (status === null || isUnreached(status)) return 'none';
  if (status < 300) return '2xx';
  if (status < 400) return '3xx';
  return status < 500 ? '4xx' : '5xx';
}

/** Adds one tally to another. */
export function add(into: Tally, tally: Tally): void {
  // What an earlier version has kept of an hour lacks those that it did not know.
  for (const key of ['delivered', 'failed', 'discarded', 'filtered', 'repeated', 'attempts'] as const) into[key] += tally[key] ?? 0;
  for (const name of RESPONSE_CLASSES) into.responses[name] += tally.responses[name];
  for (const [bin, number] of Object.entries(tally.durations)) into.durations[Number(bin)] = (into.durations[Number(bin)] ?? 0) + number;
}

/** The duration that a share of the attempts did not exceed, in milliseconds, to 5 %; null where there are none. */
export function percentileMs({ durations }: Tally, share: number): number | null {
  const bins = Object.entries(durations)
    .map(([bin, number]) => [Number(bin), number] as const)
    .sort(([a], [b]) => a - b);
  const total = bins.reduce((sum, [, number]) => sum + number, 0);
  let seen = 0;
  for (const [bin, number] of bins) {
    seen += number;
    if (seen >= share * total) return Math.round(Math.exp(bin * BIN_WIDTH));
  }
  return null;
}

/** The share of ended deliveries that were delivered; null where none has ended. What was discarded was never tried. */
export function successRate({ delivered, failed }: Tally): number | null {
  return delivered + failed === 0 ? null : delivered / (delivered + failed);
}

/** The buckets of a period that ends with the bucket that `now` is in: their starts, milliseconds since the epoch. */
export function bucketStarts(period: Period, now: number): number[] {
  const { lengthMs, bucketMs } = PERIODS[period];
  const end = (Math.floor(now / bucketMs) + 1) * bucketMs;
  return Array.from({ length: lengthMs / bucketMs }, (_, index) => end - lengthMs + index * bucketMs);
}
