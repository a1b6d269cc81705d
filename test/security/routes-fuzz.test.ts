import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { errorCodesOf, type Route } from '../../src/api/route.ts';
import { routes } from '../../src/app.ts';
import { call, createOrganization, createWebhook, PLATFORM_KEY } from '../support/api.ts';
import { anyText, nearly, nearlyObject, oddJson } from '../support/fuzz.ts';
import { nameOf, pathOf } from '../support/routes.ts';

/*
 * Every route through the real Worker, with the key that opens everything, fed what nobody should send: whatever comes, it is never a fault of
 * ours, and the answer is one that the route declares. A failure prints its seed and its smallest case.
 */
const RUNS = 60;

/** Bodies that are nearly right for some route. */
const BODIES: Record<string, unknown>[] = [
  { event: 'visitor.identified', timestamp: '2026-11-23T14:05:09Z', organization_id: 'org_fuzz', session_id: 's', visitor: {} },
  { name: 'Acme', plan: 'scale' },
  { name: 'key', scopes: ['read'], expiresAt: '2036-01-01' },
  {
    url: 'https://hooks.example.com/in',
    events: ['visitor.identified'],
    description: 'x',
    enabled: true,
    maxPerSecond: 5,
    maxConcurrent: 5,
    secret: 's',
  },
  {
    url: 'https://hooks.example.com/in',
    events: ['visitor.identified'],
    filter: { all: [{ field: 'a.b', operator: 'one_of', value: ['x', 5] }, { not: { field: 'c', operator: 'exists' } }] },
    once: { per: 'visitor.email', days: 30 },
    fields: ['visitor.email'],
    format: 'template',
    template: '{ "a": {{ visitor.email | json }} }',
    headers: { Authorization: 'Bearer x' },
    retrySchedule: ['30s', '1h'],
  },
  { filter: { field: 'a', operator: 'contains', value: 'x' }, fields: ['a'], format: 'flat', event: 'visitor.identified' },
  {
    format: 'template',
    template: '{% for a in visitor %}[1]{% endfor %}',
    event: { event: 'visitor.identified', session_id: 's', visitor: {} },
  },
  { payload: { event: 'visitor.identified', session_id: 's', visitor: {} } },
  { deliveryId: 'dlv_1' },
  { secret: 'a secret', overlapSeconds: 60 },
  { since: '2026-01-01T00:00:00Z', until: '2026-12-01' },
  { description: 'A type', example: { event: 'x' }, schema: { type: 'object', required: ['a'] } },
];
const QUERIES: Record<string, string> = {
  limit: '10',
  cursor: 'WzEsImEiXQ',
  status: 'failed',
  from: '2026-01-01',
  to: '2026-12-01',
  q: 'ses',
  period: '1h',
};

let real: Record<string, string>;

beforeAll(async () => {
  const { id: organizationId, ...organization } = await createOrganization();
  const { id: webhookId } = await createWebhook({ id: organizationId, ...organization }, { enabled: false });
  real = { organizationId, webhookId, name: 'fuzzed.type', messageId: 'none' };
});

/** Ids are real ones, or anything that a path can carry. */
const identifier = fc.oneof(
  { weight: 3, arbitrary: fc.constant(null) },
  { weight: 1, arbitrary: anyText.filter((text) => !/^\.{0,2}$/.test(text)) },
);
const json = fc.oneof(
  fc.constantFrom(...BODIES).chain(nearlyObject),
  fc.array(fc.constantFrom(...BODIES).chain(nearlyObject), { maxLength: 3 }),
  oddJson,
);
const body = fc.oneof(
  { weight: 4, arbitrary: json.map((value) => JSON.stringify(value)) },
  { weight: 2, arbitrary: nearly(fc.constantFrom(...BODIES).map((value) => JSON.stringify(value))) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 100 }) },
);
const query = fc.dictionary(
  fc.constantFrom(...Object.keys(QUERIES)),
  fc.oneof(nearly(fc.constantFrom(...Object.values(QUERIES))), anyText),
  { maxKeys: 3 },
);
/** What a header can carry: the rest does not get as far as a Worker. */
const headerText = fc.string({ maxLength: 300 }).map((text) => text.trim());

function encoded(text: string): string {
  return encodeURIComponent(text.toWellFormed());
}

async function ask(route: Route, ids: (string | null)[], queried: Record<string, string>, sent: string | Uint8Array, key: string) {
  const names = [...route.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name as string);
  const values = Object.fromEntries(
    names.map((name, index) => [name, ids[index] == null ? (real[name] ?? 'none') : encoded(ids[index] as string)]),
  );
  const search = Object.entries(queried).map(([name, text]) => `${name}=${encoded(text)}`);
  const path = `${pathOf(route, values)}${search.length > 0 ? `?${search.join('&')}` : ''}`;
  const headers = { ...(key !== '' && { 'Idempotency-Key': key }) };
  const raw = typeof sent === 'string' ? sent : new Uint8Array(sent);
  return await call(route.method.toUpperCase(), path, { key: PLATFORM_KEY, headers, ...(route.method !== 'get' && { raw }) });
}

/** The organization is deleted by the one, and is needed by the others. */
const fuzzed = routes.filter(({ operationId }) => operationId !== 'deleteOrganization' && operationId !== 'deleteWebhook');

describe('whatever is asked of it', () => {
  test.each(fuzzed.map((route) => [nameOf(route), route] as const))('%s answers as it declares', async (_name, route) => {
    const ids = fc.array(identifier, { minLength: 3, maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(ids, query, body, headerText, async (...asked) => {
        const answer = await ask(route, ...asked);
        expect(answer.status).toBeLessThan(500);
        if (answer.status < 400)
          expect([route.success.status, ...(route.success.other ? [route.success.other.status] : [])]).toContain(answer.status);
        // A path that is not one is no route's.
        else if (answer.status !== 404) expect(errorCodesOf(route)).toContain(answer.body.code);
      }),
      { numRuns: RUNS },
    );
  });
});
