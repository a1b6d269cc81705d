import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { PROJECT_ROOT } from '../../src/commands/wrangler.ts';
import { type FakeCloudflare, startFakeCloudflare } from '../support/fake-cloudflare.ts';

let cloudflare: FakeCloudflare | undefined;

afterEach(() => cloudflare?.close());

/** Runs `npm run deploy` against an account with these databases; what was asked of its API. */
async function deploy(databases: string[], ...flags: string[]): Promise<{ asked: string[]; exitCode: number }> {
  return await runNpm(databases, null, 'run', 'deploy', '--', ...flags);
}

async function runNpm(databases: string[], jurisdiction: string | null, ...args: string[]): Promise<{ asked: string[]; exitCode: number }> {
  cloudflare = await startFakeCloudflare(databases, jurisdiction);
  const env = {
    ...process.env,
    ...{ CLOUDFLARE_API_BASE_URL: cloudflare.origin, CLOUDFLARE_API_TOKEN: 'a token', CLOUDFLARE_ACCOUNT_ID: 'account' },
  };
  const npm = spawn('npm', args, { cwd: PROJECT_ROOT, stdio: 'ignore', env });
  const [exitCode] = await once(npm, 'exit');
  return { asked: cloudflare.asked, exitCode };
}

const UPLOAD = 'GET /workers/services/bullseye-webhooks';

it('a first deploy creates the database and migrates it before the Worker is touched', async () => {
  const { asked } = await deploy([]);
  const created = asked.indexOf('POST /d1/database');
  const migrated = asked.findIndex((request) => request.endsWith('/query CREATE TABLE'));
  expect(created).toBeGreaterThanOrEqual(0);
  expect(migrated).toBeGreaterThan(created);
  expect(asked.indexOf(UPLOAD)).toBeGreaterThan(migrated);
});

it('a later deploy migrates the database that is there', async () => {
  const { asked } = await deploy(['another', 'bullseye-webhooks']);
  expect(asked).not.toContain('POST /d1/database');
  const migrated = asked.findIndex((request) => request.endsWith('/query CREATE TABLE'));
  expect(migrated).toBeGreaterThan(0);
  expect(asked.indexOf(UPLOAD)).toBeGreaterThan(migrated);
});

it('a copy has a database and a Worker of its own', async () => {
  const { asked } = await deploy(['bullseye-webhooks'], '--copy', 'staging');
  expect(asked).toContain('POST /d1/database');
  expect(asked).toContain('GET /d1/database/bullseye-webhooks-staging');
  expect(asked).toContain(`${UPLOAD}-staging`);
  expect(asked).not.toContain(UPLOAD);
  expect(existsSync(join(PROJECT_ROOT, 'wrangler.copy.toml')), 'what was written for it is gone').toBe(false);
});

it.each([[['--copy', 'No Name']], [['--copy']], [['--copy=']], [['--copy', '--dry-run']], [['--domain', 'a.example.com', '--copy']]])(
  'a copy without a proper name is refused before anything is asked, and is not the original: %j',
  async (flags) => {
    const { asked, exitCode } = await deploy(['bullseye-webhooks'], ...flags);
    expect(asked).toEqual([]);
    expect(exitCode).toBe(1);
  },
);

it.each([[['--copy', 'staging']], [['--copy=staging']], [['--copy']]])(
  'a copy whose flag npm has kept for itself, without the -- before it, is not the original either: %j',
  async (flags) => {
    const { asked, exitCode } = await runNpm(['bullseye-webhooks'], null, 'run', 'deploy', ...flags);
    expect(asked).toEqual([]);
    expect(exitCode).toBe(1);
  },
);

it('a dry run asks nothing of the account and succeeds', async () => {
  const { asked, exitCode } = await deploy([], '--dry-run');
  expect(asked).toEqual([]);
  expect(exitCode).toBe(0);
});

it('a deploy with secrets that others could know asks nothing of the account, and fails', async () => {
  for (const flags of [
    ['--secrets-file', '.dev.vars.example'],
    ['--var', 'ALLOW_INSECURE_ENDPOINTS:true'],
  ]) {
    const { asked, exitCode } = await deploy(['bullseye-webhooks'], ...flags);
    expect(asked).toEqual([]);
    expect(exitCode).not.toBe(0);
    cloudflare?.close();
  }
});

describe('a deploy into a jurisdiction', () => {
  it('makes the queues there, then the database, and only then the rest', async () => {
    const { asked } = await deploy([], '--jurisdiction', 'eu');
    const made = asked.filter((request) => request.startsWith('POST /queues') || request.startsWith('POST /d1/database '));
    expect(made).toEqual([
      'POST /queues bullseye-events eu',
      'POST /queues bullseye-events-dead eu',
      'POST /d1/database bullseye-webhooks eu',
    ]);
    expect(asked.findIndex((request) => request.startsWith(UPLOAD))).toBeGreaterThan(asked.indexOf(made[2] ?? ''));
  });

  it('is refused where the database is elsewhere already, and where a later deploy has forgotten it', async () => {
    for (const [there, flags] of [
      [null, ['--jurisdiction', 'eu']],
      ['eu', ['--jurisdiction', 'us']],
      ['eu', []],
    ] as const) {
      const { asked, exitCode } = await runNpm(['bullseye-webhooks'], there, 'run', 'deploy', '--', ...flags);
      expect(asked.filter((request) => !request.startsWith('GET /d1/database'))).toEqual([]);
      expect(exitCode).toBe(1);
      cloudflare?.close();
    }
  });

  it('goes on where the database is', async () => {
    const { asked } = await runNpm(['bullseye-webhooks'], 'eu', 'run', 'deploy', '--', '--jurisdiction', 'eu');
    expect(asked.some((request) => request.startsWith('POST /queues'))).toBe(false);
    expect(asked).toContain(UPLOAD);
  });
});
