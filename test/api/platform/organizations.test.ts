import { describe, expect, test } from 'vitest';
import { createOrganization, createWebhook, env, platform } from '../../support/api.ts';

describe('organizations', () => {
  test('are created, read, changed and deleted with the platform key', async () => {
    const created = await platform.put('/organization/org_life', { name: 'Acme', plan: 'scale' });
    expect(created.status).toBe(201);
    expect(created.body).toEqual({
      id: 'org_life',
      name: 'Acme',
      plan: 'scale',
      createdAt: expect.stringMatching(/^\d{4}-.*Z$/),
      updatedAt: expect.stringMatching(/^\d{4}-.*Z$/),
    });
    const changed = await platform.put('/organization/org_life', { name: 'Acme Ltd', plan: 'growth' });
    expect(changed.status).toBe(200);
    expect(changed.body).toMatchObject({ name: 'Acme Ltd', plan: 'growth', createdAt: created.body.createdAt });
    expect((await platform.get('/organization/org_life')).body).toEqual(changed.body);
    expect((await platform.delete('/organization/org_life')).status).toBe(204);
    expect((await platform.get('/organization/org_life')).status).toBe(404);
    expect((await platform.delete('/organization/org_life')).status).toBe(404);
  });

  test('are refused with the field that is wrong', async () => {
    const unknownPlan = await platform.put('/organization/org_a', { name: 'Acme', plan: 'gold' });
    expect(unknownPlan).toMatchObject({ status: 422, body: { code: 'validation_failed', details: { field: 'plan' } } });
    const unknownField = await platform.put('/organization/org_a', { name: 'Acme', plan: 'scale', colour: 'red' });
    expect(unknownField).toMatchObject({ status: 422, body: { details: { field: 'colour' } } });
    const badId = await platform.put('/organization/org%20a', { name: 'Acme', plan: 'scale' });
    expect(badId).toMatchObject({ status: 422, body: { details: { field: 'organizationId' } } });
    const longId = await platform.put(`/organization/${'a'.repeat(129)}`, { name: 'Acme', plan: 'scale' });
    expect(longId).toMatchObject({ status: 422, body: { details: { field: 'organizationId' } } });
  });

  test('take their keys and webhooks with them, and leave the outboxes to be erased', async () => {
    const organization = await createOrganization();
    const webhook = await createWebhook(organization);
    expect((await platform.delete(organization.path)).status).toBe(204);
    const noted = await env.DB.prepare('SELECT webhook_id FROM outbox_erasures').all();
    expect(noted.results).toEqual([{ webhook_id: webhook.id }]);
    expect(await env.DB.prepare('SELECT count(*) AS n FROM api_keys WHERE organization_id = ?').bind(organization.id).first('n')).toBe(0);
    expect((await platform.get(`${organization.path}/webhooks`)).status).toBe(404);
  });

  test('are for the platform alone: an organization key gets 403 for its own, 404 for another', async () => {
    const organization = await createOrganization();
    const other = await createOrganization();
    expect(await organization.admin.get(organization.path)).toMatchObject({ status: 403, body: { code: 'platform_key_required' } });
    const foreign = await organization.admin.get(other.path);
    const missing = await organization.admin.get('/organization/org_that_is_not');
    expect(foreign).toMatchObject({ status: 404, body: { code: 'not_found' } });
    expect(foreign.body).toEqual(missing.body);
  });
});
