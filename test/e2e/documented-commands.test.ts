import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PROJECT_ROOT, QUIET_WRANGLER } from '../../src/commands/wrangler.ts';
import { Account, VERSIONS } from '../support/cloudflare/account.ts';
import { startFakeCloudflare } from '../support/cloudflare/fake-cloudflare.ts';
import { signUp } from '../support/customer.ts';
import { COMMANDS, isOfCurl, isOfWrangler, madeSmall, WRANGLER } from '../support/documented-commands.ts';
import { type SomeWorker, sharedWorker } from '../support/worker.ts';

/*
 * The documents' commands that no other test runs (test/docs/commands.test.ts): those of wrangler against a stand-in for Cloudflare's API, which shows
 * what each asks of the account; those of curl against a Worker; those that take minutes, made small.
 */

const ORIGINAL = '/workers/scripts/bullseye-webhooks';
const DATABASE = '/d1/database/11111111-1111-4111-8111-111111111110';
/** What commands of wrangler that begin like this ask of the account; of two entries for one command the longer one counts. */
const ASKED: Record<string, string> = {
  'd1 execute': `POST ${DATABASE}/query SELECT id,`,
  'd1 migrations apply': `POST ${DATABASE}/query CREATE TABLE`,
  'd1 time-travel info': `GET ${DATABASE}/time_travel/bookmark`,
  'd1 time-travel info bullseye-webhooks-staging': `GET ${DATABASE.replace(/0$/, '1')}/time_travel/bookmark`,
  'd1 time-travel restore': `POST ${DATABASE}/time_travel/restore 00000085-0000024c-00004c6d-8e61117bf38d7adb71b934ebbf891683`,
  'queues consumer remove': 'DELETE /queues/queue-bullseye-events-overflow/consumers/consumer-0',
  'queues delete': 'DELETE /queues/queue-bullseye-events-overflow',
  'queues info': 'GET /queues',
  'queues pause-delivery': 'PATCH /queues/queue-bullseye-events paused',
  'queues resume-delivery': 'PATCH /queues/queue-bullseye-events resumed',
  rollback: `POST ${ORIGINAL}/deployments ${VERSIONS[1]}@100%`,
  'secret put MASTER_KEY': `PUT ${ORIGINAL}/secrets MASTER_KEY=new,old`,
  'secret put MASTER_KEY --name': `PUT ${ORIGINAL}-staging/secrets MASTER_KEY=new,old`,
  'secret put PLATFORM_API_KEY': `PUT ${ORIGINAL}/secrets PLATFORM_API_KEY=new,old`,
  tail: `POST ${ORIGINAL}/tails`,
  'tail bullseye-webhooks-staging': `POST ${ORIGINAL}-staging/tails`,
  'versions deploy': `POST ${ORIGINAL}/deployments ${VERSIONS[0]}@10% ${VERSIONS[1]}@90%`,
  'versions upload': `POST ${ORIGINAL}/versions`,
};

/** The entry of `ASKED` that a command has; undefined where it has none. */
const entryOf = (text: string) =>
  Object.keys(ASKED)
    .filter((begins) => `${text} `.startsWith(`${WRANGLER}${begins} `))
    .sort((one, other) => other.length - one.length)[0];

const home = mkdtempSync(join(tmpdir(), 'bullseye-commands-'));
// An answer that is an error fails the command.
writeFileSync(join(home, '.curlrc'), 'silent\nfail-with-body\n');
afterAll(() => rmSync(home, { recursive: true, force: true }));

/** Runs a command as pasted into a shell; what it printed. It fails where one of its programs fails. */
async function paste(command: string, env: Record<string, string>, input = ''): Promise<string> {
  const bash = spawn('bash', ['-o', 'pipefail', '-c', command], {
    cwd: PROJECT_ROOT,
    env: { ...process.env, ...QUIET_WRANGLER, ...env, HOME: home, NO_COLOR: '1' },
  });
  bash.stdin.end(input);
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) bash[name].on('data', (chunk) => (output[name] += chunk));
  const [exitCode] = await once(bash, 'close');
  expect(exitCode, `${command}\n${output.stdout}${output.stderr}`).toBe(0);
  return output.stdout;
}

const small = COMMANDS.flatMap(({ text }) => madeSmall(text) ?? []);
const ofWrangler = COMMANDS.map(({ text }) => text).filter(isOfWrangler);

describe.concurrent('commands that take minutes, made small:', () => {
  it.each(small)('%s', async (text) => {
    expect(await paste(text, {})).not.toContain('There is no part');
  });
});

describe.concurrent('wrangler understands, and asks for the right thing:', () => {
  /** A Worker's log as Cloudflare sends it to who tails it: an invocation each, with what it wrote. */
  const tailed = [
    { level: 'log', message: ['{"level":"info","event":"secret.resealed"}'], timestamp: 0 },
    { level: 'error', message: ['{"level":"error","event":"outbox.faulted","error":"D1 does not answer"}'], timestamp: 0 },
  ].map((log) =>
    JSON.stringify({ outcome: 'ok', scriptName: 'bullseye-webhooks', exceptions: [], eventTimestamp: 0, event: null, logs: [log] }),
  );
  /** What the documents leave open, or what will be too long ago. */
  const filledIn = (text: string) =>
    text
      .replace('<new version>', VERSIONS[0])
      .replace('<version before>', VERSIONS[1])
      .replace('2026-11-27T09:00:00Z', new Date(Date.now() - 86_400_000).toISOString());

  function account(): Account {
    const there = new Account();
    for (const name of ['bullseye-webhooks', 'bullseye-webhooks-staging']) there.addDeployment(name);
    for (const name of ['bullseye-events-2', 'bullseye-events-overflow'])
      there.addConsumer(there.addQueue(name), { script: 'bullseye-webhooks', settings: {} });
    return there;
  }

  it.each(ofWrangler)('%s', async (text) => {
    const entry = entryOf(text);
    const cloudflare = await startFakeCloudflare(account(), tailed);
    try {
      const printed = await paste(filledIn(text), cloudflare.env, 'new,old\n');
      expect(cloudflare.asked).toContain(ASKED[entry ?? '']);
      if (text.includes('| grep')) expect(printed.trim()).toMatch(/^\(error\) \{"level":"error","event":"outbox\.faulted"[^\n]*\}$/);
      if (entry === 'queues info') expect(printed).toMatch(/Consumers: worker:bullseye-webhooks(-staging)?$/m);
    } finally {
      cloudflare.close();
    }
  });

  it('login, which cannot be tried without a person', async () => {
    expect(await paste(`${WRANGLER}login --help`, {})).toMatch(/^wrangler login$/m);
  });

  it('and this file knows of no other', () => {
    expect([...new Set(ofWrangler.map(entryOf))].sort()).toEqual(Object.keys(ASKED).sort());
  });
});

describe('curl asks the service for what it has:', () => {
  let worker: SomeWorker;
  beforeAll(async () => {
    worker = await sharedWorker();
  });

  it.each(COMMANDS.filter(({ text }) => isOfCurl(text)).map(({ text, output }) => [text, output]))('%s', async (text, output) => {
    const customer = await signUp(worker);
    const webhookId = await customer.webhook('http://127.0.0.1:9/');
    const env = { URL: worker.origin, PLATFORM_API_KEY: worker.platformKey };
    const here = { 'https://webhooks.example.com': worker.origin, org_acme: customer.organizationId, 'whk_…': webhookId };
    const printed = await paste(
      Object.entries(here).reduce((made, [from, to]) => made.replaceAll(from, to), text),
      env,
    );
    // Numbers are the service's own.
    const shape = (answer: string) => answer.trim().replaceAll(/\d+/g, '0');
    if (output !== '') expect(shape(printed)).toBe(shape(output));
    if (text.includes('"enabled": false')) {
      const { body } = await customer.client.get(`/organization/${customer.organizationId}/webhooks/${webhookId}`);
      expect(body).toMatchObject({ enabled: false });
    }
  });
});
