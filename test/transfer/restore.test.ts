import { env } from 'cloudflare:workers';
import { expect, it, vi } from 'vitest';
import { call, createOrganization, createWebhook, expectStatus, PLATFORM_KEY } from '../support/api.ts';
import { driveDate } from '../support/clock.ts';
import { aMessage, anEvent, consume, deliveriesOf, endpointInbox, untilEnded } from '../support/deliveries.ts';

/* docs/runbook.md, "D1 is gone": the database is another one, and empty, and the last export is imported into it. */

driveDate();

const headers = { 'X-Export-Key': btoa('an export key of the tests: 32 b') };

it('outboxes are their webhooks’ again when the export is imported: what waits in them goes out, signed as before', async () => {
  const endpoint = endpointInbox();
  await endpoint.script([{ status: 500 }, { status: 200 }]);
  const own = await createOrganization();
  const { id } = await createWebhook(own, { url: endpoint.url, events: ['*'], secret: 'the secret, which is long enough' });
  vi.setSystemTime(Date.now() + 5_000);
  await consume([aMessage([anEvent(own.id)])]);
  await vi.waitFor(async () => expect(await deliveriesOf(id)).toMatchObject([{ status: 'retrying' }]));
  const { body: text } = await expectStatus(call('GET', '/api/v1/platform/export', { key: PLATFORM_KEY, headers }), 200);

  const tables = ['alert_addresses', 'alerts', 'webhooks', 'api_keys', 'organizations', 'event_types', 'busy_outboxes'];
  await env.DB.batch(tables.map((table) => env.DB.prepare(`DELETE FROM ${table}`)));
  expect((await own.admin.get(`${own.path}/webhooks`)).status).toBe(401);
  const ndjson = { ...headers, 'Content-Type': 'application/x-ndjson' };
  await expectStatus(call('POST', '/api/v1/platform/import', { key: PLATFORM_KEY, raw: text, headers: ndjson }), 200);

  await untilEnded(id);
  expect(await deliveriesOf(id)).toMatchObject([{ status: 'delivered', attemptCount: 2 }]);
  const [first, second] = (await endpoint.requests()).map((request) => request.headers);
  expect(second?.['x-bullseye-signature']).toBe(first?.['x-bullseye-signature']);
  expect(first?.['x-bullseye-signature']).toMatch(/^[0-9a-f]{64}$/);
  await expectStatus(own.admin.get(`${own.path}/webhooks/${id}/deliveries`), 200);
});
