import { randomInt } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { whenOrphaned } from '../../src/commands/orphan.ts';
import { bold, columns, cyan, dim, indent, say, seconds } from '../../src/commands/terminal.ts';
import { FAULT_NAMES, FAULTS, type Fault, isFault } from './faults.ts';
import { type Rehearsal, startRehearsal } from './rehearsal.ts';

/*
 * `npm run rehearsal`: somebody who is to be on call finds faults by `/operator` and the runbook alone, while the service runs on this machine. A line
 * of the terminal switches a fault on; `-- --secret` begins with one that is not named.
 */
const { values } = parseArgs({ options: { secret: { type: 'boolean', default: false } } });
/** A secret fault begins at some moment within this: whoever looks at the page does not know when. */
const SECRET_WITHIN_MS = 60_000;

const folder = mkdtempSync(join(tmpdir(), 'bullseye-rehearsal-'));
let rehearsal: Rehearsal | undefined;
let running: { fault: Fault; whose: string; since: number } | undefined;
let secret: ReturnType<typeof setTimeout> | undefined;
let ending = false;

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void end(0));
whenOrphaned(() => void end(1));

try {
  say(dim('Starting the Worker, its customers and their events …'));
  rehearsal = await startRehearsal(folder);
  showHelp(rehearsal);
  if (values.secret) planSecret();
  createInterface({ input: process.stdin }).on('line', (line) => void obey(line.trim()).catch((error) => say(String(error))));
} catch (error) {
  say((error as Error).message);
  await end(1);
}

function showHelp({ worker }: Rehearsal): void {
  say(`\n  Us or them?    ${cyan(`${worker.origin}/operator`)}`);
  say(`  Platform key   ${worker.platformKey}`);
  say('\nFive customers have an event every 3 s each, and the cron runs at each full minute. Type');
  const commands = [
    ...FAULT_NAMES.map((name) => [name, FAULTS[name]]),
    ['secret', 'One of these, within a minute.'],
    ['end', 'It ends, and is named.'],
  ];
  say(indent(columns(commands), 2));
  say(dim('\nCtrl-C ends the rehearsal.'));
}

async function obey(line: string): Promise<void> {
  if (line === 'secret') planSecret();
  else if (line === 'end') await endFault();
  else if (isFault(line)) say(`${bold(line)} since ${timeText(await begin(line))}.`);
  else if (line !== '') say(`There is no “${line}”. There are ${[...FAULT_NAMES, 'secret', 'end'].join(', ')}.`);
}

/** A fault begins; when. */
async function begin(fault: Fault): Promise<number> {
  clearTimeout(secret);
  const customer = (await rehearsal?.fail(fault))?.get(fault);
  running = { fault, whose: customer === undefined ? '' : ` of ${customer}`, since: Date.now() };
  return running.since;
}

function planSecret(): void {
  clearTimeout(secret);
  secret = setTimeout(() => void begin(FAULT_NAMES[randomInt(FAULT_NAMES.length)] as Fault), randomInt(SECRET_WITHIN_MS));
  say('Within a minute something is wrong. What? “end” names it.');
}

async function endFault(): Promise<void> {
  clearTimeout(secret);
  await rehearsal?.fail();
  if (!running) {
    say('Nothing was wrong yet.');
    return;
  }
  const { fault, whose, since } = running;
  running = undefined;
  say(`It was ${bold(fault)}${whose}, from ${timeText(since)} UTC on, for ${seconds(Date.now() - since)}.`);
}

const timeText = (at: number): string => new Date(at).toISOString().slice(11, 19);

async function end(exitCode: number): Promise<void> {
  if (ending) return;
  ending = true;
  await rehearsal?.stop();
  rmSync(folder, { recursive: true, force: true });
  process.exit(exitCode);
}
