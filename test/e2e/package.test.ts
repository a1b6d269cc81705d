import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../../src/commands/local-worker.ts';
import { type Customer, oddEvent, signUp } from '../support/customer.ts';
import { type InstalledPackage, installPackage, isInstalled, type Run, start } from '../support/package.ts';
import { bodyBytes, inbox } from '../support/receiver.ts';
import { startReceiver } from '../support/receiver-server.ts';
import { type SomeWorker, sharedWorker } from '../support/worker.ts';

let installed: InstalledPackage;
let worker: SomeWorker;
let receiver: Awaited<ReturnType<typeof startReceiver>>;

beforeAll(async () => {
  installed = installPackage();
  receiver = await startReceiver();
  worker = await sharedWorker();
}, 180_000);
afterAll(async () => {
  await receiver?.close();
  installed?.remove();
});

const environment = (customer: Customer) => ({ BULLSEYE_URL: worker.origin, BULLSEYE_API_KEY: customer.key });

/** Runs the command to its end. */
async function command(customer: Customer | null, ...args: string[]): Promise<Run> {
  const env = customer ? environment(customer) : { BULLSEYE_URL: '', BULLSEYE_API_KEY: '' };
  return await start('npx', ['--no-install', 'bullseye-webhooks', ...args], installed.folder, env).ended;
}

const answered = async (customer: Customer, ...args: string[]) => JSON.parse((await command(customer, '--json', ...args)).stdout);

describe('a program that runs', () => {
  it('keeps a line for whoever asks for it after it came', async () => {
    const program = start(process.execPath, ['-e', 'console.log("an event"); console.log("an event again")'], installed.folder);
    expect(await program.line(/event/)).toBe('an event');
    await program.ended;
    expect(await program.line(/again/)).toBe('an event again');
  });
});

describe('the package', () => {
  it('is small, and brings nothing else along', () => {
    const sizes = Object.fromEntries(installed.files.map(({ path, size }) => [path, size]));
    expect(sizes['dist/verify.js']).toBeLessThan(8_000);
    expect(sizes['dist/client.js']).toBeLessThan(20_000);
    expect(sizes['dist/command.js']).toBeLessThan(330_000);
    expect(installed.tarballBytes).toBeLessThan(250_000);
    expect(readdirSync(join(installed.folder, 'node_modules')).filter((name) => !name.startsWith('.'))).toEqual(['bullseye-webhooks']);
    const outside = installed.files.map(({ path }) => path).filter((path) => !/^dist\/|^(?:LICENSE|README\.md|package\.json)$/.test(path));
    expect(outside).toEqual(['src/client/README.md']);
  });

  it('has entries that import nothing', () => {
    for (const entry of ['verify', 'client']) {
      const text = readFileSync(join(installed.folder, 'node_modules/bullseye-webhooks/dist', `${entry}.js`), 'utf8');
      expect(text).not.toMatch(/^\s*import |\brequire\(|import\(|process\./m);
    }
  });

  it('has types that a strict project compiles with, by the rules of Node and of bundlers', () => {
    installed.write('use.ts', TYPED);
    for (const [module, resolution] of [
      ['nodenext', 'nodenext'],
      ['esnext', 'bundler'],
    ]) {
      const flags = ['--noEmit', '--strict', '--exactOptionalPropertyTypes', '--noUncheckedIndexedAccess', '--skipLibCheck', 'false'];
      const tsc = join(process.cwd(), 'node_modules/.bin/tsc');
      const args = [
        ...flags,
        '--lib',
        'es2023,dom',
        '--types',
        '',
        '--module',
        module as string,
        '--moduleResolution',
        resolution as string,
        'use.ts',
      ];
      expect(() => execFileSync(tsc, args, { cwd: installed.folder, encoding: 'utf8' })).not.toThrow();
    }
  });
});

const TYPED = `
import { verify, WebhookVerificationError, type VerificationErrorCode } from 'bullseye-webhooks/verify';
import { ApiError, createClient, type Client, type Webhook } from 'bullseye-webhooks/client';

export async function receive(request: Request): Promise<string | null | undefined> {
  try {
    const event = await verify({ body: await request.text(), headers: request.headers, secrets: ['a'] });
    if (event.event === 'webhook.failing') return event.message;
    // @ts-expect-error no event has this name
    if (event.event === 'visitor.imagined') return null;
    return event.event === 'visitor.identified' ? event.visitor?.email : null;
  } catch (error) {
    if (error instanceof WebhookVerificationError) return error.code satisfies VerificationErrorCode;
    throw error;
  }
}

export async function use(client: Client = createClient({ apiKey: 'k', baseUrl: 'https://a.example' })): Promise<Webhook[]> {
  const { id } = await client.createWebhook({ body: { url: 'https://a.example/', events: ['*'], generateSecret: true } });
  const { data } = await client.listDeliveries({ webhookId: id, status: 'failed' });
  data.map(({ status }) => status satisfies 'pending' | 'retrying' | 'delivered' | 'failed' | 'discarded');
  // @ts-expect-error a webhook is needed
  await client.listDeliveries({});
  // @ts-expect-error there is no such field
  await client.updateWebhook({ webhookId: id, body: { enable: true } });
  // @ts-expect-error there is no such route
  await client.inventWebhook({});
  await client.postEvents({ body: '[]', idempotencyKey: 'k' }).catch((error: unknown) => error instanceof ApiError && error.code);
  return (await client.listWebhooks()).webhooks;
}
`;

/** What the entries do, in whatever runs it; it ends with a line of JSON. */
const SCRIPT = `
import { verify } from 'bullseye-webhooks/verify';
import { createClient } from 'bullseye-webhooks/client';
const { origin, key, delivery, secret } = JSON.parse(await readInput());
const codeOf = (given) => verify(given).then(() => null, ({ code }) => code);
const { event } = await verify({ ...delivery, secrets: secret });
const client = createClient({ apiKey: key, baseUrl: origin });
const { webhooks } = await client.listWebhooks();
const missing = await client.getWebhook({ webhookId: 'whk_none' }).catch(({ code, status }) => [code, status]);
console.log(JSON.stringify({ event, forged: await codeOf({ ...delivery, body: delivery.body + ' ', secrets: secret }), webhooks: webhooks.length, missing }));
`;
const READ_INPUT = `import { readFileSync } from 'node:fs'; const readInput = async () => readFileSync(process.argv[2] ?? process.argv.at(-1), 'utf8');`;

describe('verify and the client', () => {
  let input: string;
  const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=';
  const expected = { event: 'visitor.identified', forged: 'no_matching_signature', webhooks: 1, missing: ['not_found', 404] };

  beforeAll(async () => {
    const customer = await signUp(worker);
    const endpoint = inbox(receiver.origin);
    await customer.webhook(endpoint.url, secret);
    await customer.post(oddEvent(customer.organizationId));
    const [arrived] = await endpoint.arrived(1);
    const delivery = { headers: arrived?.headers, body: Buffer.from(bodyBytes(arrived as never)).toString() };
    input = JSON.stringify({ origin: worker.origin, key: customer.key, delivery, secret });
    installed.write('input.json', input);
    installed.write('script.mjs', `${READ_INPUT}\n${SCRIPT}`);
  });

  it.for([
    ['the Node of package.json', process.execPath, []],
    ['Node 20', 'node20', []],
    ['Node 22', 'node22', []],
    ['Deno', 'deno', ['run', '--no-prompt', '--allow-read', '--allow-net', '--node-modules-dir=manual', '--quiet']],
    ['Bun', 'bun', ['run']],
  ] as const)('do what they should in %s', async ([name, program, flags], context) => {
    if (!isInstalled(program) && process.env.CI !== 'true') context.skip(`${name}: not on this machine`);
    const run = await start(program, [...flags, 'script.mjs', 'input.json'], installed.folder).ended;
    expect([run.code, run.stderr]).toEqual([0, run.stderr]);
    expect(JSON.parse(run.stdout)).toEqual(expected);
  });
});

describe('the command', () => {
  it('lists webhooks, sends a test, shows deliveries and recovers them, for people and for programs', async () => {
    const customer = await signUp(worker);
    const endpoint = inbox(receiver.origin);
    await endpoint.script([{ status: 200 }, { status: 500 }, { status: 204 }]);
    const webhookId = await customer.webhook(endpoint.url);
    expect((await answered(customer, 'webhooks')).webhooks).toMatchObject([{ id: webhookId }]);
    expect((await command(customer, 'webhooks')).stdout).toMatch(new RegExp(`^WEBHOOK .*\\n${webhookId} +\\S.* healthy +\\* +http://127`));
    expect(await command(customer, 'trigger')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^dlv_\S+ {2}visitor\.identified {2}arrived: answered 200/),
    });
    const failing = await command(customer, 'trigger', '--event', 'visitor.erased');
    expect(failing).toMatchObject({ code: 1, stdout: expect.stringMatching(/visitor\.erased {2}failed: answered 500/) });
    const { data } = await answered(customer, 'deliveries', '--webhook', webhookId, '--limit', '1');
    expect(data).toMatchObject([{ event: 'visitor.erased', status: 'failed' }]);
    const shown = await command(customer, 'deliveries', data[0].id);
    expect(shown.stdout).toContain(`${data[0].id}  visitor.erased  failed (test_failed)`);
    expect(shown.stdout).toContain('The endpoint answered 500');
    expect(await command(customer, 'retry', data[0].id)).toMatchObject({ code: 0, stdout: expect.stringContaining('is under way') });
    await endpoint.arrived(3);
    expect(await command(customer, 'recover', '--since', '1h', '--dry-run')).toMatchObject({
      code: 0,
      stdout: '0 deliveries would start over.\n',
    });
  });

  it.each([
    [[], 2, /Usage: bullseye-webhooks/],
    [['webhook'], 2, /unknown command 'webhook'.*webhooks/s],
    [['recover'], 2, /--since/],
    [['recover', '--since', 'yesterday'], 2, /"yesterday" is no time/],
    [['listen', '--events', 'nothing.*'], 1, /no such event type.*validation_failed/],
    [['listen', '--forward', 'http://'], 2, /not an address to forward to/],
    [['deliveries', 'dlv_none'], 1, /not_found/],
    [['trigger'], 2, /There is no webhook yet/],
  ])('says of %j what is wrong, and ends with %i', async (args, code, words) => {
    const run = await command(await signUp(worker), ...args);
    expect([run.code, run.stderr]).toEqual([code, expect.stringMatching(words)]);
    expect(run.stderr).not.toContain('    at ');
  });

  it('says what it needs where it has no key, and what the service says of a wrong one', async () => {
    expect(await command(null, 'webhooks')).toMatchObject({ code: 2, stderr: expect.stringContaining('BULLSEYE_API_KEY') });
    const env = { BULLSEYE_URL: worker.origin, BULLSEYE_API_KEY: `bsk_live_${'0'.repeat(32)}` };
    const run = await start('npx', ['--no-install', 'bullseye-webhooks', '--json', 'webhooks'], installed.folder, env).ended;
    expect([run.code, JSON.parse(run.stderr)]).toEqual([1, expect.objectContaining({ code: 'invalid_api_key', status: 401 })]);
  });
});

describe('listen', () => {
  const listening = (
    customer: Customer,
    args: readonly string[],
    program = 'npx',
    before: readonly string[] = ['--no-install', 'bullseye-webhooks'],
  ) => start(program, [...before, 'listen', ...args], installed.folder, environment(customer));

  it('forwards an event with its bytes and headers, and the local answer is in the log', async () => {
    const customer = await signUp(worker);
    const endpoint = inbox(receiver.origin);
    await endpoint.script([{ status: 201, headers: { 'x-local': 'yes' }, body: 'taken' }, { status: 500 }]);
    const command = listening(customer, ['--forward', endpoint.url, '--events', 'visitor.*']);
    await command.line(/^Ready: visitor\.\* → http/);
    const [, webhookId = '', secret] = /^Webhook (whk_\w+), .* secret: (whsec_\S+)$/.exec(await command.line(/^Webhook /)) ?? [];
    const text = oddEvent(customer.organizationId);
    await customer.post(text);
    expect(await command.line(/visitor\.identified/)).toMatch(/ {2}dlv_\w+ {2}← 201 \(\d+ ms\)$/);
    const [arrived] = await endpoint.arrived(1);
    expect(Buffer.from(bodyBytes(arrived as never)).toString()).toBe(text);
    expect(arrived?.headers).toMatchObject({
      'x-bullseye-event': 'visitor.identified',
      'user-agent': expect.stringMatching(/^Bullseye-Webhooks/),
    });
    const { Webhook } = await import('standardwebhooks');
    new Webhook(secret as string).verify(text, arrived?.headers ?? {});
    const delivery = await customer.deliveryThatIs(webhookId, 'delivered');
    expect(delivery.attempts).toMatchObject([{ responseStatus: 201, responseHeaders: { 'x-local': 'yes' }, responseBody: 'taken' }]);
    await customer.post(text);
    await command.line(/← 500/);
    expect(await customer.deliveryThatIs(webhookId, 'retrying')).toMatchObject({ attempts: [{ responseStatus: 500 }] });
    // Ctrl-C: the webhook is gone at once.
    command.kill('SIGINT');
    await command.ended;
    await expect(customer.client.get(`/organization/${customer.organizationId}/webhooks/${webhookId}`)).rejects.toThrow('404');
  });

  it('says where nothing answers, and shows deliveries where it forwards nothing', async () => {
    const customer = await signUp(worker);
    const port = await freePort();
    const command = listening(customer, ['--forward', `127.0.0.1:${port}/hook`]);
    await command.line(/^Webhook /);
    await customer.post(oddEvent(customer.organizationId));
    expect(await command.line(/visitor\.identified/)).toContain(`← no answer from http://127.0.0.1:${port}: ECONNREFUSED`);
    command.kill('SIGINT');
    await command.ended;
    const shown = listening(customer, ['--json']);
    const { webhookId } = JSON.parse(await shown.line(/"ready"/));
    await customer.post(oddEvent(customer.organizationId));
    expect(JSON.parse(await shown.line(/"delivery"/))).toMatchObject({
      event: 'visitor.identified',
      attempt: 1,
      status: 200,
      error: null,
      body: oddEvent(customer.organizationId),
    });
    await customer.deliveryThatIs(webhookId, 'delivered');
    shown.kill('SIGINT');
    await shown.ended;
  });

  it.for([
    ['Node 20', 'node20', []],
    ['Node 22', 'node22', []],
    [
      'Deno',
      'deno',
      ['run', '--no-prompt', '--allow-env', '--allow-read', '--allow-net', '--allow-sys', '--node-modules-dir=manual', '--quiet'],
    ],
    ['Bun', 'bun', ['run']],
  ] as const)('runs on %s', async ([name, program, flags], context) => {
    if (!isInstalled(program) && process.env.CI !== 'true') context.skip(`${name}: not on this machine`);
    const customer = await signUp(worker);
    const endpoint = inbox(receiver.origin);
    const entry = join(installed.folder, 'node_modules/bullseye-webhooks/dist/command.js');
    expect(existsSync(entry)).toBe(true);
    const command = listening(customer, ['--forward', endpoint.url], program, [...flags, entry]);
    await command.line(/^Webhook /);
    await customer.post(oddEvent(customer.organizationId));
    await command.line(/← 204/);
    command.kill('SIGTERM');
    expect((await command.ended).code).toBe(0);
  });
});
