import { DAY_MS } from '../../domain/text/day.ts';
import { compactLabel, numberLabel } from '../charts/labels.ts';
import { Pattern } from '../charts/pattern.tsx';
import { PLOT_HEIGHT, Plot, rounded, slotOf, valueScale } from '../charts/plot.tsx';
import { dayText, useClock } from '../parts/clock.ts';
import { t } from '../words/words.tsx';
import type { ShownUsage } from './usage-page.tsx';

/** What is there is seen: one event beside ten thousand has a height, in pixels. */
const LEAST_HEIGHT = 2;
const PATTERN = 'usage-events';

/** The events of each day; a line where the plan's quota is, if that is anywhere near. The table beneath has the numbers. */
export function UsageChart({ usage: { from, days, totals, quota } }: { usage: ShownUsage }) {
  const clock = useClock();
  if (totals.events === 0) return <p class="chart-empty">{t('usage.none')}</p>;
  const largest = Math.max(...days.map(({ events }) => events));
  const isQuotaShown = quota.eventsPerDay !== null && quota.eventsPerDay <= 2 * largest;
  const scale = valueScale(Math.max(largest, isQuotaShown ? (quota.eventsPerDay ?? 0) : 0));
  const start = Date.parse(from);
  const span = { period: '30d', from: isoTime(start), to: isoTime(start + days.length * DAY_MS), bucketSeconds: DAY_MS / 1_000 } as const;
  const summary = t('usage.summary', { count: totals.events, days: days.length, largest });
  return (
    <figure class="chart">
      <Plot statistics={span} scale={scale} summary={summary} valueLabel={compactLabel}>
        <defs>
          <Pattern id={PATTERN} layer="delivered" name="solid" />
        </defs>
        {days.map(({ day, events }) => {
          const { x, width } = slotOf(span, { start: isoTime(Date.parse(day)) });
          const across = { x: `${x}%`, width: `${width}%` };
          const height = events === 0 ? 0 : rounded(Math.max(PLOT_HEIGHT - scale.y(events), LEAST_HEIGHT));
          return (
            <g class="chart-bucket">
              <title>{`${dayText(clock, Date.parse(day))}: ${numberLabel(events)}`}</title>
              <rect class="chart-hover" {...across} y="0" height={PLOT_HEIGHT} />
              {height > 0 && (
                <rect
                  class="chart-delivered"
                  {...across}
                  y={rounded(PLOT_HEIGHT - height)}
                  height={height}
                  fill={`url(#${PATTERN})`}
                  stroke="currentColor"
                />
              )}
            </g>
          );
        })}
        {isQuotaShown && <QuotaLine y={rounded(scale.y(quota.eventsPerDay ?? 0))} />}
      </Plot>
      {isQuotaShown && <p class="hint">{t('usage.quotaLine', { quota: quota.eventsPerDay ?? 0 })}</p>}
    </figure>
  );
}

function QuotaLine({ y }: { y: number }) {
  return <line class="chart-quota" x1="0" x2="100%" y1={y} y2={y} />;
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}
