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
    const bundle = join(folder, 'bundle');
    const { exitCode, output } = await captureWrangler(['deploy', '--dry-run', '--outdir', bundle]);
    if (exitCode !== 0) throw new Error(output);
    await migrateLocally(folder);
    const { unstable_getMiniflareWorkerOptions } = await import('wrangler');
    const { workerOptions } = unstable_getMiniflareWorkerOptions(join(PROJECT_ROOT, 'wrangler.toml'));
    const { assets: _, modulesRules: __, bindings, ...worker } = workerOptions;
    const modules = readdirSync(bundle)
      .filter((name) => name.endsWith('.js'))
      .map((name) => ({ type: 'ESModule' as const, path: join(bundle, name) }));
    return new Runtime({
      host: '127.0.0.1',
      resourcePersistencePath: join(folder, 'v3'),
      workers: [{ ...worker, name: 'bullseye-webhooks', modulesRoot: bundle, modules, bindings: { ...(bindings as object), ...settings } }],
    });
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
