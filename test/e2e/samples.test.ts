import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, describe, expect, it, type TestContext } from 'vitest';
import { PROJECT_ROOT } from '../../src/commands/wrangler.ts';
import { SAMPLES } from '../../src/dashboard/webhook/samples.ts';
import { oddEvent, signUp } from '../support/customer.ts';
import { bodyBytes, inbox } from '../support/receiver.ts';
import { startReceiver } from '../support/receiver-server.ts';
import { type SomeWorker, sharedWorker } from '../support/worker.ts';

const SECRETS = {
  'of the standard form': 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw+6/Jz8Dn4h4=',
  'of the standard form, without its padding': 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw+6/Jz8Dn4h4',
  'of plain words': 'correct horse battery staple',
  'beyond ASCII': 'schlüssel-鍵-🔑',
};
const SECRET = SECRETS['of the standard form'];
const NEXT_SECRET = 'whsec_bmV4dCBzZWNyZXQgb2YgdGhlIHJvdGF0aW9u';

/** Says to a sample that it is the one of this header that is asked. */
const BODY_HEADER = 'X-Bullseye-Signature';

const samples = join(PROJECT_ROOT, 'test', 'samples');
const folder = mkdtempSync(join(tmpdir(), 'bullseye-samples-'));
const sourcesOf = (key: string) => readdirSync(join(samples, key)).map((name) => join(samples, key, name));

/** How a sample is run: `build` first, where its language is compiled. */
interface Runner {
  key: string;
  /** What has to be on the machine. */
  tools: string[];
  build?: string[];
  run: string[];
}

const RUNNERS: readonly Runner[] = [
  { key: 'node', tools: [], run: [process.execPath, join(samples, 'node/main.mjs')] },
  { key: 'python', tools: ['python3'], run: ['python3', join(samples, 'python/main.py')] },
  { key: 'go', tools: ['go'], build: ['go', 'build', '-o', join(folder, 'go'), ...sourcesOf('go')], run: [join(folder, 'go')] },
  { key: 'php', tools: ['php'], run: ['php', join(samples, 'php/main.php')] },
  { key: 'ruby', tools: ['ruby'], run: ['ruby', join(samples, 'ruby/main.rb')] },
  {
    key: 'java',
    tools: ['javac', 'java'],
    build: ['javac', '-d', folder, ...sourcesOf('java')],
    // Of a process that lives for a moment: no compiler that gets ready for more, no collector with threads of its own.
    run: ['java', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-cp', folder, 'Main'],
  },
  {
    key: 'csharp',
    tools: ['mcs', 'mono'],
    build: ['mcs', `-out:${join(folder, 'csharp.exe')}`, ...sourcesOf('csharp')],
    run: ['mono', join(folder, 'csharp.exe')],
  },
  { key: 'shell', tools: ['openssl'], run: ['sh', join(samples, 'shell/main.sh')] },
];

/** The samples' environment: text is UTF-8, and nothing is written beside them. */
const ENVIRONMENT = { ...process.env, LC_ALL: 'C.UTF-8', PYTHONDONTWRITEBYTECODE: '1' };

/** What a receiver has of a delivery. */
interface Received {
  secret: string;
  id: string;
  timestamp: string;
  signature: string;
  /** Its `X-Bullseye-Signature`. */
  bodySignature: string;
  body: Uint8Array;
}

let worker: SomeWorker;
let receiver: Awaited<ReturnType<typeof startReceiver>>;
let genuine: Received[];
let rotated: Received;

beforeAll(async () => {
  receiver = await startReceiver();
  worker = await sharedWorker();
  genuine = await Promise.all(Object.values(SECRETS).map((secret) => deliver(secret)));
  rotated = await deliver(SECRET, NEXT_SECRET);
});
afterAll(async () => {
  await receiver?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** What arrives at a new customer's webhook, whose secret is being rotated where there is a next one. */
async function deliver(secret: string, nextSecret?: string): Promise<Received> {
  const customer = await signUp(worker);
  const endpoint = inbox(receiver.origin);
  const webhook = await customer.webhook(endpoint.url, secret);
  const path = `/organization/${customer.organizationId}/webhooks/${webhook}/secret/rotate`;
  if (nextSecret) await customer.client.post(path, { secret: nextSecret });
  await customer.post(oddEvent(customer.organizationId));
  const [arrived] = await endpoint.arrived(1);
  const { 'webhook-id': id = '', 'webhook-timestamp': timestamp = '', 'webhook-signature': signature = '' } = arrived!.headers;
  const bodySignature = arrived!.headers['x-bullseye-signature'] ?? '';
  return { secret, id, timestamp, signature, bodySignature, body: bodyBytes(arrived!) };
}

/** The same delivery as if it had been sent some seconds ago, signed by a library that others wrote. */
function sentAgo(received: Received, seconds: number): Received {
  const at = Math.floor(Date.now() / 1_000) - seconds;
  const signature = new Webhook(received.secret).sign(received.id, new Date(at * 1_000), Buffer.from(received.body).toString());
  return { ...received, timestamp: String(at), signature };
}

/** What a sample says of a delivery: it runs in a process of its own, whose exit code says the same. */
async function verdictOn({ run: [command = '', ...args] }: Runner, received: Partial<Received>, header = ''): Promise<string> {
  const { secret = SECRET, id, timestamp, signature, bodySignature, body = new Uint8Array() } = received;
  const headers = (header === BODY_HEADER ? [bodySignature] : [id, timestamp, signature]).filter((value) => value !== undefined);
  const child = spawn(command, [...args, ...headers], { env: { ...ENVIRONMENT, WEBHOOK_SECRET: secret, WEBHOOK_HEADER: header } });
  // One that needs no body to refuse does not wait for it.
  child.stdin.on('error', () => {});
  child.stdin.end(body);
  const [stdout, stderr] = [textOf(child.stdout), textOf(child.stderr)];
  const exitCode = await new Promise<number | null>((resolve) => child.on('close', resolve));
  const said = `${await stdout}${await stderr}`.trim();
  return exitCode === (said === 'verified' ? 0 : 1) ? said : `${said} (exit code ${exitCode})`;
}

async function textOf(stream: Readable): Promise<string> {
  return Buffer.concat(await stream.toArray()).toString();
}

/** What a sample says of each delivery, by name. */
async function verdictsOn(runner: Runner, deliveries: Record<string, Partial<Received>>, header?: string): Promise<Record<string, string>> {
  const verdicts = Object.entries(deliveries).map(async ([name, delivery]) => [name, await verdictOn(runner, delivery, header)] as const);
  return Object.fromEntries(await Promise.all(verdicts));
}

/** The same verdict on each. */
function all(verdict: 'verified' | 'refused', deliveries: object): Record<string, string> {
  return Object.fromEntries(Object.keys(deliveries).map((name) => [name, verdict]));
}

/** Builds the sample, once; skips the test where the machine lacks its tools, but not in CI. */
const built = new Set<string>();
function ready({ key, tools, build }: Runner, context: TestContext): void {
  const missing = tools.find((tool) => spawnSync('sh', ['-c', `command -v ${tool}`]).status !== 0);
  if (missing && process.env.CI !== 'true') context.skip(`${missing}: not on this machine`);
  expect(missing, 'a tool that is not on this machine').toBeUndefined();
  if (!build || built.has(key)) return;
  const [command = '', ...args] = build;
  const { status, stdout, stderr } = spawnSync(command, args, { env: ENVIRONMENT, encoding: 'utf8' });
  expect(status, `${stdout}${stderr}`).toBe(0);
  built.add(key);
}

it('every sample that the pages show has a way to be run', () => {
  expect(RUNNERS.map(({ key }) => key)).toEqual(SAMPLES.map(({ key }) => key));
  expect(readdirSync(samples).toSorted()).toEqual(RUNNERS.map(({ key }) => key).toSorted());
});

// Not `it.each`, whose callback does not get the context that skips.
describe.each(RUNNERS)('the sample in $key', (runner) => {
  it('verifies what is delivered, whatever the form of the secret', async (context) => {
    ready(runner, context);
    const deliveries = Object.fromEntries(Object.keys(SECRETS).map((name, index) => [name, genuine[index]!]));
    expect(await verdictsOn(runner, deliveries)).toEqual(all('verified', deliveries));
  });

  it('verifies with the old secret and with the new one while a rotation overlaps', async (context) => {
    ready(runner, context);
    const deliveries = { old: rotated, new: { ...rotated, secret: NEXT_SECRET } };
    expect(rotated.signature.split(' ')).toHaveLength(2);
    expect(await verdictsOn(runner, deliveries)).toEqual(all('verified', deliveries));
  });

  it('refuses what is not what was sent', async (context) => {
    ready(runner, context);
    const { secret, id, signature, body } = genuine[0]!;
    const deliveries = {
      'another body': { ...genuine[0], body: Buffer.concat([body, Buffer.from(' ')]) },
      'another id': { ...genuine[0], id: `${id}0` },
      'another time': { ...genuine[0], timestamp: String(Math.floor(Date.now() / 1_000) + 60) },
      'another secret': { ...genuine[0], secret: NEXT_SECRET },
      'the secret as its bytes': { ...genuine[0], secret: secret.slice('whsec_'.length) },
      'another version': { ...genuine[0], signature: signature.replace('v1,', 'v2,') },
      'another signature': { ...genuine[0], signature: rotated.signature },
      'no signature': { ...genuine[0], signature: '' },
      'no headers': { secret, body },
      'a time that is none': { ...genuine[0], timestamp: 'yesterday' },
      'a time without end': { ...genuine[0], timestamp: '9'.repeat(400) },
      'a signature beyond ASCII': { ...genuine[0], signature: `v1,é${signature.slice(4)}` },
    };
    expect(await verdictsOn(runner, deliveries)).toEqual(all('refused', deliveries));
  });

  it('refuses what was sent more than five minutes ago, or is from the future', async (context) => {
    ready(runner, context);
    const old = { 'six minutes old': sentAgo(genuine[0]!, 360), 'six minutes ahead': sentAgo(genuine[0]!, -360) };
    const young = { 'four minutes old': sentAgo(genuine[0]!, 240), 'four minutes ahead': sentAgo(genuine[0]!, -240) };
    expect(await verdictsOn(runner, { ...old, ...young })).toEqual({ ...all('refused', old), ...all('verified', young) });
  });

  it('verifies the body’s signature, and refuses what is not what was sent', async (context) => {
    ready(runner, context);
    const verified = { ...Object.fromEntries(Object.keys(SECRETS).map((name, index) => [name, genuine[index]!])), rotated };
    expect(await verdictsOn(runner, verified, BODY_HEADER)).toEqual(all('verified', verified));
    const [{ body, bodySignature }] = genuine as [Received];
    const refused = {
      'another body': { ...genuine[0], body: Buffer.concat([body, Buffer.from(' ')]) },
      'another secret': { ...genuine[0], secret: NEXT_SECRET },
      'another signature': { ...genuine[0], bodySignature: genuine[1]!.bodySignature },
      'more after the signature': { ...genuine[0], bodySignature: `${bodySignature}00` },
      'a signature that is no hex': { ...genuine[0], bodySignature: `zz${bodySignature.slice(2)}` },
      'a signature beyond ASCII': { ...genuine[0], bodySignature: `é${bodySignature.slice(1)}` },
      'no signature': { ...genuine[0], bodySignature: '' },
      'no header': { ...genuine[0], bodySignature: undefined },
      'the new secret while the old one still signs': { ...rotated, secret: NEXT_SECRET },
    };
    expect(await verdictsOn(runner, refused, BODY_HEADER)).toEqual(all('refused', refused));
  });
});
