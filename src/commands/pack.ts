import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { generateApiTypes } from './api-types.ts';
import { PROJECT_ROOT } from './wrangler.ts';

/*
 * What `npm pack` runs first ("prepack"): makes dist/ of src/client/. The package needs nothing at run time: the client and `verify` import nothing, and what the
 * command is made of is bundled into it. So package.json has no "dependencies" at all: the Worker's libraries are bundled as well, by wrangler, and whoever
 * installs the package gets none of them. It says nothing where all is well: `npm pack --json` shares its standard output.
 */
const DIST = join(PROJECT_ROOT, 'dist');
const CLIENT = join(PROJECT_ROOT, 'src', 'client');

/** Older engines than these have no WebCrypto, or no `fetch`. */
const TARGET = 'es2022';
const NODE_TARGET = 'node20';

rmSync(DIST, { recursive: true, force: true });
await generateApiTypes();
const shared = { bundle: true, format: 'esm', outdir: DIST, logLevel: 'warning', legalComments: 'inline', charset: 'utf8' } as const;
await build({
  ...shared,
  entryPoints: ['verify', 'client'].map((name) => join(CLIENT, `${name}.ts`)),
  platform: 'neutral',
  target: TARGET,
});
await build({
  ...shared,
  entryPoints: [join(CLIENT, 'command', 'command.ts')],
  platform: 'node',
  target: NODE_TARGET,
  // Its optional native parts are not bundled, and not looked for.
  define: { 'process.env.WS_NO_BUFFER_UTIL': '"1"', 'process.env.WS_NO_UTF_8_VALIDATE': '"1"' },
  external: ['bufferutil', 'utf-8-validate'],
  banner: {
    // What is bundled of CommonJS asks for Node's own modules in its way.
    js: "#!/usr/bin/env node\nimport { createRequire as createRequireOfBundle } from 'node:module';\nconst require = createRequireOfBundle(import.meta.url);",
  },
});
declare();

/** The types, as Node's rules want them: what imports a `.ts` here imports a `.js` there. */
function declare(): void {
  const tsc = join(PROJECT_ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
  const { status, stdout, stderr } = spawnSync(process.execPath, [tsc, '-p', CLIENT], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`The types could not be written:\n${stdout}${stderr}`);
  for (const name of readdirSync(DIST, { recursive: true, encoding: 'utf8' }).filter((each) => each.endsWith('.d.ts'))) {
    const path = join(DIST, name);
    writeFileSync(path, readFileSync(path, 'utf8').replaceAll(/(from '\.[^']*)\.ts'/g, "$1.js'"));
  }
}
