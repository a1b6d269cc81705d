import type { Period } from '../../domain/delivery/statistics.ts';
import { DAY_MS } from '../../domain/text/day.ts';
import { localTime, momentOf, offsetMs } from '../../domain/text/zone.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

/** Between two labels of the axis. */
const STEPS_MS: Record<Period, number> = { '1h': 10 * MINUTE_MS, '24h': 3 * HOUR_MS, '7d': DAY_MS, '30d': 3 * DAY_MS };

/** A label of the time axis. */
export interface TimeTick {
  /** Milliseconds since the epoch. */
  at: number;
  /** Gives way where the page is narrow. */
  isMinor: boolean;
  /** Whether a day begins with it, as far as labels tell: it says which. */
  startsDay: boolean;
}

/** Where a time axis has its labels: at round times of the reader's clocks, whatever the offset of their zone. */
export function timeTicks({ period, from, to }: { period: Period; from: string; to: string }, zone: string): TimeTick[] {
  const stepMs = STEPS_MS[period];
  const [start, end] = [Date.parse(from), Date.parse(to)];
  const ticks: TimeTick[] = [];
  let day = '';
  for (let shown = Math.ceil((start + offsetMs(start, zone)) / stepMs) * stepMs; ; shown += stepMs) {
    const at = momentOf(new Date(shown).toISOString().slice(0, 16), zone);
    if (at === null || at > end) return ticks;
    // Where clocks are set forward two times can stand for one moment; where they are set back, one for an earlier moment.
    if (at < start || at <= (ticks.at(-1)?.at ?? Number.NEGATIVE_INFINITY)) continue;
    const itsDay = localTime(at, zone).slice(0, 10);
    ticks.push({ at, isMinor: (shown / stepMs) % 2 !== 0, startsDay: itsDay !== day });
    day = itsDay;
  }
}
