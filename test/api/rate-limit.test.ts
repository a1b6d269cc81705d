import { createExecutionContext, evictDurableObject } from 'cloudflare:test';
import { describe, expect, test } from 'vitest';
import { app } from '../../src/app.ts';
import { type Answer, call, createKey, createOrganization, env, ORIGIN, PLATFORM_KEY } from '../support/api.ts';

const limiterOf = async (path: string) => {
  const row = await env.DB.prepare('SELECT id FROM api_keys WHERE organization_id = ?')
    .bind(path.split('/').at(-1))
    .first<{ id: string }>();
  return env.RATE_LIMITER.getByName(row?.id ?? '');
};

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
    const { key, path } = await createOrganization();
    const limiter = await limiterOf(path);
    for (let taken = 0; taken < 1_000; taken++) await limiter.take();
    const answer = await call('GET', `/api/v1${path}/webhooks`, { key });
    expect(answer).toMatchObject({ status: 429, body: { code: 'rate_limited' } });
    expect(Number(answer.headers.get('Retry-After'))).toBeGreaterThan(0);
    expect(answer.headers.get('X-RateLimit-Remaining')).toBe('0');
  });

  test('counts in windows of a minute, each of which begins with its first request', async () => {
    const limiter = env.RATE_LIMITER.getByName('a key of its own');
    const first = 1_800_000_030_123;
    expect(await limiter.take(first)).toEqual({ allowed: true, limit: 1_000, remaining: 999, resetAt: first + 60_000 });
    for (let taken = 1; taken < 1_000; taken++) await limiter.take(first + 1);
    expect(await limiter.take(first + 59_999)).toEqual({ allowed: false, limit: 1_000, remaining: 0, resetAt: first + 60_000 });
    const next = first + 75_000;
    expect(await limiter.take(next)).toEqual({ allowed: true, limit: 1_000, remaining: 999, resetAt: next + 60_000 });
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
    const limiter = env.RATE_LIMITER.getByName('a key that pauses');
    const first = 1_800_000_000_000;
    for (let taken = 0; taken < 999; taken++) await limiter.take(first);
    await evictDurableObject(limiter);
    expect(await limiter.take(first + 20_000)).toEqual({ allowed: true, limit: 1_000, remaining: 0, resetAt: first + 60_000 });
    await evictDurableObject(limiter);
    expect(await limiter.take(first + 40_000)).toMatchObject({ allowed: false, remaining: 0, resetAt: first + 60_000 });
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
