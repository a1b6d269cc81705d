import { exports } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import type { Producer } from '../src/producer.ts';
import { createOrganization, createWebhook } from './support/api.ts';
import { endedDeliveriesOf, endpointInbox } from './support/deliveries.ts';
import { bodyBytes } from './support/receiver.ts';

// As another Worker of the account calls it; over a real service binding in test/e2e/producer.test.ts.
const { Producer: producer } = exports as unknown as { Producer: Service<Producer> };

const anEvent = (organizationId: string, more: object = {}) => ({
  ...{ event: 'visitor.identified', timestamp: '2026-11-27T10:00:00Z', organization_id: organizationId, session_id: 'ses_1' },
  ...{ visitor: { email: 'ada@example.com' }, ...more },
});

async function given() {
  const own = await createOrganization();
  const endpoint = endpointInbox();
  await endpoint.script([{ status: 200 }, { status: 200 }, { status: 200 }]);
  const { id } = await createWebhook(own, { url: endpoint.url });
  return { own, endpoint, webhookId: id as string };
}

/** What is thrown, with its fields. */
async function refusalOf(work: Promise<unknown>) {
  return await work.then(
    (answer) => Promise.reject(new Error(`it was accepted: ${JSON.stringify(answer)}`)),
    ({ message, code, status, details, retryAfterSeconds }) => ({ message, code, status, details, retryAfterSeconds }),
  );
}

describe('Producer.post', () => {
  it('accepts an event, and an array, as POST /events does', async () => {
    const { own, webhookId } = await given();
    expect(await producer.post(anEvent(own.id))).toEqual({ id: expect.stringMatching(/^evt_/) });
    const { ids } = (await producer.post([anEvent(own.id, { n: 1 }), anEvent(own.id, { n: 2 })])) as { ids: string[] };
    expect(ids).toHaveLength(2);
    expect(await endedDeliveriesOf(webhookId, 3)).toHaveLength(3);
  });

  it('passes text on byte for byte', async () => {
    const { own, endpoint } = await given();
    const text = ` ${JSON.stringify(anEvent(own.id))}`.replace('"ses_1"', '"ses_1", "n": 12345678901234567890');
    await producer.post(text);
    const [arrived] = await endpoint.arrived(1);
    expect(new TextDecoder().decode(bodyBytes(arrived!))).toBe(text);
  });

  it('gives the same ids for the same key, and delivers once', async () => {
    const { own, webhookId } = await given();
    const event = anEvent(own.id);
    const first = await producer.post(event, { idempotencyKey: 'k1' });
    expect(await producer.post(event, { idempotencyKey: 'k1' })).toEqual(first);
    const other = await producer.post(event, { idempotencyKey: 'k2' });
    expect(other).not.toEqual(first);
    const ids = (await endedDeliveriesOf(webhookId, 2)).map(({ eventId }) => ({ id: eventId }));
    expect(ids).toHaveLength(2);
    expect(ids).toEqual(expect.arrayContaining([first, other]));
  });

  it.each([
    ['an event without its session', anEvent('org_a', { session_id: undefined }), {}, 'validation_failed', 422, 'session_id'],
    ['an unknown type', anEvent('org_a', { event: 'no.such' }), {}, 'unknown_event_type', 422, 'event'],
    ['a key that is none', anEvent('org_a'), { idempotencyKey: 'ü' }, 'validation_failed', 422, 'Idempotency-Key'],
    ['no JSON', '{', {}, 'malformed_json', 400, undefined],
    ['nothing', '', {}, 'malformed_json', 400, undefined],
    ['too much', 'x'.repeat(300_000), {}, 'payload_too_large', 413, undefined],
  ])('refuses %s, with code, status and details', async (_what, events, options, code, status, field) => {
    const refusal = await refusalOf(producer.post(events, options));
    expect(refusal).toMatchObject({ code, status, retryAfterSeconds: null, message: expect.any(String) });
    expect(refusal.details.field).toBe(field);
  });
});
