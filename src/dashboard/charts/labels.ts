import type { Period } from '../../domain/delivery/statistics.ts';
import { localTime } from '../../domain/text/zone.ts';
import { type Clock, dayText, dayTimeText, timeText } from '../parts/clock.ts';
import { numberFormat } from '../words/formats.ts';
import { t } from '../words/words.tsx';

/* The words and numbers of charts. Buckets are those of UTC, and are written in the reader's zone. */

const DAY_SECONDS = 86_400;

/** In a sentence: "in the last 24 hours". */
export function periodLabel(period: Period): string {
  return t(`charts.period.${period}`);
}

/** `1,234`. */
export function numberLabel(value: number): string {
  return numberFormat().format(value);
}

/** `1.2K`, where there is little room. */
export function compactLabel(value: number): string {
  return numberFormat({ notation: 'compact', maximumFractionDigits: 1 }).format(value);
}

/** `340 ms`, `1.5 s`; a dash where there is none. */
export function durationLabel(durationMs: number | null): string {
  if (durationMs === null) return '–';
  if (durationMs < 1_000) return t('time.milliseconds', { count: durationMs });
  return t('time.exactSeconds', { seconds: numberFormat({ maximumFractionDigits: 1 }).format(durationMs / 1_000) });
}

/** `25 Nov`, of an axis of days; else `14:00`. @param at milliseconds since the epoch */
export function tickLabel(clock: Clock, at: number, period: Period): string {
  return period === '7d' || period === '30d' ? dayText(clock, at) : timeText(clock, at);
}

/** `25 Nov, 14:00`, or `25 Nov` where a bucket is a day of the reader's. @param start ISO 8601 */
export function bucketLabel(clock: Clock, start: string, bucketSeconds: number): string {
  const at = Date.parse(start);
  const isDay = bucketSeconds >= DAY_SECONDS && localTime(at, clock.zone).endsWith('T00:00');
  return isDay ? dayText(clock, at) : dayTimeText(clock, at);
}
