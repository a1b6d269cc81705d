import { createExecutionContext } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { app } from '../../src/app.ts';
import { ORIGIN, PLATFORM_KEY, platform, read } from '../support/api.ts';
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
  runAlarm,
} from '../support/deliveries.ts';

const MINUTE = 60_000;

driveDate();
afterEach(() => {
  vi.restoreAllMocks();
});

/** A webhook whose endpoint has the given script. */
async function given(script: Parameters<ReturnType<typeof endpointInbox>['script']>[0]) {
  const endpoint = endpointInbox();
  await endpoint.script(script);
  const organization = await givenOrganization();
  const webhook = await givenWebhook(organization, { url: endpoint.url });
  return { endpoint, organization, webhook, path: `/organization/${organization}/webhooks/${webhook}` };
}

describe('while D1 is down for minutes', () => {
  it('deliveries and ingest go on, a change of configuration is 503, and afterwards nothing is missing', async () => {
    const healthy = await given([{ status: 200 }]);
    const failing = await given([{ status: 500 }, { status: 200 }]);
    const unseen = await given([{ status: 200 }]);
    await consume([aMessage([anEvent(healthy.organization), anEvent(failing.organization)])]);

    const d1 = Object.getPrototypeOf(env.DB);
    const down = () => {
      throw new Error('D1_ERROR: D1 DB is overloaded');
    };
    for (const method of ['prepare', 'batch']) vi.spyOn(d1, method).mockImplementation(down);
    vi.setSystemTime(Date.now() + 5 * MINUTE);

    // What is known of a webhook goes on being used, however old it is.
    const known = aMessage([anEvent(healthy.organization)]);
    expect((await consume([known])).acknowledged).toEqual([known.id]);
    expect(await endedDeliveriesOf(healthy.webhook, 2)).toMatchObject([{ status: 'delivered' }, { status: 'delivered' }]);
    await runAlarm(failing.webhook);
    expect(await deliveriesOf(failing.webhook)).toMatchObject([{ status: 'delivered', attemptCount: 2 }]);
    // Of one that is not known, nothing may be dropped.
    const unknown = aMessage([anEvent(unseen.organization)]);
    expect((await consume([unknown])).retried).toEqual([{ id: unknown.id, delaySeconds: 5 }]);
    const event = JSON.parse(new TextDecoder().decode(anEvent('org_nobody').payload));
    expect((await platform.post('/events', event)).status).toBe(202);
    const change = await platform.patch(healthy.path, { enabled: false });
    expect(change).toMatchObject({ status: 503, body: { code: 'configuration_unavailable' } });
    expect(Number(change.headers.get('Retry-After'))).toBeGreaterThan(0);

    vi.restoreAllMocks();
    vi.setSystemTime(Date.now() + MINUTE);
    expect((await consume([{ ...unknown, attempts: 2 }])).acknowledged).toEqual([unknown.id]);
    expect(await endedDeliveriesOf(unseen.webhook, 1)).toMatchObject([{ status: 'delivered', attemptCount: 1 }]);
    expect((await platform.get(healthy.path)).body).toMatchObject({ enabled: true, health: 'healthy' });
  });
});

describe('a message whose redeliveries are used up', () => {
  it('is parked with its reason, shown, and once redriven delivered, once', async () => {
    const { endpoint, organization, webhook } = await given([{ status: 200 }]);
    const message = aMessage([anEvent(organization)], 100);
    expect((await consume([message], env, 'bullseye-events-dead')).acknowledged).toEqual([message.id]);
    const { body } = await platform.get('/platform/parked-messages');
    expect(body.data).toMatchObject([{ id: message.id, reason: expect.stringContaining('redeliveries are used up') }]);

    const sent: unknown[] = [];
    const EVENTS = { send: async (each: unknown) => void sent.push(each) } as unknown as Queue;
    const url = `${ORIGIN}/api/v1/platform/parked-messages/${message.id}/redrive`;
    const request = new Request(url, { method: 'POST', headers: { 'X-API-Key': PLATFORM_KEY } });
    expect((await read(await app.fetch(request, { ...env, EVENTS }, createExecutionContext()))).status).toBe(202);
    // Twice, as a queue may.
    for (const id of ['first', 'second']) await consume([{ ...message, id, attempts: 1, body: sent[0] }]);
    expect(await endedDeliveriesOf(webhook, 1)).toMatchObject([{ status: 'delivered', attemptCount: 1 }]);
    expect(await endpoint.requests()).toHaveLength(1);
    expect((await platform.get('/platform/parked-messages')).body.data).toEqual([]);
  });
});
