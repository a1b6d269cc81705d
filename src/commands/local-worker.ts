import type { ChildProcess } from 'node:child_process';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { gatherAssets } from './assets.ts';
import { migrateLocally, PROJECT_ROOT, spawnWrangler } from './wrangler.ts';

const READY_WITHIN_MS = 60_000;
const STOPPED_WITHIN_MS = 10_000;
/** Between asking for a free port and listening on it, another process can take it: how often to try with another. */
const STARTS = 3;
/**
 * Wrangler traces what it runs here, for its explorer: beside the Worker, on the same thread, a Worker of its own that stores each span. Cloudflare
 * does nothing of that kind there. It took an eighth of the thread, and held it for 20 to 40 ms every few seconds.
 */
const UNTRACED = { X_LOCAL_OBSERVABILITY: 'false' };
/** Of .dev.vars.example, which every local Worker here is started with, whatever the developer's own .dev.vars says. */
export const PLATFORM_KEY = 'bsk_platform_development';

export interface LocalWorkerOptions {
  /** The folder of its database and queues' state. Started again with the same one, it goes on where it was. */
  persistTo: string;
  /** Settings that differ from wrangler.toml and .dev.vars.example. */
  vars?: Readonly<Record<string, string>>;
  /** A configuration in the place of wrangler.toml. */
  config?: string;
}

/** A Worker on the embedded Cloudflare runtime, as a process of its own. */
export interface WranglerSession {
  origin: string;
  /** Wrangler's process; the runtime's are below it. */
  pid: number;
  /** Everything wrangler and the Worker have said so far. */
  output(): string;
  /** Ends it in order. */
  stop(): Promise<void>;
  /** Ends it as a crash does: no handler runs, nothing is flushed. */
  crash(): Promise<void>;
}

/** This Worker, with a key that opens everything. */
export interface LocalWorker extends WranglerSession {
  platformKey: string;
}

/** Starts the Worker with its database migrated, and returns once it answers; where it does not, the error says why. */
export async function startLocalWorker(options: LocalWorkerOptions): Promise<LocalWorker> {
  gatherAssets();
  await migrateLocally(options.persistTo, configFlags(options));
  return await startMigratedWorker(options);
}

/** The same on a database that has been migrated already. */
export async function startMigratedWorker(options: LocalWorkerOptions): Promise<LocalWorker> {
  const { persistTo, vars = {} } = options;
  gatherAssets();
  const session = await startWranglerDev(persistTo, [...configFlags(options), '--env-file', join(PROJECT_ROOT, '.dev.vars.example')], vars);
  return { ...session, platformKey: PLATFORM_KEY };
}

function configFlags({ config }: LocalWorkerOptions): string[] {
  return config === undefined ? [] : ['--config', config];
}

/**
 * Starts `wrangler dev` on a port of its own, and returns once `GET /health` answers; where it does not, the error says why.
 * @param healthy the status that it answers with once it is ready
 */
export async function startWranglerDev(
  persistTo: string,
  args: readonly string[],
  vars: Readonly<Record<string, string>>,
  healthy = 200,
): Promise<WranglerSession> {
  for (let start = 1; ; start++) {
    try {
      return await startOnFreePort(persistTo, args, vars, healthy);
    } catch (error) {
      if (start === STARTS || !/address already in use/i.test(String(error))) throw error;
    }
  }
}

async function startOnFreePort(
  persistTo: string,
  args: readonly string[],
  vars: Readonly<Record<string, string>>,
  healthy: number,
): Promise<WranglerSession> {
  const port = await freePort();
  const flags = {
    ...{ '--ip': '127.0.0.1', '--port': port, '--inspector-port': await freePort(), '--persist-to': persistTo },
    '--show-interactive-dev-session': false,
  };
  const settings = Object.entries(vars).flatMap(([name, value]) => ['--var', `${name}:${value}`]);
  const child = spawnWrangler(['dev', ...Object.entries(flags).flat().map(String), ...args, ...settings], {
    stdio: ['ignore', 'pipe', 'pipe'],
    // A process group of its own, so that the runtime can be ended with it.
    detached: true,
    // Other sessions of this Worker on the machine stay out of sight.
    env: { ...process.env, ...UNTRACED, WRANGLER_REGISTRY_PATH: join(persistTo, 'registry'), WRANGLER_LOG_PATH: join(persistTo, 'logs') },
  });
  let output = '';
  child.stdout?.on('data', (chunk) => (output += chunk));
  child.stderr?.on('data', (chunk) => (output += chunk));
  const killGroup = () => signalGroup(child, 'SIGKILL');
  process.once('exit', killGroup);
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));

  const end = async (signal: 'SIGTERM' | 'SIGKILL') => {
    signalGroup(child, signal);
    const late = setTimeout(killGroup, STOPPED_WITHIN_MS);
    await ended;
    clearTimeout(late);
    process.removeListener('exit', killGroup);
  };
  const origin = `http://127.0.0.1:${port}`;
  const problem = await untilReady(origin, child, healthy);
  if (problem) {
    await end('SIGKILL');
    throw new Error(`${problem}\n${output}`);
  }
  // What answers has been started.
  const pid = child.pid as number;
  return { origin, pid, output: () => output, stop: () => end('SIGTERM'), crash: () => end('SIGKILL') };
}

/** Waits until `GET /health` answers so; what went wrong where it never does. */
async function untilReady(origin: string, child: ChildProcess, healthy: number): Promise<string | null> {
  const deadline = Date.now() + READY_WITHIN_MS;
  while (Date.now() < deadline) {
    if (child.exitCode !== null || child.signalCode !== null) return 'The Worker ended before it was ready.';
    const response = await fetch(`${origin}/health`, { redirect: 'manual', signal: AbortSignal.timeout(5_000) }).catch(() => null);
    await response?.body?.cancel();
    if (response?.status === healthy) return null;
    await wait(100);
  }
  return `The Worker was not ready within ${READY_WITHIN_MS / 1_000} s.`;
}

/** A port that nothing listens on. */
export async function freePort(): Promise<number> {
  return await new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, signal);
  } catch {
    // The group has ended already.
  }
}
