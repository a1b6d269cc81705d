import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { placeFile } from './placed-file.ts';
import { PROJECT_ROOT } from './wrangler.ts';

/*
 * Gathers the static files (the documentation, `/docs`, and what the dashboard loads) where wrangler.toml's [assets] looks for them. Wrangler and the tests refuse
 * to start without that folder, so `npm ci` makes it (package.json, "dependencies"), and every command makes it again: it costs
 * milliseconds, and a changed source is never served stale. A `wrangler dev` that runs watches the folder, and starts its Worker anew
 * when a file changes: only what is different is written.
 */
const FILES: readonly [source: string, name: string][] = [
  ['node_modules/swagger-ui-dist/swagger-ui-bundle.js', 'docs-assets/swagger-ui-bundle.js'],
  ['node_modules/swagger-ui-dist/swagger-ui.css', 'docs-assets/swagger-ui.css'],
  ['src/docs/reference-start.js', 'docs-assets/reference.js'],
  ['src/docs/reference.css', 'docs-assets/reference.css'],
  ['src/api/favicon.svg', 'favicon.svg'],
  ['node_modules/idiomorph/dist/idiomorph.min.js', 'dashboard-assets/idiomorph.js'],
  ['src/dashboard/dashboard-start.js', 'dashboard-assets/dashboard.js'],
  ['src/dashboard/keys.js', 'dashboard-assets/keys.js'],
  ['src/dashboard/charts/chart-tips.js', 'dashboard-assets/chart-tips.js'],
];

/** The dashboard's stylesheet, in parts; tokens come after the charts', which they set anew. */
const STYLES: readonly string[] = [
  'charts/charts.css',
  ...[
    'tokens',
    'base',
    'frame',
    'state',
    'buttons',
    'surfaces',
    'navigation',
    'figures',
    'tables',
    'search',
    'forms',
    'choices',
    'settings',
    'setup',
    'delivery',
    'attention',
    'operator',
  ].map((part) => `styles/${part}.css`),
];

/** The documentation's stylesheet has the dashboard's tokens. */
const DOCS_STYLES = ['src/dashboard/styles/tokens.css', 'src/dashboard/styles/base.css', 'src/docs/docs.css'];

/** The pictures that the documentation shows. */
const PICTURES = 'test/e2e/screenshots';

/** `npm ci --omit=dev` has nothing that makes the pages, and nothing that would serve them. */
const guides = existsSync(join(PROJECT_ROOT, 'node_modules/marked')) ? await import('./docs/guides.ts') : null;
/** Made once by a command: its own source does not change under it. */
let pages: ReadonlyMap<string, string> | undefined;

/** Browsers ask for this one whatever the page says. */
const REDIRECTS = '/favicon.ico /favicon.svg 302\n';

/**
 * What off-loopback.ts and app.ts set on all other answers. On a developer's machine other services share the host's name, and are
 * not to be asked by https for a year. (A rule with a scheme has to say https; it counts for http as well.)
 */
const HEADERS = `/*
  X-Content-Type-Options: nosniff
  Strict-Transport-Security: max-age=31536000
https://localhost/*
  ! Strict-Transport-Security
https://127.0.0.1/*
  ! Strict-Transport-Security
`;

/** @param folder where they go: another one in tests */
export function gatherAssets(folder = join(PROJECT_ROOT, '.assets')): void {
  placeFile(join(folder, '_redirects'), REDIRECTS);
  placeFile(join(folder, '_headers'), HEADERS);
  for (const [source, name] of FILES) {
    const path = join(PROJECT_ROOT, source);
    // `npm ci --omit=dev` has no Swagger UI.
    if (existsSync(path)) placeFile(join(folder, name), readFileSync(path));
  }
  placeFile(join(folder, 'dashboard-assets/dashboard.css'), joined(STYLES.map((part) => `src/dashboard/${part}`)));
  placeFile(join(folder, 'docs-assets/docs.css'), joined(DOCS_STYLES));
  for (const name of readdirSync(join(PROJECT_ROOT, PICTURES)))
    placeFile(join(folder, 'docs-assets/pictures', name), readFileSync(join(PROJECT_ROOT, PICTURES, name)));
  pages ??= guides?.buildGuides();
  for (const [name, content] of pages ?? []) placeFile(join(folder, name), content);
}

function joined(paths: readonly string[]): string {
  return paths.map((path) => readFileSync(join(PROJECT_ROOT, path), 'utf8')).join('\n');
}

if (import.meta.main) gatherAssets();
