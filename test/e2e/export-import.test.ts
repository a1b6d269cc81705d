import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { VERIFIERS } from '../../src/commands/demo/verify-delivery.ts';
import type { LocalWorker } from '../../src/commands/local-worker.ts';
import { PROJECT_ROOT } from '../../src/commands/wrangler.ts';
import { signUp } from '../support/customer.ts';
import { commandsOf } from '../support/documents.ts';
import { start } from '../support/package.ts';
import { bodyBytes, inbox } from '../support/receiver.ts';
import { startReceiver } from '../support/receiver-server.ts';
import { startWorker } from '../support/worker.ts';

/*
 * Moving from one instance to another, and a restore: two Workers under `wrangler dev` side by side, with databases and master keys of their own.
 */
const SECRET = 'correct horse battery staple';
const folders = [0, 1].map(() => mkdtempSync(join(tmpdir(), 'bullseye-move-')));
let receiver: Awaited<ReturnType<typeof startReceiver>>;
let from: LocalWorker;
let to: LocalWorker;

beforeAll(async () => {
  receiver = await startReceiver();
  [from, to] = (await Promise.all(
    folders.map((persistTo, at) => startWorker({ persistTo, vars: { MASTER_KEY: `the master key of instance ${at}, which is its own` } })),
  )) as [LocalWorker, LocalWorker];
}, 240_000);
afterAll(async () => {
  await Promise.all([from?.stop(), to?.stop(), receiver?.close()]);
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

it('what is exported from one works on the other: the same keys open, and deliveries verify with the same secret', async () => {
  const customer = await signUp(from);
  const endpoint = inbox(receiver.origin);
  const webhookId = await customer.webhook(endpoint.url, SECRET);
  const headers = { 'X-Export-Key': randomBytes(32).toString('base64') };

  const exported = await fetch(`${from.origin}/api/v1/platform/export`, { headers: { ...headers, 'X-API-Key': from.platformKey } });
  expect(exported.status).toBe(200);
  // As it comes: the export streams into the import.
  const imported = await fetch(`${to.origin}/api/v1/platform/import`, {
    ...{ method: 'POST', body: exported.body, duplex: 'half' },
    headers: { ...headers, 'X-API-Key': to.platformKey, 'Content-Type': 'application/x-ndjson' },
  } as RequestInit);
  expect(await imported.json()).toMatchObject({ things: { organization: { added: 1 }, api_key: { added: 1 }, webhook: { added: 1 } } });

  const moved = customer.on(to);
  const text = JSON.stringify({
    ...{ event: 'visitor.identified', timestamp: '2026-11-27T10:00:00.000Z', organization_id: customer.organizationId },
    ...{ session_id: 'ses_1', visitor: { email: 'ada@example.com' } },
  });
  await moved.post(text);
  const [arrived] = await endpoint.arrived(1);
  if (!arrived) throw new Error('Nothing arrived.');
  const delivery = { headers: arrived.headers, body: Buffer.from(bodyBytes(arrived)) };
  for (const { verify } of VERIFIERS.slice(0, 3)) expect(verify(delivery, SECRET)).toBe(true);
  expect((await moved.deliveryThatIs(webhookId, 'delivered')).payload).toBe(text);
  // The one that it was exported from has made nothing.
  expect(await customer.newestDelivery(webhookId)).toBeNull();
});

it('the commands of docs/export-import.md do it as pasted, and a second time change nothing', async () => {
  const customer = await signUp(from);
  const webhookId = await customer.webhook(inbox(receiver.origin).url, SECRET);
  const document = readFileSync(join(PROJECT_ROOT, 'docs/export-import.md'), 'utf8');
  const commands = commandsOf('docs/export-import.md', document).flatMap(({ text, inBlock }) => (inBlock ? [text] : []));
  const folder = mkdtempSync(join(tmpdir(), 'bullseye-move-'));
  folders.push(folder);
  const keys = { PLATFORM_API_KEY: from.platformKey, OTHER_PLATFORM_API_KEY: to.platformKey };
  const moved = async () => {
    const env = { ...keys, URL: from.origin, OTHER_URL: to.origin };
    const { code, stdout, stderr } = await start('bash', ['-ec', commands.join('\n')], folder, env).ended;
    expect(code, stderr).toBe(0);
    return JSON.parse(stdout).things;
  };
  expect(await moved()).toMatchObject({ organization: { added: 1 }, api_key: { added: 1 }, webhook: { added: 1 } });
  const arrived = await customer.on(to).client.get(`/organization/${customer.organizationId}/webhooks/${webhookId}`);
  expect(arrived.body).toMatchObject({ id: webhookId, hasSecret: true });
  const counts = Object.values((await moved()) as Record<string, { added: number; changed: number }>);
  expect(counts.map(({ added, changed }) => added + changed)).toEqual(counts.map(() => 0));
});
