import { env } from 'cloudflare:workers';
import { eq } from 'drizzle-orm';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { MAX_RESPONSE_BODY_BYTES } from '../../src/attempt/attempt.ts';
import { Courier } from '../../src/attempt/courier.ts';
import { readOwnHeaders } from '../../src/attempt/own-headers.ts';
import { databaseOf } from '../../src/db/client.ts';
import { webhooks } from '../../src/db/schema.ts';
import { MASKED } from '../../src/domain/access/mask.ts';
import type { AttemptRecord } from '../../src/domain/delivery/delivery.ts';
import { driveDate } from '../support/clock.ts';
import { endedDeliveriesOf, givenScripted, outboxOf } from '../support/deliveries.ts';
import { bring, deliver, findDelivery, havePatience, newDeliveries, newDelivery, runWhenDue } from '../support/outbox.ts';
import type { Reply } from '../support/receiver.ts';
import { haveAnswersTake } from '../support/senders.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

const TOKEN = 'tok_5f2+9/aQ=="x';
const HEADERS = { Authorization: `Bearer ${TOKEN}`, 'X-Team': 'ab', 'x-long': 'v'.repeat(1_000) };
const SHOWN = { Authorization: MASKED, 'X-Team': MASKED, 'x-long': MASKED };

/** The log's record of an attempt that an endpoint answers so, of a webhook with headers of its own; and all that was logged meanwhile. */
async function attempted(reply: Reply, headers: Record<string, string> = HEADERS) {
  const lines: string[] = [];
  for (const level of ['log', 'warn', 'error'] as const)
    vi.spyOn(console, level).mockImplementation((line: string) => void lines.push(line));
  havePatience();
  const { endpoint, webhook } = await givenScripted([reply], { headers, secret: 'a secret' });
  const delivery = newDelivery(webhook);
  await deliver(webhook, delivery);
  const [record] = (await findDelivery(webhook, delivery.id)).attempts as [AttemptRecord];
  return { endpoint, webhook, delivery, record, logged: lines.join('\n') };
}

describe("a webhook's own headers", () => {
  it('are sent beside those that every delivery has, and the log has their names', async () => {
    const { endpoint, record } = await attempted({ status: 200 });
    const [request] = await endpoint.arrived(1);
    expect(request!.headers).toMatchObject({ authorization: HEADERS.Authorization, 'x-team': 'ab', 'x-long': HEADERS['x-long'] });
    expect(request!.headers).toMatchObject({ 'content-type': 'application/json', 'x-bullseye-signature': expect.any(String) });
    expect(record.requestHeaders).toMatchObject(SHOWN);
    expect(record.requestHeaders['webhook-signature']).toBe(request!.headers['webhook-signature']);
  });

  it('are sent with every retry, with tests, and through couriers', async () => {
    const { endpoint, webhook } = await givenScripted([{ status: 200, delayMs: 20 }], { headers: HEADERS });
    haveAnswersTake(300);
    const couriers = vi.spyOn(Courier.prototype, 'attempt');
    const deliveries = newDeliveries(webhook, 60);
    await deliver(webhook, ...deliveries);
    await endedDeliveriesOf(webhook, 60);
    await outboxOf(webhook).sendTest(newDelivery(webhook));
    expect(await outboxOf(webhook).retryNow(deliveries[0]!.id)).toMatchObject({ kind: 'begun' });
    await deliver(webhook, ...newDeliveries(webhook, 30));
    expect(couriers).toHaveBeenCalled();
    await endedDeliveriesOf(webhook, 91);
    for (const { headers } of await endpoint.arrived(92)) expect(headers.authorization).toBe(HEADERS.Authorization);
  });

  it('that a request is negotiated with are no secrets: what the endpoint answers in the same words stands in the log', async () => {
    const headers = { Accept: 'application/json', 'X-Key': 'application/xml' };
    const reply = { status: 200, headers: { 'content-type': 'application/json' }, body: '"application/json, application/xml"' };
    const { record } = await attempted(reply, headers);
    expect(record.requestHeaders).toMatchObject({ Accept: MASKED, 'X-Key': MASKED });
    expect(record.responseHeaders).toMatchObject({ 'content-type': 'application/json' });
    expect(record.responseBody).toBe(`"application/json, ${MASKED}"`);
  });

  it('are absent where there are none', async () => {
    const { record } = await attempted({ status: 200, headers: { 'x-echo': 'abcd' } }, {});
    expect(Object.values(record.requestHeaders)).not.toContain(MASKED);
    expect(record.responseHeaders).toMatchObject({ 'x-echo': 'abcd' });
  });

  it('that change are the new ones within seconds', async () => {
    const { endpoint, webhook } = await givenScripted([{ status: 200 }], { headers: HEADERS });
    await deliver(webhook, newDelivery(webhook));
    await databaseOf(env.DB).update(webhooks).set({ headers: null }).where(eq(webhooks.id, webhook));
    await deliver(webhook, newDelivery(webhook));
    expect((await endpoint.arrived(2)).map(({ headers }) => headers.authorization)).toEqual([HEADERS.Authorization, undefined]);
  });
});

describe('a retry that is scheduled', () => {
  driveDate();

  it('sends the headers that the webhook has when it is made, and the bytes that it had before', async () => {
    const { endpoint, webhook } = await givenScripted([{ status: 500 }, { status: 200 }], { headers: HEADERS });
    const delivery = newDelivery(webhook);
    await deliver(webhook, delivery);
    await databaseOf(env.DB).update(webhooks).set({ headers: null }).where(eq(webhooks.id, webhook));
    await runWhenDue(webhook, delivery.id);
    const [first, second] = await endpoint.arrived(2);
    expect([first!.headers.authorization, second!.headers.authorization]).toEqual([HEADERS.Authorization, undefined]);
    expect(second!.bodyBase64).toBe(first!.bodyBase64);
  });
});

describe('what an endpoint repeats of them', () => {
  const body = JSON.stringify({ headers: { Authorization: HEADERS.Authorization }, token: TOKEN, team: 'ab' });
  const shown = JSON.stringify({ headers: { Authorization: MASKED }, token: MASKED, team: 'ab' });

  it.each<[string, Reply, Partial<AttemptRecord>]>([
    ['in its body', { status: 500, body }, { responseBody: shown }],
    ['in its body, acknowledging', { status: 200, body }, { responseBody: shown }],
    [
      'in a header',
      { status: 500, headers: { 'x-echo': `got ${TOKEN}` } },
      { responseHeaders: expect.objectContaining({ 'x-echo': `got ${MASKED}` }) },
    ],
    [
      'in a header that is cut where the log ends it',
      { status: 500, headers: { 'x-echo': `${'-'.repeat(990)}${HEADERS.Authorization}` } },
      { responseHeaders: expect.objectContaining({ 'x-echo': `${'-'.repeat(990)}${MASKED}` }) },
    ],
    [
      'at the end of a body that is cut',
      { status: 500, body: `${'-'.repeat(MAX_RESPONSE_BODY_BYTES - 12)}${HEADERS.Authorization}` },
      { responseBody: `${'-'.repeat(MAX_RESPONSE_BODY_BYTES - 12)}${MASKED}`, responseBodyTruncated: true },
    ],
    [
      'in a body that is no text',
      { status: 500, bodyBase64: btoa(`\xff\x00${TOKEN}`) },
      { responseBody: btoa(`\xff\x00${String.fromCharCode(...new TextEncoder().encode(MASKED))}`), responseBodyEncoding: 'base64' },
    ],
  ])('%s is masked in the log', async (_where, reply, expected) => {
    const { record, logged } = await attempted(reply);
    expect(record).toMatchObject(expected);
    expect(JSON.stringify(record)).not.toContain(TOKEN.slice(0, 10));
    expect(logged).not.toContain(TOKEN.slice(0, 10));
  });

  it('is masked in what the runtime says of a header that it refuses', async () => {
    const { record, logged } = await attempted({ status: 200 }, { Authorization: 'Bearer secret-in-a-header-that\nis-none' });
    expect(record).toMatchObject({ outcome: 'failed', responseStatus: null });
    expect(JSON.stringify([record, logged])).not.toContain('secret-in');
  });
});

describe('own headers that do not open', () => {
  it.each([
    ['under no key that is there', 'v1:00000000:AAAAAAAAAAAAAAAA:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'],
    ['at all', 'not sealed'],
  ])(
    '%s are a fault of ours: nothing is sent, nothing counts against the endpoint, and it goes out when they do',
    async (_how, headers) => {
      const { endpoint, webhook } = await givenScripted([{ status: 200 }], { headers: HEADERS });
      await databaseOf(env.DB).update(webhooks).set({ headers }).where(eq(webhooks.id, webhook));
      const delivery = newDelivery(webhook);
      await bring(webhook, delivery);
      expect(await findDelivery(webhook, delivery.id)).toMatchObject({ status: 'pending', attemptCount: 0, attempts: [] });
      expect(await outboxOf(webhook).sendTest(newDelivery(webhook))).toBeNull();
      expect(await endpoint.requests()).toEqual([]);
      expect(await outboxOf(webhook).status()).toMatchObject({ health: 'healthy' });
    },
  );

  it('say nothing of what is in them', () => {
    for (const text of ['Bearer secret', '["secret"]', '{"Authorization":["secret"]}', 'null', '"secret"']) {
      expect(() => readOwnHeaders(text), text).toThrow(/^the webhook's own headers are not names with values$/);
    }
  });
});
