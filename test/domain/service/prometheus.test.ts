import { describe, expect, it } from 'vitest';
import { type Metric, writeMetrics } from '../../../src/domain/service/prometheus.ts';

const metric = (given: Partial<Metric>): Metric => ({
  name: 'a_total',
  type: 'counter',
  help: 'What it is.',
  series: [{ value: 1 }],
  ...given,
});

describe('metrics as text', () => {
  it('say of each what it is before its series', () => {
    const text = writeMetrics([
      metric({
        series: [
          { labels: { what: 'one' }, value: 1 },
          { labels: { what: 'two', more: 'x' }, value: 2.5 },
        ],
      }),
      metric({ name: 'b', type: 'gauge', help: 'Another.' }),
    ]);
    expect(text).toBe(
      '# HELP a_total What it is.\n# TYPE a_total counter\na_total{what="one"} 1\na_total{what="two",more="x"} 2.5\n' +
        '# HELP b Another.\n# TYPE b gauge\nb 1\n',
    );
  });

  it('escape what ends a label or a line', () => {
    const text = writeMetrics([metric({ help: 'a\\b\nc "d"', series: [{ labels: { what: 'a\\b\nc "d"' }, value: 0 }] })]);
    expect(text).toBe('# HELP a_total a\\\\b\\nc "d"\n# TYPE a_total counter\na_total{what="a\\\\b\\nc \\"d\\""} 0\n');
  });

  it('leave out what nothing is known of', () => {
    expect(writeMetrics([metric({ series: [] })])).toBe('');
  });

  it.each([
    [Number.NaN, 'NaN'],
    [Number.POSITIVE_INFINITY, '+Inf'],
    [Number.NEGATIVE_INFINITY, '-Inf'],
    [1e21, '1e+21'],
    [0.1, '0.1'],
  ])('write %d as %s', (value, written) => {
    expect(writeMetrics([metric({ series: [{ value }] })])).toMatch(new RegExp(`a_total ${written.replace('+', '\\+')}\n$`));
  });

  it.each([metric({ name: 'a-b' }), metric({ series: [{ labels: { 'a-b': '' }, value: 1 }] })])('refuse names that are none', (wrong) => {
    expect(() => writeMetrics([wrong])).toThrow('is not the name of a');
  });
});
