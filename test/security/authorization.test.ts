import { beforeAll, describe, expect, test } from 'vitest';
import type { Access } from '../../src/api/access/auth.ts';
import { ERROR_STATUSES, type ErrorCode } from '../../src/api/errors.ts';
import { errorCodesOf, type Route } from '../../src/api/route.ts';
import { routes } from '../../src/app.ts';
import { databaseOf } from '../../src/db/client.ts';
import { parkedMessages } from '../../src/db/schema.ts';
import {
  type Answer,
  call,
  createKey,
  createOrganization,
  createProducerKey,
  createWebhook,
  env,
  expectStatus,
  PLATFORM_KEY,
  platform,
} from '../support/api.ts';
import { signedIn, type Visitor } from '../support/dashboard.ts';
import { aMessage, anEvent, consume, deliveriesOf } from '../support/deliveries.ts';
import { operatorSignedIn } from '../support/operator.ts';
import { documentedAccess } from '../support/route-table.ts';
import { nameOf, pathOf } from '../support/routes.ts';

/*
 * Every route of the table that the Worker registers × everything a request can present itself with. What is expected comes from the
 * documentation's own table: a route that is not in it, or that is open to others than it says there, fails.
 */

/** What a caller meets at a route: it is let in, or refused with this code. */
type Verdict = 'open' | ErrorCode;

/** Something a request can present itself with. */
interface Presented {
  headers: Record<string, string>;
  /** At its own organization's routes, and at those of none. */
  at: Record<Access, Verdict>;
  /** At the routes of an organization that is not its own, where that makes a difference. */
  elsewhere?: Verdict;
}

const refusedAs = (code: ErrorCode): Record<Access, Verdict> => ({
  public: 'open',
  any: code,
  ingest: code,
  metrics: code,
  platform: code,
  read: code,
  write: code,
  admin: code,
});
const ofOrganization = {
  ...refusedAs('insufficient_scope'),
  any: 'open',
  ingest: 'platform_key_required',
  metrics: 'platform_key_required',
  platform: 'platform_key_required',
} as const;
const mayRead = { ...ofOrganization, read: 'open' } as const;
const mayWrite = { ...mayRead, write: 'open' } as const;
const mayAdminister = { ...mayWrite, admin: 'open' } as const;
const mayIngest = { ...refusedAs('insufficient_scope'), any: 'open', ingest: 'open' } as const;
const mayReadMetrics = { ...refusedAs('insufficient_scope'), any: 'open', metrics: 'open' } as const;
const mayEverything = {
  public: 'open',
  any: 'open',
  ingest: 'open',
  metrics: 'open',
  platform: 'open',
  read: 'open',
  write: 'open',
  admin: 'open',
} as const;

const withKey = (key: string) => ({ 'X-API-Key': key });

const WHO = [
  'nobody',
  'an empty key',
  'a malformed key',
  'a key in capital letters',
  'the platform key with a character more',
  'an unknown key',
  "an unknown producer's key",
  'a revoked key',
  'an expired key',
  "another organization's admin key",
  'a key with the scope read',
  'a key with the scope write',
  'a key with the scope admin',
  "a producer's key",
  "a revoked producer's key",
  "a monitor's key",
  'the platform key',
  'the cookie of a dashboard session alone',
  "the cookie of an operator's session alone",
] as const;
const presented = {} as Record<(typeof WHO)[number], Presented>;
/** What is there to be read, of the organization and of the platform. */
let real: Record<string, string>;

beforeAll(async () => {
  const own = await createOrganization();
  const other = await createOrganization();
  // Disabled: what comes for it is recorded without an attempt.
  const webhookId = (await createWebhook(own, { enabled: false })).id;
  await consume([aMessage([anEvent(own.id)])]);
  const [delivery] = await deliveriesOf(webhookId);
  if (!delivery) throw new Error('Nothing was recorded.');
  const parked = { id: 'a-parked-message', reason: 'a test', body: new Uint8Array([1]), parkedAt: 1 };
  await databaseOf(env.DB).insert(parkedMessages).values(parked);
  const { id: deliveryId, eventId } = delivery;
  const erasureId = `ers_${own.id}`;
  const erasure = "INSERT INTO erasures (id, organization_id, field, requested_at, finished_at) VALUES (?, ?, 'visitor.email', 1, 2)";
  await env.DB.prepare(erasure).bind(erasureId, own.id).run();
  real = { organizationId: own.id, webhookId, deliveryId, eventId, erasureId, messageId: parked.id, name: 'visitor.identified' };

  const revoked = await revokedKey(`${own.path}/api-keys`, { name: 'revoked', scopes: ['admin'] });
  const expired = await createKey(own.id, ['admin']);
  await env.DB.prepare('UPDATE api_keys SET expires_at = ? WHERE key_prefix = ? AND organization_id = ?')
    .bind(Date.now() - 1, expired.slice(0, 12), own.id)
    .run();
  const unknown = refusedAs('invalid_api_key');
  presented.nobody = { headers: {}, at: refusedAs('missing_api_key') };
  presented['an empty key'] = { headers: withKey(''), at: refusedAs('missing_api_key') };
  presented['a malformed key'] = { headers: withKey('bsk_live_nonsense'), at: unknown };
  presented['a key in capital letters'] = { headers: withKey(own.key.toUpperCase()), at: unknown };
  presented['the platform key with a character more'] = { headers: withKey(`${PLATFORM_KEY}x`), at: unknown };
  presented['an unknown key'] = { headers: withKey(`bsk_live_${'0'.repeat(32)}`), at: unknown };
  presented["an unknown producer's key"] = { headers: withKey(`bsk_ingest_${'0'.repeat(32)}`), at: unknown };
  presented['a revoked key'] = { headers: withKey(revoked), at: unknown };
  presented['an expired key'] = { headers: withKey(expired), at: unknown };
  presented["another organization's admin key"] = { headers: withKey(other.key), at: mayAdminister, elsewhere: 'not_found' };
  presented['a key with the scope read'] = { headers: withKey(await createKey(own.id, ['read'])), at: mayRead };
  presented['a key with the scope write'] = { headers: withKey(await createKey(own.id, ['write'])), at: mayWrite };
  presented['a key with the scope admin'] = { headers: withKey(await createKey(own.id, ['admin'])), at: mayAdminister };
  presented["a producer's key"] = { headers: withKey(await createProducerKey()), at: mayIngest };
  presented["a revoked producer's key"] = { headers: withKey(await revokedKey('/platform/keys', { name: 'revoked' })), at: unknown };
  const monitor = await expectStatus(platform.post('/platform/keys', { name: 'monitor', scopes: ['metrics'] }), 201);
  presented["a monitor's key"] = { headers: withKey(monitor.body.plainKey), at: mayReadMetrics };
  // Pages have checks of their own against other sites' forms: the API must not take what a browser sends by itself.
  const cookieOf = ({ cookies }: Visitor) => ({ Cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') });
  const alone = refusedAs('missing_api_key');
  presented['the cookie of a dashboard session alone'] = { headers: cookieOf(await signedIn(own)), at: alone };
  presented["the cookie of an operator's session alone"] = { headers: cookieOf(await operatorSignedIn()), at: alone };
  presented['the platform key'] = { headers: withKey(PLATFORM_KEY), at: mayEverything };
});

async function revokedKey(path: string, json: unknown): Promise<string> {
  const { body } = await expectStatus(platform.post(path, json), 201);
  await expectStatus(platform.delete(`${path}/${body.id}`), 204);
  return body.plainKey;
}

/** A request that reads what is there, or that changes nothing even where it is let in. */
function ask(route: Route, headers: Record<string, string>, verdict: Verdict): Promise<Answer> {
  const reads = route.method === 'get';
  const deletesAll = verdict === 'open' && route.method === 'delete' && route.path.endsWith('{organizationId}');
  const path = pathOf(route, reads ? real : { organizationId: deletesAll ? 'org_that_is_not' : real.organizationId! });
  // The one route whose query is not optional.
  const query = route.operationId === 'getWantedEvents' ? '?organization_id=org_a' : '';
  const needed = route.headers?.shape['X-Export-Key'] && { 'X-Export-Key': btoa('x'.repeat(32)) };
  return call(route.method.toUpperCase(), `${path}${query}`, {
    headers: { ...needed, ...headers },
    ...((route.body || route.rawBody) && { json: {} }),
  });
}

function expectRefused(route: Route, answer: Answer, code: ErrorCode): void {
  expect(answer.body).toEqual({ code, message: expect.any(String), details: expect.any(Object) });
  expect(answer.status).toBe(ERROR_STATUSES[code]);
  expect(errorCodesOf(route)).toContain(code);
}

/** Let in: a read finds what is there; what would change something says that there is nothing to change, or what is wrong. */
function expectLetIn(route: Route, answer: Answer): void {
  if (route.method === 'get') expect(answer.status).toBe(route.success.status);
  else expect([route.success.status, 404, 422]).toContain(answer.status);
  if (answer.status >= 400) expect(errorCodesOf(route)).toContain(answer.body.code);
}

const documented = documentedAccess();

test('every route is in the documentation, with the key that it needs, and nothing else is', () => {
  expect(Object.fromEntries(documented)).toEqual(Object.fromEntries(routes.map((route) => [nameOf(route), route.access])));
});

describe.each(routes.map((route) => [nameOf(route), route] as const))('%s', (name, route) => {
  test.each(WHO)('with %s', async (who) => {
    const { headers, at, elsewhere } = presented[who];
    const access = documented.get(name);
    if (access === undefined) throw new Error(`The documentation does not say who may use ${name}.`);
    const foreign = elsewhere !== undefined && route.path.includes('{organizationId}');
    const verdict = foreign ? elsewhere : at[access];
    const answer = await ask(route, headers, verdict);
    if (verdict === 'open') expectLetIn(route, answer);
    else expectRefused(route, answer, verdict);
  });
});
