import { beforeAll, describe, expect, test } from 'vitest';
import { ERROR_STATUSES } from '../../src/api/errors.ts';
import { errorCodesOf, type Route } from '../../src/api/route.ts';
import { app, routes } from '../../src/app.ts';
import {
  type Answer,
  type Call,
  call,
  createOrganization,
  createWebhook,
  expectStatus,
  PLATFORM_KEY,
  platform,
  type TestOrganization,
} from '../support/api.ts';
import { aMessage, anEvent, consume, deliveriesOf } from '../support/deliveries.ts';
import { pathOf as filledPath, nameOf } from '../support/routes.ts';

let own: TestOrganization;
let other: TestOrganization;
let webhookId: string;
let otherWebhookId: string;
/** What the other organization's log has: a delivery and its event. */
let foreign: { deliveryId: string; eventId: string };

beforeAll(async () => {
  own = await createOrganization();
  other = await createOrganization();
  webhookId = (await createWebhook(own)).id;
  // Disabled: what comes for it is recorded without an attempt.
  otherWebhookId = (await createWebhook(other, { enabled: false })).id;
  await consume([aMessage([anEvent(other.id)])]);
  const [delivery] = await deliveriesOf(otherWebhookId);
  if (!delivery) throw new Error('Nothing was recorded.');
  foreign = { deliveryId: delivery.id, eventId: delivery.eventId };
});

const ofOrganization = routes.filter(({ path }) => path.includes('{organizationId}'));
const table = (some: readonly Route[]) => some.map((route) => [nameOf(route), route] as const);

/** A route's path with real ids of the organization, and such that lead nowhere for everything else. */
function pathOf(route: Route, organizationId: string, webhook = webhookId, more: Record<string, string> = {}): string {
  return filledPath(route, { organizationId, webhookId: webhook, name: 'nothing.there', ...more });
}

const ask = (route: Route, organizationId: string, { query = '', ...options }: Call & { query?: string }) =>
  call(route.method.toUpperCase(), `${pathOf(route, organizationId)}${query}`, options);

/** An error in the documented shape, with a code that the route declares. */
function expectError(route: Route, answer: Answer, status: number, code: string): void {
  expect(answer.body).toEqual({ code, message: expect.any(String), details: expect.any(Object) });
  expect(answer.status).toBe(status);
  expect(errorCodesOf(route)).toContain(code);
  expect(ERROR_STATUSES).toHaveProperty(code, status);
}

describe('every route of an organization', () => {
  test.each(table(ofOrganization))('%s hides another organization as if it did not exist', async (_name, route) => {
    const options: Call = { key: own.key, ...(route.body && { json: {} }) };
    const answer = await call(route.method.toUpperCase(), pathOf(route, other.id, otherWebhookId, foreign), options);
    expectError(route, answer, 404, 'not_found');
    expect(answer.body).toEqual((await ask(route, 'org_that_is_not', options)).body);
  });

  test.each(table(ofOrganization.filter(({ path }) => path.includes('{webhookId}'))))(
    "%s does not reach another organization's webhook through its own path",
    async (_name, route) => {
      const valid: Record<string, unknown> = { since: '2026-01-01T00:00:00Z' };
      const needsSince = route.body?.safeParse({}).success === false;
      const options: Call = { key: own.key, ...(route.body && { json: needsSince ? valid : {} }) };
      const answer = await call(route.method.toUpperCase(), pathOf(route, own.id, otherWebhookId, foreign), options);
      expectError(route, answer, 404, 'not_found');
      expect(answer.body).toEqual((await call(route.method.toUpperCase(), pathOf(route, own.id, 'whk_that_is_not'), options)).body);
    },
  );

  const ofLog = ofOrganization.filter(({ path }) => /\{(deliveryId|eventId)\}/.test(path));
  test.each(table(ofLog))("%s does not reach another organization's log through its own path", async (_name, route) => {
    const answer = await call(route.method.toUpperCase(), pathOf(route, own.id, webhookId, foreign), { key: own.key });
    expectError(route, answer, 404, 'not_found');
    expect(answer.body).toEqual((await ask(route, own.id, { key: own.key })).body);
  });

  test.each(table(ofLog.filter(({ method }) => method === 'get')))('%s is open to the organization itself', async (_name, route) => {
    expect(await call('GET', pathOf(route, other.id, otherWebhookId, foreign), { key: other.key })).toMatchObject({ status: 200 });
  });

  test("another organization's webhook and its log are as they were after all that", async () => {
    await expectStatus(platform.get(`${other.path}/webhooks/${otherWebhookId}`), 200);
    expect(await deliveriesOf(otherWebhookId)).toMatchObject([{ id: foreign.deliveryId, status: 'discarded', attemptCount: 0 }]);
  });
});

const bad: [what: string, options: Call & { query?: string }, status: number, code: string][] = [
  ['no body', {}, 400, 'malformed_json'],
  ['an empty body', { raw: '' }, 400, 'malformed_json'],
  ['half a JSON', { raw: '{"name":' }, 400, 'malformed_json'],
  ['60 kB of brackets', { raw: '['.repeat(60_000) }, 400, 'malformed_json'],
  ['bad UTF-8', { raw: new Uint8Array([0x22, 0xff, 0xfe, 0x22]) }, 400, 'malformed_json'],
  ['a form', { raw: 'name=x', headers: { 'Content-Type': 'application/x-www-form-urlencoded' } }, 415, 'unsupported_content_type'],
  ['text', { raw: '{}', headers: { 'Content-Type': 'text/plain' } }, 415, 'unsupported_content_type'],
  ['another charset', { raw: '{}', headers: { 'Content-Type': 'application/json; charset=latin1' } }, 415, 'unsupported_content_type'],
  [
    'a compressed body',
    { raw: new Uint8Array([0x1f, 0x8b]), headers: { 'Content-Encoding': 'gzip' } },
    415,
    'unsupported_content_encoding',
  ],
  ['a body that only says so', { json: {}, headers: { 'Content-Encoding': 'br' } }, 415, 'unsupported_content_encoding'],
  ['an unknown parameter', { json: {}, query: '?surprise=1' }, 422, 'validation_failed'],
  ['a list', { json: [] }, 422, 'validation_failed'],
  ['null', { json: null }, 422, 'validation_failed'],
  ['a number', { json: 5 }, 422, 'validation_failed'],
  ['deep nesting', { raw: `${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}` }, 422, 'validation_failed'],
  ['a field that is not known', { json: { __proto__: null, surprise: 1 } }, 422, 'validation_failed'],
  ['400 kB', { json: 'x'.repeat(400_000) }, 413, 'payload_too_large'],
  ['400 kB of brackets', { raw: '['.repeat(400_000) }, 413, 'payload_too_large'],
];

describe('every route with a body', () => {
  const withBody = routes.filter(({ body, rawBody }) => body || rawBody);
  const cases = withBody.flatMap((route) => bad.map(([what, ...rest]) => [nameOf(route), what, route, ...rest] as const));
  test.each(cases)('%s answers %s with what is wrong', async (_name, _what, route, options, status, code) => {
    const answer = await ask(route, own.id, { key: PLATFORM_KEY, ...options });
    const isAbsent = options.raw === undefined && options.json === undefined;
    if (route.bodyOptional && (isAbsent || options.raw === '')) expect(answer.status).toBeLessThan(500);
    // Where nothing of the path exists, that may be said first.
    else if (answer.status !== 404) expectError(route, answer, status, code);
  });
});

describe('every POST but that of events', () => {
  const posts = routes.filter(({ method, headers }) => method === 'post' && !headers?.shape['Idempotency-Key']);

  test.each(posts.map((route) => [nameOf(route), route] as const))(
    '%s refuses an Idempotency-Key, and does nothing',
    async (_name, route) => {
      const before = await platform.get(`${own.path}/webhooks`);
      for (const key of ['session-77', '', 'x'.repeat(300)]) {
        const answer = await ask(route, own.id, { key: PLATFORM_KEY, headers: { 'Idempotency-Key': key }, json: {} });
        expect(answer).toMatchObject({ status: 422, body: { code: 'validation_failed', details: { field: 'Idempotency-Key' } } });
        expect(answer.body.message).toContain('POST /api/v1/events');
      }
      expect((await platform.get(`${own.path}/webhooks`)).body).toEqual(before.body);
    },
  );

  test('what can be repeated without harm takes one', async () => {
    const headers = { 'Idempotency-Key': 'session-77' };
    for (const [method, json] of [
      ['PUT', { name: 'Own', plan: 'scale' }],
      ['GET', undefined],
    ] as const)
      expect((await call(method, `/api/v1/organization/${own.id}`, { key: PLATFORM_KEY, headers, json })).status).toBeLessThan(300);
  });
});

describe('a body without a length', () => {
  test('is read up to the limit, and refused beyond it', async () => {
    const endless = () =>
      new ReadableStream<Uint8Array>({
        pull(controller) {
          controller.enqueue(new Uint8Array(10_000).fill(0x20));
        },
      });
    for (const path of ['/api/v1/organization/org_endless', '/api/v1/events']) {
      const method = path.endsWith('events') ? 'POST' : 'PUT';
      expect(await call(method, path, { key: PLATFORM_KEY, raw: endless() })).toMatchObject({
        status: 413,
        body: { code: 'payload_too_large' },
      });
    }
  });
});

describe('what is no route', () => {
  test.each([
    ['GET', '/api/v1'],
    ['GET', '/api/v1/nothing'],
    ['GET', '/api/v1/event-types/'],
    ['OPTIONS', '/api/v1/nothing'],
    ['GET', '/%ff%00'],
    ['GET', '/api/v1/organization/%E0%A4%A'],
    ['PATCH', `/api/v1/${'a/'.repeat(2_000)}`],
  ])('%s %s is never a fault of ours', async (method, path) => {
    const answer = await call(method, path, { key: PLATFORM_KEY });
    expect([404, 422]).toContain(answer.status);
    expect(answer.body).toMatchObject({ code: expect.any(String), message: expect.any(String), details: {} });
  });

  test('a key of 100 kB is only an invalid one', async () => {
    expect(await call('GET', '/api/v1/event-types', { key: 'k'.repeat(100_000) })).toMatchObject({ status: 401 });
  });
});

test('the answers of the API say how they are to be treated', async () => {
  const { headers } = await call('GET', '/api/v1/nothing');
  expect(headers.get('X-Content-Type-Options')).toBe('nosniff');
  expect(headers.get('Cache-Control')).toBe('no-store');
  expect(headers.get('X-Request-Id')).toMatch(/^req_/);
});

describe('/openapi.json', () => {
  test('describes every route that Hono has, and no other', async () => {
    const { body } = await call('GET', '/openapi.json');
    const described = Object.entries(body.paths).flatMap(([path, methods]) =>
      Object.keys(methods as object).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const registered = app.routes
      .filter(({ method }) => method !== 'ALL')
      .map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, '{$1}')}`);
    // OpenAPI describes no WebSockets: what listens is described with what makes it (test/api/webhooks/listeners.test.ts).
    const routed = registered.filter((name) => !name.endsWith('/socket'));
    const served = routed.filter((name) => name.includes(' /api/') || /^GET \/(health|openapi\.json|\.well-known\/.*)$/.test(name));
    expect(described.sort()).toEqual(served.sort());
  });

  test('names the errors of each route, and who may use it', async () => {
    const { body } = await call('GET', '/openapi.json');
    for (const route of routes) {
      const operation = body.paths[route.path][route.method];
      expect(operation.operationId).toBe(route.operationId);
      expect(operation.security).toEqual(route.access === 'public' ? [] : [{ apiKey: [] }]);
      for (const code of errorCodesOf(route)) expect(operation.responses[ERROR_STATUSES[code]].description).toContain(code);
    }
  });

  test('says what a limit may be', async () => {
    const { body } = await call('GET', '/openapi.json');
    const paged = routes.filter(({ query }) => query && 'limit' in query.shape);
    expect(paged.length).toBeGreaterThan(0);
    for (const { path, method } of paged) {
      const { schema } = body.paths[path][method].parameters.find(({ name }: { name: string }) => name === 'limit');
      expect(schema).toMatchObject({ type: 'integer', minimum: 1, maximum: 100, default: 50 });
    }
  });

  test('gives each operation an id of its own', () => {
    const ids = routes.map(({ operationId }) => operationId);
    expect(new Set(ids).size).toBe(ids.length);
  });
});

test('/health answers without the database', async () => {
  expect(await call('GET', '/health')).toMatchObject({ status: 200, body: { status: 'ok', version: expect.stringMatching(/^\d+\.\d+/) } });
});

describe('the documentation', () => {
  test.each(['/docs', '/docs/webhooks', '/docs/webhooks/payload', '/docs/api'])(
    '%s is a page that loads nothing from elsewhere',
    async (path) => {
      const page = await call('GET', path);
      expect(page).toMatchObject({ status: 200, body: expect.stringContaining('<h1') });
      expect(page.headers.get('Content-Type')).toMatch(/^text\/html/);
      expect(page.headers.get('Content-Security-Policy')).toContain("default-src 'none'");
      expect(page.headers.get('Cache-Control')).toMatch(/^public/);
      expect(page.headers.get('X-Content-Type-Options')).toBe('nosniff');
    },
  );

  test('admits inline styles to the reference alone, which cannot do without', async () => {
    const policyOf = async (path: string) => (await call('GET', path)).headers.get('Content-Security-Policy');
    expect(await policyOf('/docs/api')).toContain('unsafe-inline');
    expect(await policyOf('/docs/webhooks')).not.toContain('unsafe');
  });

  test.each(['/docs/nothing', '/docs/webhooks/nothing'])('%s is no page, and says where they all are', async (path) => {
    const page = await call('GET', path);
    expect(page).toMatchObject({ status: 404, body: expect.stringContaining('href="/docs/webhooks"') });
    expect(page.headers.get('Cache-Control')).toBe('no-store');
  });
});
