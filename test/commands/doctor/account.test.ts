import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import Cloudflare from 'cloudflare';
import { afterEach, describe, expect, it } from 'vitest';
import { accountFindings } from '../../../src/commands/doctor/account.ts';
import { expectedOf } from '../../../src/commands/doctor/expected.ts';

/* Cloudflare's own client against a server that answers as its API is described. A real account could not be tried here. */

const expected = expectedOf(readFileSync('wrangler.toml', 'utf8'), 'migrations');
const NOW = Date.parse('2026-11-27T12:00:00Z');
const script = `/accounts/acc/workers/scripts/${expected.worker}`;

const consumer = ({ batchSize, maxRetries, deadLetterQueue }: (typeof expected.consumers)[number]) => ({
  ...{ type: 'worker', script: expected.worker, settings: { batch_size: batchSize, max_retries: maxRetries } },
  ...(deadLetterQueue && { dead_letter_queue: deadLetterQueue }),
});
const queues = expected.consumers.map((each) => ({ queue_id: each.queue, queue_name: each.queue, consumers: [consumer(each)] }));

/** What the account of a deployment answers where all is well. */
const WELL: Record<string, unknown> = {
  [`${script}/settings`]: { limits: { cpu_ms: 300_000 } },
  [`${script}/schedules`]: { schedules: [{ cron: '* * * * *' }] },
  [`${script}/secrets`]: expected.secrets.map((name) => ({ name, type: 'secret_text' })),
  [`${script}/deployments`]: { deployments: [{ created_on: '2026-10-01T00:00:00Z', annotations: { 'workers/triggered_by': 'secret' } }] },
  '/accounts/acc/queues': queues,
  '/accounts/acc/d1/database': [{ name: expected.database, uuid: 'db' }],
  '/accounts/acc/d1/database/db/query': [{ results: expected.migrations.map((name) => ({ name })), success: true }],
};

let server: Server | undefined;
afterEach(() => void server?.close());

/** What is found where the account answers like this beside what it answers where all is well. */
async function findingsWith(more: Record<string, unknown> = {}) {
  const answers: Record<string, unknown> = { ...WELL, ...more };
  server = createServer((request, response) => {
    const path = (request.url ?? '').replace(/\?.*/, '');
    // A list's second page is empty.
    const isFurther = /[?&]page=[2-9]/.test(request.url ?? '');
    const result = isFurther ? [] : answers[path];
    response.writeHead(result === undefined ? 403 : 200, { 'content-type': 'application/json' });
    response.end(
      JSON.stringify({
        success: result !== undefined,
        errors: result === undefined ? [{ code: 10000, message: 'Authentication error' }] : [],
        messages: [],
        result,
      }),
    );
  });
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const client = new Cloudflare({ apiToken: 'a token', baseURL: `http://127.0.0.1:${port}`, maxRetries: 0 });
  return await accountFindings(client, 'acc', expected, NOW);
}

it('finds nothing wrong where all is as wrangler.toml has it', async () => {
  const findings = await findingsWith();
  expect(findings.map(({ what, standing }) => `${what}: ${standing}`).sort()).toEqual(
    ['plan', 'cron', 'secrets', "secrets' age", 'queue bullseye-events', 'queue bullseye-events-dead', 'database', 'migrations']
      .map((what) => `${what}: ok`)
      .sort(),
  );
  expect(findings.filter(({ advice }) => advice !== undefined)).toEqual([]);
});

describe('says what is wrong, and what to do:', () => {
  const [events, dead] = queues;
  const cases: [what: string, more: Record<string, unknown>, finding: object][] = [
    ['a Worker without limits', { [`${script}/settings`]: {} }, { what: 'plan', standing: 'warning' }],
    ['no cron', { [`${script}/schedules`]: { schedules: [] } }, { what: 'cron', standing: 'fault', found: '* * * * * is missing' }],
    [
      'a secret that is missing',
      { [`${script}/secrets`]: [{ name: 'MASTER_KEY' }] },
      { what: 'secrets', standing: 'fault', found: 'PLATFORM_API_KEY missing' },
    ],
    [
      'a secret that was put long ago',
      {
        [`${script}/deployments`]: {
          deployments: [{ created_on: '2025-01-01T00:00:00Z', annotations: { 'workers/triggered_by': 'secret' } }],
        },
      },
      { what: "secrets' age", standing: 'warning' },
    ],
    [
      'no secret in the latest deployments',
      { [`${script}/deployments`]: { deployments: [] } },
      { what: "secrets' age", standing: 'unknown' },
    ],
    [
      'a queue that is not there',
      { '/accounts/acc/queues': [events] },
      { what: 'queue bullseye-events-dead', standing: 'fault', found: 'it is not there' },
    ],
    [
      'a queue that nobody consumes',
      { '/accounts/acc/queues': [{ ...events, consumers: [] }, dead] },
      { what: 'queue bullseye-events', standing: 'fault', found: expect.stringContaining('does not consume') },
    ],
    [
      'a consumer that somebody has changed',
      {
        '/accounts/acc/queues': [
          { ...events, consumers: [{ script: expected.worker, settings: { batch_size: 10, max_retries: 3 } }] },
          dead,
        ],
      },
      { what: 'queue bullseye-events', standing: 'fault', found: expect.stringContaining('maxRetries is 3, not 100') },
    ],
    [
      'a queue in another jurisdiction',
      { '/accounts/acc/queues': [{ ...events, jurisdiction: 'us' }, dead] },
      { what: 'queue bullseye-events', standing: 'fault', found: expect.stringContaining('in us') },
    ],
    ['a database that is gone', { '/accounts/acc/d1/database': [] }, { what: 'database', standing: 'fault' }],
    [
      'a database elsewhere',
      { '/accounts/acc/d1/database': [{ name: expected.database, uuid: 'db', jurisdiction: 'eu' }] },
      { what: 'database', standing: 'fault' },
    ],
    [
      'a migration that is missing',
      { '/accounts/acc/d1/database/db/query': [{ results: [{ name: '0000_init.sql' }] }] },
      { what: 'migrations', standing: 'fault', found: expect.stringContaining('0001') },
    ],
    [
      'a migration of a newer version',
      { '/accounts/acc/d1/database/db/query': [{ results: [...expected.migrations, '9999_later.sql'].map((name) => ({ name })) }] },
      { what: 'migrations', standing: 'warning', found: expect.stringContaining('9999_later.sql') },
    ],
  ];
  it.each(cases)('%s', async (_what, more, finding) => {
    const findings = await findingsWith(more);
    const found = findings.find(({ what }) => what === (finding as { what: string }).what);
    expect(found).toMatchObject(finding);
    expect(found?.advice).toEqual(expect.any(String));
  });
});

it('goes on where the token may not see something', async () => {
  const findings = await findingsWith({ '/accounts/acc/queues': undefined });
  expect(findings.find(({ what }) => what === 'queues')).toMatchObject({
    standing: 'unknown',
    found: expect.stringContaining('Authentication error'),
  });
  expect(findings.filter(({ standing }) => standing === 'ok').length).toBeGreaterThan(4);
});

it('expects what wrangler.toml says', () => {
  expect(expected).toMatchObject({
    ...{
      worker: 'bullseye-webhooks',
      database: 'bullseye-webhooks',
      jurisdiction: null,
      crons: ['* * * * *'],
      secrets: ['PLATFORM_API_KEY', 'MASTER_KEY'],
    },
    consumers: [
      { queue: 'bullseye-events', batchSize: 100, maxRetries: 100, deadLetterQueue: 'bullseye-events-dead' },
      { queue: 'bullseye-events-dead', batchSize: 10, maxRetries: 100, deadLetterQueue: null },
    ],
  });
});
