import type { ShownStatistics } from '../../api/deliveries/statistics.ts';
import { RESPONSE_CLASSES, type ResponseClass } from '../../domain/delivery/statistics.ts';
import { t } from '../words/words.tsx';
import { Chart } from './chart.tsx';
import { periodLabel } from './labels.ts';
import type { PatternName } from './pattern.tsx';
import { countsOf, hasLayers, type Layer, layerSeries, StackedBars } from './stacked-bars.tsx';

const PATTERNS: Record<ResponseClass, PatternName> = {
  '2xx': 'solid',
  '3xx': 'barred',
  '4xx': 'dotted',
  '5xx': 'crossed',
  none: 'hatched',
};

const LAYERS: readonly Layer[] = RESPONSE_CLASSES.map((name) => ({
  key: name,
  pattern: PATTERNS[name],
  count: ({ responses }) => responses[name],
}));

/** Attempts by what the endpoint answered, and by when their events were accepted. */
export function ResponseCodesChart({ statistics }: { statistics: ShownStatistics }) {
  const { period, totals } = statistics;
  const summary = t('charts.responsesSummary', { period: periodLabel(period), counts: countsOf(LAYERS, totals) });
  return (
    <Chart
      name="responses"
      title={t('charts.responses')}
      statistics={statistics}
      series={layerSeries('responses', LAYERS, statistics)}
      hasData={hasLayers(LAYERS)}
    >
      <StackedBars chart="responses" layers={LAYERS} statistics={statistics} summary={summary} />
    </Chart>
  );
}
