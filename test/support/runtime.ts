import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { V4MiniflareOptions } from 'miniflare';
import { captureWrangler, migrateLocally, PROJECT_ROOT } from '../../src/commands/wrangler.ts';

const KILLED_WITHIN_MS = 5_000;

/**
 * The Worker as it would be deployed, on the runtime of `wrangler dev` but without wrangler around it, so that it can be killed
 * and started again within a second. What it stores is in `folder`, as wrangler has it there; queues live in memory.
 */
export class Runtime {
  readonly #options: V4MiniflareOptions;
  #running: ChildProcess | undefined;
  /** Loaded while the one before runs. */
  #next: ChildProcess;

  private constructor(options: V4MiniflareOptions) {
    this.#options = options;
    this.#next = load();
  }

  /** Builds the Worker and migrates its database; nothing runs yet. */
  static async prepare(folder: string, settings: Readonly<Record<string, string>>): Promise<Runtime> {
    const bundle = await build(join(folder, 'bundle'));
    await migrateLocally(folder);
    return Runtime.of(folder, [await workerOf(bundle, settings)]);
  }

  /** One or several Workers on what is stored in a folder, whose database has been migrated. The first one answers requests. */
  static of(folder: string, workers: readonly RuntimeWorker[]): Runtime {
    return new Runtime({ host: '127.0.0.1', resourcePersistencePath: join(folder, 'v3'), workers } as unknown as V4MiniflareOptions);
  }

  /** Starts it on what is stored; its origin. */
  async start(): Promise<string> {
    this.#running = this.#next;
    const started = once(this.#running, 'message') as Promise<[{ origin: string }]>;
    const failed = once(this.#running, 'exit').then(() => Promise.reject(new Error('The runtime ended while it started.')));
    this.#running.send(this.#options);
    const [{ origin }] = await Promise.race([started, failed]);
    this.#next = load();
    return origin;
  }

  /** Ends it as a crash does, with its workerd: no handler runs, nothing is flushed. Returns when nothing of it is left. */
  async kill(): Promise<void> {
    if (this.#running) await killGroup(this.#running);
    this.#running = undefined;
  }

  async dispose(): Promise<void> {
    await this.kill();
    await killGroup(this.#next);
  }
}

/** A Worker of a runtime, as far as anybody looks into it. */
export interface RuntimeWorker {
  [option: string]: unknown;
  name: string;
  queueConsumers?: object;
  durableObjects?: Record<string, object>;
}

/** Builds the Worker, as it would be deployed, into a folder; the folder. */
export async function build(bundle: string): Promise<string> {
  const { exitCode, output } = await captureWrangler(['deploy', '--dry-run', '--outdir', bundle]);
  if (exitCode !== 0) throw new Error(output);
  return bundle;
}

/** What was built, as the runtime takes it, with the bindings of wrangler.toml. */
export async function workerOf(
  bundle: string,
  settings: Readonly<Record<string, string>>,
  name = 'bullseye-webhooks',
): Promise<RuntimeWorker> {
  const { unstable_getMiniflareWorkerOptions } = await import('wrangler');
  const { workerOptions } = unstable_getMiniflareWorkerOptions(join(PROJECT_ROOT, 'wrangler.toml'));
  const { assets: _, modulesRules: __, bindings, ...worker } = workerOptions;
  const modules = readdirSync(bundle)
    .filter((file) => file.endsWith('.js'))
    .map((file) => ({ type: 'ESModule' as const, path: join(bundle, file) }));
  return { ...worker, name, modulesRoot: bundle, modules, bindings: { ...(bindings as object), ...settings } } as RuntimeWorker;
}

function load(): ChildProcess {
  // Detached: a process group of its own.
  const child = fork(join(import.meta.dirname, 'runtime-process.ts'), { detached: true, stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
  child.on('error', () => {});
  return child;
}

async function killGroup({ pid }: ChildProcess): Promise<void> {
  if (pid === undefined) return;
  const deadline = Date.now() + KILLED_WITHIN_MS;
  try {
    process.kill(-pid, 'SIGKILL');
    while (Date.now() < deadline) {
      process.kill(-pid, 0);
      await wait(5);
    }
  } catch {
    // The group is gone.
    return;
  }
  throw new Error(`Process group ${pid} is still there.`);
}
