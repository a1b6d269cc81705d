import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { writeApiTypes } from './api-types-text.ts';
import { placeFile } from './placed-file.ts';
import { PROJECT_ROOT } from './wrangler.ts';

/*
 * Writes src/client/generated/api.ts: the API as /openapi.json describes it, as types, and its routes by their operation ids. The package's client is made
 * of it. It is not in the repository: `npm ci` makes it (package.json, "dependencies"), and so do the tests, the checks and `npm pack`, so that it is never
 * older than the routes. The types are written here, by hand: the generators that there are need the compiler of TypeScript 5 as a library, which
 * TypeScript 7 does not have any more.
 */
const GENERATED = join(PROJECT_ROOT, 'src', 'client', 'generated', 'api.ts');

/** The Worker's routes run in Node to describe themselves: all they lack there is the classes that objects and entrypoints extend. */
const WORKERS_STUB = 'export class DurableObject {} export class WorkerEntrypoint {} export const env = {};';

/** The OpenAPI document of the routes as they are in the source. */
export async function describedApi(): Promise<object> {
  // Not at the top: `npm ci --omit=dev` has no esbuild, and still runs what "dependencies" does.
  const { build } = await import('esbuild');
  const scratch = mkdtempSync(join(tmpdir(), 'bullseye-api-'));
  const outfile = join(scratch, 'api.mjs');
  try {
    await build({
      stdin: {
        contents: `import { routes } from './src/app.ts'; import { describeApi } from './src/api/reference/openapi.ts'; export default describeApi(routes);`,
        resolveDir: PROJECT_ROOT,
      },
      outfile,
      bundle: true,
      format: 'esm',
      platform: 'node',
      jsx: 'automatic',
      jsxImportSource: 'hono/jsx',
      logLevel: 'error',
      plugins: [
        {
          name: 'workers',
          setup({ onResolve, onLoad }) {
            onResolve({ filter: /^cloudflare:/ }, ({ path }) => ({ path, namespace: 'workers' }));
            onLoad({ filter: /.*/, namespace: 'workers' }, () => ({ contents: WORKERS_STUB }));
          },
        },
      ],
    });
    return JSON.parse(JSON.stringify((await import(pathToFileURL(outfile).href)).default));
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Writes the file anew, where it is not right already. */
export async function generateApiTypes(): Promise<void> {
  placeFile(GENERATED, writeApiTypes(await describedApi()));
}

if (import.meta.main && existsSync(join(PROJECT_ROOT, 'node_modules', 'esbuild'))) await generateApiTypes();
