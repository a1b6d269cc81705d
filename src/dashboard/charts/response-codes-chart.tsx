import type { ShownStatistics } from '../../api/statistics.ts';
import { RESPONSE_CLASSES, type ResponseClass } from '../../domain/statistics.ts';
import { Chart } from './chart.tsx';
import { numberLabel, PERIOD_LABELS } from './labels.ts';
import type { PatternName } from './pattern.tsx';
import { hasLayers, type Layer, layerSeries, StackedBars } from './stacked-bars.tsx';

const PATTERNS: Record<ResponseClass, PatternName> = {
  '2xx': 'solid',
  '3xx': 'barred',
  '4xx': 'dotted',
  '5xx': 'crossed',
  none: 'hatched',
};

const LABELS: Record<ResponseClass, string> = {
  '2xx': 'Success',
  '3xx': 'Redirected',
  '4xx': 'Rejected',
  '5xx': 'Error',
  none: 'No answer',
};

const LAYERS: readonly Layer[] = RESPONSE_CLASSES.map((name) => ({
  key: name,
  label: LABELS[name],
  pattern: PATTERNS[name],
  count: ({ responses }) => responses[name],
}));

/** Attempts by what the endpoint answered, and by when their events were accepted. */
export function ResponseCodesChart({ statistics }: { statistics: ShownStatistics }) {
  const counts = LAYERS.map(({ label, count }) => `${numberLabel(count(statistics.totals))} ${label.toLowerCase()}`).join(', ');
  const summary = `Responses to attempts ${PERIOD_LABELS[statistics.period]}: ${counts}.`;
  return (
    <Chart title="Responses" statistics={statistics} series={layerSeries('responses', LAYERS, statistics)} hasData={hasLayers(LAYERS)}>
      <StackedBars chart="responses" layers={LAYERS} statistics={statistics} summary={summary} />
    </Chart>
  );
}
