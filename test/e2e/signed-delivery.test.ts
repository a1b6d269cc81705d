import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { VERIFIERS } from '../../src/commands/demo/verify-delivery.ts';
import { oddEvent, signUp } from '../support/customer.ts';
import { bodyBytes, inbox, type ReceivedRequest } from '../support/receiver.ts';
import { startReceiver } from '../support/receiver-server.ts';
import { type SomeWorker, sharedWorker } from '../support/worker.ts';

const SECRETS = {
  'a plain secret': 'correct horse battery staple',
  'a plain secret beyond ASCII': 'schlüssel-鍵-🔑',
  'a whsec_ secret': 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=',
};

let worker: SomeWorker;
let receiver: Awaited<ReturnType<typeof startReceiver>>;

beforeAll(async () => {
  receiver = await startReceiver();
  worker = await sharedWorker();
});
afterAll(async () => {
  await receiver?.close();
});

/** Posts the odd event to a new customer's webhook; what arrived there. */
async function deliver(
  secret?: string,
): Promise<{ arrived: ReceivedRequest; body: Buffer; text: string; eventId: string; deliveryId: string }> {
  const customer = await signUp(worker);
  const endpoint = inbox(receiver.origin);
  const webhookId = await customer.webhook(endpoint.url, secret);
  const text = oddEvent(customer.organizationId);
  const eventId = await customer.post(text);
  const [arrived] = await endpoint.arrived(1);
  if (!arrived) throw new Error('Nothing arrived.');
  const { id: deliveryId } = await customer.deliveryThatIs(webhookId, 'delivered');
  return { arrived, body: Buffer.from(bodyBytes(arrived)), text, eventId, deliveryId };
}

describe.each(Object.entries(SECRETS))('a delivery signed with %s', (_name, secret) => {
  it('arrives as it was posted, with the documented headers', async () => {
    const { arrived, body, text, eventId, deliveryId } = await deliver(secret);
    expect(body.toString()).toBe(text);
    expect(arrived.method).toBe('POST');
    expect(arrived.headers).toMatchObject({
      'content-type': 'application/json',
      'user-agent': expect.stringMatching(/^Bullseye-Webhooks\/\d+\.\d+\.\d+$/),
      'content-length': String(Buffer.byteLength(text)),
      'x-bullseye-event': 'visitor.identified',
      'x-bullseye-delivery': deliveryId,
      'x-bullseye-attempt': '1',
      'webhook-id': eventId,
    });
    expect(arrived.headers['x-bullseye-signature']).toBe(createHmac('sha256', secret).update(text).digest('hex'));
    expect(arrived.headers['webhook-signature']).toMatch(/^v1,[A-Za-z0-9+/]{43}=$/);
    const ageSeconds = arrived.atMs / 1_000 - Number(arrived.headers['webhook-timestamp']);
    expect(ageSeconds).toBeGreaterThanOrEqual(0);
    expect(ageSeconds).toBeLessThan(10);
  });

  // Not `it.each`, whose callback does not get the context that skips.
  it.for(VERIFIERS)('verifies with $name', async ({ name, verify }, context) => {
    const { arrived, body } = await deliver(secret);
    const verified = verify({ headers: arrived.headers, body }, secret);
    if (verified === null && process.env.CI !== 'true') context.skip(`${name}: not on this machine`);
    expect(verified).toBe(true);
    expect(verify({ headers: arrived.headers, body: Buffer.concat([body, Buffer.from(' ')]) }, secret)).toBe(false);
    expect(verify({ headers: arrived.headers, body }, `${secret}AAAA`)).toBe(false);
  });
});

it('a delivery of a webhook without a secret is not signed', async () => {
  const { arrived, body, text } = await deliver();
  expect(body.toString()).toBe(text);
  expect(arrived.headers).not.toHaveProperty('x-bullseye-signature');
  expect(arrived.headers).not.toHaveProperty('webhook-signature');
  expect(arrived.headers).toHaveProperty('webhook-id');
});
