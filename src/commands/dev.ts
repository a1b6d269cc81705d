import { constants, copyFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { gatherAssets } from './assets.ts';
import { whenOrphaned } from './orphan.ts';
import { flagValue, migrateLocally, PROJECT_ROOT, sharedFlags, spawnWrangler } from './wrangler.ts';

/*
 * `npm run dev`: the Worker on this machine, ready to use: with development secrets and a migrated database. Every flag goes on
 * to `wrangler dev`, which refuses one given twice: nothing is added that is already there.
 */
const DEFAULT_PORT = 8787;

const args = process.argv.slice(2);
const port = Number(flagValue(args, '--port') ?? DEFAULT_PORT);
const ip = flagValue(args, '--ip') ?? 'localhost';

process.exitCode = await dev();

async function dev(): Promise<number> {
  if (!(await isFree(port, ip))) {
    console.error(`Port ${port} is taken. Stop what listens there, or choose another one: npm run dev -- --port ${port + 1}`);
    return 1;
  }
  gatherAssets();
  provideDevVars();
  try {
    await migrateLocally(flagValue(args, '--persist-to', '--persistTo'), sharedFlags(args));
  } catch (error) {
    console.error((error as Error).message);
    return 1;
  }
  console.log('Development secrets in .dev.vars, database migrated.');
  return await serve(flagValue(args, '--port') === undefined ? ['--port', String(port), ...args] : args);
}

/** The first run makes .dev.vars; later ones, and one that starts at the same moment, keep what is there. */
function provideDevVars(): void {
  try {
    copyFileSync(join(PROJECT_ROOT, '.dev.vars.example'), join(PROJECT_ROOT, '.dev.vars'), constants.COPYFILE_EXCL);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

/** Runs `wrangler dev` until it ends. Signals are passed on rather than died of, so that wrangler takes its runtime down with it. */
async function serve(flags: readonly string[]): Promise<number> {
  const wrangler = spawnWrangler(['dev', ...flags]);
  let stopping = false;
  const stop = () => {
    stopping = true;
    wrangler.kill('SIGTERM');
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop);
  whenOrphaned(stop);
  const exitCode = await new Promise<number | null>((resolve) => wrangler.on('exit', resolve));
  return stopping ? 0 : (exitCode ?? 1);
}

/** Asked by listening there for a moment: wrangler itself would silently take another port, or fail late and at length. */
async function isFree(candidate: number, host: string): Promise<boolean> {
  const addresses = host === 'localhost' ? ['127.0.0.1', '::1'] : [host === '*' ? undefined : host];
  const taken = await Promise.all(addresses.map((address) => isTaken(candidate, address)));
  return !taken.includes(true);
}

/** Other errors (no IPv6 here, a port that needs privileges) are left for wrangler to meet and name. */
async function isTaken(candidate: number, address: string | undefined): Promise<boolean> {
  return await new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'EADDRINUSE'));
    probe.listen(candidate, address, () => probe.close(() => resolve(false)));
  });
}
