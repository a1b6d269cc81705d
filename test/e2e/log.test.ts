import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ApiClient } from '../../src/commands/api-client.ts';
import type { LocalWorker } from '../../src/commands/local-worker.ts';
import { signUp } from '../support/customer.ts';
import { inbox } from '../support/receiver.ts';
import { startReceiver } from '../support/receiver-server.ts';
import { startWorker } from '../support/worker.ts';

const folder = mkdtempSync(join(tmpdir(), 'bullseye-e2e-'));
let worker: LocalWorker;
let receiver: Awaited<ReturnType<typeof startReceiver>>;

beforeAll(async () => {
  receiver = await startReceiver();
  worker = await startWorker({ persistTo: folder, vars: { RETRY_SCHEDULE: '50ms', LOG_ATTEMPTS: 'all' } });
});
afterAll(async () => {
  await worker?.stop();
  await receiver?.close();
  rmSync(folder, { recursive: true, force: true });
});

it('everything that a running service prints tells of its deliveries, and holds no key, secret, payload, answer or path of an endpoint', async () => {
  const mark = `mark-${crypto.randomUUID()}`;
  const customer = await signUp(worker);
  const endpoint = inbox(receiver.origin);
  await endpoint.script([
    { status: 500, body: mark, headers: { 'x-mark': mark } },
    { status: 200, body: mark },
  ]);
  const webhookId = await customer.webhook(`${endpoint.url}/${mark}?token=${mark}`, mark);
  const visitor = { email: `${mark}@example.com` };
  const event = {
    event: 'visitor.identified',
    timestamp: '2026-11-23T10:00:00Z',
    organization_id: customer.organizationId,
    session_id: mark,
    visitor,
  };
  await customer.post(JSON.stringify(event));
  await customer.deliveryThatIs(webhookId, 'delivered');

  const path = `/organization/${customer.organizationId}`;
  const { plainKey } = (await customer.client.post(`${path}/api-keys`, { name: mark, scopes: ['read'] })).body as { plainKey: string };
  const { secret } = (await customer.client.post(`${path}/webhooks/${webhookId}/secret/rotate`, {})).body as { secret: string };
  for (const key of [plainKey, `bsk_live_${'0'.repeat(32)}`, mark]) {
    await new ApiClient(worker.origin, key)
      .post(`${path}/webhooks`, { url: `https://10.0.0.1/${mark}`, secret: mark, events: [mark] })
      .catch(() => {});
  }

  const output = worker.output();
  expect(output).toContain('"event":"delivery.attempted"');
  for (const hidden of [mark, plainKey, secret, worker.platformKey, endpoint.url]) expect(output).not.toContain(hidden);
  expect(output).not.toMatch(/bsk_live_|whsec_/);
});

it('what runs for tests, the demo and the bench is not traced by wrangler beside it', () => {
  expect(readdirSync(join(folder, 'v3'))).not.toContain('observability');
});
