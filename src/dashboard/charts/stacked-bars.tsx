import type { ShownStatistics } from '../../api/deliveries/statistics.ts';
import type { ResponseClass } from '../../domain/delivery/statistics.ts';
import { useClock } from '../parts/clock.ts';
import { t } from '../words/words.tsx';
import type { Series } from './chart.tsx';
import { bucketLabel, compactLabel, numberLabel } from './labels.ts';
import { Pattern, type PatternName, Swatch } from './pattern.tsx';
import { type Bucket, PLOT_HEIGHT, Plot, rounded, slotOf, type ValueScale, valueScale } from './plot.tsx';

/** What is there is seen: one failure beside ten thousand deliveries has a height, in pixels. */
const LEAST_HEIGHT = 2;

type Figures = Pick<Bucket, 'delivered' | 'failed' | 'discarded' | 'responses'>;

/** One layer of the bars. Its words are those of its key. */
export interface Layer {
  key: 'delivered' | 'failed' | 'discarded' | 'waiting' | ResponseClass;
  pattern: PatternName;
  count(figures: Figures): number;
}

/** Layers as a chart's legend and table have them. @param chart prefixes the patterns' ids, which are the page's */
export function layerSeries(chart: string, layers: readonly Layer[], statistics: ShownStatistics): Series[] {
  return layers.map(({ key, count }) => ({
    key,
    label: t(`charts.layer.${key}`),
    swatch: <Swatch id={`${chart}-${key}`} layer={key} />,
    total: numberLabel(count(statistics.totals)),
    cell: (bucket) => numberLabel(count(bucket)),
  }));
}

/** “1,235 delivered, 9 failed”. */
export function countsOf(layers: readonly Layer[], figures: Figures): string {
  return layers.map(({ key, count }) => t(`charts.count.${key}`, { count: count(figures) })).join(', ');
}

/** Whether a layer has counted something of a bucket. */
export function hasLayers(layers: readonly Layer[]): (bucket: Bucket) => boolean {
  return (bucket) => layers.some(({ count }) => count(bucket) > 0);
}

interface StackedBarsProps {
  chart: string;
  layers: readonly Layer[];
  statistics: ShownStatistics;
  summary: string;
}

/** A bar for each bucket, its layers from the bottom up in their order. */
export function StackedBars({ chart, layers, statistics, summary }: StackedBarsProps) {
  const heights = statistics.buckets.map((bucket) => layers.reduce((sum, { count }) => sum + count(bucket), 0));
  const scale = valueScale(Math.max(...heights));
  return (
    <Plot statistics={statistics} scale={scale} summary={summary} valueLabel={compactLabel}>
      <defs>
        {layers.map(({ key, pattern }) => (
          <Pattern id={`${chart}-${key}`} layer={key} name={pattern} />
        ))}
      </defs>
      {statistics.buckets.map((bucket) => (
        <Bar chart={chart} layers={layers} statistics={statistics} scale={scale} bucket={bucket} />
      ))}
    </Plot>
  );
}

type BarProps = Omit<StackedBarsProps, 'summary'> & { scale: ValueScale; bucket: Bucket };

function Bar({ chart, layers, statistics, scale, bucket }: BarProps) {
  const { x, width } = slotOf(statistics, bucket);
  const across = { x: `${x}%`, width: `${width}%` };
  const parts = stack(
    layers.map(({ count }) => count(bucket)),
    scale,
  );
  return (
    <g class="chart-bucket">
      <title>{`${bucketLabel(useClock(), bucket.start, statistics.bucketSeconds)}: ${countsOf(layers, bucket)}`}</title>
      <rect class="chart-hover" {...across} y="0" height={PLOT_HEIGHT} />
      {layers.map(({ key }, index) => {
        const part = parts[index];
        return part && <rect class={`chart-${key}`} {...across} {...part} fill={`url(#${chart}-${key})`} stroke="currentColor" />;
      })}
    </g>
  );
}

/**
 * Values on top of each other, in pixels from the top of the area; null for a zero. All others are seen, and where that takes
 * more than there is the tallest gives way.
 */
export function stack(values: readonly number[], { y }: ValueScale): ({ y: number; height: number } | null)[] {
  const heights = values.map((value) => (value === 0 ? 0 : Math.max(PLOT_HEIGHT - y(value), LEAST_HEIGHT)));
  const tallest = Math.max(...heights);
  const excess = heights.reduce((sum, height) => sum + height, 0) - PLOT_HEIGHT;
  if (excess > 0) heights[heights.indexOf(tallest)] = tallest - excess;
  let top = PLOT_HEIGHT;
  return heights.map((height) => {
    top -= height;
    return height === 0 ? null : { y: rounded(top), height: rounded(height) };
  });
}
