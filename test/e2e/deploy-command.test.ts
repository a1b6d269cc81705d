import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { deploymentFlaw } from '../../src/commands/deploy/deployment-flaw.ts';
import { PROJECT_ROOT, QUIET_WRANGLER } from '../../src/commands/wrangler.ts';
import { Account } from '../support/cloudflare/account.ts';
import { type FakeCloudflare, startFakeCloudflare } from '../support/cloudflare/fake-cloudflare.ts';
import { commandsOf } from '../support/documents.ts';

/*
 * `npm run deploy` against a stand-in for Cloudflare's API, which answers as wrangler reads it. Where docs/deploying.md shows the command, it is the
 * document's own, as pasted.
 */

let cloudflare: FakeCloudflare | undefined;
const home = mkdtempSync(join(tmpdir(), 'bullseye-deploy-'));
const secretsFile = join(home, 'bullseye-secrets.env');

afterEach(() => cloudflare?.close());
afterAll(() => rmSync(home, { recursive: true, force: true }));

interface Deploy {
  account: Account;
  /** What was asked of the account. */
  asked: string[];
  exitCode: number;
  output: string;
}

/** Runs a command with the account, as pasted into a shell. */
async function paste(account: Account, command: string): Promise<Deploy> {
  cloudflare?.close();
  cloudflare = await startFakeCloudflare(account);
  const env = { ...process.env, ...QUIET_WRANGLER, ...cloudflare.env, HOME: home };
  const bash = spawn('bash', ['-c', command], { cwd: PROJECT_ROOT, stdio: ['ignore', 'pipe', 'pipe'], env });
  let output = '';
  for (const stream of [bash.stdout, bash.stderr]) stream.on('data', (chunk) => (output += chunk));
  const [exitCode] = await once(bash, 'close');
  return { account, asked: cloudflare.asked, exitCode, output };
}

/** Runs `npm run deploy` with these flags. */
async function deploy(account: Account, ...flags: string[]): Promise<Deploy> {
  return await paste(account, ['npm run deploy --', ...flags.map((flag) => `'${flag}'`)].join(' '));
}

const commands = commandsOf('docs/deploying.md', readFileSync(join(PROJECT_ROOT, 'docs/deploying.md'), 'utf8'));

/** The command of the document that begins like this. */
function documented(begins: string): string {
  const [command, ...more] = commands.filter(({ text, inBlock }) => inBlock && text.startsWith(begins));
  if (!command || more.length > 0)
    throw new Error(`docs/deploying.md has ${command ? 'more than one' : 'no'} command that begins with ${begins}`);
  return command.text;
}

/** An account in which these have been deployed. */
function deployed(names: readonly string[], jurisdiction: string | null = null): Account {
  const account = new Account();
  for (const name of names) account.addDeployment(name, jurisdiction);
  return account;
}

const UPLOAD = 'GET /workers/services/bullseye-webhooks';
const QUEUES = ['bullseye-events', 'bullseye-events-dead'];
const makeSecrets = documented('(umask 077; printf ');

it('the secrets are made in a file that nobody else reads, and a deploy takes them', async () => {
  expect((await paste(new Account(), makeSecrets)).exitCode).toBe(0);
  expect(statSync(secretsFile).mode & 0o777).toBe(0o600);
  expect(deploymentFlaw(['--secrets-file', secretsFile], '')).toBeNull();
  expect(readFileSync(secretsFile, 'utf8')).toMatch(/^PLATFORM_API_KEY=bsk_platform_[0-9a-f]{32}\nMASTER_KEY=[0-9a-f]{64}\n$/);
});

it('a first deploy makes the database and migrates it, and then makes all the rest', async () => {
  await paste(new Account(), makeSecrets);
  const { account, asked, exitCode, output } = await paste(new Account(), documented('npm run deploy -- --secrets-file'));
  expect(exitCode, output).toBe(0);
  const created = asked.indexOf('POST /d1/database');
  const migrated = asked.findIndex((request) => request.endsWith('/query CREATE TABLE'));
  expect(created).toBeGreaterThanOrEqual(0);
  expect(migrated).toBeGreaterThan(created);
  expect(asked.indexOf(UPLOAD)).toBeGreaterThan(migrated);
  const worker = account.worker('bullseye-webhooks');
  expect(account.queues.map(({ queue_name, consumers }) => [queue_name, consumers.map(({ script }) => script)])).toEqual(
    QUEUES.map((queue) => [queue, ['bullseye-webhooks']]),
  );
  expect(account.queues[0]?.consumers[0]).toMatchObject({ dead_letter_queue: 'bullseye-events-dead', settings: { batch_size: 100 } });
  expect([...worker.secrets.keys()].sort()).toEqual(['MASTER_KEY', 'PLATFORM_API_KEY']);
  expect(worker).toMatchObject({ migrationTag: 'v4', crons: ['* * * * *'] });
  expect(existsSync(secretsFile), 'the file of secrets is gone').toBe(false);
});

it('a first deploy without secrets is refused, before anything serves', async () => {
  const { account, exitCode, output } = await deploy(new Account());
  expect([exitCode, account.workers.size]).toEqual([1, 0]);
  expect(output).toContain('--secrets-file');
});

it('a later deploy migrates the database that is there, and keeps the secrets', async () => {
  const withAnother = deployed(['bullseye-webhooks']);
  withAnother.databases.unshift({ name: 'another', uuid: '00000000-0000-4000-8000-000000000000', jurisdiction: null });
  const { account, asked, exitCode, output } = await deploy(withAnother);
  expect(asked).not.toContain('POST /d1/database');
  const migrated = asked.findIndex((request) => request.endsWith('/query CREATE TABLE'));
  expect(migrated).toBeGreaterThan(0);
  expect(asked.indexOf(UPLOAD)).toBeGreaterThan(migrated);
  expect(exitCode, output).toBe(0);
  expect(account.worker('bullseye-webhooks').deployments).toHaveLength(3);
  expect(account.worker('bullseye-webhooks').secrets.size).toBe(2);
});

it('a copy has a database, queues and a Worker of its own', async () => {
  await paste(new Account(), makeSecrets.replace('bullseye-secrets', 'bullseye-staging-secrets'));
  const { account, asked, exitCode, output } = await paste(
    deployed(['bullseye-webhooks']),
    documented('npm run deploy -- --copy staging --secrets-file'),
  );
  expect(exitCode, output).toBe(0);
  expect(account.databases.map(({ name }) => name)).toEqual(['bullseye-webhooks', 'bullseye-webhooks-staging']);
  expect(account.queues.slice(2).map(({ queue_name, consumers }) => [queue_name, consumers[0]?.script])).toEqual(
    QUEUES.map((queue) => [`${queue}-staging`, 'bullseye-webhooks-staging']),
  );
  expect(asked).toContain(`${UPLOAD}-staging`);
  expect(asked).not.toContain(UPLOAD);
  expect(existsSync(join(PROJECT_ROOT, 'wrangler.copy.toml')), 'what was written for it is gone').toBe(false);
});

it('a later deploy of a copy gives it its address, and leaves the original alone', async () => {
  const there = deployed(['bullseye-webhooks', 'bullseye-webhooks-staging']);
  const { account, exitCode, output } = await paste(there, documented('npm run deploy -- --copy staging --domain'));
  expect(exitCode, output).toBe(0);
  expect(account.worker('bullseye-webhooks-staging').domains).toEqual(['webhooks-staging.example.com']);
  const original = account.worker('bullseye-webhooks');
  expect([original.domains, original.deployments.length]).toEqual([[], 2]);
});

it.each([[['--copy', 'No Name']], [['--copy']], [['--copy=']], [['--copy', '--dry-run']], [['--domain', 'a.example.com', '--copy']]])(
  'a copy without a proper name is refused before anything is asked, and is not the original: %j',
  async (flags) => {
    const { asked, exitCode } = await deploy(deployed(['bullseye-webhooks']), ...flags);
    expect(asked).toEqual([]);
    expect(exitCode).toBe(1);
  },
);

it.each([[['--copy', 'staging']], [['--copy=staging']], [['--copy']]])(
  'a copy whose flag npm has kept for itself, without the -- before it, is not the original either: %j',
  async (flags) => {
    const { asked, exitCode } = await paste(deployed(['bullseye-webhooks']), ['npm run deploy', ...flags].join(' '));
    expect(asked).toEqual([]);
    expect(exitCode).toBe(1);
  },
);

it('a dry run asks nothing of the account and succeeds', async () => {
  const { asked, exitCode } = await deploy(new Account(), '--dry-run');
  expect(asked).toEqual([]);
  expect(exitCode).toBe(0);
});

it('a deploy with secrets that others could know asks nothing of the account, and fails', async () => {
  for (const flags of [
    ['--secrets-file', '.dev.vars.example'],
    ['--var', 'ALLOW_INSECURE_ENDPOINTS:true'],
  ]) {
    const { asked, exitCode } = await deploy(deployed(['bullseye-webhooks']), ...flags);
    expect(asked).toEqual([]);
    expect(exitCode).not.toBe(0);
  }
});

describe('a deploy into a jurisdiction', () => {
  it('makes the queues there, then the database, and only then the rest', async () => {
    await paste(new Account(), makeSecrets);
    const { asked, exitCode, output } = await paste(new Account(), documented('npm run deploy -- --jurisdiction eu'));
    expect(exitCode, output).toBe(0);
    const made = asked.filter((request) => /^POST \/(queues|d1\/database) /.test(request));
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
      const { asked, exitCode } = await deploy(deployed(['bullseye-webhooks'], there), ...flags);
      expect(asked.filter((request) => !request.startsWith('GET /d1/database'))).toEqual([]);
      expect(exitCode).toBe(1);
    }
  });

  it('goes on where the database is', async () => {
    const { asked } = await deploy(deployed(['bullseye-webhooks'], 'eu'), '--jurisdiction', 'eu');
    expect(asked.some((request) => request.startsWith('POST /queues'))).toBe(false);
    expect(asked).toContain(UPLOAD);
  });
});
