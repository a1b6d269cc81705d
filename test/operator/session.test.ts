import { env } from 'cloudflare:workers';
import { describe, expect, it, vi } from 'vitest';
import { OPERATOR_SESSION_MS } from '../../src/operator/session.ts';
import { createKey, createOrganization, createProducerKey, DEPLOYED, PLATFORM_KEY } from '../support/api.ts';
import { driveDate } from '../support/clock.ts';
import { signedIn, type Visitor, visitor } from '../support/dashboard.ts';
import { meterThatFails, operatorSignedIn } from '../support/operator.ts';
import { PAGES } from '../support/operator-pages.ts';

driveDate();

const isSignedOut = (person: Visitor) =>
  person.get('/operator').then(({ status, location }) => status === 303 && location?.startsWith('/operator/sign-in'));

describe('signing in', () => {
  it('takes the platform key, and leads on to where somebody was going', async () => {
    const person = visitor();
    const asked = await person.get('/operator/organizations?q=acme');
    expect(asked).toMatchObject({
      status: 303,
      location: `/operator/sign-in?next=${encodeURIComponent('/operator/organizations?q=acme')}`,
    });
    const answer = await person.post('/operator/sign-in', { key: PLATFORM_KEY, next: '/operator/organizations?q=acme' });
    expect(answer).toMatchObject({ status: 303, location: '/operator/organizations?q=acme' });
    expect((await person.get('/operator')).text).toContain('Endpoints that fail');
  });

  it.each([
    ['nothing', async () => '', 401],
    ['a guess', async () => 'bsk_platform_guess', 401],
    ["an organization's key", async () => (await createOrganization()).key, 403],
    ["a producer's key", createProducerKey, 403],
  ])('refuses %s', async (_what, keyOf, status) => {
    const person = visitor();
    const key = await keyOf();
    const answer = await person.post('/operator/sign-in', { key });
    expect(answer.status).toBe(status);
    expect(key === '' || !answer.html.includes(key)).toBe(true);
    expect(person.cookies.size).toBe(0);
    expect(await isSignedOut(person)).toBe(true);
  });

  it.each(['https://evil.example', '//evil.example', '/\\evil.example', '/settings/integrations/webhooks', '/operator/../settings'])(
    'leads to %s never',
    async (next) => {
      expect((await visitor().post('/operator/sign-in', { key: PLATFORM_KEY, next })).location).toBe('/operator');
    },
  );

  it('is throttled for who guesses', async () => {
    const limiter = { limit: async () => ({ success: false }) } as unknown as RateLimit;
    const person = visitor({ vars: { FAILED_KEYS: limiter } });
    const answer = await person.post('/operator/sign-in', { key: 'bsk_platform_guess' }, { 'CF-Connecting-IP': '203.0.113.7' });
    expect(answer.status).toBe(429);
    expect(answer.headers.get('Retry-After')).toMatch(/^\d+$/);
  });

  it('is not done by a form of another site', async () => {
    const person = visitor();
    const answer = await person.post(
      '/operator/sign-in',
      { key: PLATFORM_KEY },
      { Origin: 'https://evil.example', 'Sec-Fetch-Site': 'cross-site' },
    );
    expect(answer.status).toBe(403);
    expect(person.cookies.size).toBe(0);
  });
});

describe('a session', () => {
  it('is a cookie that no script reads and no other site sends, sealed', async () => {
    const answer = await visitor().post('/operator/sign-in', { key: PLATFORM_KEY });
    const [cookie = ''] = answer.headers.getSetCookie();
    expect(cookie).toMatch(/^bullseye_operator=v1%3A/);
    expect(cookie).toMatch(/HttpOnly/);
    expect(cookie).toMatch(/SameSite=Lax/);
    expect(cookie).toMatch(new RegExp(`Max-Age=${OPERATOR_SESSION_MS / 1_000}`));
    const deployed = visitor({ origin: 'https://webhooks.example.com', vars: DEPLOYED });
    const [secure = ''] = (await deployed.post('/operator/sign-in', { key: DEPLOYED.PLATFORM_API_KEY })).headers.getSetCookie();
    expect(secure).toMatch(/^__Host-bullseye_operator=.*; Secure/);
  });

  it('ends after four hours', async () => {
    const person = await operatorSignedIn();
    vi.setSystemTime(Date.now() + OPERATOR_SESSION_MS - 1);
    expect(await isSignedOut(person)).toBe(false);
    vi.setSystemTime(Date.now() + 1);
    expect(await isSignedOut(person)).toBe(true);
  });

  it('ends by signing out, for a copy of its cookie, too', async () => {
    const person = await operatorSignedIn();
    const copy = visitor();
    for (const [name, value] of person.cookies) copy.cookies.set(name, value);
    expect(await isSignedOut(copy)).toBe(false);
    await person.post('/operator/sign-out');
    expect(person.cookies.size).toBe(0);
    expect(await isSignedOut(copy)).toBe(true);
  });

  it('ends with the platform key that it was made with, and outlasts a rotation of the other secrets', async () => {
    const person = await operatorSignedIn();
    const under = (vars: Partial<Env>) => {
      const other = visitor({ vars });
      for (const [name, value] of person.cookies) other.cookies.set(name, value);
      return other;
    };
    expect(await isSignedOut(under({ PLATFORM_API_KEY: `bsk_platform_new,${PLATFORM_KEY}` }))).toBe(false);
    expect(await isSignedOut(under({ PLATFORM_API_KEY: 'bsk_platform_new' }))).toBe(true);
    expect(await isSignedOut(under({ MASTER_KEY: `another,${env.MASTER_KEY}` }))).toBe(false);
    expect(await isSignedOut(under({ MASTER_KEY: 'another' }))).toBe(true);
  });

  it('is none that somebody made up, or changed', async () => {
    const person = await operatorSignedIn();
    const [[name, value]] = [...person.cookies] as [[string, string]];
    for (const forged of ['', 'x', `${value.slice(0, -4)}AAAA`, encodeURIComponent('v1:00000000:AAAA:AAAA')]) {
      person.cookies.set(name, forged);
      expect(await isSignedOut(person)).toBe(true);
    }
  });

  it("is not an organization's session of the dashboard, and is none there", async () => {
    const organization = await createOrganization();
    expect(await isSignedOut(await signedIn(organization))).toBe(true);
    const operator = await operatorSignedIn();
    expect(await operator.get('/settings/integrations/webhooks')).toMatchObject({ status: 303 });
  });

  it('shows pages while the Meter does not answer, and does nothing then', async () => {
    const person = await operatorSignedIn();
    const lame = visitor({ vars: { METER: meterThatFails() } });
    for (const [name, value] of person.cookies) lame.cookies.set(name, value);
    expect((await lame.get('/operator')).text).toContain('the Meter does not answer');
    const { id } = await createOrganization();
    expect((await lame.post(`/operator/organizations/${id}/plan`, { plan: 'growth' })).status).toBe(503);
  });
});

describe('every page', () => {
  it.each(PAGES)('%s opens for an operator alone, with a policy that admits nothing from elsewhere', async (path) => {
    const organization = await createOrganization();
    for (const person of [visitor(), await signedIn(organization)]) {
      expect((await person.get(path)).location).toMatch(/^\/operator\/sign-in\?next=/);
    }
    const key = await createKey(organization.id, ['admin']);
    expect((await visitor().get(path, { 'X-API-Key': key })).location).toMatch(/^\/operator\/sign-in/);
    expect((await visitor().get(path, { 'X-API-Key': PLATFORM_KEY })).location).toMatch(/^\/operator\/sign-in/);
    const { headers } = await (await operatorSignedIn()).get(path);
    expect(headers.get('Content-Security-Policy')).toContain("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self';");
    expect(headers.get('Content-Security-Policy')).toContain("frame-ancestors 'none'");
    expect(headers.get('Cache-Control')).toBe('no-store');
  });

  it.each([
    '/operator/organizations/org_x/plan',
    '/operator/organizations/org_x/dashboard',
    '/operator/parked-messages/x/redrive',
    '/operator/parked-messages/x/delete',
  ])('%s does nothing for who is not signed in, nor for a form of another site', async (path) => {
    expect((await visitor().post(path)).location).toBe('/operator/sign-in?next=%2Foperator');
    const operator = await operatorSignedIn();
    expect((await operator.post(path, {}, { Origin: 'https://evil.example', 'Sec-Fetch-Site': 'cross-site' })).status).toBe(403);
  });
});
