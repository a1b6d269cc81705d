import { createExecutionContext, evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { describe, expect, test } from 'vitest';
import { hashKey } from '../../../src/api/access/auth.ts';
import { countsOfKey, countsOfPreview, countsOfWrite } from '../../../src/api/access/rate-limit.ts';
import type { Count, RateLimiter } from '../../../src/api/access/rate-limiter.ts';
import { app } from '../../../src/app.ts';
import {
  type Answer,
  call,
  client,
  createKey,
  createOrganization,
  createWebhook,
  env,
  ORIGIN,
  PLATFORM_KEY,
  platform,
  type TestOrganization,
} from '../../support/api.ts';
import { signedIn, visitor } from '../../support/dashboard.ts';

const limiterOf = (organizationId: string) => env.RATE_LIMITER.getByName(`organization:${organizationId}`);

const idOfKey = async (key: string) =>
  (await env.DB.prepare('SELECT id FROM api_keys WHERE key_hash = ?')
    .bind(await hashKey(key))
    .first<string>('id')) ?? '';

/** As many requests as a count has in a minute, already made. */
async function useUp(organizationId: string, count: Count): Promise<void> {
  await runInDurableObject(limiterOf(organizationId), async (instance: RateLimiter) => {
    for (let taken = 0; taken < count.limit; taken++) await instance.take([count]);
  });
}

/** What the headers of an answer say: the limit, and what is left. */
const rateLimitOf = ({ headers }: Answer) => ['Limit', 'Remaining'].map((name) => headers.get(`X-RateLimit-${name}`));

/** A count of its own. */
const one = (limit: number, name = 'one'): Count => ({ name, limit, of: 'requests' });

describe('the rate limit', () => {
  test('is on every answer to an organization key, errors included', async () => {
    const { key, path } = await createOrganization();
    const answers: Answer[] = [];
    for (const at of [`${path}/webhooks`, path, '/organization/org_other', `${path}/webhooks/none`]) {
      answers.push(await call('GET', `/api/v1${at}`, { key }));
    }
    expect(answers.map(({ status }) => status)).toEqual([200, 403, 404, 404]);
    const header = (name: string) => answers.map(({ headers }) => Number(headers.get(`X-RateLimit-${name}`)));
    expect(header('Limit')).toEqual([1_000, 1_000, 1_000, 1_000]);
    const [first = 0] = header('Remaining');
    expect(header('Remaining').map((left) => first - left)).toEqual([0, 1, 2, 3]);
    for (const reset of header('Reset')) expect(reset - Date.now() / 1_000).toBeLessThanOrEqual(61);
    expect((await call('GET', '/api/v1/event-types', { key: PLATFORM_KEY })).headers.get('X-RateLimit-Limit')).toBeNull();
  });

  test('refuses the 1,001st request of a minute, and says when to come back', async () => {
    const { id, key, path } = await createOrganization();
    await useUp(id, countsOfKey(await idOfKey(key))[0]!);
    const answer = await call('GET', `/api/v1${path}/webhooks`, { key });
    expect(answer).toMatchObject({ status: 429, body: { code: 'rate_limited' } });
    expect(Number(answer.headers.get('Retry-After'))).toBeGreaterThan(0);
    expect(answer.headers.get('X-RateLimit-Remaining')).toBe('0');
    const another = await createKey(id, ['read']);
    expect((await call('GET', `/api/v1${path}/webhooks`, { key: another })).headers.get('X-RateLimit-Remaining')).toBe('999');
  });

  test('refuses the 10,001st request of a minute of all keys of an organization, a new key as well', async () => {
    const { id, path } = await createOrganization();
    await useUp(id, { ...countsOfKey('any')[1]!, limit: 10_000 });
    const answer = await call('GET', `/api/v1${path}/webhooks`, { key: await createKey(id, ['read']) });
    expect(answer).toMatchObject({ status: 429, body: { code: 'rate_limited', details: { limit: 10_000 } } });
    expect(answer.body.message).toContain("an organization's API keys");
    expect(Number(answer.headers.get('Retry-After'))).toBeGreaterThan(0);
    const other = await createOrganization();
    expect((await call('GET', `/api/v1${other.path}/webhooks`, { key: other.key })).status).toBe(200);
  });

  test('counts in windows of a minute, each of which begins with its first request', async () => {
    const limiter = limiterOf('of its own');
    const first = 1_800_000_030_123;
    const of = 'requests';
    expect(await limiter.take([one(3)], first)).toEqual({ allowed: true, limit: 3, remaining: 2, resetAt: first + 60_000, of });
    for (let taken = 1; taken < 3; taken++) await limiter.take([one(3)], first + 1);
    expect(await limiter.take([one(3)], first + 59_999)).toEqual({ allowed: false, limit: 3, remaining: 0, resetAt: first + 60_000, of });
    const next = first + 75_000;
    expect(await limiter.take([one(3)], next)).toEqual({ allowed: true, limit: 3, remaining: 2, resetAt: next + 60_000, of });
  });

  test('counts for everything or, where one count is used up, for nothing', async () => {
    const limiter = limiterOf('with two counts');
    const now = 1_800_000_000_000;
    const [narrow, wide] = [one(2, 'narrow'), one(3, 'wide')];
    await limiter.take([narrow, wide], now);
    await limiter.take([narrow, wide], now);
    expect(await limiter.take([narrow, wide], now)).toMatchObject({ allowed: false, limit: 2 });
    expect(await limiter.take([one(9, 'another'), wide], now), 'the refused one did not count').toMatchObject({
      allowed: true,
      remaining: 8,
    });
    expect(await limiter.take([one(9, 'another'), wide], now)).toMatchObject({ allowed: false, limit: 3 });
  });

  test('keeps nothing of what is over: an hour later an object is empty', async () => {
    const limiter = limiterOf('that is left alone');
    await limiter.take([one(2, 'long ago'), one(2, 'long ago as well')], Date.now() - 3_600_000);
    await limiter.take([one(2, 'now')]);
    const names = () => runInDurableObject(limiter, (_, { storage }) => [...storage.kv.list()].map(([name]) => name));
    expect(await runDurableObjectAlarm(limiter)).toBe(true);
    expect(await names()).toEqual(['window:now']);
    await runInDurableObject(limiter, (_, { storage }) => storage.kv.put('window:now', { windowEndsAt: 0, taken: 1 }));
    expect(await runDurableObjectAlarm(limiter), 'it looks again').toBe(true);
    expect(await names()).toEqual([]);
    expect(await runInDurableObject(limiter, (_, { storage }) => storage.getAlarm())).toBeNull();
  });

  test('is exact where requests come at once, and each key has its own', async () => {
    const { id, key, path } = await createOrganization();
    const another = await createKey(id, ['read']);
    const remaining = async (asking: string) => {
      const answers = await Promise.all(Array.from({ length: 20 }, () => call('GET', `/api/v1${path}/webhooks`, { key: asking })));
      return answers.map(({ headers }) => Number(headers.get('X-RateLimit-Remaining'))).sort((a, b) => b - a);
    };
    const counted = Array.from({ length: 20 }, (_, index) => 999 - index);
    expect(await remaining(key)).toEqual(counted);
    expect(await remaining(another)).toEqual(counted);
  });

  test('goes on where it was when its object has left memory', async () => {
    const limiter = limiterOf('that pauses');
    const first = 1_800_000_000_000;
    for (let taken = 0; taken < 2; taken++) await limiter.take([one(3)], first);
    await evictDurableObject(limiter);
    expect(await limiter.take([one(3)], first + 20_000)).toMatchObject({ allowed: true, remaining: 0, resetAt: first + 60_000 });
    await evictDurableObject(limiter);
    expect(await limiter.take([one(3)], first + 40_000)).toMatchObject({ allowed: false, remaining: 0, resetAt: first + 60_000 });
  });

  test.each([
    ['fails', () => Promise.reject(new Error('the object is gone'))],
    ['hangs', () => new Promise<never>(() => {})],
  ])('lets requests pass where its object %s', async (_how, take) => {
    const { key, path } = await createOrganization();
    const limiter = { getByName: () => ({ take }) } as unknown as Env['RATE_LIMITER'];
    const request = new Request(`${ORIGIN}/api/v1${path}/webhooks`, { headers: { 'X-API-Key': key } });
    const response = await app.fetch(request, { ...env, RATE_LIMITER: limiter }, createExecutionContext());
    expect(response.status).toBe(200);
    expect(response.headers.get('X-RateLimit-Limit')).toBeNull();
  });
});

test('tests of a webhook have a limit of their own, which their refusal tells', async () => {
  const organization = await createOrganization();
  const { id } = await createWebhook(organization);
  const now = Date.now();
  await runInDurableObject(env.OUTBOX.getByName(id), (_, { storage }) => storage.kv.put('tests', Array(60).fill(now)));
  const asKey = await organization.admin.post(`${organization.path}/webhooks/${id}/test`);
  expect(asKey).toMatchObject({ status: 429, body: { code: 'rate_limited', details: { limit: 60 } } });
  expect(rateLimitOf(asKey)).toEqual(['60', '0']);
  expect(Number(asKey.headers.get('X-RateLimit-Reset'))).toBeGreaterThanOrEqual(Math.floor(now / 1_000) + 60);
  const asPlatform = await platform.post(`${organization.path}/webhooks/${id}/test`);
  expect([asPlatform.status, ...rateLimitOf(asPlatform)]).toEqual([429, null, null]);
});

describe('what writes to the database of all', () => {
  const writes = (organization: TestOrganization, webhookId: string): Record<string, () => Promise<Answer>> => {
    const { admin, path } = organization;
    return {
      'an API key': () => admin.post(`${path}/api-keys`, { name: 'n', scopes: ['read'] }),
      'a sign-in link': () => admin.post(`${path}/dashboard-links`),
      'a webhook': () => admin.post(`${path}/webhooks`, { url: 'https://hooks.example.com/in', events: ['*'] }),
      'a change of a webhook': () => admin.patch(`${path}/webhooks/${webhookId}`, { description: 'x' }),
      'a new secret': () => admin.post(`${path}/webhooks/${webhookId}/secret/rotate`),
    };
  };

  test('is limited for each organization, whatever it writes and with whichever key; what reads and what ends goes on', async () => {
    const organization = await createOrganization();
    const { id, path, admin } = organization;
    const webhook = await createWebhook(organization);
    const spare = (await admin.post(`${path}/api-keys`, { name: 'spare', scopes: ['read'] })).body;
    await useUp(id, countsOfWrite('any')[1]!);
    for (const [what, write] of Object.entries(writes(organization, webhook.id))) {
      const answer = await write();
      expect(answer, what).toMatchObject({ status: 429, body: { code: 'rate_limited', details: { limit: 500 } } });
      expect(rateLimitOf(answer), what).toEqual(['500', '0']);
    }
    expect((await client(await createKey(id, ['admin'])).post(`${path}/dashboard-links`)).status).toBe(429);
    expect((await visitor().post('sign-in', { key: organization.key })).status).toBe(303);
    expect((await admin.get(`${path}/webhooks`)).status).toBe(200);
    expect((await admin.delete(`${path}/api-keys/${spare.id}`)).status).toBe(204);
    expect((await admin.delete(`${path}/webhooks/${webhook.id}`)).status).toBe(204);
  });

  test('is not limited for the platform', async () => {
    const organization = await createOrganization();
    await useUp(organization.id, countsOfWrite('any')[1]!);
    expect((await platform.post(`${organization.path}/dashboard-links`)).status).toBe(201);
    expect((await platform.post(`${organization.path}/webhooks`, { url: 'https://hooks.example.com/in', events: ['*'] })).status).toBe(201);
  });

  test('with one key leaves the others their part', async () => {
    const { id, key, path, admin } = await createOrganization();
    await useUp(id, countsOfWrite(await idOfKey(key))[0]!);
    const refused = await admin.post(`${path}/dashboard-links`);
    expect(refused).toMatchObject({ status: 429, body: { details: { limit: 250 } } });
    expect(rateLimitOf(refused), 'of what refuses it').toEqual(['250', '0']);
    const resetsInSeconds = Number(refused.headers.get('X-RateLimit-Reset')) - Date.now() / 1_000;
    expect(Math.abs(resetsInSeconds - Number(refused.headers.get('Retry-After')))).toBeLessThan(2);
    expect(rateLimitOf(await admin.get(`${path}/webhooks`))[0]).toBe('1000');
    expect((await client(await createKey(id, ['admin'])).post(`${path}/dashboard-links`)).status).toBe(201);
  });

  test('in sessions that links of the platform have made counts for the organization alone', async () => {
    const { id } = await createOrganization();
    await useUp(id, { name: 'writes:platform', limit: 250, of: 'writes' });
    const person = await signedIn({ id });
    const form = { url: 'https://hooks.example.com/in', events: ['*'], secretChoice: 'none' };
    expect((await person.post('new', form)).status).toBe(303);
    await useUp(id, countsOfWrite(null)[0]!);
    const refused = await person.post('new', form);
    expect(refused.status).toBe(429);
    expect(refused.text).toContain('Too many requests in a short time.');
    expect(refused.text).not.toContain('with one API key');
  });

  test('leaves room for a hundred keys and twenty webhooks at once', async () => {
    const organization = await createOrganization();
    const { admin, path } = organization;
    const made = await Promise.all([
      ...Array.from({ length: 115 }, () => admin.post(`${path}/api-keys`, { name: 'n', scopes: ['read'] })),
      ...Array.from({ length: 35 }, () => admin.post(`${path}/webhooks`, { url: 'https://hooks.example.com/in', events: ['*'] })),
    ]);
    const count = (status: number) => made.filter((answer) => answer.status === status).length;
    expect([count(201), count(409)]).toEqual([99 + 20, 16 + 15]);
  });
});

describe('previewing', () => {
  const preview = (as: ReturnType<typeof client>, path: string, webhookId?: string) => as.post(`${path}/webhooks/preview`, { webhookId });

  test('is refused beyond 120 a minute with a key, whose limit is named then; another key has its part, and other requests theirs', async () => {
    const own = await createOrganization();
    const { id, key, path, admin } = own;
    const { id: webhookId } = await createWebhook(own);
    expect((await preview(admin, path, webhookId)).status).toBe(200);
    await useUp(id, countsOfPreview(await idOfKey(key))[0]!);
    const refused = await preview(admin, path, webhookId);
    expect(refused).toMatchObject({ status: 429, body: { code: 'rate_limited', details: { limit: 120 } } });
    expect(rateLimitOf(refused)).toEqual(['120', '0']);
    expect(Number(refused.headers.get('Retry-After'))).toBeGreaterThan(0);
    expect((await admin.get(`${path}/webhooks`)).status).toBe(200);
    expect((await preview(client(await createKey(id, ['read'])), path, webhookId)).status).toBe(200);
    // One that goes through no log is a request like others.
    expect((await preview(admin, path)).status).toBe(200);
  });

  test('is refused beyond 240 a minute of an organization, and not limited for the platform', async () => {
    const own = await createOrganization();
    const { id, path, admin } = own;
    const { id: webhookId } = await createWebhook(own);
    await useUp(id, countsOfPreview(null)[0]!);
    expect(await preview(admin, path, webhookId)).toMatchObject({ status: 429, body: { details: { limit: 240 } } });
    expect((await preview(platform, path, webhookId)).status).toBe(200);
  });
});
