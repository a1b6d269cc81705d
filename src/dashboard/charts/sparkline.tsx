import { max } from 'd3-array';
import { scaleLinear } from 'd3-scale';
import type { ShownStatistics } from '../../api/deliveries/statistics.ts';
import { t } from '../words/words.tsx';
import { periodLabel } from './labels.ts';
import { rounded } from './plot.tsx';

const WIDTH = 96;
const HEIGHT = 24;
/** Between two bars, in pixels. */
const GAP = 1;
/** What is there is seen, in pixels. */
const LEAST_HEIGHT = 2;

/** A webhook's deliveries in a row of the list: what was delivered stands on a line, what waits on top of it, what failed hangs from it. */
export function Sparkline({
  statistics: { period, totals, buckets, waiting },
}: {
  statistics: Pick<ShownStatistics, 'period' | 'totals' | 'buckets' | 'waiting'>;
}) {
  const none = totals.delivered + totals.failed + waiting === 0;
  const counts = [
    t('charts.count.delivered', { count: totals.delivered }),
    t('charts.count.failed', { count: totals.failed }),
    ...(waiting === 0 ? [] : [t('charts.count.waiting', { count: waiting })]),
  ].join(', ');
  const words = none
    ? t('charts.noDeliveries', { period: periodLabel(period) })
    : t('charts.deliveriesSummary', { period: periodLabel(period), counts });
  // What waits stands above the rest, in the last bucket: it is now that it waits.
  const waitingIn = (index: number) => (index === buckets.length - 1 ? waiting : 0);
  const above = max(buckets, ({ delivered }, index) => delivered + waitingIn(index)) ?? 0;
  const below = max(buckets, ({ failed }) => failed) ?? 0;
  // One scale for both, and room for the least that is shown on either side.
  const scale = scaleLinear([-below, none ? 1 : above], [HEIGHT - LEAST_HEIGHT, LEAST_HEIGHT]);
  const line = rounded(scale(0));
  const width = rounded(WIDTH / buckets.length);
  const height = (value: number) => rounded(Math.max(scale(0) - scale(value), LEAST_HEIGHT));
  return (
    <svg
      class="chart-sparkline"
      width={WIDTH}
      height={HEIGHT}
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      preserveAspectRatio="none"
      role="img"
      aria-label={words}
    >
      <line class="chart-baseline" x1="0" x2={WIDTH} y1={line} y2={line} />
      {buckets.map(({ delivered, failed }, index) => (
        <>
          {waitingIn(index) > 0 && (
            <rect
              class="chart-waiting"
              fill="currentColor"
              x={rounded(index * width)}
              width={rounded(width - GAP)}
              y={rounded(line - height(delivered + waiting))}
              height={height(delivered + waiting)}
            />
          )}
          {delivered > 0 && (
            <rect
              class="chart-delivered"
              fill="currentColor"
              x={rounded(index * width)}
              width={rounded(width - GAP)}
              y={rounded(line - height(delivered))}
              height={height(delivered)}
            />
          )}
          {failed > 0 && (
            <rect
              class="chart-failed"
              fill="currentColor"
              x={rounded(index * width)}
              width={rounded(width - GAP)}
              y={line}
              height={height(failed)}
            />
          )}
        </>
      ))}
    </svg>
  );
}
