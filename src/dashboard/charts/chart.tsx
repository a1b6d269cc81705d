import type { Child } from 'hono/jsx';
import type { ShownStatistics } from '../../api/statistics.ts';
import { useClock, zoneName } from '../clock.ts';
import { bucketLabel } from './labels.ts';
import type { Bucket } from './plot.tsx';

/** One of the things that a chart shows of each bucket. */
export interface Series {
  /** Its class is `chart-<key>`. */
  key: string;
  label: string;
  /** How it looks in the legend. */
  swatch: Child;
  /** Of the whole period, as the legend has it. */
  total: string;
  /** Of a bucket, as the table has it. */
  cell(bucket: Bucket): string;
}

interface ChartProps {
  title: string;
  statistics: ShownStatistics;
  series: readonly Series[];
  /** Whether there is something to draw of a bucket. */
  hasData(bucket: Bucket): boolean;
  /** The plot. */
  children: Child;
}

/** A chart with its title, legend, and the same numbers as a table. */
export function Chart({ title, statistics, series, hasData, children }: ChartProps) {
  const clock = useClock();
  const { attempts, discarded } = statistics.totals;
  const filled = statistics.buckets.filter(hasData);
  return (
    <figure class="chart">
      <figcaption class="chart-title">{title}</figcaption>
      {filled.length === 0 ? (
        // There can be attempts of which the chart has nothing to tell yet.
        <p class="chart-empty">{attempts + discarded === 0 ? 'No deliveries in this period' : 'Nothing to show'}</p>
      ) : (
        <>
          <ul class="chart-legend">
            {series.map(({ label, swatch, total }) => (
              <li>
                {swatch} {label} <b>{total}</b>
              </li>
            ))}
            <li class="chart-zone">Times in {zoneName(clock)}</li>
          </ul>
          <Drawn title={title} statistics={statistics} filled={filled}>
            {children}
          </Drawn>
          <details class="chart-data">
            <summary>{title} as a table</summary>
            <DataTable title={title} statistics={statistics} series={series} />
          </details>
        </>
      )}
    </figure>
  );
}

/** The plot; of a single bar the time is told as well by words, and the plot is folded away: it is not to push down what follows. */
function Drawn({
  title,
  statistics,
  filled,
  children,
}: {
  title: string;
  statistics: ShownStatistics;
  filled: readonly Bucket[];
  children: Child;
}) {
  const [only, ...others] = filled;
  const clock = useClock();
  if (!only || others.length > 0) return <>{children}</>;
  return (
    <details class="chart-data" id={`only-${title.toLowerCase().replaceAll(' ', '-')}`}>
      <summary>All from {bucketLabel(clock, only.start, statistics.bucketSeconds)}: show the chart</summary>
      {children}
    </details>
  );
}

function DataTable({ title, statistics: { buckets, bucketSeconds }, series }: Pick<ChartProps, 'title' | 'statistics' | 'series'>) {
  const clock = useClock();
  return (
    <table>
      <caption>
        {title}, times in {zoneName(clock)}
      </caption>
      <thead>
        <tr>
          <th scope="col">From</th>
          {series.map(({ label }) => (
            <th scope="col">{label}</th>
          ))}
        </tr>
      </thead>
      <tbody>
        {buckets.map((bucket) => (
          <tr>
            <th scope="row">{bucketLabel(clock, bucket.start, bucketSeconds)}</th>
            {series.map(({ cell }) => (
              <td>{cell(bucket)}</td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
