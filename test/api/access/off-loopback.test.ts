import { createExecutionContext } from 'cloudflare:test';
import { expect, test } from 'vitest';
import { DASHBOARD_PATH } from '../../../src/api/access/dashboard-links.ts';
import { app } from '../../../src/app.ts';
import { DEPLOYED, env, PLATFORM_KEY, read } from '../../support/api.ts';

const STRICT = 'max-age=31536000';

async function ask(url: string, init: RequestInit = {}, vars: Partial<Env> = {}) {
  return await read(
    await app.fetch(new Request(url, { redirect: 'manual', ...init }), { ...env, ...DEPLOYED, ...vars }, createExecutionContext()),
  );
}

test.each([
  ['without a key', 'GET', undefined],
  ['with the platform key', 'GET', PLATFORM_KEY],
  ['with a key that opens nothing', 'POST', 'nonsense'],
])('the API refuses plain http, %s: nothing of the request is looked at', async (_what, method, key) => {
  const { DB } = { DB: { prepare: () => expect.unreachable(), batch: () => expect.unreachable() } as unknown as D1Database };
  for (const path of ['/api/v1/organization/org_a', '/api/v1/events', '/api/v1/nothing', '/api/']) {
    const answer = await ask(
      `http://webhooks.example.com${path}`,
      { method, headers: key === undefined ? {} : { 'X-API-Key': key } },
      { DB },
    );
    expect(answer).toMatchObject({ status: 403, body: { code: 'https_required' } });
    expect(answer.headers.get('Strict-Transport-Security')).toBe(STRICT);
  }
});

test.each([
  ['/docs', '/docs'],
  ['/health', '/health'],
  [`${DASHBOARD_PATH}?q=a%20b&q=c`, `${DASHBOARD_PATH}?q=a%20b&q=c`],
  ['//evil.example/x', '//evil.example/x'],
])('a page by plain http leads to the same one by https: %s', async (path, to) => {
  const answer = await ask(`http://webhooks.example.com:8080${path}`);
  expect(answer.status).toBe(308);
  expect(answer.headers.get('Location')).toBe(`https://webhooks.example.com:8080${to}`);
  expect(answer.headers.get('Strict-Transport-Security')).toBe(STRICT);
});

test('a form by plain http is refused: what was in it has been sent already', async () => {
  const answer = await ask(`http://webhooks.example.com${DASHBOARD_PATH}/sign-in`, { method: 'POST', body: 'key=k' });
  expect(answer).toMatchObject({ status: 403, body: { code: 'https_required' } });
});

test.each(['https://webhooks.example.com', 'https://bullseye.workers.dev:8443'])('answers of %s carry HSTS, errors too', async (origin) => {
  for (const path of ['/health', '/openapi.json', '/docs', '/nothing', DASHBOARD_PATH, '/api/v1/key', `${DASHBOARD_PATH}/link/x`]) {
    expect((await ask(`${origin}${path}`)).headers.get('Strict-Transport-Security'), path).toBe(STRICT);
  }
});

test.each(['http://localhost', 'http://127.0.0.1:8787', 'http://[::1]:8787', 'https://localhost'])(
  '%s is served as it is',
  async (origin) => {
    const answer = await ask(`${origin}/health`, {}, { PLATFORM_API_KEY: 'short', MASTER_KEY: 'short' });
    expect(answer.status).toBe(200);
    expect(answer.headers.has('Strict-Transport-Security')).toBe(false);
  },
);

const LONG = 'a-value-of-at-least-32-characters-';

test.each<[string, Partial<Env>]>([
  ['the development platform key', { PLATFORM_API_KEY: 'bsk_platform_development' }],
  ['the development master key', { MASTER_KEY: 'development-master-key-not-for-production' }],
  ['a platform key of 31 characters', { PLATFORM_API_KEY: 'k'.repeat(31) }],
  ['a master key of 31 characters', { MASTER_KEY: 'm'.repeat(31) }],
  ['a weak one among two', { PLATFORM_API_KEY: `${LONG}1, short` }],
  ['a development one among two', { MASTER_KEY: `${LONG}1,development-master-key-not-for-production` }],
])('a deployment with %s answers nothing', async (_what, vars) => {
  for (const path of ['/health', DASHBOARD_PATH, '/api/v1/event-types']) {
    const answer = await ask(`https://webhooks.example.com${path}`, { headers: { 'X-API-Key': PLATFORM_KEY } }, vars);
    expect(answer).toMatchObject({ status: 503, body: { code: 'insecure_deployment' } });
    expect(JSON.stringify(answer.body)).not.toMatch(/KEY|development|\d\d characters/);
  }
});

test('a deployment with secrets of 32 characters answers', async () => {
  const vars = { PLATFORM_API_KEY: `${'k'.repeat(32)},${LONG}`, MASTER_KEY: 'm'.repeat(32) };
  expect((await ask('https://webhooks.example.com/health', {}, vars)).status).toBe(200);
});

test('security.txt says where to report, for less than a year; without a contact there is none', async () => {
  expect((await ask('https://webhooks.example.com/.well-known/security.txt', {}, { SECURITY_CONTACT: '' })).status).toBe(404);
  const vars = {
    SECURITY_CONTACT: 'mailto:security@example.com, https://example.com/security',
    PUBLIC_URL: 'https://webhooks.example.com',
  };
  const { status, headers, body } = await ask('https://webhooks.example.com/.well-known/security.txt', {}, vars);
  expect(status).toBe(200);
  expect(headers.get('Content-Type')).toBe('text/plain; charset=utf-8');
  const lines = (body as string).split('\n');
  expect(lines).toContain('Contact: mailto:security@example.com');
  expect(lines).toContain('Contact: https://example.com/security');
  expect(lines).toContain('Canonical: https://webhooks.example.com/.well-known/security.txt');
  const expires = Date.parse(/^Expires: (.*)$/m.exec(body)?.[1] ?? '');
  expect(expires).toBeGreaterThan(Date.now());
  expect(expires).toBeLessThan(Date.now() + 365 * 86_400_000);
});
