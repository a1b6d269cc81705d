import { describe, expect, it } from 'vitest';
import {
  call,
  client,
  createKey,
  createOrganization,
  createWebhook,
  expectStatus,
  platform,
  type TestOrganization,
} from '../../support/api.ts';
import { driveDate } from '../../support/clock.ts';
import { aMessage, anEvent, consume, deliveriesOf, endedDeliveriesOf, endpointInbox } from '../../support/deliveries.ts';
import { bodyBytes, type Reply } from '../../support/receiver.ts';

driveDate();

async function given(input: Record<string, unknown> = {}, script: Reply[] = [{ status: 200 }]) {
  const own = await createOrganization();
  const endpoint = endpointInbox();
  await endpoint.script(script);
  const { id } = await createWebhook(own, { url: endpoint.url, ...input });
  const at = `${own.path}/webhooks/${id}`;
  const textsOf = async () => (await endpoint.requests()).map((request) => new TextDecoder().decode(bodyBytes(request)));
  return {
    own,
    id,
    at,
    endpoint,
    send: (json: unknown) => own.admin.post(`${at}/test`, json),
    /** With a body exactly as it is written. */
    sendText: (raw: string) => call('POST', `/api/v1${at}/test`, { key: own.key, raw, headers: { 'Content-Type': 'application/json' } }),
    received: async () => (await textsOf()).at(-1),
  };
}

const visitorOf = ({ id }: TestOrganization, more: Record<string, unknown> = {}) => ({
  event: 'visitor.identified',
  timestamp: '2026-11-23T10:00:00Z',
  organization_id: id,
  session_id: 'ses_own',
  visitor: { email: 'grace@example.com' },
  ...more,
});

describe('a test with an event of one’s own', () => {
  it('sends it, marked as a test, and has its session in the log', async () => {
    const { own, at, endpoint, send, received } = await given();
    const payload = visitorOf(own, { anything: { else: [1, 2] } });
    const { status, body } = await send({ payload });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      delivery: { event: 'visitor.identified', test: true, sessionId: 'ses_own', status: 'delivered', error: null },
      attempt: { trigger: 'test', outcome: 'succeeded' },
    });
    expect(await received()).toBe(JSON.stringify(payload));
    expect((await endpoint.requests())[0]?.headers).toMatchObject({ 'x-bullseye-test': 'true', 'x-bullseye-event': 'visitor.identified' });
    const detail = (await own.admin.get(`${at}/deliveries/${body.delivery.id}`)).body;
    expect(detail).toMatchObject({ payload: JSON.stringify(payload), acceptedPayload: null, error: null });
  });

  it('sends it as it is written: numbers beyond 2^53, escapes, white space, names that come twice', async () => {
    const { own, sendText, received } = await given();
    const text = `{ "event":"visitor.identified", "timestamp" : "2026-11-23T10:00:00Z","organization_id":"${own.id}",
      "session_id":"s\\u0065s", "visitor":{"id":12345678901234567890,"score":1.10,"a":1,"a":2} ,"__proto__":{"b":1E+2}}`;
    await expectStatus(sendText(`{"payload": {"not": "this"}, "payload" :\n ${text} }`), 200);
    expect(await received()).toBe(text);
  });

  it('puts in front what it does not have of its time and its organization', async () => {
    const { own, sendText, received } = await given();
    await expectStatus(sendText('{"payload":{ "event":"visitor.identified","session_id":"s","visitor":{"n":12345678901234567890}}}'), 200);
    expect(await received()).toMatch(
      new RegExp(
        `^\\{"timestamp":"[^"]+","organization_id":"${own.id}", "event":"visitor\\.identified","session_id":"s","visitor":\\{"n":12345678901234567890\\}\\}$`,
      ),
    );
  });

  it('can be of every type in the catalogue, the service’s own among them', async () => {
    const { own, send, received } = await given();
    for (const event of ['webhook.failing', 'webhook.disabled']) {
      expect((await send({ payload: { event, webhook: { id: 'whk_1' } } })).body.delivery).toMatchObject({ event });
      expect(JSON.parse((await received())!)).toMatchObject({ event, organization_id: own.id, webhook: { id: 'whk_1' } });
    }
  });

  it.each<[what: string, payload: unknown, field: string, code?: string]>([
    ['a text', 'visitor.identified', 'payload'],
    ['a list', [{}], 'payload'],
    ['null', null, 'payload'],
    ['an empty object', {}, 'payload.event'],
    ['an event without its session', { event: 'visitor.identified', visitor: {} }, 'payload.session_id'],
    ['an event without its visitor', { event: 'visitor.identified', session_id: 's' }, 'payload.visitor'],
    ['a time that is none', { event: 'webhook.failing', timestamp: 'yesterday' }, 'payload.timestamp'],
    ['no time', { event: 'webhook.failing', timestamp: null }, 'payload.timestamp'],
    ['another organization', { event: 'webhook.failing', organization_id: 'org_other' }, 'payload.organization_id'],
    ['a type that there is not', { event: 'visitor.vanished' }, 'payload.event', 'unknown_event_type'],
    ['a type that no header could carry', { event: 'x\r\nY: z' }, 'payload.event', 'unknown_event_type'],
    ['half a character', { event: 'webhook.failing', a: '\ud800' }, 'payload.a'],
  ])('is refused where it is %s, and sends nothing', async (_what, payload, field, code = 'validation_failed') => {
    const { id, send, endpoint } = await given();
    expect(await send({ payload })).toMatchObject({ status: 422, body: { code, details: { field, issues: [{ field }] } } });
    expect(await endpoint.requests()).toEqual([]);
    expect(await deliveriesOf(id)).toEqual([]);
  });

  it('can be as large as an event, which is more than other bodies', async () => {
    const { own, send, received } = await given();
    const whole = (length: number) => visitorOf(own, { text: 'x'.repeat(length) });
    const empty = JSON.stringify(whole(0)).length;
    await expectStatus(send({ payload: whole(100_000 - empty) }), 200);
    expect((await received())?.length).toBe(100_000);
    expect(await send({ payload: whole(100_001 - empty) })).toMatchObject({
      status: 413,
      body: { code: 'payload_too_large', details: { field: 'payload' } },
    });
  });
});

describe('a test with the example of an event type', () => {
  it('has the session of the example in the log, as every delivery has its event’s, and is found by it', async () => {
    const { own, at, send, received } = await given();
    const { body } = await send({});
    const { session_id } = JSON.parse((await received())!);
    expect(session_id).toMatch(/^ses_/);
    expect(body.delivery.sessionId).toBe(session_id);
    const found = await own.admin.get(`${at}/deliveries?q=${session_id}`);
    expect(found.body.data).toMatchObject([{ id: body.delivery.id, sessionId: session_id, test: true }]);
  });

  it.each([
    ['none', undefined],
    ['no text', 5],
    ['more than an event may have', 's'.repeat(257)],
  ])('has no session in the log where the example has %s', async (_what, session_id) => {
    const { send } = await given();
    await expectStatus(platform.put('/event-types/of.sessions', { description: 'x', example: { session_id } }), 201);
    const { body } = await send({ event: 'of.sessions' });
    await expectStatus(platform.delete('/event-types/of.sessions'), 204);
    expect(body.delivery).toMatchObject({ event: 'of.sessions', sessionId: null });
  });
});

describe('a test with the event of a delivery', () => {
  it('sends what was accepted again, as a test, in the form that the webhook has now', async () => {
    const { own, id, at, send, received } = await given({ fields: ['visitor.email'] });
    const event = anEvent(own.id, { visitor: { email: 'ada@example.com', first_name: 'Ada' } });
    await consume([aMessage([event])]);
    const [first] = await endedDeliveriesOf(id, 1);
    const again = await send({ deliveryId: first!.id });
    expect(again).toMatchObject({ status: 200, body: { delivery: { test: true, status: 'delivered', sessionId: first!.sessionId } } });
    expect(again.body.delivery.eventId).not.toBe(first!.eventId);
    expect(JSON.parse((await received())!)).not.toHaveProperty('session_id');
    await expectStatus(own.admin.patch(at, { fields: null }), 200);
    await send({ deliveryId: first!.id });
    expect(await received()).toBe(new TextDecoder().decode(event.payload));
    // A test can be tested again, too.
    await expectStatus(send({ deliveryId: again.body.delivery.id }), 200);
    expect(await received()).toBe(new TextDecoder().decode(event.payload));
  });

  it('is 404 for one that is not of this webhook, and 409 for one whose payload was erased', async () => {
    const { own, id, at, send, endpoint } = await given();
    const other = await createWebhook(own, { url: endpoint.url });
    await consume([aMessage([anEvent(own.id)])]);
    const [mine] = await endedDeliveriesOf(id, 1);
    const [theirs] = await endedDeliveriesOf(other.id, 1);
    for (const deliveryId of ['dlv_nothing', theirs!.id]) {
      expect(await send({ deliveryId })).toMatchObject({ status: 404, body: { code: 'not_found' } });
    }
    await expectStatus(own.admin.delete(`${at}/deliveries/${mine!.id}/payload`), 204);
    expect(await send({ deliveryId: mine!.id })).toMatchObject({ status: 409, body: { code: 'payload_erased' } });
    expect(await endpoint.requests()).toHaveLength(2);
  });
});

describe('a test', () => {
  it('takes one of a type, an event and a delivery', async () => {
    const { own, send, endpoint } = await given();
    const payload = visitorOf(own);
    for (const [json, field] of [
      [{ payload, deliveryId: 'dlv_1' }, 'deliveryId'],
      [{ event: 'visitor.identified', payload }, 'payload'],
      [{ event: 'visitor.identified', deliveryId: 'dlv_1' }, 'deliveryId'],
      [{ event: 'visitor.identified', payload, deliveryId: 'dlv_1' }, 'payload'],
    ] as const)
      expect(await send(json)).toMatchObject({ status: 422, body: { code: 'validation_failed', details: { field } } });
    expect(await endpoint.requests()).toEqual([]);
  });

  it('passes the filter and once, and is sent in the format, with the fields and the headers of the webhook', async () => {
    const { own, endpoint, send, received } = await given({
      filter: { field: 'visitor.email', operator: 'equals', value: 'somebody@else.example' },
      once: { per: 'visitor.email', days: 30 },
      fields: ['visitor.email'],
      format: 'flat',
      headers: { Authorization: 'Bearer 3f9a07c2' },
    });
    for (let sent = 0; sent < 2; sent++) {
      const { body } = await send({ payload: visitorOf(own) });
      expect(body).toMatchObject({ delivery: { status: 'delivered' }, attempt: { requestHeaders: { Authorization: '•••' } } });
      expect(JSON.parse((await received())!)).toEqual({
        event: 'visitor.identified',
        timestamp: '2026-11-23T10:00:00Z',
        organization_id: own.id,
        visitor_email: 'grace@example.com',
      });
    }
    expect((await endpoint.requests()).map(({ headers }) => headers.authorization)).toEqual(['Bearer 3f9a07c2', 'Bearer 3f9a07c2']);
  });

  it('whose template fails is answered with a delivery that has failed, why, and no attempt', async () => {
    const { own, at, send, endpoint } = await given({ format: 'template', template: '{ "n": {{ company.employee_count }} }' });
    const { status, body } = await send({ payload: visitorOf(own) });
    expect(status).toBe(200);
    expect(body).toEqual({
      delivery: expect.objectContaining({
        status: 'failed',
        reason: 'not_rendered',
        attemptCount: 0,
        test: true,
        error: expect.any(String),
      }),
      attempt: null,
    });
    expect(body.delivery.error).toMatch(/line 1/i);
    const detail = (await own.admin.get(`${at}/deliveries/${body.delivery.id}`)).body;
    const text = JSON.stringify(visitorOf(own));
    expect(detail).toMatchObject({ payload: null, acceptedPayload: text, error: body.delivery.error, attempts: [] });
    expect(await endpoint.requests()).toEqual([]);
    expect((await send({ payload: visitorOf(own, { company: { employee_count: 5 } }) })).body.attempt).toMatchObject({
      outcome: 'succeeded',
    });
  });

  it('needs the scope write, and the plan', async () => {
    const { own, at } = await given();
    const json = { payload: visitorOf(own) };
    expect((await client(await createKey(own.id, ['read'])).post(`${at}/test`, json)).status).toBe(403);
    expect((await client(await createKey(own.id, ['write'])).post(`${at}/test`, json)).status).toBe(200);
    await expectStatus(platform.put(own.path, { name: 'Test', plan: 'growth' }), 200);
    expect(await own.admin.post(`${at}/test`, json)).toMatchObject({ status: 403, body: { code: 'plan_upgrade_required' } });
  });
});
