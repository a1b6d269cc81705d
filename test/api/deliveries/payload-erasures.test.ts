import { describe, expect, it, vi } from 'vitest';
import { call, createKey, createOrganization, createWebhook, expectStatus, type TestOrganization } from '../../support/api.ts';
import { auditLogOf } from '../../support/audit.ts';
import { driveDate } from '../../support/clock.ts';
import {
  aMessage,
  anEvent,
  consume,
  deliveriesOf,
  endedDeliveriesOf,
  endpointInbox,
  runAlarm,
  untilEnded,
} from '../../support/deliveries.ts';
import type { Inbox } from '../../support/receiver.ts';
import { storedIn } from '../../support/stored.ts';

driveDate();

const PERSONAL = 'ada.lovelace@example.com';
const echo = { headers: { 'x-echo': PERSONAL }, body: `thank you, ${PERSONAL}` };

interface Given {
  organization: TestOrganization;
  endpoint: Inbox;
  webhookId: string;
  deliveryId: string;
  eventId: string;
  path: string;
}

/** A delivery of an event about somebody, once it has ended. */
async function given(script: Parameters<Inbox['script']>[0]): Promise<Given> {
  const organization = await createOrganization();
  const endpoint = endpointInbox();
  await endpoint.script(script);
  const { id: webhookId } = await createWebhook(organization, { url: endpoint.url, generateSecret: true });
  await consume([aMessage([anEvent(organization.id, { visitor: { email: PERSONAL } })])]);
  const [delivery] = await deliveriesOf(webhookId);
  const { id: deliveryId, eventId } = delivery!;
  return {
    organization,
    endpoint,
    webhookId,
    deliveryId,
    eventId,
    path: `${organization.path}/webhooks/${webhookId}/deliveries/${deliveryId}`,
  };
}

it('of an event is not that of the test whose id differs by its mark alone', async () => {
  const { organization, webhookId } = await given([{ status: 204 }]);
  const { body } = await expectStatus(organization.admin.post(`${organization.path}/webhooks/${webhookId}/test`), 200);
  const { id, eventId } = body.delivery;
  const unmarked = eventId.replace('_test_', '_');
  const payload = async () => (await organization.admin.get(`${organization.path}/webhooks/${webhookId}/deliveries/${id}`)).body.payload;
  await expectStatus(organization.admin.delete(`${organization.path}/events/${unmarked}/payload`), 404);
  expect(await payload()).toContain('visitor.identified');
  await expectStatus(organization.admin.delete(`${organization.path}/events/${eventId}/payload`), 204);
  expect(await payload()).toBeNull();
});

describe("erasing a delivery's payload", () => {
  it('leaves nothing of it anywhere in the outbox, and the delivery with its attempts in the log', async () => {
    const { organization, webhookId, path } = await given([
      { status: 500, ...echo },
      { status: 200, ...echo },
    ]);
    await untilEnded(webhookId);
    expect(await storedIn(webhookId)).toContain(PERSONAL);
    const before = (await organization.admin.get(path)).body;

    await expectStatus(organization.admin.delete(`${path}/payload`), 204);

    expect(await storedIn(webhookId)).not.toContain(PERSONAL);
    const { body } = await expectStatus(organization.admin.get(path), 200);
    expect(body).toMatchObject({ status: 'delivered', attemptCount: 2, payload: null, payloadErasedAt: new Date().toISOString() });
    expect(body.attempts).toHaveLength(2);
    for (const [index, attempt] of body.attempts.entries()) {
      expect(attempt).toMatchObject({ responseHeaders: null, responseBody: null, responseStatus: before.attempts[index].responseStatus });
      expect(Object.keys(attempt.requestHeaders)).toContain('X-Bullseye-Delivery');
      expect(Object.keys(attempt.requestHeaders).filter((name) => /signature/i.test(name))).toEqual([]);
    }
    expect(before).toMatchObject({ payload: expect.stringContaining(PERSONAL), payloadErasedAt: null });
  });

  it('changes nothing where it is repeated', async () => {
    const { organization, path } = await given([{ status: 200 }]);
    await expectStatus(organization.admin.delete(`${path}/payload`), 204);
    const erased = (await organization.admin.get(path)).body;
    vi.setSystemTime(Date.now() + 5_000);
    await expectStatus(organization.admin.delete(`${path}/payload`), 204);
    expect((await organization.admin.get(path)).body).toEqual(erased);
    expect(await auditLogOf(organization, '&action=payload.erased')).toHaveLength(1);
  });

  it('is refused while the delivery waits: it is still needed, and still arrives', async () => {
    const { organization, endpoint, webhookId, deliveryId, path } = await given([{ status: 500 }, { status: 200 }]);
    expect(await organization.admin.delete(`${path}/payload`)).toMatchObject({
      status: 409,
      body: { code: 'delivery_not_finished', details: { deliveryIds: [deliveryId] } },
    });
    await untilEnded(webhookId);
    expect((await endpoint.requests()).map(({ bodyBase64 }) => atob(bodyBase64).includes(PERSONAL))).toEqual([true, true]);
  });

  it('is refused while an attempt by hand runs, of a delivery that had failed', async () => {
    const { organization, endpoint, webhookId, path } = await given([{ status: 500 }]);
    await untilEnded(webhookId);
    await endpoint.script([{ status: 200, delayMs: 300 }]);
    await expectStatus(organization.admin.post(`${path}/retry`), 202);
    expect(await organization.admin.delete(`${path}/payload`)).toMatchObject({ status: 409, body: { code: 'delivery_not_finished' } });
    await endpoint.arrived(5);
    await vi.waitUntil(async () => (await deliveriesOf(webhookId))[0]?.status === 'delivered');
    await expectStatus(organization.admin.delete(`${path}/payload`), 204);
  });

  it('ends retries and recoveries of it: both are refused or leave it out, and nothing is sent', async () => {
    const { organization, endpoint, webhookId, path } = await given([{ status: 500 }]);
    await untilEnded(webhookId);
    const sent = (await endpoint.requests()).length;
    await expectStatus(organization.admin.delete(`${path}/payload`), 204);
    expect(await organization.admin.post(`${path}/retry`)).toMatchObject({ status: 409, body: { code: 'payload_erased' } });
    const recover = `${organization.path}/webhooks/${webhookId}/recover`;
    expect((await organization.admin.post(recover, { since: '2020-01-01' })).body).toEqual({ count: 0 });

    // Beside one that can be recovered.
    await consume([aMessage([anEvent(organization.id)])]);
    await untilEnded(webhookId);
    expect((await organization.admin.post(recover, { since: '2020-01-01' })).body).toEqual({ count: 1 });
    await endpoint.script([{ status: 200 }]);
    await runAlarm(webhookId);
    await untilEnded(webhookId);
    const [recovered, erased] = await deliveriesOf(webhookId);
    expect([recovered!.status, erased!.status]).toEqual(['delivered', 'failed']);
    const bodies = (await endpoint.requests()).slice(sent).map(({ bodyBase64 }) => atob(bodyBase64));
    expect(bodies.every((body) => body.includes('"ada@example.com"'))).toBe(true);
  });

  it('leaves no trace of its own once retention removes the delivery', async () => {
    const { organization, webhookId, deliveryId, path } = await given([{ status: 200 }]);
    await expectStatus(organization.admin.delete(`${path}/payload`), 204);
    vi.setSystemTime(Date.now() + 31 * 86_400_000);
    await runAlarm(webhookId);
    expect(await storedIn(webhookId)).not.toContain(deliveryId);
  });

  it('is for keys that may write, and for what is there', async () => {
    const { organization, path } = await given([{ status: 200 }]);
    const reader = await createKey(organization.id, ['read']);
    expect(await call('DELETE', `/api/v1${path}/payload`, { key: reader })).toMatchObject({ status: 403 });
    expect(await organization.admin.delete(`${path}x/payload`)).toMatchObject({ status: 404 });
    expect((await organization.admin.get(path)).body.payload).toContain(PERSONAL);
  });
});

describe("erasing an event's payload", () => {
  it('erases it from the log of every webhook that it went to', async () => {
    const { organization, webhookId, eventId } = await givenTwo([{ status: 200, ...echo }], [{ status: 204 }]);
    await expectStatus(organization.admin.delete(`${organization.path}/events/${eventId}/payload`), 204);
    for (const { id } of (await organization.admin.get(`${organization.path}/webhooks`)).body.webhooks) {
      expect(await storedIn(id)).not.toContain(PERSONAL);
    }
    expect(await deliveriesOf(webhookId)).toHaveLength(1);
  });

  it('names what has not ended, and erases the rest', async () => {
    const { organization, webhookId, other, eventId } = await givenTwo([{ status: 200 }], [{ status: 500 }]);
    const waiting = (await deliveriesOf(other))[0]!.id;
    expect(await organization.admin.delete(`${organization.path}/events/${eventId}/payload`)).toMatchObject({
      status: 409,
      body: { code: 'delivery_not_finished', details: { deliveryIds: [waiting] } },
    });
    expect(await storedIn(webhookId)).not.toContain(PERSONAL);
    expect(await storedIn(other)).toContain(PERSONAL);
  });

  it('is 404 where the event went to none of the organization’s webhooks', async () => {
    const { eventId } = await given([{ status: 200 }]);
    const stranger = await createOrganization();
    await createWebhook(stranger);
    expect(await stranger.admin.delete(`${stranger.path}/events/${eventId}/payload`)).toMatchObject({ status: 404 });
  });

  async function givenTwo(first: Parameters<Inbox['script']>[0], second: Parameters<Inbox['script']>[0]) {
    const organization = await createOrganization();
    const [one, two] = [endpointInbox(), endpointInbox()];
    await Promise.all([one.script(first), two.script(second)]);
    const { id: webhookId } = await createWebhook(organization, { url: one.url });
    const { id: other } = await createWebhook(organization, { url: two.url });
    await consume([aMessage([anEvent(organization.id, { visitor: { email: PERSONAL } })])]);
    const [delivery] = await endedDeliveriesOf(webhookId, 1);
    await vi.waitUntil(async () => (await deliveriesOf(other))[0]?.attemptCount === 1);
    return { organization, webhookId, other, eventId: delivery!.eventId };
  }
});
