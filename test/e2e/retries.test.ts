import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { LocalWorker } from '../../src/commands/local-worker.ts';
import { type Customer, oddEvent, signUp } from '../support/customer.ts';
import { bodyBytes, inbox, type ReceivedRequest } from '../support/receiver.ts';
import { startReceiver } from '../support/receiver-server.ts';
import { startWorker } from '../support/worker.ts';

const folders: string[] = [];
let receiver: Awaited<ReturnType<typeof startReceiver>>;
let worker: LocalWorker | undefined;

beforeAll(async () => {
  receiver = await startReceiver();
});
afterEach(async () => {
  await worker?.stop();
  worker = undefined;
});
afterAll(async () => {
  await receiver?.close();
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'bullseye-e2e-'));
  folders.push(folder);
  return folder;
}

/** Every attempt is the same delivery of the same event, with the same bytes; only its number, its time and its signature are its own. */
function expectSameDelivery(attempts: readonly ReceivedRequest[], text: string): void {
  for (const [index, { headers, ...request }] of attempts.entries()) {
    expect(Buffer.from(bodyBytes({ headers, ...request })).toString()).toBe(text);
    expect(headers['webhook-id']).toBe(attempts[0]?.headers['webhook-id']);
    expect(headers['x-bullseye-delivery']).toBe(attempts[0]?.headers['x-bullseye-delivery']);
    expect(headers['x-bullseye-signature']).toBe(attempts[0]?.headers['x-bullseye-signature']);
    expect(headers['x-bullseye-attempt']).toBe(String(index + 1));
  }
}

async function withEndpoint(customer: Customer, statuses: readonly number[]) {
  const endpoint = inbox(receiver.origin);
  await endpoint.script(statuses.map((status) => ({ status })));
  return { endpoint, webhookId: await customer.webhook(endpoint.url, 'a secret') };
}

describe('an endpoint that fails', () => {
  it('is retried until it answers 2xx', async () => {
    worker = await startWorker({ persistTo: newFolder(), vars: { RETRY_SCHEDULE: '1s,2s,3s' } });
    const customer = await signUp(worker);
    const { endpoint, webhookId } = await withEndpoint(customer, [500, 503, 200]);
    const text = oddEvent(customer.organizationId);
    await customer.post(text);

    const attempts = await endpoint.arrived(3);
    expectSameDelivery(attempts, text);
    const [first = 0, second = 0, third = 0] = attempts.map(({ atMs }) => atMs);
    expect(second - first).toBeGreaterThanOrEqual(1_000);
    expect(third - second).toBeGreaterThanOrEqual(2_000);

    const delivery = await customer.deliveryThatIs(webhookId, 'delivered');
    expect(delivery).toMatchObject({ attemptCount: 3, reason: null, payload: text });
    expect(delivery.attempts).toMatchObject([
      { number: 1, trigger: 'event', outcome: 'failed', responseStatus: 500 },
      { number: 2, trigger: 'schedule', outcome: 'failed', responseStatus: 503 },
      { number: 3, trigger: 'schedule', outcome: 'succeeded', responseStatus: 200 },
    ]);
  });

  it('is given up after four attempts', async () => {
    worker = await startWorker({ persistTo: newFolder(), vars: { RETRY_SCHEDULE: '300ms,300ms,300ms' } });
    const customer = await signUp(worker);
    const { endpoint, webhookId } = await withEndpoint(customer, [500]);
    const text = oddEvent(customer.organizationId);
    await customer.post(text);

    const delivery = await customer.deliveryThatIs(webhookId, 'failed');
    expect(delivery).toMatchObject({ attemptCount: 4, reason: 'attempts_exhausted' });
    expect(delivery.attempts.map(({ outcome }) => outcome)).toEqual(['failed', 'failed', 'failed', 'failed']);
    const attempts = await endpoint.requests();
    expect(attempts).toHaveLength(4);
    expectSameDelivery(attempts, text);
  });

  it('is retried also where the whole runtime crashed between two attempts', async () => {
    const options = { persistTo: newFolder(), vars: { RETRY_SCHEDULE: '6s,1s,1s' } };
    worker = await startWorker(options);
    const before = await signUp(worker);
    const { endpoint, webhookId } = await withEndpoint(before, [500, 200]);
    const text = oddEvent(before.organizationId);
    await before.post(text);
    await before.deliveryThatIs(webhookId, 'retrying');
    await worker.crash();
    expect(await endpoint.requests()).toHaveLength(1);

    worker = await startWorker(options);
    expectSameDelivery(await endpoint.arrived(2), text);
    const delivery = await before.on(worker).deliveryThatIs(webhookId, 'delivered');
    expect(delivery).toMatchObject({ attemptCount: 2, payload: text });
  });
});
