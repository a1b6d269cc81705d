import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { parseSettings } from '../../src/settings.ts';
import { VARS } from '../domain/vars.ts';
import { type Month, simulate, sum, type WebhookMonth } from './month.ts';
import { report, sumsByKind } from './report.ts';
import { printScale } from './scale/scale.ts';
import { lost } from './tally.ts';

/*
 * `npm run simulate`: what the circuit is worth. A month of made-up endpoints under the real rules and the settings that ship,
 * once with the plain schedule and once with the circuit. The same seed gives the same table.
 *
 * `npm run simulate -- scale`: what limits many events and webhooks meet (scale/).
 */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: 'string', default: '1' },
    webhooks: { type: 'string', default: '10000' },
    deliveries: { type: 'string', default: '10000000' },
    days: { type: 'string', default: '30' },
    json: { type: 'string' },
  },
});

if (positionals.length > 0) {
  if (positionals.join() !== 'scale') throw new RangeError('There is `npm run simulate`, and `npm run simulate -- scale`.');
  printScale();
  process.exit();
}

const month: Month = {
  seed: wholeNumber('seed', values.seed, 0),
  webhooks: wholeNumber('webhooks', values.webhooks, 1),
  deliveries: wholeNumber('deliveries', values.deliveries, 1),
  days: wholeNumber('days', values.days, 1),
};

const startedAt = performance.now();
const settings = parseSettings(VARS);
const plain = simulate(month, settings, false);
const circuit = simulate(month, settings, true);
const seconds = (performance.now() - startedAt) / 1_000;

const { webhooks, deliveries, days, seed } = month;
const many = (value: number) => value.toLocaleString('en-US');
console.log(`${many(webhooks)} webhooks, ${many(deliveries)} deliveries, ${days} days, seed ${seed}\n`);
console.log(report(plain, circuit, days));
console.log(`\nBoth runs together took ${seconds.toFixed(1)} s, and ${many(Math.round(process.memoryUsage().rss / 1e6))} MB.`);
if (values.json)
  writeFileSync(values.json, `${JSON.stringify({ month, seconds, plain: byKind(plain), circuit: byKind(circuit) }, null, 2)}\n`);
if (lost(sum(plain)) !== 0 || lost(sum(circuit)) !== 0) process.exitCode = 1;

function byKind(months: readonly WebhookMonth[]) {
  const kinds = Object.entries(sumsByKind(months)).map(([kind, { arrivals, ...counts }]) => {
    const [arrivalP50Ms, arrivalP99Ms] = [arrivals.quantile(0.5), arrivals.quantile(0.99)];
    return [kind, { ...counts, arrivalP50Ms, arrivalP99Ms }];
  });
  return Object.fromEntries(kinds);
}

function wholeNumber(name: string, text: string, least: number): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < least) throw new RangeError(`--${name} is a whole number, at least ${least}`);
  return value;
}
