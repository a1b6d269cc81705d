import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { vi } from 'vitest';
import { takeFaults } from '../../src/log.ts';
import { LocalDatabase } from '../platform/local-database.ts';
import { OutboxHost } from '../platform/outbox-host.ts';
import { VirtualTime } from '../platform/virtual-time.ts';
import { imbalance } from './balance.ts';
import { FaultRun, type Grounds } from './fault-run.ts';
import { MOST_WEBHOOKS } from './scenario.ts';

/** What came of a run. */
export interface Outcome {
  seed: number;
  run: FaultRun;
  /** What is wrong with its books; nothing, where they balance. */
  wrong: string[];
  /** What was logged last. */
  log: string[];
}

/** Lines of the log that are kept of a run. */
const MAX_LINES = 80;

/** Runs so far in this runtime: each begins a month after the one before, since time does not go back in an isolate. */
let months = 0;

/** Runs seeds, one after another, in one object. */
export async function runSeeds<T>(seeds: readonly number[], look: (outcome: Outcome) => T): Promise<T[]> {
  const results: T[] = [];
  await runInDurableObject(env.OUTBOX.getByName(crypto.randomUUID()), async (_, state) => {
    const time = new VirtualTime();
    const hosts = Array.from({ length: MOST_WEBHOOKS }, (_unused, index) => new OutboxHost(state, `outbox${index}`, time));
    const grounds = { hosts, state, time, database: new LocalDatabase(state.storage) };
    for (const seed of seeds) results.push(look(await runOne(seed, grounds, months++)));
  });
  return results;
}

async function runOne(seed: number, grounds: Grounds, month: number): Promise<Outcome> {
  const log: string[] = [];
  for (const level of ['log', 'warn', 'error'] as const) {
    vi.spyOn(console, level).mockImplementation((line: string) => {
      log.push(`${new Date().toISOString()} ${line}`);
      if (log.length > MAX_LINES) log.shift();
    });
  }
  // Stacks are logged with every injected fault, and mapping them to sources takes longer than all the rest.
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  // What the run before has logged is not this one's to tell.
  takeFaults();
  const run = new FaultRun(seed, grounds, month);
  try {
    await run.run();
    return { seed, run, wrong: [...(await imbalance(run)), ...(await run.leftovers())], log };
  } catch (error) {
    return { seed, run, wrong: [String(error)], log };
  } finally {
    await run.end();
    Error.stackTraceLimit = stackTraceLimit;
  }
}
