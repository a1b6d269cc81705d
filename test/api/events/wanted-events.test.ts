import { expect, it } from 'vitest';
import { call, client, createOrganization, createProducerKey, createWebhook, expectStatus, platform } from '../../support/api.ts';

const wanted = async (id: string, key?: string) => {
  const asking = key === undefined ? platform : client(key);
  return (await expectStatus(asking.get(`/wanted-events?organization_id=${encodeURIComponent(id)}`), 200)).body;
};

it('names the types that an enabled webhook subscribes to, and for how long that holds', async () => {
  const own = await createOrganization();
  await expectStatus(platform.put('/event-types/company.seen', { description: 'A company was seen.' }), 201);
  await createWebhook(own, { events: ['company.*', 'webhook.failing'] });
  expect(await wanted(own.id, await createProducerKey())).toEqual({ organizationId: own.id, events: ['company.seen'], maxAgeSeconds: 5 });
  const { id } = await createWebhook(own, { events: ['*'], filter: { field: 'visitor.email', operator: 'exists' } });
  // None of the service's own, which nobody can post.
  expect((await wanted(own.id)).events).toEqual(['company.seen', 'visitor.identified']);
  await own.admin.patch(`${own.path}/webhooks/${id}`, { enabled: false });
  expect((await wanted(own.id)).events).toEqual(['company.seen']);
  await expectStatus(platform.delete('/event-types/company.seen'), 204);
  expect((await wanted(own.id)).events).toEqual([]);
});

it('is empty for an organization that is not known, or whose plan has no webhooks', async () => {
  const own = await createOrganization();
  await createWebhook(own);
  expect((await wanted(own.id)).events).toEqual(['visitor.identified']);
  await platform.put(own.path, { name: 'Test organization', plan: 'growth' });
  expect((await wanted(own.id)).events).toEqual([]);
  expect(await wanted('org_nobody')).toEqual({ organizationId: 'org_nobody', events: [], maxAgeSeconds: 5 });
});

it('is for producers, and needs an organization', async () => {
  const own = await createOrganization();
  expect((await own.admin.get(`/wanted-events?organization_id=${own.id}`)).body).toMatchObject({ code: 'platform_key_required' });
  expect((await call('GET', '/api/v1/wanted-events?organization_id=org_a')).status).toBe(401);
  for (const query of ['', '?organization_id=', '?organization_id=a%20b', '?organizationId=org_a']) {
    expect((await platform.get(`/wanted-events${query}`)).status).toBe(422);
  }
});
