import { describe, expect, test } from 'vitest';
import { client, createKey, createOrganization, createProducerKey, env, expectStatus, platform } from '../../support/api.ts';
import { visitor } from '../../support/dashboard.ts';

const inAnHour = () => new Date(Date.now() + 3_600_000).toISOString();

describe("an organization's keys", () => {
  test('are made, listed without the key itself, and revoked', async () => {
    const { path, admin } = await createOrganization();
    const expiresAt = inAnHour();
    const created = await admin.post(`${path}/api-keys`, { name: 'CRM', scopes: ['read', 'write'], expiresAt });
    expect(created.status).toBe(201);
    const { plainKey, ...listed } = created.body;
    expect(plainKey).toMatch(/^bsk_live_[0-9a-f]{32}$/);
    expect(listed).toEqual({
      id: expect.stringMatching(/^key_[0-9A-Z]{26}$/),
      name: 'CRM',
      keyPrefix: plainKey.slice(0, 12),
      scopes: ['read', 'write'],
      status: 'active',
      expiresAt,
      lastUsedAt: null,
      createdAt: expect.any(String),
    });
    const { body } = await admin.get(`${path}/api-keys`);
    expect(body.apiKeys[0]).toEqual(listed);
    expect(JSON.stringify(body)).not.toContain(plainKey);
    expect((await admin.delete(`${path}/api-keys/${listed.id}`)).status).toBe(204);
    expect((await admin.delete(`${path}/api-keys/${listed.id}`)).status).toBe(404);
    expect((await admin.get(`${path}/api-keys`)).body.apiKeys.at(-1)).toMatchObject({ id: listed.id, status: 'revoked' });
  });

  test('are stored as hashes alone', async () => {
    const { key } = await createOrganization();
    const { results } = await env.DB.prepare('SELECT * FROM api_keys').all();
    expect(JSON.stringify(results)).not.toContain(key);
  });

  test('open nothing once they are revoked or expired', async () => {
    const { id, path, admin } = await createOrganization();
    const created = await expectStatus(admin.post(`${path}/api-keys`, { name: 'short', scopes: ['read'], expiresAt: inAnHour() }), 201);
    const holder = client(created.body.plainKey);
    expect((await holder.get(`${path}/webhooks`)).status).toBe(200);
    await admin.delete(`${path}/api-keys/${created.body.id}`);
    expect(await holder.get(`${path}/webhooks`)).toMatchObject({ status: 401, body: { code: 'invalid_api_key' } });
    const other = await createKey(id, ['read']);
    await env.DB.prepare('UPDATE api_keys SET expires_at = ? WHERE organization_id = ?')
      .bind(Date.now() - 1_000, id)
      .run();
    expect((await client(other).get(`${path}/webhooks`)).status).toBe(401);
    const { body } = await platform.get(`${path}/api-keys`);
    expect(body.apiKeys.map(({ status }: { status: string }) => status)).toEqual(['expired', 'revoked', 'expired']);
  });

  test.each<[string, Record<string, unknown>, string]>([
    ['no name', { name: '' }, 'name'],
    ['a name of 101 characters', { name: 'n'.repeat(101) }, 'name'],
    ['no scopes', { scopes: [] }, 'scopes'],
    ['a scope twice', { scopes: ['read', 'read'] }, 'scopes'],
    ['a scope of producers', { scopes: ['ingest'] }, 'scopes[0]'],
    ['an expiry that is past', { expiresAt: '2020-01-01T00:00:00Z' }, 'expiresAt'],
    ['an expiry that is no time', { expiresAt: 'tomorrow' }, 'expiresAt'],
    ['an unknown field', { organizationId: 'org_other' }, 'organizationId'],
  ])('%s is 422', async (_what, change, field) => {
    const { path, admin } = await createOrganization();
    const answer = await admin.post(`${path}/api-keys`, { name: 'n', scopes: ['read'], ...change });
    expect(answer).toMatchObject({ status: 422, body: { code: 'validation_failed', details: { field } } });
  });

  test('are listed while they are active, however many newer ones have ended', async () => {
    const { id, path, admin } = await createOrganization();
    const insert = `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
      INSERT INTO api_keys (id, organization_id, name, key_hash, key_prefix, scopes, revoked_at, expires_at, created_at)
      SELECT 'key_ended_' || i, ?1, 'n', 'ended_' || i, 'bsk_live_000', '[]', iif(i % 2, ?2, null), iif(i % 2, null, ?2), ?2 + i FROM n`;
    await env.DB.prepare(insert).bind(id, Date.now()).run();
    const { apiKeys } = (await admin.get(`${path}/api-keys`)).body;
    expect(apiKeys).toHaveLength(1 + 200);
    expect(apiKeys.filter(({ status }: { status: string }) => status === 'active')).toEqual([apiKeys[0]]);
  });

  test('are revoked by their own organization alone', async () => {
    const { path, admin } = await createOrganization();
    const other = await createOrganization();
    const { body } = await platform.get(`${other.path}/api-keys`);
    expect((await admin.delete(`${path}/api-keys/${body.apiKeys[0].id}`)).status).toBe(404);
    expect((await other.admin.get(`${other.path}/api-keys`)).status).toBe(200);
  });

  test('are at most 100 active ones; those that ended 30 days ago make room in the list', async () => {
    const { id, path, admin } = await createOrganization();
    const insert = env.DB.prepare(
      "INSERT INTO api_keys (id, organization_id, name, key_hash, key_prefix, scopes, revoked_at, created_at) VALUES (?, ?, 'n', ?, 'bsk_live_000', '[]', ?, 1)",
    );
    const rows = Array.from({ length: 99 }, (_, at) => insert.bind(`key_${at}`, id, `hash_${at}`, null));
    await env.DB.batch([...rows, insert.bind('key_old', id, 'hash_old', 1), insert.bind('key_recent', id, 'hash_recent', Date.now())]);
    const racing = await Promise.all([1, 2].map(() => admin.post(`${path}/api-keys`, { name: 'one more', scopes: ['read'] })));
    for (const answer of racing)
      expect(answer).toMatchObject({ status: 409, body: { code: 'api_key_limit_reached', details: { limit: 100 } } });
    const ids = (await admin.get(`${path}/api-keys`)).body.apiKeys.map((key: { id: string }) => key.id);
    expect(ids).toContain('key_recent');
    expect(ids).not.toContain('key_old');
  });

  test('that have ended are listed up to 200, the latest, and for 30 days, whatever is stored still', async () => {
    const { id, path, admin } = await createOrganization();
    const day = 86_400_000;
    const now = Date.now();
    // Expired one a minute: 30 before the 30 days began, and 230 since.
    await env.DB.prepare(
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 260)
      INSERT INTO api_keys (id, organization_id, name, key_hash, key_prefix, scopes, expires_at, created_at)
      SELECT 'key_listed_' || i, ?1, 'n', 'listed_' || i, 'bsk_live_000', '[]', ?2 + i * 60000, 1 FROM n`,
    )
      .bind(id, now - 30 * day - 30.5 * 60_000)
      .run();
    const listed = async () =>
      (await admin.get(`${path}/api-keys`)).body.apiKeys.filter(({ status }: { status: string }) => status === 'expired');
    expect((await listed()).map((key: { id: string }) => key.id)).toEqual(
      expect.arrayContaining(Array.from({ length: 200 }, (_, index) => `key_listed_${260 - index}`)),
    );
    expect(await listed()).toHaveLength(200);
    await env.DB.prepare('UPDATE api_keys SET expires_at = expires_at - ?1 WHERE organization_id = ?2 AND expires_at IS NOT NULL')
      .bind(110 * 60_000, id)
      .run();
    expect(await listed()).toHaveLength(120);
  });

  test('that have ended are kept up to 200, the latest; making and revoking drop the rest', async () => {
    const { id, path, admin } = await createOrganization();
    const other = await createOrganization();
    const now = Date.now();
    // Every third expired, the others were revoked; the first ended first.
    const insert = `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300)
      INSERT INTO api_keys (id, organization_id, name, key_hash, key_prefix, scopes, revoked_at, expires_at, created_at)
      SELECT ?1 || i, ?1, 'n', ?1 || i, 'bsk_live_000', '[]', iif(i % 3, ?2 + i, null), iif(i % 3, ?2 + 86400000 * 365, ?2 + i), ?2 - i FROM n`;
    for (const owner of [id, other.id])
      await env.DB.prepare(insert)
        .bind(owner, now - 1_000)
        .run();
    const ended = async (owner: string) => {
      const { results } = await env.DB.prepare('SELECT id FROM api_keys WHERE organization_id = ? AND scopes = ? ORDER BY created_at')
        .bind(owner, '[]')
        .all<{ id: string }>();
      return results.map((row) => row.id);
    };
    const latest = (count: number) => Array.from({ length: count }, (_, at) => `${id}${300 - at}`);
    const made = await admin.post(`${path}/api-keys`, { name: 'one more', scopes: ['read'] });
    expect(await ended(id)).toEqual(latest(200));
    expect((await admin.delete(`${path}/api-keys/${made.body.id}`)).status).toBe(204);
    expect(await ended(id)).toEqual(latest(199));
    const { apiKeys } = (await admin.get(`${path}/api-keys`)).body;
    expect(apiKeys).toHaveLength(201);
    expect(await ended(other.id), "of another organization's nothing is dropped").toHaveLength(300);
  });

  test('take the sessions and links that they made with them, and no others', async () => {
    const { id, path, admin, key } = await createOrganization();
    const another = await createKey(id, ['admin']);
    for (const maker of [key, another]) {
      await client(maker).post(`${path}/dashboard-links`);
      expect((await visitor().post('sign-in', { key: maker })).status).toBe(303);
    }
    const left = async (table: string) =>
      (await env.DB.prepare(`SELECT key_id FROM ${table} WHERE organization_id = ?`).bind(id).all<{ key_id: string }>()).results.length;
    const { apiKeys } = (await admin.get(`${path}/api-keys`)).body;
    const { id: keyId } = apiKeys[0];
    expect([await left('dashboard_links'), await left('dashboard_sessions')]).toEqual([2, 2]);
    expect((await platform.delete(`${path}/api-keys/${keyId}`)).status).toBe(204);
    expect([await left('dashboard_links'), await left('dashboard_sessions')]).toEqual([1, 1]);
    expect((await platform.delete(`${path}/api-keys/${keyId}`)).status, 'once').toBe(404);
  });
});

describe("the producers' keys", () => {
  test('are made with the scope ingest, listed and revoked by the platform', async () => {
    const created = await platform.post('/platform/keys', { name: 'identifier' });
    expect(created).toMatchObject({
      status: 201,
      body: { scopes: ['ingest'], plainKey: expect.stringMatching(/^bsk_ingest_[0-9a-f]{32}$/) },
    });
    const listed = { id: created.body.id, name: 'identifier', keyPrefix: created.body.plainKey.slice(0, 17) };
    expect((await platform.get('/platform/keys')).body.apiKeys[0]).toMatchObject(listed);
    const producer = client(created.body.plainKey);
    expect((await producer.post('/events', {})).status).toBe(422);
    expect((await platform.delete(`/platform/keys/${created.body.id}`)).status).toBe(204);
    expect((await producer.post('/events', {})).status).toBe(401);
    expect((await platform.delete('/platform/keys/key_that_is_not')).status).toBe(404);
  });

  test('have no other scope', async () => {
    for (const scopes of [['admin'], ['ingest', 'admin'], []]) {
      expect(await platform.post('/platform/keys', { name: 'x', scopes })).toMatchObject({
        status: 422,
        body: { code: 'validation_failed' },
      });
    }
  });

  test("are not an organization's to revoke", async () => {
    const { path } = await createOrganization();
    await createProducerKey();
    const { body } = await platform.get('/platform/keys');
    expect((await platform.delete(`${path}/api-keys/${body.apiKeys[0].id}`)).status).toBe(404);
  });
});

describe('the presented key', () => {
  const keyOf = async (key: string | undefined) => await client(key).get('/key');

  test('of an organization is told with its organization, name, scopes and end', async () => {
    const { id } = await createOrganization();
    const { body } = await platform.post(`/organization/${id}/api-keys`, { name: 'reader', scopes: ['read'], expiresAt: '2036-01-01' });
    expect(await keyOf(body.plainKey)).toMatchObject({
      status: 200,
      body: { type: 'organization', organizationId: id, name: 'reader', scopes: ['read'], expiresAt: '2036-01-01T00:00:00.000Z' },
    });
    const answer = await keyOf(body.plainKey);
    expect(Object.keys(answer.body)).toEqual(['type', 'organizationId', 'name', 'scopes', 'expiresAt']);
    expect(answer.headers.get('X-RateLimit-Remaining')).toMatch(/^\d+$/);
    await platform.delete(`/organization/${id}/api-keys/${body.id}`);
    expect((await keyOf(body.plainKey)).status).toBe(401);
  });

  test("of a producer, and the platform's own, are told as well", async () => {
    expect((await keyOf(await createProducerKey())).body).toEqual({
      type: 'producer',
      organizationId: null,
      name: 'producer',
      scopes: ['ingest'],
      expiresAt: null,
    });
    expect((await platform.get('/key')).body).toEqual({
      type: 'platform',
      organizationId: null,
      name: null,
      scopes: ['ingest', 'metrics', 'read', 'write', 'admin'],
      expiresAt: null,
    });
  });

  test.each([undefined, '', 'nonsense', `bsk_live_${'0'.repeat(32)}`])('that opens nothing is 401: %s', async (key) => {
    expect(await keyOf(key)).toMatchObject({ status: 401, body: { code: expect.stringMatching(/api_key$/) } });
  });
});
