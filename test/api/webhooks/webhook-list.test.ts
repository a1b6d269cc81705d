import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test';
import { describe, expect, it } from 'vitest';
import { app } from '../../../src/app.ts';
import { createOrganization, createWebhook, env, ORIGIN, read } from '../../support/api.ts';
import { aMessage, anEvent, consume, endedDeliveriesOf, endpointInbox } from '../../support/deliveries.ts';

describe('webhooks listed with their activity', () => {
  it('come with their last 24 hours and their newest delivery', async () => {
    const organization = await createOrganization();
    const idle = await createWebhook(organization, { enabled: false, events: ['webhook.failing'] });
    const { id } = await createWebhook(organization, { url: endpointInbox().url });
    await consume([aMessage([anEvent(organization.id), anEvent(organization.id)])]);
    const [newest] = await endedDeliveriesOf(id, 2);
    const { body } = await organization.admin.get(`${organization.path}/webhooks?include=activity`);
    expect(body.webhooks).toMatchObject([
      {
        id,
        activity: {
          nextProbeAt: null,
          statistics: { period: '24h', totals: { delivered: 2, successRate: 1 } },
          lastDelivery: { id: newest?.id, status: 'delivered', lastDurationMs: expect.any(Number) },
        },
      },
      { id: idle.id, activity: { statistics: { totals: { delivered: 0 } }, lastDelivery: null } },
    ]);
  });

  it('come without it unless it is asked for, and nothing else can be asked for', async () => {
    const organization = await createOrganization();
    await createWebhook(organization);
    const { body } = await organization.admin.get(`${organization.path}/webhooks`);
    expect(body.webhooks[0]).not.toHaveProperty('activity');
    expect((await organization.admin.get(`${organization.path}/webhooks?include=secrets`)).status).toBe(422);
  });

  it('come all the same where an outbox does not answer: its activity is null', async () => {
    const organization = await createOrganization();
    await createWebhook(organization);
    const OUTBOX = { getByName: () => ({ activity: () => Promise.reject(new Error('overloaded')) }) } as unknown as Env['OUTBOX'];
    const request = new Request(`${ORIGIN}/api/v1${organization.path}/webhooks?include=activity`, {
      headers: { 'X-API-Key': organization.key },
    });
    const ctx = createExecutionContext();
    const answer = await read(await app.fetch(request, { ...env, OUTBOX }, ctx));
    await waitOnExecutionContext(ctx);
    expect(answer).toMatchObject({ status: 200, body: { webhooks: [{ url: 'https://hooks.example.com/in', activity: null }] } });
  });
});
