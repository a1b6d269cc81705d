import { env } from 'cloudflare:workers';
import { beforeAll, describe, expect, it } from 'vitest';
import { databaseOf } from '../../../src/db/client.ts';
import { organizations } from '../../../src/db/schema.ts';
import { client, createOrganization, createProducerKey, expectStatus, platform } from '../../support/api.ts';
import { givenWebhook } from '../../support/deliveries.ts';

const list = async (query = '') => (await expectStatus(platform.get(`/platform/organizations${query}`), 200)).body;
const idsIn = ({ data }: { data: { id: string }[] }) => data.map(({ id }) => id);

beforeAll(async () => {
  const row = { plan: 'scale', createdAt: Date.now(), updatedAt: Date.now() } as const;
  await databaseOf(env.DB)
    .insert(organizations)
    .values([
      { ...row, id: 'org_a', name: 'Acme' },
      { ...row, id: 'org_b', name: 'Bolt 100%', plan: 'growth' },
      { ...row, id: 'org_c', name: 'ACME Labs' },
    ]);
  await givenWebhook('org_a', { url: 'https://hooks.example.com/1' });
  await givenWebhook('org_a', { url: 'https://hooks.example.com/2', health: 'open' });
  await givenWebhook('org_a', { url: 'https://hooks.example.com/3', enabled: false, health: 'failing' });
});

describe('GET /platform/organizations', () => {
  it('lists all, with their plan and how their webhooks stand', async () => {
    const { data } = await list();
    expect(idsIn({ data })).toEqual(['org_a', 'org_b', 'org_c']);
    expect(data[0]).toMatchObject({ id: 'org_a', name: 'Acme', plan: 'scale', webhooks: { total: 3, disabled: 1, failing: 1 } });
    expect(data[1].webhooks).toEqual({ total: 0, disabled: 0, failing: 0 });
  });

  it('finds some by a part of the name or of the id, in either case, and by plan', async () => {
    expect(idsIn(await list('?q=acme'))).toEqual(['org_a', 'org_c']);
    expect(idsIn(await list('?q=ORG_B'))).toEqual(['org_b']);
    expect(idsIn(await list('?q=0%25'))).toEqual(['org_b']);
    expect(idsIn(await list('?q=%25'))).toEqual(['org_b']);
    expect(idsIn(await list('?plan=growth'))).toEqual(['org_b']);
    expect(idsIn(await list('?q=acme&plan=growth'))).toEqual([]);
  });

  it('is read page by page', async () => {
    const first = await list('?limit=2');
    expect(idsIn(first)).toEqual(['org_a', 'org_b']);
    const second = await list(`?limit=2&cursor=${first.nextCursor}`);
    expect(idsIn(second)).toEqual(['org_c']);
    expect(second.nextCursor).toBeNull();
    expect((await list(`?q=acme&limit=1&cursor=${(await list('?q=acme&limit=1')).nextCursor}`)).data[0].id).toBe('org_c');
  });

  it.each(['?plan=gold', '?q=', `?q=${'x'.repeat(201)}`, '?cursor=x', '?limit=0'])('refuses %s', async (query) => {
    expect((await platform.get(`/platform/organizations${query}`)).status).toBe(422);
  });

  it('is for the platform alone', async () => {
    const { admin } = await createOrganization();
    expect((await admin.get('/platform/organizations')).body.code).toBe('platform_key_required');
    expect((await client(await createProducerKey()).get('/platform/organizations')).status).toBe(403);
  });
});
