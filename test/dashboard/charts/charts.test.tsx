import { describe, expect, it } from 'vitest';
import { DeliveriesChart } from '../../../src/dashboard/charts/deliveries-chart.tsx';
import { LatencyChart } from '../../../src/dashboard/charts/latency-chart.tsx';
import { ResponseCodesChart } from '../../../src/dashboard/charts/response-codes-chart.tsx';
import { Sparkline } from '../../../src/dashboard/charts/sparkline.tsx';
import { ClockContext } from '../../../src/dashboard/parts/clock.ts';
import { type Counted, statisticsOf } from '../../support/statistics.ts';

const delivered = { status: 'delivered', responseStatus: 204 } as const;
const COUNTED: readonly Counted[] = [
  { ...delivered, bucket: 0, deliveries: 1_200, durationMs: 100 },
  { ...delivered, bucket: 1, deliveries: 30, durationMs: 100 },
  { bucket: 1, status: 'failed', deliveries: 8, durationMs: 2_000, responseStatus: 503 },
  { bucket: 1, status: 'failed', deliveries: 1, durationMs: 30_000, responseStatus: null },
  { ...delivered, bucket: 3, deliveries: 5, durationMs: 400 },
  { bucket: 23, status: 'discarded', deliveries: 2, durationMs: null, responseStatus: null },
];
const day = statisticsOf('24h', COUNTED);
const nothing = statisticsOf('30d', []);

/** Deliveries of which a chart has nothing to tell: none has ended, or none was attempted. */
const retrying = statisticsOf('24h', [{ bucket: 3, status: 'retrying', deliveries: 2, durationMs: 10, responseStatus: 500 }]);
const discarded = statisticsOf('24h', COUNTED.slice(-1));
const UNSHOWN = { DeliveriesChart: retrying, LatencyChart: discarded, ResponseCodesChart: discarded };

const CHARTS = { DeliveriesChart, LatencyChart, ResponseCodesChart };

/** What the label of the picture says. */
function labelOf(html: string): string | undefined {
  return /role="img" aria-label="([^"]*)"/.exec(html)?.[1];
}

/** The text of each cell of the table, by rows, without the head. */
function tableOf(html: string): string[][] {
  const rows = html.split('<tbody>')[1]?.split('</tbody>')[0]?.split('</tr>').slice(0, -1) ?? [];
  return rows.map((row) => [...row.matchAll(/<t[hd][^>]*>([^<]*)</g)].map(([, text = '']) => text));
}

describe('the chart of deliveries', () => {
  const html = String(<DeliveriesChart statistics={day} />);

  it('says in a sentence what it shows, and when most failed', () => {
    expect(labelOf(html)).toBe(
      'Deliveries in the last 24 hours: 1,235 delivered, 9 failed, 2 discarded. Most failures: 9, 25 Nov, 00:00 (UTC).',
    );
    expect(labelOf(String(<DeliveriesChart statistics={statisticsOf('1h', COUNTED.slice(0, 1))} />))).toBe(
      'Deliveries in the last hour: 1,200 delivered, 0 failed, 0 discarded.',
    );
  });

  it('has the numbers of every bucket as a table', () => {
    const table = tableOf(html);
    expect(table).toHaveLength(24);
    expect(table.slice(0, 2)).toEqual([
      ['24 Nov, 23:00', '1,200', '0', '0'],
      ['25 Nov, 00:00', '30', '9', '0'],
    ]);
    expect(table.at(-1)).toEqual(['25 Nov, 22:00', '0', '0', '2']);
  });

  it('draws a bar for what there is, and none for what there is not', () => {
    expect(html.match(/fill="url\(#deliveries-delivered\)" stroke="currentColor"/g)).toHaveLength(1 + 3);
    expect(html.match(/fill="url\(#deliveries-failed\)" stroke="currentColor"/g)).toHaveLength(1 + 1);
    expect(html.match(/fill="url\(#deliveries-discarded\)" stroke="currentColor"/g)).toHaveLength(1 + 1);
  });
});

describe('what waits', () => {
  const waiting = statisticsOf('24h', COUNTED, 122);

  it('stands in the last bar of the chart of deliveries, in its sentence and in its table', () => {
    const html = String(<DeliveriesChart statistics={waiting} />);
    expect(labelOf(html)).toContain('1,235 delivered, 9 failed, 2 discarded, 122 waiting.');
    expect(tableOf(html)[0]).toEqual(['24 Nov, 23:00', '1,200', '0', '0', '0']);
    expect(tableOf(html).at(-1)).toEqual(['25 Nov, 22:00', '0', '0', '2', '122']);
    expect(html.match(/fill="url\(#deliveries-waiting\)" stroke="currentColor"/g)).toHaveLength(1 + 1);
  });

  it('is shown where nothing has ended', () => {
    const html = String(<DeliveriesChart statistics={statisticsOf('24h', [], 3)} />);
    expect(html).toContain('<svg');
    expect(labelOf(html)).toContain('3 waiting');
    expect(labelOf(String(<Sparkline statistics={statisticsOf('24h', [], 3)} />))).toBe(
      'Deliveries in the last 24 hours: 0 delivered, 0 failed, 3 waiting.',
    );
  });

  it('stands on top of what was delivered in the small chart of a row', () => {
    const html = String(<Sparkline statistics={statisticsOf('24h', [{ ...delivered, bucket: 23, deliveries: 5, durationMs: 1 }], 5)} />);
    const heights = [...html.matchAll(/class="chart-(waiting|delivered)"[^>]* height="([\d.]+)"/g)].map(([, key, height]) => [
      key,
      Number(height),
    ]);
    expect(heights.map(([key]) => key)).toEqual(['waiting', 'delivered']);
    expect(heights[0]![1]).toBeGreaterThan(heights[1]![1] as number);
    expect(heights[0]![1]).toBeLessThanOrEqual(24);
  });
});

describe('the chart of response times', () => {
  const html = String(<LatencyChart statistics={day} />);

  it('says in a sentence what it shows', () => {
    expect(labelOf(html)).toMatch(/^Response time in the last 24 hours: median \d+ ms, 95th percentile \d+ ms\.$/);
  });

  it('has the numbers of every bucket as a table, with a dash where nothing was answered', () => {
    const [, second, third] = tableOf(html);
    expect(second?.[0]).toBe('25 Nov, 00:00');
    expect(second?.[1]).toMatch(/^\d+ ms$/);
    expect(second?.[2]).toMatch(/^2(\.\d)? s$/);
    expect(third).toEqual(['25 Nov, 01:00', '–', '–']);
  });

  it('interrupts its lines where nothing was answered, and marks what stands alone', () => {
    const [, path = ''] = /class="chart-p50" d="([^"]*)"/.exec(html.split('chart-plot')[1] ?? '') ?? [];
    expect(path.match(/M/g)).toHaveLength(2);
    expect(html.split('chart-plot')[1]?.match(/<circle class="chart-p50"/g)).toHaveLength(3);
  });
});

describe('the chart of responses', () => {
  const html = String(<ResponseCodesChart statistics={day} />);

  it('says in a sentence what it shows', () => {
    expect(labelOf(html)).toBe(
      'Responses to attempts in the last 24 hours: 1,235 successful, 0 redirected, 0 rejected, 8 with an error, 1 without an answer.',
    );
  });

  it('has the numbers of every bucket as a table', () => {
    expect(tableOf(html)[1]).toEqual(['25 Nov, 00:00', '30', '0', '0', '8', '1']);
  });
});

describe('the small chart of a row', () => {
  it('says how many were delivered and failed', () => {
    const html = String(<Sparkline statistics={day} />);
    expect(labelOf(html)).toBe('Deliveries in the last 24 hours: 1,235 delivered, 9 failed.');
    expect(html.match(/class="chart-delivered"/g)).toHaveLength(3);
    expect(html.match(/class="chart-failed"/g)).toHaveLength(1);
  });

  it('is a line where there was nothing', () => {
    const html = String(<Sparkline statistics={nothing} />);
    expect(labelOf(html)).toBe('No deliveries in the last 30 days.');
    expect(html).not.toContain('<rect');
  });

  it.each([['delivered'], ['failed']] as const)('keeps within its height where all was %s', (status) => {
    const counted = { bucket: 2, status, deliveries: 7, durationMs: 10, responseStatus: null };
    const html = String(<Sparkline statistics={statisticsOf('24h', [counted])} />);
    const [, y, height] = /<rect [^>]*y="([\d.]+)" height="([\d.]+)"/.exec(html) ?? [];
    expect(Number(height)).toBeGreaterThan(10);
    expect(Number(y) + Number(height)).toBeLessThanOrEqual(24);
  });
});

describe.each(Object.entries(CHARTS))('%s in the reader’s zone', (_name, Drawn) => {
  const html = String(
    <ClockContext.Provider value={{ zone: 'Asia/Kolkata', language: 'en' }}>
      <Drawn statistics={day} />
    </ClockContext.Provider>,
  );

  it('names it, and has the times of its clocks in the table and on the axis, with the days', () => {
    expect(html).toContain('Times in Asia/Kolkata');
    expect(tableOf(html)[0]?.[0]).toBe('25 Nov, 04:30');
    const labels = [...html.matchAll(/<text class="chart-label[^>]*text-anchor="middle">([^<]*)</g)].map(([, text]) => text);
    expect(labels).toEqual(['06:00', '09:00', '12:00', '15:00', '18:00', '21:00', '00:00', '03:00', '25 Nov', '26 Nov']);
  });
});

describe.each(Object.entries(CHARTS))('%s of one bucket', (_name, Drawn) => {
  it('says in words when that was, and folds the drawing away', () => {
    const html = String(<Drawn statistics={statisticsOf('24h', COUNTED.slice(0, 1))} />);
    expect(html).toContain('All from 24 Nov, 23:00: show the chart');
    expect(html.indexOf('<details')).toBeLessThan(html.indexOf('chart-frame'));
    expect(String(<Drawn statistics={day} />)).not.toContain('show the chart');
  });
});

describe.each(Object.entries(CHARTS))('%s', (name, Drawn) => {
  it('says so where there was nothing', () => {
    const html = String(<Drawn statistics={nothing} />);
    expect(html).toContain('No deliveries in this period');
    expect(html).not.toContain('<svg');
  });

  it('says so where there was nothing that it could show yet', () => {
    const html = String(<Drawn statistics={UNSHOWN[name as keyof typeof CHARTS]} />);
    expect(html).toContain('Nothing to show');
    expect(html).not.toContain('<svg');
  });

  it('needs nothing that a strict Content-Security-Policy forbids', () => {
    expect(String(<Drawn statistics={day} />)).not.toMatch(/ style=|<script|<style|javascript:| on[a-z]+=/);
  });
});

it('charts on one page share no id, and use no pattern that is not there', () => {
  const html = Object.values(CHARTS)
    .map((Drawn) => String(<Drawn statistics={day} />))
    .join('');
  const ids = [...html.matchAll(/ id="([^"]*)"/g)].map(([, id]) => id);
  expect(new Set(ids).size).toBe(ids.length);
  const used = new Set([...html.matchAll(/url\(#([^)]*)\)/g)].map(([, id]) => id));
  expect(ids).toEqual(expect.arrayContaining([...used]));
  expect(used.size).toBe(8);
});
