import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { gatherAssets } from '../../src/commands/assets.ts';
import { type LocalWorker, startMigratedWorker } from '../../src/commands/local-worker.ts';
import { migrateLocally } from '../../src/commands/wrangler.ts';

/**
 * Vitest's global set-up of the end-to-end tests. What their files share is made once in a run, when the first of them asks for it, since a file that
 * runs alone may need none of it. It is asked for by HTTP: each file runs in a process of its own.
 *   GET /state   the folder that a Worker's state begins as: its database is migrated, and empty
 *   GET /worker  where a Worker with the settings of wrangler.toml is, and its platform key
 * @see worker.ts, which asks
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = mkdtempSync(join(tmpdir(), 'bullseye-shared-'));
  const state = once(async () => {
    const migrated = join(folder, 'migrated');
    // Wrangler does not start without them.
    gatherAssets();
    await migrateLocally(migrated);
    return migrated;
  });
  let worker: LocalWorker | undefined;
  const start = once(async () => {
    const persistTo = join(folder, 'worker');
    copyState(await state(), persistTo);
    worker = await startMigratedWorker({ persistTo });
    return { origin: worker.origin, platformKey: worker.platformKey };
  });

  const server = createServer(async ({ url }, response) => {
    try {
      response.end(JSON.stringify(await (url === '/worker' ? start() : state())));
    } catch (error) {
      response.writeHead(500).end(String(error));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  project.provide('sharedOrigin', `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  return async () => {
    await worker?.stop();
    server.close();
    server.closeAllConnections();
    rmSync(folder, { recursive: true, force: true });
  };
}

/** Begins a Worker's state as a copy of another, which takes milliseconds where migrating a database takes seconds. One that has begun stays. */
export function copyState(from: string, to: string): void {
  if (!existsSync(join(to, 'v3'))) cpSync(from, to, { recursive: true });
}

/** A function whose work is done the first time that it is called. */
function once<T>(work: () => Promise<T>): () => Promise<T> {
  let result: Promise<T> | undefined;
  return () => {
    result ??= work();
    return result;
  };
}

declare module 'vitest' {
  export interface ProvidedContext {
    /** Where the files of end-to-end tests ask for what they share. */
    sharedOrigin: string;
  }
}
