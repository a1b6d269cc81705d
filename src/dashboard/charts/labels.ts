import type { Period } from '../../domain/statistics.ts';

/* The words and numbers of charts. All times are UTC, since a server does not know its reader's zone. */

const NUMBER = new Intl.NumberFormat('en');
const COMPACT = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });
const SECONDS = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });
const DAY = new Intl.DateTimeFormat('en', { month: 'short', day: 'numeric', timeZone: 'UTC' });
const CLOCK = new Intl.DateTimeFormat('en', { hour: '2-digit', minute: '2-digit', hourCycle: 'h23', timeZone: 'UTC' });

const DAY_SECONDS = 86_400;

/** In a sentence: "in the last 24 hours". */
export const PERIOD_LABELS: Record<Period, string> = {
  '1h': 'in the last hour',
  '24h': 'in the last 24 hours',
  '7d': 'in the last 7 days',
  '30d': 'in the last 30 days',
};

/** `1,234`. */
export function numberLabel(value: number): string {
  return NUMBER.format(value);
}

/** `1.2K`, where there is little room. */
export function compactLabel(value: number): string {
  return COMPACT.format(value);
}

/** `340 ms`, `1.5 s`; a dash where there is none. */
export function durationLabel(durationMs: number | null): string {
  if (durationMs === null) return '–';
  return durationMs < 1_000 ? `${NUMBER.format(durationMs)} ms` : `${SECONDS.format(durationMs / 1_000)} s`;
}

/** `Nov 25`, of an axis whose buckets are days or more than a few hours; else `14:00`. */
export function tickLabel(time: Date, period: Period): string {
  return (period === '7d' || period === '30d' ? DAY : CLOCK).format(time);
}

/** `Nov 25, 14:00`, or `Nov 25` where a bucket is a day. @param start ISO 8601 */
export function bucketLabel(start: string, bucketSeconds: number): string {
  const time = new Date(start);
  return bucketSeconds >= DAY_SECONDS ? DAY.format(time) : `${DAY.format(time)}, ${CLOCK.format(time)}`;
}
