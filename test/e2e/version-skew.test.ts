import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { VERIFIERS } from '../../src/commands/demo/verify-delivery.ts';
import type { LocalWorker } from '../../src/commands/local-worker.ts';
import { type Customer, signUp } from '../support/customer.ts';
import { bodyBytes, type Inbox, inbox } from '../support/receiver.ts';
import { startReceiver } from '../support/receiver-server.ts';
import { build, Runtime, type RuntimeWorker, workerOf } from '../support/runtime.ts';
import { beginState } from '../support/worker.ts';

/*
 * A deploy reaches Workers and objects at different moments, and can be rolled back. So for a while one version's messages are read by the
 * other's consumers, one version's consumers call the other's objects, and each finds rows that the other has stored. Here both run side by
 * side on one state, in each part that can be the other's: the build of before (fixtures/former-build.js.gz, of commit db37882) and today's.
 */
const SETTINGS = {
  // The first retry is the next part's to make: this one ends before it.
  RETRY_SCHEDULE: '8s,1s,1s',
  CIRCUIT_THRESHOLD: '1000',
  ALLOW_INSECURE_ENDPOINTS: 'true',
  PLATFORM_API_KEY: 'bsk_platform_of_the_tests',
  MASTER_KEY: 'master-key-of-the-tests',
};
const SECRET = 'correct horse battery staple';

const folder = mkdtempSync(join(tmpdir(), 'bullseye-skew-'));
const builds = { former: join(folder, 'former'), todays: join(folder, 'todays') };
type Build = keyof typeof builds;

let receiver: Awaited<ReturnType<typeof startReceiver>>;
let runtime: Runtime | undefined;
let customer: Customer;
let quick: { id: string; inbox: Inbox };
let slow: { id: string; inbox: Inbox };

beforeAll(async () => {
  receiver = await startReceiver();
  mkdirSync(builds.former);
  writeFileSync(join(builds.former, 'index.js'), gunzipSync(readFileSync(join(import.meta.dirname, '../fixtures/former-build.js.gz'))));
  await build(builds.todays);
  // As a deploy does it: the database first, so that the version before lives with what the next one needs.
  await beginState(folder);
});
afterEach(async () => {
  await runtime?.dispose();
  runtime = undefined;
});
afterAll(async () => {
  await receiver?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** The build of before has no class for what came later. */
async function ownWorker(of: Build, name?: string): Promise<RuntimeWorker> {
  const worker = await workerOf(builds[of], SETTINGS, name);
  const { OUTBOX, COURIER, RATE_LIMITER } = worker.durableObjects ?? {};
  return of === 'former' ? ({ ...worker, durableObjects: { OUTBOX, COURIER, RATE_LIMITER } } as RuntimeWorker) : worker;
}

/** Starts Workers on the state: one that answers requests and has the objects, and, where another build consumes, that one beside it. */
async function start(objects: Build, consumer: Build = objects): Promise<void> {
  const own = await ownWorker(objects);
  if (objects === consumer) runtime = Runtime.of(folder, [own]);
  else {
    const { queueConsumers, cronTriggers: _, ...front } = own;
    const beside = await ownWorker(consumer, 'beside');
    const elsewhere = Object.entries(own.durableObjects ?? {}).map(([binding, object]) => [binding, { ...object, scriptName: own.name }]);
    // What only today's version has stays with it.
    const { OUTBOX: _outbox, COURIER: _courier, RATE_LIMITER: _limiter, ...others } = beside.durableObjects ?? {};
    runtime = Runtime.of(folder, [front, { ...beside, queueConsumers, durableObjects: { ...others, ...Object.fromEntries(elsewhere) } }]);
  }
  const worker = { origin: await runtime.start(), platformKey: SETTINGS.PLATFORM_API_KEY } as LocalWorker;
  customer = customer ? customer.on(worker) : await signUp(worker);
}

const event = (session: string) =>
  JSON.stringify({
    ...{
      event: 'visitor.identified',
      timestamp: '2026-11-27T10:00:00.000Z',
      organization_id: customer.organizationId,
      session_id: session,
    },
    visitor: { email: `${session}@example.com` },
  });

async function statusesOf(webhookId: string): Promise<Record<string, string>> {
  const { body } = await customer.client.get(`/organization/${customer.organizationId}/webhooks/${webhookId}/deliveries?limit=100`);
  const { data } = body as { data: { sessionId: string; status: string }[] };
  return Object.fromEntries(data.map(({ sessionId, status }) => [sessionId, status]));
}

async function until(webhookId: string, statuses: Record<string, string>): Promise<void> {
  for (;;) {
    const now = await statusesOf(webhookId);
    if (Object.entries(statuses).every(([session, status]) => now[session] === status)) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const PARTS: [what: string, objects: Build, consumer: Build][] = [
  ['the version before', 'former', 'former'],
  ["today's consumers beside its objects", 'former', 'todays'],
  ["today's objects beside the consumers of before", 'todays', 'former'],
  ["today's version", 'todays', 'todays'],
  ['a rollback to the version before', 'former', 'former'],
  ["today's version once more", 'todays', 'todays'],
];

it.each(PARTS.map(([...part], at) => [at, ...part] as const))('part %i: %s', async (at, _what, objects, consumer) => {
  await start(objects, consumer);
  if (at === 0) {
    const [one, two] = [inbox(receiver.origin), inbox(receiver.origin)];
    quick = { id: await customer.webhook(one.url, SECRET), inbox: one };
    slow = { id: await customer.webhook(two.url, SECRET), inbox: two };
  }
  // What failed in the part before waits in rows that it has stored: it arrives now.
  if (at > 0) await until(slow.id, { [`part_${at - 1}`]: 'delivered' });
  await slow.inbox.script([{ status: 500 }, { status: 200 }]);
  await customer.post(event(`part_${at}`));
  await until(quick.id, { [`part_${at}`]: 'delivered' });
  await until(slow.id, { [`part_${at}`]: 'retrying' });
});

it('nothing was lost on the way: each event has arrived once where all was well, and each arrival verifies', async () => {
  await start('todays');
  await until(slow.id, { [`part_${PARTS.length - 1}`]: 'delivered' });
  const all = Object.fromEntries(PARTS.map((_part, at) => [`part_${at}`, 'delivered']));
  for (const { id } of [quick, slow]) expect(await statusesOf(id)).toEqual(all);
  const { body: usage } = await customer.client.get(`/organization/${customer.organizationId}/usage`);
  // Where either part was of before, nobody has said that one of the two webhooks counts an event.
  const whole = PARTS.filter(([, objects, consumer]) => objects === 'todays' && consumer === 'todays').length;
  const events = whole + 2 * (PARTS.length - whole);
  expect(usage).toMatchObject({ totals: { events, deliveries: 2 * PARTS.length, attempts: 3 * PARTS.length } });
  for (const [each, attempts] of [
    [quick, 1],
    [slow, 2],
  ] as const) {
    const requests = await each.inbox.requests();
    const sessions = requests.map((request) => JSON.parse(new TextDecoder().decode(bodyBytes(request))).session_id);
    expect(sessions.sort()).toEqual(Object.keys(all).flatMap((session) => Array(attempts).fill(session)));
    for (const request of requests) {
      const delivery = { headers: request.headers, body: Buffer.from(bodyBytes(request)) };
      for (const { verify } of VERIFIERS.slice(0, 3)) expect(verify(delivery, SECRET)).toBe(true);
    }
  }
});
