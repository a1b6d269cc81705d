import type { ShownStatistics } from '../api/deliveries/statistics.ts';
import { DeliveriesChart } from '../dashboard/charts/deliveries-chart.tsx';
import { emptyTally } from '../domain/delivery/statistics.ts';
import type { Counts, Minute } from '../domain/service/figures.ts';

const MINUTE_MS = 60_000;
const MINUTES = 60;

/** What ended in each minute of the last hour, drawn as a webhook's page draws it. */
export function FlowChart({ minutes, nowMs }: { minutes: readonly Minute[]; nowMs: number }) {
  return <DeliveriesChart statistics={flowOf(minutes, nowMs)} />;
}

function flowOf(minutes: readonly Minute[], nowMs: number): ShownStatistics {
  const last = Math.floor(nowMs / MINUTE_MS);
  const first = last - MINUTES + 1;
  const known = new Map(minutes.map(({ minute, figures }) => [minute, figures.counts]));
  const all = Array.from({ length: MINUTES }, (_, index) => figuresOf(known.get(first + index) ?? {}));
  const sumOf = (name: 'delivered' | 'failed' | 'attempts') => all.reduce((sum, each) => sum + each[name], 0);
  return {
    period: '1h',
    from: isoMinute(first),
    to: isoMinute(last + 1),
    bucketSeconds: 60,
    waiting: 0,
    totals: { ...figuresOf({}), delivered: sumOf('delivered'), failed: sumOf('failed'), attempts: sumOf('attempts') },
    buckets: all.map((each, index) => ({ ...each, start: isoMinute(first + index) })),
  };
}

function figuresOf({ delivered = 0, failed = 0, retried = 0 }: Counts) {
  const { discarded, filtered, repeated, responses } = emptyTally();
  const unknown = { successRate: null, latencyP50Ms: null, latencyP95Ms: null };
  return { discarded, filtered, repeated, responses, ...unknown, delivered, failed, attempts: delivered + failed + retried };
}

const isoMinute = (minute: number): string => new Date(minute * MINUTE_MS).toISOString();
