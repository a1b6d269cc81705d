import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { isolation, SCENARIO_NAMES } from '../../test/bench/isolation.ts';
import { lookAtMachine, NOISY_FROM } from '../../test/bench/machine.ts';
import { whenOrphaned } from './orphan.ts';
import { dim, say, yellow } from './terminal.ts';

/*
 * `npm run bench`: measures the Worker on this machine's embedded Cloudflare runtime. Timings fail nothing: it exits with 1 only
 * where events were lost or refused, or the service broke.
 */
const USAGE = `npm run bench -- [part] [scenario …] [options]

  isolation        one bad endpoint does not slow another; scenarios: ${SCENARIO_NAMES.join(' ')}

  --runs N         how often each scenario runs (1); the summary shows medians
  --seconds N      length of a run, both halves together (60)
  --rate N         events a second (50)
  --no-floor       without the bare Worker that shows what the platform does by itself
  --json FILE      everything that was measured
`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  allowNegative: true,
  options: {
    runs: { type: 'string', default: '1' },
    seconds: { type: 'string', default: '60' },
    rate: { type: 'string', default: '50' },
    floor: { type: 'boolean', default: true },
    json: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
const [part = 'isolation', ...scenarios] = positionals;
const unknown = scenarios.filter((name) => !SCENARIO_NAMES.includes(name));

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(130));
whenOrphaned(() => process.exit(1));

if (values.help || part !== 'isolation' || unknown.length > 0) {
  say(USAGE);
  process.exitCode = values.help ? 0 : 1;
} else {
  process.exitCode = await bench();
}

async function bench(): Promise<number> {
  const machine = await lookAtMachine();
  say(dim(`${machine.cpu}, ${machine.cores} cores, Node ${machine.node}`));
  if (machine.busyBefore > NOISY_FROM) {
    say(yellow(`Something else keeps this machine ${Math.round(machine.busyBefore * 100)} % busy: timings will be off.`));
  }
  const { report, sound } = await isolation(
    {
      scenarios: scenarios.length > 0 ? scenarios : SCENARIO_NAMES,
      seconds: atLeast1('seconds', values.seconds),
      eventsPerSecond: atLeast1('rate', values.rate),
      runs: atLeast1('runs', values.runs),
      floor: values.floor,
    },
    machine,
  );
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(report, null, 2)}\n`);
  return sound ? 0 : 1;
}

function atLeast1(name: string, text: string): number {
  const value = Number(text);
  if (!(value >= 1)) throw new Error(`--${name} ${text}: a number of at least 1 is needed.`);
  return value;
}
