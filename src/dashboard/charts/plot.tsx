import { scaleLinear } from 'd3-scale';
import type { Child } from 'hono/jsx';
import type { ShownStatistics } from '../../api/deliveries/statistics.ts';
import { dayText, useClock } from '../parts/clock.ts';
import { t } from '../words/words.tsx';
import { tickLabel } from './labels.ts';
import { type TimeTick, timeTicks } from './time-ticks.ts';

/** Height of the area that is drawn on, in pixels. */
export const PLOT_HEIGHT = 160;
/** Room above the topmost label and below the area, for the labels of the axes. */
const TOP = 8;
const BOTTOM = 40;
/** Room for the labels of the vertical axis: as text grows, so does it. */
const AXIS_WIDTH = '3.25rem';

/** How many labels the axis has, about: the scale chooses the numbers that people like. */
const VALUE_TICKS = 4;

export type Bucket = ShownStatistics['buckets'][number];

/** The time that a plot is of. */
export type Span = Pick<ShownStatistics, 'period' | 'from' | 'to'>;

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

export function slotOf(
  { from, to, bucketSeconds }: Omit<Span, 'period'> & Pick<ShownStatistics, 'bucketSeconds'>,
  bucket: Pick<Bucket, 'start'>,
): Slot {
  const across = acrossOf(from, to);
  const at = Date.parse(bucket.start);
  const start = across(at);
  const width = across(at + bucketSeconds * 1_000) - start;
  return { x: rounded(start + (width * GAP) / 2), width: rounded(width * (1 - GAP)), middle: rounded(start + width / 2) };
}

/** Where a moment is across the area, in percent. */
function acrossOf(from: string, to: string): (at: number) => number {
  return scaleLinear([Date.parse(from), Date.parse(to)], [0, 100]);
}

/** To what can be seen: a page has hundreds of these numbers. */
export function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}

interface PlotProps {
  statistics: Span;
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
    <div class="chart-frame" role="img" aria-label={summary} dir="ltr" data-hint={t('charts.hint')}>
      <svg class="chart-axis" width={AXIS_WIDTH} height={height} aria-hidden="true">
        {scale.ticks.map((tick) => (
          <text class="chart-label" x="100%" dx="-0.5rem" y={rounded(TOP + scale.y(tick))} dy="0.32em" text-anchor="end">
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
        <TimeAxis statistics={statistics} y={TOP + PLOT_HEIGHT} />
      </svg>
    </div>
  );
}

function GridLine({ tick, y }: { tick: number; y: number }) {
  return <line class={tick === 0 ? 'chart-baseline' : 'chart-grid'} x1="0" x2="100%" y1={y} y2={y} />;
}

/** Two lines of labels: the time, and below it the day where one begins. */
function TimeAxis({ statistics: { period, from, to }, y }: { statistics: Span; y: number }) {
  const clock = useClock();
  const across = acrossOf(from, to);
  const ofDays = period === '7d' || period === '30d';
  const ticks = timeTicks({ period, from, to }, clock.zone);
  return (
    <>
      {ticks.map((tick) => (
        <text
          class={tick.isMinor ? 'chart-label chart-label-minor' : 'chart-label'}
          x={`${rounded(across(tick.at))}%`}
          y={y}
          dy="1.35em"
          text-anchor="middle"
        >
          {tickLabel(clock, tick.at, period)}
        </text>
      ))}
      {!ofDays &&
        daysOf(ticks, across).map(({ at }) => (
          <text class="chart-label" x={`${rounded(across(at))}%`} y={y} dy="2.6em" text-anchor="middle">
            {dayText(clock, at)}
          </text>
        ))}
    </>
  );
}

/** As much as a day's label takes, in percent of the area. */
const DAY_WIDTH = 16;

/** The ticks that say their day; the first gives way to the next where that is near. */
function daysOf(ticks: readonly TimeTick[], across: (at: number) => number): TimeTick[] {
  const days = ticks.filter(({ startsDay }) => startsDay);
  return days.filter(({ at }, index) => {
    const next = days[index + 1];
    return next === undefined || across(next.at) - across(at) > DAY_WIDTH;
  });
}
