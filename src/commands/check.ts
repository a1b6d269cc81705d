import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { generateApiTypes } from './api-types.ts';
import { gatherAssets } from './assets.ts';
import { bundleProblem } from './check/bundle-size.ts';
import { lockFlaws } from './check/lock-flaws.ts';
import { CROSS, dim, indent, say, seconds, TICK } from './terminal.ts';
import { writeWordTypes } from './word-types.ts';
import { PROJECT_ROOT, QUIET_WRANGLER } from './wrangler.ts';

/*
 * `npm run check`: everything that can be said about the source without running it. All steps run, so that one look shows all
 * that is wrong; none changes a file of the repository, none needs the network.
 */
interface Result {
  ok: boolean;
  output: string;
}

const TOOLS = join(PROJECT_ROOT, 'node_modules', '.bin');
const scratch = mkdtempSync(join(tmpdir(), 'bullseye-check-'));

const STEPS: readonly [name: string, run: () => Result][] = [
  ['format and lint', () => tool('biome', ['check', '--error-on-warnings', '.'])],
  ['package-lock.json', lock],
  ['types of the Worker', () => tool('tsc', ['--noEmit', '-p', '.'])],
  ['types of commands and tests', () => tool('tsc', ['--noEmit', '-p', 'test'])],
  [
    'src/env.d.ts matches wrangler.toml',
    () => tool('wrangler', ['types', 'src/env.d.ts', '--include-runtime=false', '--strict-vars=false', '--check']),
  ],
  ['migrations are consistent', () => tool('drizzle-kit', ['check'])],
  ['migrations match src/db/schema.ts', migrationsMatchSchema],
  ['wrangler deploy --dry-run, and the size of its bundle', bundle],
];

gatherAssets();
writeWordTypes();
await generateApiTypes();
let failed = 0;
for (const [name, run] of STEPS) {
  const startedAt = performance.now();
  const { ok, output } = run();
  say(`${ok ? TICK : CROSS} ${name} ${dim(`(${seconds(performance.now() - startedAt)})`)}`);
  if (!ok) say(indent(output.trim(), 4));
  if (!ok) failed += 1;
}
rmSync(scratch, { recursive: true, force: true });
if (failed > 0) say(`\n${failed} of ${STEPS.length} checks failed. Formatting: npm run format. Generated files: npm run generate.`);
process.exitCode = failed > 0 ? 1 : 0;

/** Runs a tool of package.json, under the Node of package.json. */
function tool(name: string, args: readonly string[], cwd = PROJECT_ROOT): Result {
  const env = { ...QUIET_WRANGLER, ...process.env, PATH: `${TOOLS}${delimiter}${process.env.PATH}` };
  const run = spawnSync(name, args, { cwd, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  return { ok: run.status === 0, output: run.error?.message ?? `${run.stdout}${run.stderr}` };
}

function lock(): Result {
  const flaws = lockFlaws(
    readFileSync(join(PROJECT_ROOT, 'package-lock.json'), 'utf8'),
    readFileSync(join(PROJECT_ROOT, 'package.json'), 'utf8'),
  );
  return { ok: flaws.length === 0, output: flaws.join('\n') };
}

function bundle(): Result {
  const built = tool('wrangler', ['deploy', '--dry-run', '--outdir', join(scratch, 'bundle')]);
  const problem = built.ok ? bundleProblem(built.output) : null;
  return problem === null ? built : { ok: false, output: problem };
}

/** Generates into a copy of the migrations: what the schema asks for must be there already. */
function migrationsMatchSchema(): Result {
  cpSync(join(PROJECT_ROOT, 'migrations'), join(scratch, 'migrations'), { recursive: true });
  cpSync(join(PROJECT_ROOT, 'drizzle.config.ts'), join(scratch, 'drizzle.config.ts'));
  cpSync(join(PROJECT_ROOT, 'package.json'), join(scratch, 'package.json'));
  for (const folder of ['src', 'node_modules']) symlinkSync(join(PROJECT_ROOT, folder), join(scratch, folder));
  const generated = tool('drizzle-kit', ['generate'], scratch);
  if (!generated.ok) return generated;
  const before = contents(join(PROJECT_ROOT, 'migrations'));
  const after = contents(join(scratch, 'migrations'));
  const changed = [...after].filter(([path, text]) => before.get(path) !== text).map(([path]) => path);
  return { ok: changed.length === 0, output: `The schema has changed; drizzle-kit would write ${changed.join(', ')}` };
}

function contents(folder: string): Map<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return new Map(
    files.map(({ parentPath, name }) => {
      const path = join(parentPath, name);
      return [path.slice(folder.length + 1), readFileSync(path, 'utf8')];
    }),
  );
}
