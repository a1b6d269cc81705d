import { once } from 'node:events';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { TestProject } from 'vitest/node';

/*
 * Vitest's global set-up: the endpoints of all tests of a project, their origins by `inject`. Each kind has a thread of its own, so that it answers at
 * once whatever vitest itself is at: it translates modules for a second at a time, and packing a bomb takes as long.
 */
const THREADS = ['receiver-thread', 'hostile-endpoints-thread'] as const;

declare module 'vitest' {
  export interface ProvidedContext {
    receiverOrigin: string;
    hostileOrigin: string;
    untrustedOrigin: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<unknown>> {
  const threads = THREADS.map((name) => new Worker(join(import.meta.dirname, `${name}.ts`)));
  const origins = await Promise.all(threads.map(async (thread) => (await once(thread, 'message'))[0]));
  for (const [name, origin] of Object.entries(Object.assign({}, ...origins))) project.provide(name as 'receiverOrigin', origin as string);
  return () => Promise.all(threads.map((thread) => thread.terminate()));
}
