import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { type BenchOptions, PART_NAMES, type PartName, runPart } from '../../test/bench/bench.ts';
import { SCENARIO_NAMES } from '../../test/bench/isolation/scenarios.ts';
import { lookAtMachine, NOISY_FROM } from '../../test/bench/machine.ts';
import type { PartResult } from '../../test/bench/part.ts';
import { show } from '../../test/bench/table.ts';
import { whenOrphaned } from './orphan.ts';
import { dim, say, yellow } from './terminal.ts';

/*
 * `npm run bench`: measures the Worker on this machine's embedded Cloudflare runtime. Timings fail nothing: it exits with 1 only
 * where events were lost or refused, or the service broke.
 */
const USAGE = `npm run bench -- [part …] [options]

Measured beside a bare Worker (Hono, queue, HMAC, fetch, nothing else): the floor, the least that the platform asks for.
  ingest           events accepted a second, one by one
  ingest-arrays    the same in arrays of 100
  throughput-20    events over 20 webhooks as fast as they are accepted, to the last arrival, with the log kept
  throughput       the same over 100 webhooks
  latency          accept to arrival at a steady rate
  cpu              CPU seconds per 1,000 events
  slow-endpoint    accept to arrival at a steady rate, of one webhook whose endpoint takes 1 s; what is left then
  arrays           events in arrays of 100 for one webhook whose endpoint takes 200 ms, to the last arrival
Of ours alone:
  cost             operations an event, and dollars for a million: the counts that the tests hold
  growth           whether operations grow with what there is, to half a million rows
  search           from an e-mail address to the oldest of a million deliveries; how soon the pages come with as many
  figures          what counting for /operator, metrics and usage adds to an event
  size             the bundle, and the CPU time to start
  isolation        one bad endpoint does not slow another; scenarios, which can be named instead (hang and those with busy
                   beside the floor):
                   ${SCENARIO_NAMES.join(' ')}

  --runs N         how often each is measured (5; isolation 1); tables show medians
  --seconds N      length of a load (ingest 8, latency 60, cpu 20, slow-endpoint 30, isolation 120 for both halves)
  --rate N         events a second (latency and isolation 50, cpu 100, slow-endpoint 20)
  --events N       size of a load (throughput-20 5000, throughput 20000, arrays 1000), deliveries of search (1000000)
  --no-floor       without the floor
  --json FILE      everything that was measured
  --markdown       tables as Markdown
`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  allowNegative: true,
  options: {
    runs: { type: 'string' },
    seconds: { type: 'string' },
    rate: { type: 'string' },
    events: { type: 'string' },
    floor: { type: 'boolean', default: true },
    json: { type: 'string' },
    markdown: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
const isPart = (name: string): name is PartName => (PART_NAMES as readonly string[]).includes(name);
const scenarios = positionals.filter((name) => SCENARIO_NAMES.includes(name));
const named = positionals.filter(isPart);
const unknown = positionals.filter((name) => !isPart(name) && !scenarios.includes(name));

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(130));
whenOrphaned(() => process.exit(1));

if (values.help || unknown.length > 0) {
  if (unknown.length > 0) say(`There is no part or scenario ${unknown.join(', ')}.\n`);
  say(USAGE);
  process.exitCode = values.help ? 0 : 1;
} else {
  process.exitCode = await bench(partsToRun());
}

/** All of them where none is named; a scenario's name asks for isolation. */
function partsToRun(): readonly PartName[] {
  if (positionals.length === 0) return PART_NAMES;
  return PART_NAMES.filter((name) => named.includes(name) || (name === 'isolation' && scenarios.length > 0));
}

async function bench(parts: readonly PartName[]): Promise<number> {
  const machine = await lookAtMachine();
  say(dim(`${machine.cpu}, ${machine.cores} cores, Node ${machine.node}`));
  if (machine.busyBefore > NOISY_FROM) {
    say(yellow(`Something else keeps this machine ${Math.round(machine.busyBefore * 100)} % busy: timings will be off.`));
  }
  const options: BenchOptions = {
    runs: atLeast1('runs', values.runs),
    seconds: atLeast1('seconds', values.seconds),
    rate: atLeast1('rate', values.rate),
    events: atLeast1('events', values.events),
    floor: values.floor,
    scenarios: scenarios.length > 0 ? scenarios : SCENARIO_NAMES,
  };
  const results: PartResult[] = [];
  for (const part of parts) {
    const result = await runPart(part, options);
    results.push(result);
    if (!values.markdown) for (const table of result.tables) show(table, false);
    if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify({ machine, parts: results }, null, 2)}\n`);
  }
  if (values.markdown) for (const table of results.flatMap(({ tables }) => tables)) show(table, true);
  return results.every(({ sound }) => sound) ? 0 : 1;
}

/** Undefined where it was not given: each part knows what it needs. */
function atLeast1(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!(value >= 1)) throw new Error(`--${name} ${text}: a number of at least 1 is needed.`);
  return value;
}
