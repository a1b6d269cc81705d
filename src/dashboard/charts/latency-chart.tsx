import { max } from 'd3-array';
import { line } from 'd3-shape';
import type { ShownStatistics } from '../../api/deliveries/statistics.ts';
import { useClock } from '../parts/clock.ts';
import { t } from '../words/words.tsx';
import { Chart } from './chart.tsx';
import { bucketLabel, durationLabel, periodLabel } from './labels.ts';
import { type Bucket, PLOT_HEIGHT, Plot, rounded, slotOf, valueScale } from './plot.tsx';

type Figures = Pick<Bucket, 'latencyP50Ms' | 'latencyP95Ms'>;

/** Its words are those of its key. */
interface Percentile {
  key: 'p50' | 'p95';
  /** Its line is dashed and its marks are hollow: what tells it from the other where colours do not. */
  dashed: boolean;
  durationMs(figures: Figures): number | null;
}

const PERCENTILES: readonly Percentile[] = [
  { key: 'p50', dashed: false, durationMs: ({ latencyP50Ms }) => latencyP50Ms },
  { key: 'p95', dashed: true, durationMs: ({ latencyP95Ms }) => latencyP95Ms },
];

/** “median 38 ms, 95th percentile 1.2 s”. */
function timesOf(figures: Figures): string {
  return PERCENTILES.map(({ key, durationMs }) => t(`charts.timed.${key}`, { duration: durationLabel(durationMs(figures)) })).join(', ');
}

/** How long the endpoint took to answer, by when the events were accepted. */
export function LatencyChart({ statistics }: { statistics: ShownStatistics }) {
  const { period, totals, buckets } = statistics;
  const scale = valueScale(max(buckets, ({ latencyP95Ms }) => latencyP95Ms ?? 0) ?? 0);
  const series = PERCENTILES.map((percentile) => ({
    key: percentile.key,
    label: t(`charts.${percentile.key}`),
    swatch: <LineSwatch of={percentile} />,
    total: durationLabel(percentile.durationMs(totals)),
    cell: (bucket: Bucket) => durationLabel(percentile.durationMs(bucket)),
  }));
  return (
    <Chart
      name="response-time"
      title={t('charts.responseTime')}
      statistics={statistics}
      series={series}
      hasData={({ latencyP50Ms }) => latencyP50Ms !== null}
    >
      <Plot
        statistics={statistics}
        scale={scale}
        summary={t('charts.responseTimeSummary', { period: periodLabel(period), counts: timesOf(totals) })}
        valueLabel={(durationMs) => (durationMs === 0 ? '0' : durationLabel(durationMs))}
      >
        {PERCENTILES.map((percentile) => (
          <Line percentile={percentile} statistics={statistics} y={scale.y} />
        ))}
        {buckets.map((bucket) => (
          <BucketHover statistics={statistics} bucket={bucket} />
        ))}
      </Plot>
    </Chart>
  );
}

/** A line that is interrupted where nothing was answered; marks show the points that have no neighbours, too. */
function Line({ percentile, statistics, y }: { percentile: Percentile; statistics: ShownStatistics; y(value: number): number }) {
  const points = statistics.buckets.map((bucket) => {
    const durationMs = percentile.durationMs(bucket);
    return { x: slotOf(statistics, bucket).middle, y: durationMs === null ? null : rounded(y(durationMs)) };
  });
  const path = line<(typeof points)[number]>(
    (point) => point.x,
    (point) => point.y ?? 0,
  ).defined((point) => point.y !== null)(points);
  return (
    <>
      <svg
        width="100%"
        height={PLOT_HEIGHT}
        viewBox={`0 0 100 ${PLOT_HEIGHT}`}
        preserveAspectRatio="none"
        overflow="visible"
        aria-hidden="true"
      >
        <Stroke of={percentile} d={path} />
      </svg>
      {points.map((point) => (point.y === null ? null : <Mark of={percentile} x={`${point.x}%`} y={point.y} />))}
    </>
  );
}

function Stroke({ of: { key, dashed }, d }: { of: Percentile; d: string | null }) {
  // Not scaled with the drawing, which is stretched to the area's width.
  return (
    <path
      class={`chart-${key}`}
      d={d}
      fill="none"
      stroke="currentColor"
      stroke-width="2"
      stroke-dasharray={dashed ? '5 3' : undefined}
      vector-effect="non-scaling-stroke"
    />
  );
}

function Mark({ of: { key, dashed }, x, y }: { of: Percentile; x: number | string; y: number }) {
  return dashed ? (
    <circle class={`chart-${key} chart-hollow`} cx={x} cy={y} r="2.5" stroke="currentColor" />
  ) : (
    <circle class={`chart-${key}`} cx={x} cy={y} r="3" fill="currentColor" />
  );
}

function BucketHover({ statistics, bucket }: { statistics: ShownStatistics; bucket: Bucket }) {
  const { x, width } = slotOf(statistics, bucket);
  return (
    <rect class="chart-hover" x={`${x}%`} width={`${width}%`} y="0" height={PLOT_HEIGHT}>
      <title>{`${bucketLabel(useClock(), bucket.start, statistics.bucketSeconds)}: ${timesOf(bucket)}`}</title>
    </rect>
  );
}

function LineSwatch({ of }: { of: Percentile }) {
  return (
    <svg class="chart-swatch" width="24" height="14" aria-hidden="true">
      <Stroke of={of} d="M0 7h24" />
      <Mark of={of} x={12} y={7} />
    </svg>
  );
}
