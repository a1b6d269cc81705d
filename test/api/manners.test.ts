import { gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, test } from 'vitest';
import { routes } from '../../src/app.ts';
import {
  type Call,
  call,
  createOrganization,
  createWebhook,
  ORIGIN,
  PLATFORM_KEY,
  platform,
  type TestOrganization,
} from '../support/api.ts';
import { PAGES } from '../support/dashboard.ts';
import { nameOf, pathOf } from '../support/routes.ts';

const ALL = ['GET', 'PUT', 'POST', 'PATCH', 'DELETE'] as const;
const table = (some: typeof routes) => some.map((route) => [nameOf(route), route] as const);

/** The methods that the routes' own table has for a path, as `Allow` names them. */
function allowedAt(path: string): string[] {
  const declared = routes.filter((route) => route.path === path).map(({ method }) => method.toUpperCase());
  return [...declared, ...(declared.includes('GET') ? ['HEAD'] : []), 'OPTIONS'].sort();
}

const allowOf = (headers: Headers) => (headers.get('Allow') ?? '').split(', ').sort();

let organization: TestOrganization;
let deliveries: string;
beforeAll(async () => {
  organization = await createOrganization();
  const { id } = await createWebhook(organization);
  deliveries = `/api/v1${organization.path}/webhooks/${id}/deliveries`;
});

describe('another method', () => {
  const paths = [...new Set(routes.map(({ path }) => path))];

  test.each(paths)('on %s is 405 with what it takes', async (path) => {
    const others = [...ALL.filter((method) => !allowedAt(path).includes(method)), 'PROPFIND'];
    for (const method of others) {
      const { status, headers, body } = await call(method, pathOf({ path }, {}));
      expect({ method, status, code: body.code }).toEqual({ method, status: 405, code: 'method_not_allowed' });
      expect(allowOf(headers)).toEqual(allowedAt(path));
    }
    if (!allowedAt(path).includes('HEAD')) expect(await call('HEAD', pathOf({ path }, {}))).toMatchObject({ status: 405 });
  });

  test.each(paths)('OPTIONS on %s says what it takes, and lets no other site in', async (path) => {
    const headers = { Origin: 'https://elsewhere.example.com', 'Access-Control-Request-Method': 'GET' };
    const answer = await call('OPTIONS', pathOf({ path }, {}), { headers });
    expect(answer).toMatchObject({ status: 204, body: '' });
    expect(allowOf(answer.headers)).toEqual(allowedAt(path));
    expect([...answer.headers.keys()].filter((name) => name.startsWith('access-control-'))).toEqual([]);
  });

  test.each(['/health', '/openapi.json', '/docs'])('HEAD on %s answers as GET does, without a body', async (path) => {
    const [head, get] = [await call('HEAD', path), await call('GET', path)];
    expect(head.status).toBe(200);
    expect(head.headers.get('Content-Type')).toBe(get.headers.get('Content-Type'));
  });

  test('HEAD of a route with a key is guarded as GET is', async () => {
    expect(await call('HEAD', deliveries)).toMatchObject({ status: 401 });
    expect(await call('HEAD', deliveries, { key: organization.key })).toMatchObject({ status: 200 });
  });

  test.each([
    ['PUT', ''],
    ['DELETE', '/whk_1'],
    ['PATCH', '/whk_1/deliveries'],
    ['GET', '/whk_1/test'],
    ['PUT', '/sign-in'],
    ['POST', '/theme.css'],
  ])('%s on the page %s is 405 as well, as a page', async (method, page) => {
    const { status, headers, body } = await call(method, `${PAGES}${page}`, { headers: { Origin: ORIGIN } });
    expect(status).toBe(405);
    expect(headers.get('Allow')).toMatch(/^(GET|POST).*OPTIONS$/);
    expect(headers.get('Content-Type')).toMatch(/^text\/html/);
    expect(body).toContain('<h1>');
  });

  test('OPTIONS on a page says what it takes', async () => {
    expect((await call('OPTIONS', `${PAGES}/new`)).headers.get('Allow')).toBe('GET, POST, HEAD, OPTIONS');
  });
});

describe('an address that is nearly right leads on:', () => {
  test.each([
    ['/', PAGES],
    ['/settings', PAGES],
    ['/settings/', PAGES],
    ['/settings/integrations', PAGES],
    ['/settings/integrations/', PAGES],
    ['/docs/', '/docs'],
    ['/health/', '/health'],
    ['/openapi.json/', '/openapi.json'],
  ])('%s to %s', async (path, location) => {
    const answer = await call('GET', path);
    expect([301, 302, 308]).toContain(answer.status);
    expect(answer.headers.get('Location')).toBe(location);
  });

  test('but not to another host', async () => {
    for (const path of ['//evil.example.com/', '//evil.example.com/docs/', '/\\evil.example.com/']) {
      expect(await call('GET', path)).toMatchObject({ status: 404 });
    }
  });
});

describe('a query', () => {
  test.each(table(routes.filter(({ access }) => access !== 'public')))(
    '%s refuses a parameter that it does not know, by its name',
    async (_name, route) => {
      // Of an organization that is there: that is looked at first.
      const path = pathOf(route, { organizationId: organization.id });
      const json = route.body || route.rawBody ? { json: {} } : {};
      for (const [query, field] of [
        ['sort=asc', 'sort'],
        ['Limit=5', 'Limit'],
        ['__proto__=1', '__proto__'],
        ['=x', ''],
      ]) {
        const answer = await call(route.method.toUpperCase(), `${path}?${query}`, { key: PLATFORM_KEY, ...json });
        expect(answer).toMatchObject({ status: 422, body: { code: 'validation_failed', details: { field } } });
        expect(answer.body.message).toContain(`\`${field}\` is not a parameter of this route`);
      }
    },
  );

  test('of a public route is not looked at: monitors and caches add their own', async () => {
    expect(await call('GET', '/health?_=1764190000')).toMatchObject({ status: 200 });
  });

  test('that is refused says what there is', async () => {
    const { body } = await call('GET', `${deliveries}?since=2099-01-01&statuses=failed`, { key: organization.key });
    expect(body.message).toBe(
      '`since` is not a parameter of this route: it takes limit, cursor, status, event, from, to, q, response, minAttempts.',
    );
    expect(body.details.issues.map(({ field }: { field: string }) => field)).toEqual(['since', 'statuses']);
  });

  test.each(['status=failed&status=discarded', 'limit=1&limit=1', 'event=a.b&q=x&%65vent=a.b'])(
    'that repeats a parameter is refused: %s',
    async (query) => {
      const answer = await call('GET', `${deliveries}?${query}`, { key: organization.key });
      expect(answer).toMatchObject({
        status: 422,
        body: { message: expect.stringMatching(/^`(status|limit|event)` is there more than once/) },
      });
    },
  );

  test('is of no concern to those who may not ask at all', async () => {
    expect(await call('GET', `${deliveries}?since=1`)).toMatchObject({ status: 401 });
  });
});

const EVENT = { event: 'visitor.identified', timestamp: '2026-11-23T14:05:09Z', organization_id: 'org_a', session_id: 's', visitor: {} };
const post = (headers: Record<string, string>, more: Call = { json: EVENT }) =>
  call('POST', '/api/v1/events', { key: PLATFORM_KEY, ...more, headers });

describe('a body', () => {
  test.each(['gzip', 'GZIP', 'br', 'deflate', 'x-unheard-of', 'identity, gzip'])(
    'that says it is %s is 415, whatever it is',
    async (encoding) => {
      const raw = gzipSync(new TextEncoder().encode(JSON.stringify(EVENT)));
      for (const more of [{ raw }, { json: EVENT }]) {
        const answer = await post({ 'Content-Type': 'application/json', 'Content-Encoding': encoding }, more);
        expect(answer).toMatchObject({ status: 415, body: { code: 'unsupported_content_encoding' } });
        expect(answer.headers.get('Accept-Encoding')).toBe('identity');
      }
    },
  );

  test.each([
    ...['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'application/xml', 'text/json', 'json'],
    ...['application/cloudevents+json', 'application/jsonl', 'application/json, text/plain', 'application/json-patch+json', '*/*'],
    ...['application/json; charset=utf-16', 'application/json;charset="latin1"', 'application/json; charset=utf-8; charset=utf-16'],
    ...['application/json; charset=', 'application/json; charset', 'application/json; Charset = us-ascii'],
  ])('of the type %s is 415', async (type) => {
    const answer = await post({ 'Content-Type': type });
    expect(answer).toMatchObject({ status: 415, body: { code: 'unsupported_content_type' } });
    expect(answer.headers.get('Accept')).toBe('application/json');
  });

  test.each([
    ...['application/json', 'Application/JSON', 'application/json;charset=utf-8', 'application/json; Charset="UTF-8"', 'application/json;'],
    ...['application/json; version=1', 'application/json ; profile="https://example.com/p"; charset=utf8'],
  ])('of the type %s is taken', async (type) => {
    expect(await post({ 'Content-Type': type })).toMatchObject({ status: 202 });
    expect(await post({ 'Content-Type': type, 'Content-Encoding': 'Identity' })).toMatchObject({ status: 202 });
  });

  test('may begin with a byte order mark', async () => {
    const raw = (value: unknown) => ({
      raw: `\ufeff${JSON.stringify(value)}`,
      headers: { 'Content-Type': 'application/json' },
      key: PLATFORM_KEY,
    });
    expect(await call('POST', '/api/v1/events', raw(EVENT))).toMatchObject({ status: 202 });
    const { status, body } = await call('PUT', `/api/v1${organization.path}`, raw({ name: 'With a mark', plan: 'scale' }));
    expect({ status, name: body.name }).toEqual({ status: 200, name: 'With a mark' });
  });

  test('that is not JSON is told its place, and none of its text', async () => {
    const secret = 'jane.doe@acme.com';
    for (const path of ['/api/v1/events', `/api/v1${organization.path}/webhooks`]) {
      const answer = await call('POST', path, { key: PLATFORM_KEY, raw: `{"a":1,\n"b":${secret}}` });
      expect(answer).toMatchObject({ status: 400, body: { message: 'The body is not JSON: the mistake is at line 2, column 5.' } });
    }
    expect((await post({}, { json: { ...EVENT, event: secret } })).body.message).not.toContain(secret);
  });
});

test('an answer to names that nobody knows is short, however long they are', async () => {
  const long = 'x'.repeat(15_000);
  const names = Array.from({ length: 4 }, (_, at) => `${long}${at}`);
  const json = { name: 'Acme', plan: 'scale', ...Object.fromEntries(names.map((name) => [name, 1])) };
  const body = await call('PUT', `/api/v1${organization.path}`, { key: PLATFORM_KEY, json });
  expect(body).toMatchObject({ status: 422, body: { code: 'validation_failed', details: { issues: [{}, {}, {}, {}] } } });
  expect(JSON.stringify(body.body).length).toBeLessThan(6_000);
  const query = await call('GET', `${deliveries}?${names.map((name) => `${name}=1`).join('&')}`, { key: organization.key });
  expect(query.status).toBe(422);
  expect(JSON.stringify(query.body).length).toBeLessThan(6_000);
});

describe('text that is not well-formed Unicode', () => {
  test.each([
    ['PUT', '', { name: 'x\ud800', plan: 'scale' }, 'name'],
    ['POST', '/webhooks', { url: 'https://hooks.example.com/', events: ['visitor.identified'], description: '\udc00' }, 'description'],
    ['POST', '/webhooks', { url: 'https://hooks.example.com/\ud800', events: ['visitor.identified'] }, 'url'],
    ['POST', '/webhooks', { url: 'https://hooks.example.com/', events: ['visitor.identified', '\ud800.*'] }, 'events[1]'],
    ['POST', '/webhooks', { url: 'https://hooks.example.com/', events: ['*'], secret: 'whsec_\ud83d' }, 'secret'],
    ['POST', '/api-keys', { name: '\ud83d', scopes: ['read'] }, 'name'],
  ])('is refused: %s %s %j', async (method, path, json, field) => {
    // As escapes, since the encoder would replace it.
    const raw = JSON.stringify(json);
    expect(raw).toContain('\\ud');
    const answer = await call(method, `/api/v1${organization.path}${path}`, { key: PLATFORM_KEY, raw });
    expect(answer).toMatchObject({ status: 422, body: { code: 'validation_failed', details: { field } } });
  });

  test('is refused in an event type, as deep as it may be, and as a name', async () => {
    const put = (input: unknown) => call('PUT', '/api/v1/event-types/ill.formed', { key: PLATFORM_KEY, raw: JSON.stringify(input) });
    expect(await put({ description: 'x', example: { a: [1, { b: '\ud800' }] } })).toMatchObject({
      status: 422,
      body: { details: { field: 'example.a[1].b' } },
    });
    expect(await put({ description: 'x', schema: { properties: { '\udfff': true } } })).toMatchObject({
      status: 422,
      body: { details: { field: 'schema.properties' } },
    });
  });
});

test('NUL in a name and a description comes back as it was; in a secret, which nobody can mean, it is refused', async () => {
  const name = 'a\0b';
  expect((await platform.put(organization.path, { name, plan: 'scale' })).body.name).toBe(name);
  expect((await platform.get(organization.path)).body.name).toBe(name);
  const { id } = await createWebhook(organization, { description: name });
  const webhook = `${organization.path}/webhooks/${id}`;
  expect((await organization.admin.get(webhook)).body.description).toBe(name);
  expect(await organization.admin.patch(webhook, { secret: name })).toMatchObject({ status: 422, body: { details: { field: 'secret' } } });
});

test('a PUT that creates is 201, one that changes 200', async () => {
  const path = `/organization/org_${crypto.randomUUID()}`;
  const racing = await Promise.all([1, 2, 3].map((n) => platform.put(path, { name: `Acme ${n}`, plan: 'scale' })));
  expect(racing.map(({ status }) => status).sort()).toEqual([200, 200, 201]);
  expect(await platform.put(path, { name: 'Acme', plan: 'growth' })).toMatchObject({ status: 200, body: { name: 'Acme', plan: 'growth' } });
  await platform.delete(path);
  expect(await platform.put(path, { name: 'Acme', plan: 'scale' })).toMatchObject({ status: 201 });

  expect(await platform.put('/event-types/made.now', { description: 'x' })).toMatchObject({ status: 201, body: { name: 'made.now' } });
  expect(await platform.put('/event-types/made.now', { description: 'y' })).toMatchObject({ status: 200, body: { description: 'y' } });
  // It ships with the service: it was there.
  expect(await platform.put('/event-types/webhook.failing', { description: 'y' })).toMatchObject({ status: 200 });
});
