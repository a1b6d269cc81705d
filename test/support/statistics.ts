import { type ShownStatistics, toStatistics } from '../../src/api/deliveries/statistics.ts';
import type { DeliveryStatus } from '../../src/domain/delivery/delivery.ts';
import { bucketStarts, count, countResponses, emptyTally, PERIODS, type Period } from '../../src/domain/delivery/statistics.ts';

const NOW = Date.parse('2026-11-25T22:10:00Z');

/** Deliveries of one bucket that ended alike, at the only attempt. */
export interface Counted {
  /** Which bucket, from 0. */
  bucket: number;
  status: DeliveryStatus;
  deliveries: number;
  durationMs: number | null;
  responseStatus: number | null;
}

/**
 * Statistics as the API gives them, of what was counted; the last bucket is the one that 22:10 on 25 November 2026 is in.
 * @param waiting deliveries that have not ended
 */
export function statisticsOf(period: Period, counted: readonly Counted[], waiting = 0): ShownStatistics {
  const buckets = bucketStarts(period, NOW).map((start) => ({ start, tally: emptyTally() }));
  for (const { bucket, status, deliveries, durationMs, responseStatus } of counted) {
    const { tally } = buckets[bucket]!;
    const attemptCount = durationMs === null ? 0 : 1;
    for (let index = 0; index < deliveries; index++) count(tally, { status, attemptCount, answeredMs: durationMs });
    if (durationMs !== null) countResponses(tally, responseStatus, deliveries);
  }
  const { lengthMs, bucketMs } = PERIODS[period];
  const from = buckets[0]!.start;
  return toStatistics(period, { from, to: from + lengthMs, bucketMs, waiting, buckets });
}
