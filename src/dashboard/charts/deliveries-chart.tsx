import { max } from 'd3-array';
import type { ShownStatistics } from '../../api/statistics.ts';
import { type Clock, useClock, zoneName } from '../clock.ts';
import { Chart } from './chart.tsx';
import { bucketLabel, numberLabel, PERIOD_LABELS } from './labels.ts';
import { hasLayers, type Layer, layerSeries, StackedBars } from './stacked-bars.tsx';

const LAYERS: readonly Layer[] = [
  { key: 'delivered', label: 'Delivered', pattern: 'solid', count: ({ delivered }) => delivered },
  { key: 'failed', label: 'Failed', pattern: 'hatched', count: ({ failed }) => failed },
  { key: 'discarded', label: 'Discarded', pattern: 'dotted', count: ({ discarded }) => discarded },
];

/** Deliveries that have ended, by how and by when their events were accepted. */
export function DeliveriesChart({ statistics }: { statistics: ShownStatistics }) {
  return (
    <Chart title="Deliveries" statistics={statistics} series={layerSeries('deliveries', LAYERS, statistics)} hasData={hasLayers(LAYERS)}>
      <StackedBars chart="deliveries" layers={LAYERS} statistics={statistics} summary={summaryOf(statistics, useClock())} />
    </Chart>
  );
}

function summaryOf({ period, totals, buckets, bucketSeconds }: ShownStatistics, clock: Clock): string {
  const counts = LAYERS.map(({ label, count }) => `${numberLabel(count(totals))} ${label.toLowerCase()}`).join(', ');
  const most = max(buckets, ({ failed }) => failed) ?? 0;
  const worst = buckets.find(({ failed }) => failed === most);
  const failures =
    most > 0 && worst
      ? ` Most failures: ${numberLabel(most)}, ${bucketLabel(clock, worst.start, bucketSeconds)} (${zoneName(clock)}).`
      : '';
  return `Deliveries ${PERIOD_LABELS[period]}: ${counts}.${failures}`;
}
