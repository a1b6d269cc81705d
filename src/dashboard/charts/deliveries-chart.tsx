import { max } from 'd3-array';
import type { ShownStatistics } from '../../api/deliveries/statistics.ts';
import { type Clock, useClock, zoneName } from '../parts/clock.ts';
import { t } from '../words/words.tsx';
import { Chart } from './chart.tsx';
import { bucketLabel, periodLabel } from './labels.ts';
import { countsOf, hasLayers, type Layer, layerSeries, StackedBars } from './stacked-bars.tsx';

const ENDED: readonly Layer[] = [
  { key: 'delivered', pattern: 'solid', count: ({ delivered }) => delivered },
  { key: 'failed', pattern: 'hatched', count: ({ failed }) => failed },
  { key: 'discarded', pattern: 'dotted', count: ({ discarded }) => discarded },
];

/** What has ended, and in the last bar what waits now: while an endpoint does not answer, that is all there is. */
function layersOf({ totals, buckets, waiting }: ShownStatistics): readonly Layer[] {
  if (waiting === 0) return ENDED;
  const last = buckets.at(-1);
  const isNow = (figures: unknown) => figures === last || figures === totals;
  return [...ENDED, { key: 'waiting', pattern: 'barred', count: (figures) => (isNow(figures) ? waiting : 0) }];
}

/** Deliveries that have ended, by how and by when their events were accepted, and those that wait. */
export function DeliveriesChart({ statistics }: { statistics: ShownStatistics }) {
  const layers = layersOf(statistics);
  return (
    <Chart
      name="deliveries"
      title={t('charts.deliveries')}
      statistics={statistics}
      series={layerSeries('deliveries', layers, statistics)}
      hasData={hasLayers(layers)}
    >
      <StackedBars chart="deliveries" layers={layers} statistics={statistics} summary={summaryOf(statistics, layers, useClock())} />
    </Chart>
  );
}

function summaryOf({ period, totals, buckets, bucketSeconds }: ShownStatistics, layers: readonly Layer[], clock: Clock): string {
  const summary = t('charts.deliveriesSummary', { period: periodLabel(period), counts: countsOf(layers, totals) });
  const count = max(buckets, ({ failed }) => failed) ?? 0;
  const worst = buckets.find(({ failed }) => failed === count);
  if (count === 0 || !worst) return summary;
  const time = bucketLabel(clock, worst.start, bucketSeconds);
  return `${summary} ${t('charts.mostFailures', { count, time, zone: zoneName(clock) })}`;
}
