import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { PROJECT_ROOT } from './wrangler.ts';

/*
 * Files that several commands write and others watch: two `npm run dev`, the demo and the tests run side by side in one folder. Such a file
 * is whole at every moment, and one that is right already is not touched.
 */

/** Where a file is made before it is moved to its place: nothing watches this folder, and it is on the same disk. */
const WORKSHOP = join(PROJECT_ROOT, '.wrangler', 'placing');

/** Sees to it that a file has this content. */
export function placeFile(path: string, content: string | Uint8Array): void {
  const wanted = Buffer.from(content);
  if (contentOf(path)?.equals(wanted)) return;
  for (const folder of [dirname(path), WORKSHOP]) mkdirSync(folder, { recursive: true });
  const draft = join(WORKSHOP, crypto.randomUUID());
  try {
    writeFileSync(draft, wanted);
    renameSync(draft, path);
  } finally {
    rmSync(draft, { force: true });
  }
}

function contentOf(path: string): Buffer | null {
  try {
    return readFileSync(path);
  } catch {
    return null;
  }
}
