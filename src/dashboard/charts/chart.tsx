import type { Child } from 'hono/jsx';
import type { ShownStatistics } from '../../api/deliveries/statistics.ts';
import { useClock, zoneName } from '../parts/clock.ts';
import { t } from '../words/words.tsx';
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
  /** Of the page's ids. */
  name: string;
  title: string;
  statistics: ShownStatistics;
  series: readonly Series[];
  /** Whether there is something to draw of a bucket. */
  hasData(bucket: Bucket): boolean;
  /** The plot. */
  children: Child;
}

/** A chart with its title, legend, and the same numbers as a table. */
export function Chart({ name, title, statistics, series, hasData, children }: ChartProps) {
  const clock = useClock();
  const { attempts, discarded } = statistics.totals;
  const filled = statistics.buckets.filter(hasData);
  return (
    <figure class="chart">
      <figcaption class="chart-title">{title}</figcaption>
      {filled.length === 0 ? (
        // There can be attempts of which the chart has nothing to tell yet.
        <p class="chart-empty">{attempts + discarded === 0 ? t('charts.none') : t('charts.nothing')}</p>
      ) : (
        <>
          <ul class="chart-legend">
            {series.map(({ label, swatch, total }) => (
              <li>
                {swatch} {label} <b>{total}</b>
              </li>
            ))}
            <li class="chart-zone">{t('charts.timesIn', { zone: zoneName(clock) })}</li>
          </ul>
          <Drawn name={name} statistics={statistics} filled={filled}>
            {children}
          </Drawn>
          <details class="chart-data">
            <summary>{t('charts.asTable', { title })}</summary>
            <DataTable title={title} statistics={statistics} series={series} />
          </details>
        </>
      )}
    </figure>
  );
}

/** The plot; of a single bar the time is told as well by words, and the plot is folded away: it is not to push down what follows. */
function Drawn({
  name,
  statistics,
  filled,
  children,
}: {
  name: string;
  statistics: ShownStatistics;
  filled: readonly Bucket[];
  children: Child;
}) {
  const [only, ...others] = filled;
  const clock = useClock();
  if (!only || others.length > 0) return <>{children}</>;
  return (
    <details class="chart-data" id={`only-${name}`}>
      <summary>{t('charts.only', { time: bucketLabel(clock, only.start, statistics.bucketSeconds) })}</summary>
      {children}
    </details>
  );
}

function DataTable({ title, statistics: { buckets, bucketSeconds }, series }: Pick<ChartProps, 'title' | 'statistics' | 'series'>) {
  const clock = useClock();
  return (
    <table>
      <caption>{t('charts.caption', { title, zone: zoneName(clock) })}</caption>
      <thead>
        <tr>
          <th scope="col">{t('charts.from')}</th>
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
