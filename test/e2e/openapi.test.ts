import { Validator } from '@seriousme/openapi-schema-validator';
import { describe, expect, test } from 'vitest';
import { ERROR_STATUSES, type ErrorCode } from '../../src/api/errors.ts';
import { describeApi } from '../../src/api/reference/openapi.ts';
import { errorCodesOf } from '../../src/api/route.ts';
import { routes } from '../../src/app.ts';
import { makeAttempt } from '../../src/attempt/attempt.ts';
import { BUILT_IN_EVENT_TYPES } from '../../src/domain/event/event-type.ts';
import { PreparedSchema } from '../../src/domain/json-schema/check.ts';
import { importSigningKeys } from '../../src/domain/webhook/signature.ts';

const document = JSON.parse(JSON.stringify(describeApi(routes)));

/** Whether a value is what a schema of the document says. */
const fits = (schema: Record<string, unknown>, value: unknown) =>
  new PreparedSchema({ components: document.components, ...schema }).mismatches(value, 1_000_000);

// In Node: the validator compiles its schemas with eval, which Workers forbid.
test('/openapi.json is valid OpenAPI 3.1 by a public validator', async () => {
  const result = await new Validator().validate(document);
  expect(result).toEqual({ valid: true });
  expect(document.openapi).toBe('3.1.0');
});

test('/openapi.json refers to nothing that it lacks, and shares the schemas it repeats', () => {
  const text = JSON.stringify(describeApi(routes));
  const { schemas } = JSON.parse(text).components;
  const names = [...text.matchAll(/"#\/components\/schemas\/(\w+)"/g)].map(([, name]) => name);
  expect(Object.keys(schemas)).toEqual(expect.arrayContaining(names));
  expect(Object.keys(schemas)).toEqual(expect.arrayContaining(['Error', 'Event', 'Webhook', 'Delivery', 'Attempt', 'ApiKey', 'EventType']));
});

test('no schema with a name is nullable, or has the words of one of its uses', () => {
  const { schemas } = document.components;
  for (const [name, schema] of Object.entries<{ type?: unknown }>(schemas))
    expect([name, [schema.type].flat()]).not.toEqual([name, expect.arrayContaining(['null'])]);
  expect(schemas.Delivery).toMatchObject({ type: 'object', description: 'One event for one webhook.' });
  expect(schemas.Statistics).toMatchObject({ type: 'object', description: 'Deliveries by when their events were accepted.' });
  const { activity } = schemas.ListedWebhook.allOf[1].properties;
  expect(fits(activity, null)).toEqual([]);
  expect(fits(activity, { nextProbeAt: null, statistics: null, lastDelivery: null })).toEqual([]);
  expect(fits(activity, { nextProbeAt: null, statistics: 5, lastDelivery: null })).not.toEqual([]);
});

test('each error of each route is shown with an example of its own', () => {
  for (const route of routes) {
    const { responses } = document.paths[route.path][route.method];
    const shown = Object.entries<{ content?: Record<string, { examples?: Record<string, { value: { code: ErrorCode } }> }> }>(
      responses,
    ).flatMap(([status, { content }]) =>
      Object.values(content?.['application/json']?.examples ?? {}).map(({ value }) => ({ status, value })),
    );
    expect(shown.map(({ value }) => value.code).sort()).toEqual(errorCodesOf(route).sort());
    for (const { status, value } of shown) {
      expect(String(ERROR_STATUSES[value.code])).toBe(status);
      expect(fits({ $ref: '#/components/schemas/Error' }, value)).toEqual([]);
    }
  }
});

describe('the bodies that are shown with a route', () => {
  const shown = routes.filter(({ examples }) => examples);

  test('are those that create, change, try and test a webhook, among others', () => {
    const ids = shown.map(({ operationId }) => operationId);
    expect(ids).toEqual(expect.arrayContaining(['createWebhook', 'updateWebhook', 'previewWebhook', 'testWebhook']));
  });

  test.each(shown.map((route) => [route.operationId, route] as const))(
    'of %s are what its schema says',
    (_id, { path, method, examples = {} }) => {
      const { schema, examples: described } = document.paths[path][method].requestBody.content['application/json'];
      expect(Object.values(described).map((example) => (example as { summary: string }).summary)).toEqual(Object.keys(examples));
      for (const { value } of Object.values(described) as { value: object }[]) {
        expect([value, fits(schema, value)]).toEqual([value, []]);
        expect(fits(schema, { ...value, surprise: 1 })).not.toEqual([]);
      }
    },
  );

  test('have conditions as the filter of a webhook has them, and no others', () => {
    const { schema } = document.paths['/api/v1/organization/{organizationId}/webhooks'].post.requestBody.content['application/json'];
    const withFilter = (filter: unknown) => fits(schema, { url: 'https://hooks.example.com/', events: ['*'], filter });
    const leaf = { field: 'a.b', operator: 'one_of', value: ['x', 5, true] };
    for (const filter of [null, leaf, { all: [leaf, { any: [{ not: leaf }] }] }]) expect(withFilter(filter)).toEqual([]);
    for (const filter of ['a', {}, { field: 'a' }, { all: [] }, { all: [leaf], any: [leaf] }, { ...leaf, operator: 'is' }])
      expect(withFilter(filter)).not.toEqual([]);
  });
});

describe('what a webhook receives', () => {
  test('is described for each type that ships with the service, with an example that is such an event', () => {
    expect(Object.keys(document.webhooks)).toEqual(BUILT_IN_EVENT_TYPES.map(({ name }) => name));
    for (const { name, example } of BUILT_IN_EVENT_TYPES) {
      const { schema, example: shown } = document.webhooks[name].post.requestBody.content['application/json'];
      expect(shown).toEqual(example);
      expect(fits(schema, shown)).toEqual([]);
      expect(fits(schema, { ...(shown as object), organization_id: 5 })).not.toEqual([]);
    }
  });

  test('has the properties of the visitor, the company and the session', () => {
    const { EventVisitor, EventCompany, EventSession } = document.components.schemas;
    const example = BUILT_IN_EVENT_TYPES[0]?.example as Record<'visitor' | 'company' | 'session', object>;
    expect(Object.keys(EventVisitor.properties)).toEqual(Object.keys(example.visitor));
    expect(Object.keys(EventCompany.properties)).toEqual(Object.keys(example.company));
    expect(Object.keys(EventSession.properties)).toEqual(Object.keys(example.session));
  });

  test('comes with the headers that an attempt really has', async () => {
    const oldestKey = await importSigningKeys('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw');
    const keys = [oldestKey];
    const ids = { deliveryId: 'dlv_1', eventId: 'evt_test_1', event: 'visitor.identified' };
    const request = {
      url: 'https://hooks.example.com/',
      keys,
      oldestKey,
      ...ids,
      payload: new Uint8Array(),
      number: 1,
      trigger: 'test',
    } as const;
    const { record } = await makeAttempt(request, { fetch: async () => new Response(), now: () => 1, timeoutMs: 1_000 });
    const described = document.webhooks['visitor.identified'].post.parameters.map(({ name }: { name: string }) => name);
    // OpenAPI has a place of its own for the content's type.
    expect([...described, 'Content-Type'].sort()).toEqual(Object.keys(record.requestHeaders).sort());
  });
});
