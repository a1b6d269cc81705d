import { cpSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { PROJECT_ROOT } from './wrangler.ts';

/*
 * Gathers the files of the API reference (`/docs`) where wrangler.toml's [assets] looks for them. Wrangler and the tests refuse
 * to start without that folder, so `npm ci` makes it (package.json, "prepare"), and every command makes it again: it costs
 * milliseconds, and a changed source is never served stale.
 */
const FILES: readonly [source: string, name: string][] = [
  ['node_modules/swagger-ui-dist/swagger-ui-bundle.js', 'swagger-ui-bundle.js'],
  ['node_modules/swagger-ui-dist/swagger-ui.css', 'swagger-ui.css'],
  ['src/api/docs-start.js', 'docs.js'],
];

export function gatherAssets(): void {
  const folder = join(PROJECT_ROOT, '.assets', 'docs-assets');
  mkdirSync(folder, { recursive: true });
  for (const [source, name] of FILES) {
    const path = join(PROJECT_ROOT, source);
    // `npm ci --omit=dev` has no Swagger UI, and nothing that would serve it.
    if (existsSync(path)) cpSync(path, join(folder, name));
  }
}

if (import.meta.main) gatherAssets();
