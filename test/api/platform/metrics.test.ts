import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { databaseOf } from '../../../src/db/client.ts';
import { markAllBusy } from '../../../src/db/outboxes.ts';
import { apiKeys } from '../../../src/db/schema.ts';
import { sweep } from '../../../src/upkeep/sweep.ts';
import { call, client, createOrganization, createProducerKey, expectStatus, platform } from '../../support/api.ts';
import { aMessage, anEvent, consume, endpointInbox, givenOrganization, givenWebhook } from '../../support/deliveries.ts';

const HOUR_MS = 3_600_000;
/** When the cron counts organizations and webhooks. */
const onTheHour = () => Math.floor(Date.now() / HOUR_MS) * HOUR_MS;

async function metrics(): Promise<Map<string, number>> {
  const { body, headers } = await expectStatus(platform.get('/platform/metrics'), 200);
  expect(headers.get('Content-Type')).toBe('text/plain; version=0.0.4; charset=utf-8');
  const lines = (body as string).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]));
}

async function monitorKey(): Promise<string> {
  return (await expectStatus(platform.post('/platform/keys', { name: 'Prometheus', scopes: ['metrics'] }), 201)).body.plainKey;
}

describe('GET /platform/metrics', () => {
  it('tells what went through, and what the cron has seen', async () => {
    const [well, broken] = [endpointInbox(), endpointInbox()];
    await broken.script([{ status: 503 }]);
    const organization = await givenOrganization();
    await givenWebhook(organization, { url: well.url });
    const failing = await givenWebhook(organization, { url: broken.url });
    await consume([aMessage([anEvent(organization)])]);
    // What ends beside a call is told by the next one.
    await broken.arrived(1);
    await markAllBusy(env.DB, [failing], Date.now());
    await sweep(env, onTheHour());
    const told = await metrics();
    expect(told.get('bullseye_events_total{what="accepted"}')).toBe(1);
    expect(told.get('bullseye_deliveries_total{what="handed_over"}')).toBe(2);
    expect(told.get('bullseye_deliveries_total{what="delivered"}')).toBe(1);
    expect(told.get('bullseye_deliveries_total{what="retried"}')).toBe(1);
    expect(told.get('bullseye_attempts_total{end="has_errors"}')).toBe(1);
    expect(told.get('bullseye_deliveries_waiting')).toBe(1);
    expect(told.get('bullseye_database_up')).toBe(1);
    expect(told.get('bullseye_queue_messages{queue="EVENTS"}')).toBe(0);
    expect(told.get('bullseye_organizations')).toBe(1);
    expect(told.get('bullseye_webhooks')).toBe(2);
    expect(told.get('bullseye_meter_up')).toBe(1);
  });

  it('is read with a key that is made for it, and for nothing else', async () => {
    const key = await monitorKey();
    expect(key).toMatch(/^bsk_metrics_[0-9a-f]{32}$/);
    await expectStatus(client(key).get('/platform/metrics'), 200);
    expect((await client(key).get('/key')).body).toMatchObject({ type: 'monitor', scopes: ['metrics'], organizationId: null });
    const event = {
      event: 'visitor.identified',
      timestamp: '2026-11-23T10:00:00Z',
      organization_id: 'org_a',
      session_id: 's',
      visitor: {},
    };
    for (const refused of [
      await client(key).post('/events', event),
      await client(key).get('/platform/organizations'),
      await client(key).get('/wanted-events?organization_id=org_a'),
    ]) {
      expect(refused.body).toMatchObject({ code: 'insufficient_scope', message: 'This key may read metrics, and nothing else.' });
    }
    const { apiKeys: listed } = (await expectStatus(platform.get('/platform/keys'), 200)).body;
    const { id, keyPrefix } = listed.find(({ name }: { name: string }) => name === 'Prometheus');
    expect(key.startsWith(keyPrefix)).toBe(true);
    expect(keyPrefix).toHaveLength(18);
    await expectStatus(platform.delete(`/platform/keys/${id}`), 204);
    expect((await client(key).get('/platform/metrics')).status).toBe(401);
  });

  it('is not for producers, nor for organizations', async () => {
    expect((await client(await createProducerKey()).get('/platform/metrics')).body.code).toBe('insufficient_scope');
    const { admin } = await createOrganization();
    expect((await admin.get('/platform/metrics')).body.code).toBe('platform_key_required');
    expect((await call('GET', '/api/v1/platform/metrics')).status).toBe(401);
  });

  it('makes no key for both', async () => {
    expect((await platform.post('/platform/keys', { name: 'x', scopes: ['metrics', 'ingest'] })).status).toBe(422);
    expect((await platform.post('/platform/keys', { name: 'x', scopes: ['admin'] })).status).toBe(422);
    expect(await databaseOf(env.DB).select().from(apiKeys)).not.toContainEqual(expect.objectContaining({ name: 'x' }));
  });

  it('has under 2,000 series with 100,000 webhooks, many of which fail', { timeout: 120_000 }, async () => {
    const numbers = 'WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)';
    await env.DB.batch([
      env.DB.prepare(
        `${numbers} INSERT INTO organizations (id, name, plan, created_at, updated_at) SELECT 'org_n' || i, 'Of many', 'scale', 0, 0 FROM n`,
      ),
      env.DB.prepare(
        `${numbers} INSERT INTO webhooks (id, organization_id, url, events, enabled, health, health_since, created_at, updated_at)
           SELECT 'whk_n' || i || '_' || m.value, 'org_n' || i, 'https://hooks.example.com/', '[]', 1, 'failing', 0, 0, 0
             FROM n, json_each('[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20]') m`,
      ),
    ]);
    const OUTBOX = {
      getByName: (webhookId: string) => ({
        poke: async () => ({
          counts: { rejects: 1 },
          faults: { [`of.${webhookId.length}`]: { count: 1, at: 1, error: '' } },
          waiting: { webhookId, waiting: 1_000, dueAt: 0, health: 'open', failingSince: 1, cause: 'rejects', status: 422 },
        }),
      }),
    };
    const busy = Array.from({ length: 1_500 }, (_, at) => `whk_n${at + 1}_1`);
    await markAllBusy(env.DB, busy, 1);
    await sweep({ ...env, OUTBOX: OUTBOX as unknown as Env['OUTBOX'] }, onTheHour());
    const told = await metrics();
    expect(told.get('bullseye_webhooks')).toBeGreaterThanOrEqual(100_000);
    expect(told.get('bullseye_endpoints_open')).toBeGreaterThanOrEqual(1_500);
    expect(told.get('bullseye_deliveries_waiting')).toBeGreaterThanOrEqual(1_500_000);
    expect(told.size).toBeLessThan(200);
  });
});
