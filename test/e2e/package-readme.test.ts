import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startWranglerDev, type WranglerSession } from '../../src/commands/local-worker.ts';
import { PROJECT_ROOT } from '../../src/commands/wrangler.ts';
import { type Customer, oddEvent, signUp } from '../support/customer.ts';
import { blocksOf } from '../support/document.ts';
import { type InstalledPackage, installPackage, start } from '../support/package.ts';
import { inbox } from '../support/receiver.ts';
import { startReceiver } from '../support/receiver-server.ts';
import { type SomeWorker, sharedWorker } from '../support/worker.ts';

/* What the package's README shows, with the package as npm installs it. */

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=';
const blocks = blocksOf(readFileSync(join(PROJECT_ROOT, 'src/client/README.md'), 'utf8'));
const state = mkdtempSync(join(tmpdir(), 'bullseye-e2e-'));
let installed: InstalledPackage;
let service: SomeWorker;
let receiver: Awaited<ReturnType<typeof startReceiver>>;

function blockOf(kind: string): string {
  const [block, ...more] = blocks.filter((each) => each.kind === kind);
  if (!block || more.length > 0) throw new Error(`The README has ${block ? 'more than one' : 'no'} block "${kind}"`);
  return block.content;
}

beforeAll(async () => {
  installed = installPackage();
  receiver = await startReceiver();
  service = await sharedWorker();
}, 180_000);
afterAll(async () => {
  await receiver?.close();
  installed?.remove();
  rmSync(state, { recursive: true, force: true });
});

it('has no code that is not run here', () => {
  expect(blocks.map(({ kind }) => kind)).toEqual(['js worker', 'js client', 'js producer', 'bash']);
});

describe('in a Worker', () => {
  let customer: Customer;
  let demo: WranglerSession;

  beforeAll(async () => {
    customer = await signUp(service);
    for (const name of ['worker.mjs', 'wrangler.toml'])
      copyFileSync(join(import.meta.dirname, 'package-demo', name), join(installed.folder, name));
    installed.write('receiver.mjs', blockOf('js worker'));
    const vars = { BULLSEYE_WEBHOOK_SECRET: SECRET, BULLSEYE_URL: service.origin, BULLSEYE_API_KEY: customer.key };
    demo = await startWranglerDev(join(state, 'demo'), ['--config', join(installed.folder, 'wrangler.toml')], vars);
  });
  afterAll(() => demo?.stop());

  it('`verify` takes what it is sent, and the client asks the API', async () => {
    const webhookId = await customer.webhook(`${demo.origin}/hook`, SECRET);
    await customer.post(oddEvent(customer.organizationId));
    const delivery = await customer.deliveryThatIs(webhookId, 'delivered');
    expect(delivery.attempts).toMatchObject([{ responseStatus: 204 }]);
    expect(demo.output()).toContain('ada/lovelace@example.com');
    expect(await (await fetch(`${demo.origin}/webhooks`)).json()).toEqual({
      webhooks: [webhookId],
      missing: { code: 'not_found', status: 404 },
    });
  });

  it('`verify` refuses what does not verify, and says why', async () => {
    // Of another organization: a consumer may not know yet that this one has a second webhook.
    const other = await signUp(service);
    const webhookId = await other.webhook(`${demo.origin}/hook`, 'another secret than the one it knows');
    await other.post(oddEvent(other.organizationId));
    const delivery = await other.deliveryThatIs(webhookId, 'retrying');
    expect(delivery.attempts).toMatchObject([{ responseStatus: 401, responseBody: 'no_matching_signature' }]);
    const unsigned = await fetch(`${demo.origin}/hook`, { method: 'POST', body: '{}' });
    expect([unsigned.status, await unsigned.text()]).toEqual([401, 'missing_signature']);
  });
});

/** Runs a module in the folder that has the package. */
async function run(script: string, environment: Record<string, string>) {
  installed.write('sample.mjs', script);
  const { code, stdout, stderr } = await start(process.execPath, ['sample.mjs'], installed.folder, environment).ended;
  expect([code, stderr]).toEqual([0, '']);
  return stdout;
}

it('the client makes a webhook and tests it', async () => {
  const customer = await signUp(service);
  const endpoint = inbox(receiver.origin);
  const script = blockOf('js client').replace('https://hooks.example.com/bullseye', endpoint.url);
  expect(script).toContain(endpoint.url);
  await run(script, { BULLSEYE_URL: service.origin, BULLSEYE_API_KEY: customer.key });
  const [test] = await endpoint.arrived(1);
  expect(test?.headers).toMatchObject({ 'x-bullseye-test': 'true', 'webhook-signature': expect.stringMatching(/^v1,/) });
});

it('a producer posts twice with the same key, and the event has one id', async () => {
  const customer = await signUp(service);
  const before = [
    "import { createClient } from 'bullseye-webhooks/client';",
    'const client = createClient({ apiKey: process.env.BULLSEYE_API_KEY, baseUrl: process.env.BULLSEYE_URL });',
    `const [event, id] = [${JSON.stringify(oddEvent(customer.organizationId))}, 'ses_1'];`,
  ];
  const post = blockOf('js producer').trim().replace(/;$/, '');
  const script = [...before, `console.log(JSON.stringify([${post}, ${post}]));`].join('\n');
  const printed = await run(script, { BULLSEYE_URL: service.origin, BULLSEYE_API_KEY: service.platformKey });
  const [first, again] = JSON.parse(printed);
  expect(first).toEqual({ id: expect.stringMatching(/^evt_Z/) });
  expect(again).toEqual(first);
});

it('the command brings a delivery to a server on this machine, as pasted', async () => {
  const customer = await signUp(service);
  const endpoint = inbox(receiver.origin);
  const here = { 'https://webhooks.example.com': service.origin, 'bsk_live_…': customer.key, 'http://localhost:3000/hook': endpoint.url };
  const script = Object.entries(here).reduce((made, [from, to]) => {
    expect(made).toContain(from);
    return made.replace(from, to);
  }, blockOf('bash'));
  const command = start('bash', ['-ec', script], installed.folder);
  try {
    await command.line(/^Ready: /);
    await customer.post(oddEvent(customer.organizationId));
    const [arrived] = await endpoint.arrived(1);
    expect(arrived?.headers).toMatchObject({
      'x-bullseye-event': 'visitor.identified',
      'webhook-signature': expect.stringMatching(/^v1,/),
    });
    await command.line(/visitor\.identified {2}dlv_\w+ {2}← 20\d/);
  } finally {
    command.kill('SIGINT');
    await command.ended;
  }
});
