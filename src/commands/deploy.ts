import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gatherAssets } from './assets.ts';
import { copyOf, databaseOf } from './deployment-copy.ts';
import { deploymentFlaw } from './deployment-flaw.ts';
import { captureWrangler, flagValue, PROJECT_ROOT, runWrangler, sharedFlags, withoutFlags } from './wrangler.ts';

/*
 * `npm run deploy`: the database first, then the Worker, so that new code never meets an old schema (migrations only ever add, so
 * that old code lives with a new one). wrangler.toml names the database but has no id, which belongs to an account: wrangler finds
 * it by its name. On a first deploy there is none yet. `wrangler deploy` would create it, but empty, and the Worker would answer
 * errors until the migrations came; `d1 migrations apply --remote` only says that it is missing. So it is created here, under the
 * name that the deploy then finds and connects to. The queues are wrangler's to create.
 *
 * A first deploy needs the secrets as well, because the Worker is not there yet for `wrangler secret put`:
 * `npm run deploy -- --secrets-file <file>`. Every flag goes on to `wrangler deploy`, but `--copy <name>`, which makes a second deployment
 * beside the first one.
 */
const CONFIGURATION = join(PROJECT_ROOT, 'wrangler.toml');
/** Beside the original, since its paths are relative. Written for one deploy. */
const COPY = join(PROJECT_ROOT, 'wrangler.copy.toml');

const given = process.argv.slice(2);
const copy = flagValue(given, '--copy');
const args = copy === undefined ? given : [...withoutFlags(given, '--copy', '--config', '-c'), '--config', COPY];

try {
  process.exitCode = await deploy();
} finally {
  rmSync(COPY, { force: true });
}

async function deploy(): Promise<number> {
  const configuration = configurationToDeploy();
  if (configuration === null) return 1;
  const flaw = deploymentFlaw(args, configuration);
  if (flaw) {
    console.error(`Nothing is deployed: ${flaw}.`);
    return 1;
  }
  gatherAssets();
  if (!isDryRun()) {
    const prepared = await prepareDatabase(databaseOf(configuration));
    if (prepared !== 0) return prepared;
  }
  return await runWrangler(['deploy', ...args]);
}

/** The text of the configuration; null, and said why, where there is no copy of it by that name. */
function configurationToDeploy(): string | null {
  // npm keeps flags that come without the `--` before them to itself, and tells them in the environment.
  if (process.env.npm_config_copy !== undefined) {
    console.error('npm took --copy for a flag of its own. Write: npm run deploy -- --copy <name>');
    return null;
  }
  const original = readFileSync(flagValue(given, '--config', '-c') ?? CONFIGURATION, 'utf8');
  if (copy === undefined) return original;
  try {
    const changed = copyOf(original, copy);
    writeFileSync(COPY, changed);
    return changed;
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    return null;
  }
}

/** A dry run touches nothing and needs no network. */
function isDryRun(): boolean {
  if (args.includes('--no-dry-run')) return false;
  return args.includes('--dry-run') || flagValue(args, '--dry-run') === 'true';
}

async function prepareDatabase(database: string): Promise<number> {
  const flags = sharedFlags(args);
  const listed = await captureWrangler(['d1', 'list', '--json', ...flags]);
  const names = databaseNames(listed.stdout);
  if (listed.exitCode !== 0 || names === null) {
    console.error(`The account's databases could not be listed:\n${listed.output}`);
    return listed.exitCode || 1;
  }
  if (!names.includes(database)) {
    // Captured: on success wrangler advises to put the id into wrangler.toml, which would tie the source to one account.
    const created = await captureWrangler(['d1', 'create', database, ...flags]);
    if (created.exitCode !== 0) {
      console.error(created.output);
      return created.exitCode;
    }
    console.log(`Created the database ${database}.`);
  }
  return await runWrangler(['d1', 'migrations', 'apply', 'DB', '--remote', ...flags]);
}

/** Null where this is not the list that `wrangler d1 list --json` prints. */
function databaseNames(json: string): string[] | null {
  try {
    const databases: unknown = JSON.parse(json);
    return Array.isArray(databases) ? databases.map((database) => String(database?.name)) : null;
  } catch {
    return null;
  }
}
