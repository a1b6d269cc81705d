import { scaleLinear, scaleUtc } from 'd3-scale';
import type { Child } from 'hono/jsx';
import type { ShownStatistics } from '../../api/statistics.ts';
import { tickLabel } from './labels.ts';

/** Height of the area that is drawn on, in pixels. */
export const PLOT_HEIGHT = 160;
/** Room above the topmost label and below the area, for the labels of the axes. */
const TOP = 8;
const BOTTOM = 24;
/** Room for the labels of the vertical axis. */
const AXIS_WIDTH = 52;

/** How many labels an axis has, about: the scale chooses the numbers that people like. */
const TIME_TICKS = 6;
const VALUE_TICKS = 4;

export type Bucket = ShownStatistics['buckets'][number];

/** Where a value is, in pixels from the top of the area; `ticks` are the values to label. */
export interface ValueScale {
  y(value: number): number;
  ticks: number[];
}

/** From zero to the largest value, rounded up to a number that people like. */
export function valueScale(largest: number): ValueScale {
  const scale = scaleLinear()
    .domain([0, Math.max(largest, 1)])
    .nice(VALUE_TICKS)
    .range([PLOT_HEIGHT, 0]);
  // Nothing is counted or timed in fractions.
  return { y: scale, ticks: scale.ticks(VALUE_TICKS).filter(Number.isInteger) };
}

/** Where a bucket is across the area, in percent of its width. */
export interface Slot {
  x: number;
  width: number;
  middle: number;
}

/** A part of each slot that stays empty, beside what is drawn in it. */
const GAP = 0.25;

export function slotOf({ from, to, bucketSeconds }: ShownStatistics, bucket: Bucket): Slot {
  const scale = scaleUtc([new Date(from), new Date(to)], [0, 100]);
  const start = scale(new Date(bucket.start));
  const width = scale(new Date(Date.parse(bucket.start) + bucketSeconds * 1_000)) - start;
  return { x: rounded(start + (width * GAP) / 2), width: rounded(width * (1 - GAP)), middle: rounded(start + width / 2) };
}

/** To what can be seen: a page has hundreds of these numbers. */
export function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}

interface PlotProps {
  statistics: ShownStatistics;
  scale: ValueScale;
  /** What the chart shows, in a sentence: for those who do not see it. */
  summary: string;
  valueLabel(value: number): string;
  children: Child;
}

/**
 * The axes and what is drawn between them. Widths are percentages and heights pixels, so that the area stretches with the page
 * while text stays as large as text is: a viewBox would shrink both.
 */
export function Plot({ statistics, scale, summary, valueLabel, children }: PlotProps) {
  const height = TOP + PLOT_HEIGHT + BOTTOM;
  return (
    <div class="chart-frame" role="img" aria-label={summary}>
      <svg class="chart-axis" width={AXIS_WIDTH} height={height} aria-hidden="true">
        {scale.ticks.map((tick) => (
          <text class="chart-label" x={AXIS_WIDTH - 8} y={rounded(TOP + scale.y(tick))} dy="0.32em" text-anchor="end">
            {valueLabel(tick)}
          </text>
        ))}
      </svg>
      <svg class="chart-plot" width="100%" height={height} aria-hidden="true">
        <svg y={TOP} width="100%" height={PLOT_HEIGHT} overflow="visible" aria-hidden="true">
          {scale.ticks.map((tick) => (
            <GridLine tick={tick} y={rounded(scale.y(tick))} />
          ))}
          {children}
        </svg>
        <TimeAxis statistics={statistics} y={height - 6} />
      </svg>
    </div>
  );
}

function GridLine({ tick, y }: { tick: number; y: number }) {
  return <line class={tick === 0 ? 'chart-baseline' : 'chart-grid'} x1="0" x2="100%" y1={y} y2={y} />;
}

function TimeAxis({ statistics: { period, from, to }, y }: { statistics: ShownStatistics; y: number }) {
  const scale = scaleUtc([new Date(from), new Date(to)], [0, 100]);
  return (
    <>
      {scale.ticks(TIME_TICKS).map((tick, index) => (
        // Every other one gives way where the page is narrow.
        <text
          class={index % 2 === 0 ? 'chart-label' : 'chart-label chart-label-minor'}
          x={`${rounded(scale(tick))}%`}
          y={y}
          text-anchor="middle"
        >
          {tickLabel(tick, period)}
        </text>
      ))}
    </>
  );
}
