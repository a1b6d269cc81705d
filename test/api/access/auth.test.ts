import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test';
import { describe, expect, test } from 'vitest';
import { authenticate } from '../../../src/api/access/auth.ts';
import { app } from '../../../src/app.ts';
import { createKey, createOrganization, createProducerKey, env, ORIGIN, PLATFORM_KEY, read } from '../../support/api.ts';

/** A database that does not answer as it should. */
function brokenDatabase(behave: () => Promise<never>): D1Database {
  const statement = { bind: () => statement, raw: behave, all: behave, run: behave, first: behave };
  return { prepare: () => statement, batch: behave } as unknown as D1Database;
}

const failing = brokenDatabase(() => Promise.reject(new Error('D1_ERROR: the database is on fire: s3cret')));
const hanging = brokenDatabase(() => new Promise(() => {}));

async function get(path: string, key: string, db: D1Database) {
  const context = createExecutionContext();
  const request = new Request(`${ORIGIN}/api/v1${path}`, { headers: { 'X-API-Key': key } });
  const answer = await read(await app.fetch(request, { ...env, DB: db }, context));
  await waitOnExecutionContext(context);
  return answer;
}

describe('while the database is down', () => {
  test('a configuration route is 503 with Retry-After, and says nothing of the cause', async () => {
    const answer = await get('/organization/org_a', PLATFORM_KEY, failing);
    expect(answer).toMatchObject({ status: 503, body: { code: 'configuration_unavailable', details: {} } });
    expect(Number(answer.headers.get('Retry-After'))).toBeGreaterThan(0);
    expect(JSON.stringify(answer.body)).not.toContain('s3cret');
  });

  test.each([
    ['fails', failing],
    ['hangs', hanging],
  ])('a key that was never seen is 503 where the look-up %s', async (_how, db) => {
    const answer = await get('/event-types', `bsk_live_${'1'.repeat(32)}`, db);
    expect(answer).toMatchObject({ status: 503, body: { code: 'configuration_unavailable' } });
  });

  test.each([
    ['of an organization', 5 * 60_000],
    ['of a producer, which keeps events coming', 3_600_000],
  ])('a key %s that was seen goes on being known for a while', async (whose, forMs) => {
    const { id } = await createOrganization();
    const isProducer = whose.startsWith('of a producer');
    const key = isProducer ? await createProducerKey() : await createKey(id, ['read']);
    const nowMs = Date.now();
    const at = (ms: number, DB: D1Database) => authenticate(key, { env: { ...env, DB }, nowMs: ms, network: null, waitUntil: () => {} });
    const caller = isProducer ? { kind: 'producer' } : { kind: 'organization', organizationId: id };
    expect(await at(nowMs, env.DB)).toMatchObject(caller);
    expect(await at(nowMs + 10_000, failing)).toMatchObject(caller);
    expect(await at(nowMs + 60_000, hanging)).toMatchObject(caller);
    expect(await at(nowMs + forMs, failing)).toMatchObject(caller);
    await expect(at(nowMs + forMs + 1_500, failing)).rejects.toMatchObject({ code: 'configuration_unavailable' });
  });

  test('health is still ok', async () => {
    expect((await app.request('/health', {}, { ...env, DB: failing }, createExecutionContext())).status).toBe(200);
  });
});

describe('a key', () => {
  test('that is revoked elsewhere opens nothing after 3 seconds', async () => {
    const { id } = await createOrganization();
    const key = await createKey(id, ['read']);
    const nowMs = Date.now();
    const at = (ms: number) => authenticate(key, { env, nowMs: ms, network: null, waitUntil: () => {} });
    await at(nowMs);
    await env.DB.prepare('UPDATE api_keys SET revoked_at = 1 WHERE organization_id = ?').bind(id).run();
    await expect(at(nowMs + 3_000)).rejects.toMatchObject({ code: 'invalid_api_key' });
  });

  test('that was unknown a moment ago opens as soon as it exists', async () => {
    const { id } = await createOrganization();
    const key = await createKey(id, ['read']);
    const hidden = env.DB.prepare('UPDATE api_keys SET key_hash = substr(key_hash, 2) WHERE organization_id = ?').bind(id);
    const restored = env.DB.prepare('UPDATE api_keys SET key_hash = ? WHERE organization_id = ? AND scopes = \'["read"]\'');
    const hash = await env.DB.prepare('SELECT key_hash FROM api_keys WHERE organization_id = ? AND scopes = \'["read"]\'')
      .bind(id)
      .first<string>('key_hash');
    await hidden.run();
    const at = () => authenticate(key, { env, nowMs: Date.now(), network: null, waitUntil: () => {} });
    await expect(at()).rejects.toMatchObject({ code: 'invalid_api_key' });
    await restored.bind(hash, id).run();
    expect(await at()).toMatchObject({ kind: 'organization' });
  });

  test('notes its use at most once a minute', async () => {
    const { id } = await createOrganization();
    const key = await createKey(id, ['read']);
    const nowMs = Date.now();
    const writes: Promise<unknown>[] = [];
    const at = async (ms: number) => {
      await authenticate(key, { env, nowMs: ms, network: null, waitUntil: (promise) => writes.push(promise) });
      await Promise.all(writes);
      return await env.DB.prepare('SELECT last_used_at FROM api_keys WHERE organization_id = ? AND scopes = \'["read"]\'')
        .bind(id)
        .first('last_used_at');
    };
    expect(await at(nowMs)).toBe(nowMs);
    expect(await at(nowMs + 59_000)).toBe(nowMs);
    expect(await at(nowMs + 61_000)).toBe(nowMs + 61_000);
    expect(writes).toHaveLength(2);
  });

  test('of the platform can be one of two while it is rotated', async () => {
    const rotating = { ...env, PLATFORM_API_KEY: 'bsk_platform_new_one,bsk_platform_old_one' };
    for (const [keyIndex, key] of ['bsk_platform_new_one', 'bsk_platform_old_one'].entries()) {
      expect(await authenticate(key, { env: rotating, nowMs: Date.now(), network: null, waitUntil: () => {} })).toEqual({
        kind: 'platform',
        keyIndex,
      });
    }
  });
});

describe('a fault of ours', () => {
  test('is internal_error with the id of the request, and says nothing of the cause', async () => {
    const bug = brokenDatabase(() => Promise.reject(new Error('UNIQUE constraint failed: s3cret')));
    const answer = await get('/organization/org_a', PLATFORM_KEY, bug);
    expect(answer).toMatchObject({
      status: 500,
      body: { code: 'internal_error', details: { requestId: answer.headers.get('X-Request-Id') } },
    });
    expect(JSON.stringify(answer.body)).not.toContain('s3cret');
  });
});
