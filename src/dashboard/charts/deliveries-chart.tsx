import { max } from 'd3-array';
import type { ShownStatistics } from '../../api/statistics.ts';
import { type Clock, useClock, zoneName } from '../clock.ts';
import { Chart } from './chart.tsx';
import { bucketLabel, numberLabel, PERIOD_LABELS } from './labels.ts';
import { hasLayers, type Layer, layerSeries, StackedBars } from './stacked-bars.tsx';

const ENDED: readonly Layer[] = [
  { key: 'delivered', label: 'Delivered', pattern: 'solid', count: ({ delivered }) => delivered },
  { key: 'failed', label: 'Failed', pattern: 'hatched', count: ({ failed }) => failed },
  { key: 'discarded', label: 'Discarded', pattern: 'dotted', count: ({ discarded }) => discarded },
];

/** What has ended, and in the last bar what waits now: while an endpoint does not answer, that is all there is. */
function layersOf({ totals, buckets, waiting }: ShownStatistics): readonly Layer[] {
  if (waiting === 0) return ENDED;
  const last = buckets.at(-1);
  const isNow = (figures: unknown) => figures === last || figures === totals;
  return [...ENDED, { key: 'waiting', label: 'Waiting', pattern: 'barred', count: (figures) => (isNow(figures) ? waiting : 0) }];
}

/** Deliveries that have ended, by how and by when their events were accepted, and those that wait. */
export function DeliveriesChart({ statistics }: { statistics: ShownStatistics }) {
  const layers = layersOf(statistics);
  return (
    <Chart title="Deliveries" statistics={statistics} series={layerSeries('deliveries', layers, statistics)} hasData={hasLayers(layers)}>
      <StackedBars chart="deliveries" layers={layers} statistics={statistics} summary={summaryOf(statistics, layers, useClock())} />
    </Chart>
  );
}

function summaryOf({ period, totals, buckets, bucketSeconds }: ShownStatistics, layers: readonly Layer[], clock: Clock): string {
  const counts = layers.map(({ label, count }) => `${numberLabel(count(totals))} ${label.toLowerCase()}`).join(', ');
  const most = max(buckets, ({ failed }) => failed) ?? 0;
  const worst = buckets.find(({ failed }) => failed === most);
  const failures =
    most > 0 && worst
      ? ` Most failures: ${numberLabel(most)}, ${bucketLabel(clock, worst.start, bucketSeconds)} (${zoneName(clock)}).`
      : '';
  return `Deliveries ${PERIOD_LABELS[period]}: ${counts}.${failures}`;
}
