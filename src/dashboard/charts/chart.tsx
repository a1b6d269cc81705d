import type { Child } from 'hono/jsx';
import type { ShownStatistics } from '../../api/statistics.ts';
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
  /** Whether there is nothing to draw. */
  empty: boolean;
  /** The plot. */
  children: Child;
}

/** A chart with its title, legend, and the same numbers as a table. */
export function Chart({ title, statistics, series, empty, children }: ChartProps) {
  const { attempts, discarded } = statistics.totals;
  return (
    <figure class="chart">
      <figcaption class="chart-title">{title}</figcaption>
      {empty ? (
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
            <li class="chart-zone">Times in UTC</li>
          </ul>
          {children}
          <details class="chart-data">
            <summary>{title} as a table</summary>
            <DataTable title={title} statistics={statistics} series={series} />
          </details>
        </>
      )}
    </figure>
  );
}

function DataTable({ title, statistics: { buckets, bucketSeconds }, series }: Omit<ChartProps, 'empty' | 'children'>) {
  return (
    <table>
      <caption>{title}, times in UTC</caption>
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
            <th scope="row">{bucketLabel(bucket.start, bucketSeconds)}</th>
            {series.map(({ cell }) => (
              <td>{cell(bucket)}</td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
