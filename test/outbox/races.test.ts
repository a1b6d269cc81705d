import { Webhook } from 'standardwebhooks';
import { describe, expect, it, vi } from 'vitest';
import { PLATFORM_KEY, platform } from '../support/api.ts';
import { driveDate } from '../support/clock.ts';
import {
  aMessage,
  anEvent,
  consume,
  deliveriesOf,
  endedDeliveriesOf,
  endpointInbox,
  givenOrganization,
  givenWebhook,
  outboxOf,
  runAlarm,
} from '../support/deliveries.ts';
import { configOf, newDelivery } from '../support/outbox.ts';
import { bodyBytes, type Inbox, type ReceivedRequest } from '../support/receiver.ts';

const MINUTE = 60_000;

driveDate();

function verifies(secret: string, request: ReceivedRequest): boolean {
  try {
    new Webhook(secret).verify(new TextDecoder().decode(bodyBytes(request)), request.headers);
    return true;
  } catch {
    return false;
  }
}

async function given(script: Parameters<Inbox['script']>[0], secret?: string) {
  const endpoint = endpointInbox();
  await endpoint.script(script);
  const organization = await givenOrganization();
  const webhook = await givenWebhook(organization, { url: endpoint.url, secret });
  return { endpoint, organization, webhook, path: `/organization/${organization}/webhooks/${webhook}` };
}

describe('a secret rotated between two attempts of a delivery', () => {
  const old = 'whsec_b2xkIHNlY3JldCBvZiBhIHdlYmhvb2shISEhIQ==';

  it('signs the second with both while the overlap runs, with the new one alone once it has ended', async () => {
    const { endpoint, organization, webhook, path } = await given([{ status: 500 }], old);
    await consume([aMessage([anEvent(organization)])]);
    const { body } = await platform.post(`${path}/secret/rotate`, { overlapSeconds: 600 });
    vi.setSystemTime(Date.now() + 2 * MINUTE);
    await runAlarm(webhook);
    vi.setSystemTime(Date.now() + 9 * MINUTE);
    await runAlarm(webhook);
    const [first, second, third] = await endpoint.requests();
    const by = (request: ReceivedRequest) => {
      // The library refuses times far from its own clock.
      vi.setSystemTime(Number(request.headers['webhook-timestamp']) * 1_000);
      return { old: verifies(old, request), new: verifies(body.secret, request) };
    };
    expect([by(first!), by(second!), by(third!)]).toEqual([
      { old: true, new: false },
      { old: true, new: true },
      { old: false, new: true },
    ]);
    expect(second!.headers['webhook-signature']!.split(' ')).toHaveLength(2);
    expect(third!.headers['webhook-signature']!.split(' ')).toHaveLength(1);
  });

  it('signs with the new one alone where the overlap was ended early', async () => {
    const { endpoint, organization, webhook, path } = await given([{ status: 500 }], old);
    await consume([aMessage([anEvent(organization)])]);
    await platform.post(`${path}/secret/rotate`, {});
    expect((await platform.delete(`${path}/secret/previous`)).status).toBe(204);
    expect((await platform.get(`${path}/secret`)).body.previousSecretExpiresAt).toBeNull();
    vi.setSystemTime(Date.now() + 2 * MINUTE);
    await runAlarm(webhook);
    const [, second] = await endpoint.requests();
    expect(second!.headers['webhook-signature']!.split(' ')).toHaveLength(1);
  });
});

describe('a webhook disabled', () => {
  it('between fan-out and attempt: what comes with the configuration from before is discarded, and can be recovered', async () => {
    const { endpoint, webhook, path } = await given([{ status: 200 }]);
    const before = await configOf(webhook);
    await platform.patch(path, { enabled: false });
    // The change tells the outbox, once it is answered; what was read before that is not believed.
    await vi.waitFor(async () => expect(await outboxOf(webhook).retryNow('dlv_none')).toEqual({ kind: 'unknown' }));
    await outboxOf(webhook).reconfigured();
    await outboxOf(webhook).deliver(before, [newDelivery(webhook)], Date.now() - 1);
    await endedDeliveriesOf(webhook, 1);
    expect(await deliveriesOf(webhook)).toMatchObject([{ status: 'discarded', reason: 'webhook_disabled', attemptCount: 0 }]);
    expect(await endpoint.requests()).toEqual([]);

    await platform.patch(path, { enabled: true });
    vi.setSystemTime(Date.now() + 1);
    expect((await platform.post(`${path}/recover`, { since: '2020-01-01T00:00:00Z' })).body).toEqual({ count: 1 });
    await runAlarm(webhook);
    expect(await endedDeliveriesOf(webhook, 1)).toMatchObject([{ status: 'delivered', attemptCount: 1 }]);
  });
});

describe('one Idempotency-Key', () => {
  it('sent by twenty requests at once gives one id and one delivery, also when the queue redelivers', async () => {
    const { endpoint, organization, webhook } = await given([{ status: 200 }]);
    const key = crypto.randomUUID();
    const event = {
      event: 'visitor.identified',
      timestamp: '2026-11-23T10:00:00Z',
      organization_id: organization,
      session_id: 's',
      visitor: {},
    };
    const { call } = await import('../support/api.ts');
    const answers = await Promise.all(
      Array.from({ length: 20 }, () =>
        call('POST', '/api/v1/events', { key: PLATFORM_KEY, json: event, headers: { 'Idempotency-Key': key } }),
      ),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]));
    const ids = new Set(answers.map(({ body }) => body.id));
    expect(ids.size).toBe(1);
    const [id] = ids;
    const message = aMessage([{ id, payload: new TextEncoder().encode(JSON.stringify(event)) }]);
    await consume([message, { ...message, id: crypto.randomUUID(), attempts: 3 }]);
    await consume([{ ...message, attempts: 2 }]);
    expect(await endedDeliveriesOf(webhook, 1)).toMatchObject([{ eventId: id, status: 'delivered', attemptCount: 1 }]);
    expect(await endpoint.requests()).toHaveLength(1);
  });
});

describe('a recovery', () => {
  it('while events arrive: each delivery is made once, new ones and recovered ones', async () => {
    const { endpoint, organization, webhook, path } = await given([{ status: 500 }]);
    await consume([aMessage(Array.from({ length: 8 }, () => anEvent(organization)))]);
    while ((await deliveriesOf(webhook)).some(({ finishedAt }) => finishedAt === null)) {
      vi.setSystemTime(Date.now() + 40 * MINUTE);
      await runAlarm(webhook);
    }
    const before = (await endpoint.requests()).length;
    await endpoint.script([{ status: 200 }]);
    vi.setSystemTime(Date.now() + 1);
    const arriving = Array.from({ length: 8 }, () => anEvent(organization));
    await Promise.all([
      platform.post(`${path}/recover`, { since: '2020-01-01T00:00:00Z' }),
      ...arriving.map((event) => consume([aMessage([event])])),
    ]);
    await vi.waitFor(
      async () => {
        await runAlarm(webhook);
        expect((await deliveriesOf(webhook)).every(({ status }) => status === 'delivered')).toBe(true);
      },
      { timeout: 10_000 },
    );
    expect(await deliveriesOf(webhook)).toHaveLength(16);
    expect(await endpoint.requests()).toHaveLength(before + 16);
  });
});
