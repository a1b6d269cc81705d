/*
 * Metrics as Prometheus reads them: its text format, version 0.0.4 (prometheus.io/docs/instrumenting/exposition_formats). The libraries for it count in a
 * process and read Node's own state; these figures are counted elsewhere (meter/meter.ts), and only have to be written.
 */

export const METRICS_CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** A series: a value and what tells it from others of its metric. */
export interface Series {
  labels?: Readonly<Record<string, string>>;
  value: number;
}

export interface Metric {
  /** As Prometheus names them: with their unit, and a counter ends with `_total`. */
  name: string;
  type: 'counter' | 'gauge';
  help: string;
  /** None: nothing is known of it, and it is left out. */
  series: readonly Series[];
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const LABEL = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

/** The text of some metrics, each with what it is before its series. Throws where a name is none. */
export function writeMetrics(metrics: readonly Metric[]): string {
  return metrics
    .filter(({ series }) => series.length > 0)
    .map(({ name, type, help, series }) => {
      if (!NAME.test(name)) throw new RangeError(`${name} is not the name of a metric`);
      const lines = series.map(({ labels = {}, value }) => `${name}${written(labels)} ${numberText(value)}`);
      return [`# HELP ${name} ${escaped(help)}`, `# TYPE ${name} ${type}`, ...lines, ''].join('\n');
    })
    .join('');
}

function written(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([name, value]) => {
    if (!LABEL.test(name)) throw new RangeError(`${name} is not the name of a label`);
    return `${name}="${escaped(value).replaceAll('"', '\\"')}"`;
  });
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}

function numberText(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  return String(value);
}
