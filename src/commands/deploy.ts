import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gatherAssets } from './assets.ts';
import { creations, databasesIn, flawOfPlace, placeOf } from './deploy/data-location.ts';
import { copyOf, databaseOf } from './deploy/deployment-copy.ts';
import { deploymentFlaw } from './deploy/deployment-flaw.ts';
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
 * beside the first one, and `--jurisdiction` and `--location`, which say where a first deploy puts the data (data-location.ts).
 */
const CONFIGURATION = join(PROJECT_ROOT, 'wrangler.toml');
/** Beside the original, since its paths are relative. Written for one deploy. */
const COPY = join(PROJECT_ROOT, 'wrangler.copy.toml');

const given = process.argv.slice(2);
const copy = flagValue(given, '--copy');
const place = placeOf(given);
const others = withoutFlags(given, '--jurisdiction', '--location');
const args = [
  ...(copy === undefined ? others : [...withoutFlags(others, '--copy', '--config', '-c'), '--config', COPY]),
  // Also where wrangler.toml says so: what is given is what counts.
  ...(place.jurisdiction === undefined ? [] : ['--var', `JURISDICTION:${place.jurisdiction}`]),
];

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
    const prepared = await prepareData(configuration);
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

/** What has to be there before the Worker: the database, migrated; and, in a jurisdiction, the queues. */
async function prepareData(configuration: string): Promise<number> {
  const flags = sharedFlags(args);
  const database = databaseOf(configuration);
  const listed = await captureWrangler(['d1', 'list', '--json', ...flags]);
  const databases = databasesIn(listed.stdout);
  if (listed.exitCode !== 0 || databases === null) {
    console.error(`The account's databases could not be listed:\n${listed.output}`);
    return listed.exitCode || 1;
  }
  const there = databases.find(({ name }) => name === database);
  const flaw = flawOfPlace(place, configuration, there);
  if (flaw !== null) {
    console.error(`Nothing is deployed: ${flaw}`);
    return 1;
  }
  if (!there) {
    for (const command of creations(place, configuration)) {
      // Captured: on success wrangler advises to put an id into wrangler.toml, which would tie the source to one account.
      const created = await captureWrangler([...command, ...flags]);
      if (created.exitCode !== 0) {
        console.error(created.output);
        return created.exitCode;
      }
      console.log(`Created: ${command.slice(0, 3).join(' ').replace(' create', '')}.`);
    }
  }
  return await runWrangler(['d1', 'migrations', 'apply', 'DB', '--remote', ...flags]);
}
