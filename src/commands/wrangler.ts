import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

export const PROJECT_ROOT = join(import.meta.dirname, '..', '..');

/** Wrangler's own entry, run by the Node that runs this: the one of package.json, whatever the machine has. */
const WRANGLER = join(PROJECT_ROOT, 'node_modules', 'wrangler', 'bin', 'wrangler.js');

/** Tries in a row that find as many migrations to apply as before. Each takes about a second, in which another command has gone on with its own. */
const MIGRATION_TRIES = 3;

/** No telemetry, no look for a newer version, no fetch of example request metadata: the commands say the same with no network. */
export const QUIET_WRANGLER = { WRANGLER_SEND_METRICS: 'false', WRANGLER_HIDE_BANNER: 'true', CLOUDFLARE_CF_FETCH_ENABLED: 'false' };

export function spawnWrangler(args: readonly string[], options: SpawnOptions = {}): ChildProcess {
  const env = { ...QUIET_WRANGLER, ...(options.env ?? process.env) };
  return spawn(process.execPath, [WRANGLER, ...args], { cwd: PROJECT_ROOT, stdio: 'inherit', ...options, env });
}

/** Runs wrangler in the foreground; the exit code, as a shell would give it. */
export async function runWrangler(args: readonly string[], options: SpawnOptions = {}): Promise<number> {
  return await exitCodeOf(spawnWrangler(args, options));
}

export interface CapturedRun {
  exitCode: number;
  stdout: string;
  /** Both streams, in the order in which they came. */
  output: string;
}

/** Runs wrangler without a terminal and keeps what it says. */
export async function captureWrangler(args: readonly string[]): Promise<CapturedRun> {
  const child = spawnWrangler(args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const run = { exitCode: 1, stdout: '', output: '' };
  child.stdout?.on('data', (chunk) => {
    run.stdout += chunk;
    run.output += chunk;
  });
  child.stderr?.on('data', (chunk) => {
    run.output += chunk;
  });
  run.exitCode = await exitCodeOf(child);
  return run;
}

/**
 * Applies the migrations to the local database under `persistTo` (wrangler's default folder where it is not given). Of two commands that
 * start at the same moment one finds a table there that the other has just made: it tries again as long as there is less left to do each
 * time, since each migration can meet the other command.
 */
export async function migrateLocally(persistTo: string | undefined, sharedFlags: readonly string[] = []): Promise<void> {
  const place = persistTo === undefined ? [] : ['--persist-to', persistTo];
  let fewest = Number.POSITIVE_INFINITY;
  for (let tries = 1; ; tries++) {
    const { exitCode, output } = await captureWrangler(['d1', 'migrations', 'apply', 'DB', '--local', ...place, ...sharedFlags]);
    if (exitCode === 0) return;
    const left = Number(/apply (\d+) migration/.exec(output)?.[1]);
    if (left < fewest) [fewest, tries] = [left, 1];
    if (tries === MIGRATION_TRIES) throw new Error(`The migrations could not be applied to the local database:\n${output}`);
  }
}

/**
 * The value of a flag in either form, `--port 9001` or `--port=9001`. Undefined where the flag was not given, and empty where it was, without
 * a value: these are not the same, least of all for a flag that leads a deploy elsewhere.
 */
export function flagValue(args: readonly string[], ...names: string[]): string | undefined {
  for (const [index, arg] of args.entries()) {
    if (names.includes(arg)) return args[index + 1] ?? '';
    const [name, ...value] = arg.split('=');
    if (value.length > 0 && names.includes(name ?? '')) return value.join('=');
  }
  return undefined;
}

/** The flags without some of them, in either form, and their values. */
export function withoutFlags(args: readonly string[], ...names: string[]): string[] {
  const isOne = (arg = '') => names.includes(arg);
  return args.filter((arg, index) => !isOne(arg) && !isOne(args[index - 1]) && !isOne(arg.split('=')[0]));
}

/** Of the flags that were given, those that every wrangler command takes: which configuration, environment and account. */
export function sharedFlags(args: readonly string[]): string[] {
  return [['--config', '-c'], ['--env', '-e'], ['--profile']].flatMap((names) => {
    const value = flagValue(args, ...names);
    return value === undefined ? [] : [names[0] as string, value];
  });
}

async function exitCodeOf(child: ChildProcess): Promise<number> {
  const [code, signal] = await once(child, 'exit');
  // 128 and the signal's number, as shells have it; 15 is SIGTERM, the only one that a child of these commands is sent by name.
  return code ?? (signal === 'SIGINT' ? 130 : 143);
}
