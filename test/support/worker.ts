import { inject } from 'vitest';
import { type LocalWorker, type LocalWorkerOptions, startMigratedWorker } from '../../src/commands/local-worker.ts';
import { copyState } from './shared.ts';

/** A Worker as tests need to know it who do not stop it, or read what it prints. */
export type SomeWorker = Pick<LocalWorker, 'origin' | 'platformKey'>;

/**
 * The Worker that the files of end-to-end tests share: with the settings of wrangler.toml, for tests that keep to organizations of their own, and change nothing
 * that all organizations have.
 */
export async function sharedWorker(): Promise<SomeWorker> {
  return await shared<SomeWorker>('worker');
}

/** A Worker of a file's own, for tests that stop it, read what it prints, or need other settings. Started again on the same folder, it goes on where it was. */
export async function startWorker(options: LocalWorkerOptions): Promise<LocalWorker> {
  await beginState(options.persistTo);
  return await startMigratedWorker(options);
}

/** Migrates the database of a Worker whose state is to be in a folder, by copying one that has been. */
export async function beginState(folder: string): Promise<void> {
  copyState(await shared<string>('state'), folder);
}

async function shared<T>(what: 'state' | 'worker'): Promise<T> {
  const response = await fetch(`${inject('sharedOrigin')}/${what}`);
  if (!response.ok) throw new Error(await response.text());
  return (await response.json()) as T;
}
