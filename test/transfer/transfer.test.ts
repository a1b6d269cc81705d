import { describe, expect, it } from 'vitest';
import { app } from '../../src/app.ts';
import { sealSecret } from '../../src/db/secret-box.ts';
import { MAX_IMPORT_BYTES } from '../../src/transfer/lines.ts';
import { dropAbandoned } from '../../src/transfer/staging.ts';
import { through } from '../platform/faulty-bindings.ts';
import {
  call,
  createKey,
  createOrganization,
  createProducerKey,
  createWebhook,
  DEPLOYED,
  env,
  expectStatus,
  PLATFORM_KEY,
  platform,
  read,
} from '../support/api.ts';
import { auditLogOf } from '../support/audit.ts';

const KEY = btoa('an export key of the tests: 32 b').slice(0, 44);
const OTHER_KEY = btoa('another key of the tests, 32 too');
const ROUTE = '/api/v1/platform';

const exported = async (key = KEY): Promise<string> => {
  const { status, body } = await call('GET', `${ROUTE}/export`, { key: PLATFORM_KEY, headers: { 'X-Export-Key': key } });
  expect(status).toBe(200);
  return body;
};
const importing = (text: string, { key = KEY, query = '' } = {}) =>
  call('POST', `${ROUTE}/import${query}`, {
    ...{ key: PLATFORM_KEY, raw: text },
    headers: { 'X-Export-Key': key, 'Content-Type': 'application/x-ndjson' },
  });
/** The same on other bindings. */
async function importingInto(bindings: Env, text: string, origin = 'http://localhost', query = '') {
  const request = new Request(`${origin}/api/v1/platform/import${query}`, {
    ...{ method: 'POST', body: new TextEncoder().encode(text) },
    headers: { 'X-API-Key': bindings.PLATFORM_API_KEY, 'X-Export-Key': KEY, 'Content-Type': 'application/x-ndjson' },
  });
  return await read(await app.fetch(request, bindings, CONTEXT));
}

const CONTEXT = { waitUntil: () => {}, passThroughOnException: () => {}, props: {} } as never;
const fetchWith = async (bindings: Env, path: string) =>
  await app.fetch(new Request(`http://localhost${path}`, { headers: { 'X-API-Key': bindings.PLATFORM_API_KEY } }), bindings, CONTEXT);

const linesOf = (text: string) =>
  text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

const TABLES = ['event_types', 'organizations', 'api_keys', 'webhooks', 'alerts', 'alert_addresses'];
/** Everything that an export is about, as the database has it. */
async function stored(): Promise<Record<string, unknown[]>> {
  const rows = TABLES.map(async (table) => [table, (await env.DB.prepare(`SELECT * FROM ${table} ORDER BY 1, 2`).all()).results] as const);
  return Object.fromEntries(await Promise.all(rows));
}
async function emptied(): Promise<void> {
  await env.DB.batch(TABLES.toReversed().map((table) => env.DB.prepare(`DELETE FROM ${table}`)));
}

/** An organization with everything that can be chosen. */
async function full() {
  const own = await createOrganization();
  const webhook = await createWebhook(own, {
    ...{ description: 'CRM', secret: 'the first secret, long enough', headers: { Authorization: 'Bearer of the tests' } },
    ...{ filter: { field: 'company.employee_count', operator: 'at_least', value: 200 }, once: { per: 'visitor.email', days: 30 } },
    ...{ fields: ['visitor.email'], format: 'template', template: '{ "email": {{ visitor.email | json }} }' },
    ...{ retrySchedule: ['1m', '2h'], maxPerSecond: 5, maxConcurrent: 7 },
  });
  const path = `${own.path}/webhooks/${webhook.id}`;
  await expectStatus(own.admin.post(`${path}/secret/rotate`, { secret: 'the second secret, long enough' }), 200);
  await createWebhook(own, { enabled: false });
  await expectStatus(own.admin.put(`${own.path}/alerts`, { emails: ['ada@example.com'], events: ['webhook.failing'] }), 200);
  return { own, webhook, path };
}

describe('an export, imported into an instance that has nothing', () => {
  it('gives it the same: keys open, secrets sign, choices and alerts are there', async () => {
    const { own, path } = await full();
    const producer = await createProducerKey();
    await expectStatus(
      platform.put('/event-types/form.sent', { description: 'A form', example: { a: 1 }, schema: { type: 'object' } }),
      201,
    );
    const before = { secret: (await own.admin.get(`${path}/secret`)).body, rows: await stored() };
    const text = await exported();
    await emptied();

    const { body } = await expectStatus(importing(text), 200);
    expect(body.things).toMatchObject({
      ...{ event_type: { added: 1, changed: 0, unchanged: 0 }, organization: { added: 1 }, api_key: { added: 2 } },
      ...{ webhook: { added: 2 }, alerts: { added: 1 }, alert_address: { added: 1 } },
    });
    expect(await auditLogOf(own)).toMatchObject([
      { action: 'organization.imported', actor: { type: 'platform' }, changes: { import: { from: null, to: body.id } } },
    ]);
    expect((await own.admin.get(`${path}/secret`)).body).toEqual(before.secret);
    expect(await call('GET', '/api/v1/key', { key: producer })).toMatchObject({ status: 200 });
    // All but what was sealed anew, and what is this instance's own.
    const comparable = (rows: unknown[] | undefined) =>
      rows?.map((row) => ({
        ...(row as object),
        ...{ secret: 0, previous_secret: 0, secret_ring: 0, headers: 0, health_since: 0, updated_at: 0, last_used_at: 0 },
      }));
    const after = await stored();
    for (const table of TABLES) expect(comparable(after[table])).toEqual(comparable(before.rows[table]));
  });

  it('changes nothing a second time, to the last byte, and tells nothing', async () => {
    const { own } = await full();
    const text = await exported();
    await emptied();
    await expectStatus(importing(text), 200);
    const before = await stored();
    for (const query of ['', '?replace=true']) {
      const { body } = await expectStatus(importing(text, { query }), 200);
      for (const counts of Object.values(body.things)) expect(counts).toMatchObject({ added: 0, changed: 0 });
    }
    expect(await stored()).toEqual(before);
    expect((await auditLogOf(own)).map(({ action }) => action)).toEqual(['organization.imported']);
  });

  it('leaves nothing of the import itself', async () => {
    await full();
    await expectStatus(importing(await exported()), 200);
    await importing((await exported()).replace(/\n[^\n]*\n$/, '\n'));
    for (const table of ['imports', 'import_chunks']) {
      expect((await env.DB.prepare(`SELECT count(*) AS count FROM ${table}`).first())?.count).toBe(0);
    }
  });
});

describe('an export', () => {
  it('shows no secret, no header, no key and no token', async () => {
    const { own } = await full();
    const tokens = (await env.DB.prepare('SELECT token FROM alert_addresses').all<{ token: string }>()).results;
    const text = await exported();
    for (const hidden of ['second secret', 'Bearer', own.key, ...tokens.map(({ token }) => token)]) expect(text).not.toContain(hidden);
    expect(tokens.length).toBeGreaterThan(0);
  });

  it('has every column of its tables, but for what is no configuration', async () => {
    await full();
    await createKey((await createOrganization()).id, ['read']);
    const lines = linesOf(await exported());
    const fields = (type: string) => Object.keys(lines.find((line) => line.type === type));
    const rows = await stored();
    const columns = (table: string) =>
      Object.keys(rows[table]?.[0] as object).map((name) => name.replaceAll(/_(.)/g, (_, letter) => letter.toUpperCase()));
    const missing = (type: string, table: string) => columns(table).filter((name) => !fields(type).includes(name));
    expect(missing('organization', 'organizations')).toEqual(['updatedAt']);
    expect(missing('api_key', 'api_keys')).toEqual(['lastUsedAt']);
    // Sealed, and the state of a running instance.
    const sealed = ['secret', 'previousSecret', 'previousSecretExpiresAt', 'secretRing', 'headers'];
    expect(missing('webhook', 'webhooks').sort()).toEqual([...sealed, 'health', 'healthSince', 'freshSince', 'updatedAt'].sort());
    expect(missing('alert_address', 'alert_addresses')).toEqual(['token']);
  });

  it.each([
    ['without a key', {}],
    ['with a key of another length', { 'X-Export-Key': btoa('short') }],
    ['with a key that is not base64', { 'X-Export-Key': `${'*'.repeat(43)}=` }],
  ])('%s is refused', async (_what, headers) => {
    const answer = await call('GET', `${ROUTE}/export`, { key: PLATFORM_KEY, headers });
    expect(answer).toMatchObject({ status: 422, body: { details: { field: 'X-Export-Key' } } });
  });

  it('is the platform key’s alone, as is an import', async () => {
    const { key } = await createOrganization();
    for (const [method, path] of [
      ['GET', 'export'],
      ['POST', 'import'],
    ] as const)
      for (const other of [key, await createProducerKey()]) {
        expect((await call(method, `${ROUTE}/${path}`, { key: other, headers: { 'X-Export-Key': KEY } })).status).toBe(403);
      }
  });
});

describe('an import is refused, and nothing of it is in force,', () => {
  /** What is wrong with it, and how the answer names it. */
  const flaws: [string, (text: string) => string, string][] = [
    ['where it broke off', (text) => text.replace(/\n[^\n]*\n$/, '\n'), 'broke off'],
    ['where a line is missing', (text) => text.replace(/\n[^\n]*"type":"api_key"[^\n]*/, ''), 'things'],
    ['where somebody has changed it', (text) => text.replace('hooks.example.com', 'hooks.example.org'), 'seal does not fit'],
    ['where it is not JSON', (text) => text.replace('{"type":"organization"', '{"type":organization'), 'object of JSON'],
    [
      'where a line has a field that is not known',
      (text) => text.replace('{"type":"webhook"', '{"type":"webhook","later":1'),
      'newer version',
    ],
    ['where a value is of another type', (text) => text.replace(/"enabled":(true|false)/, '"enabled":"yes"'), '`enabled`'],
    ['where its form is another', (text) => text.replace('"format":1', '"format":2'), 'reads 1'],
    ['where something follows its end', (text) => `${text}{"type":"end"}\n`, 'after the last line'],
    ['where it is empty', () => '', 'broke off'],
  ];
  it.each(flaws)('%s', async (_what, change, said) => {
    await full();
    const text = await exported();
    await emptied();
    const answer = await importing(change(text));
    expect(answer).toMatchObject({ status: 422, body: { code: 'validation_failed' } });
    expect(answer.body.message).toContain(said);
    expect(Object.values(await stored()).flat()).toEqual([]);
  });

  it('where the key is another one', async () => {
    const text = await exported();
    expect((await importing(text, { key: OTHER_KEY })).body.message).toContain('another `X-Export-Key`');
  });

  it('where a webhook may not point to its URL here', async () => {
    const own = await createOrganization();
    await createWebhook(own, { url: 'http://127.0.0.1:9/hook' });
    const text = await exported();
    await emptied();
    // Of the same export, on a Worker that is not served from loopback.
    const answer = await importingInto({ ...env, ...DEPLOYED }, text, 'https://webhooks.example.net');
    expect(answer).toMatchObject({ status: 422, body: { details: { field: expect.stringMatching(/^lines\[\d+\]\.url$/) } } });
    expect(Object.values(await stored()).flat()).toEqual([]);
  });

  it.each([
    ['gzip', { 'Content-Encoding': 'gzip' }, { name: 'Accept-Encoding', says: 'identity' }],
    ['JSON', { 'Content-Type': 'application/json' }, { name: 'Accept', says: 'application/x-ndjson' }],
  ])('as %s, and told what would be taken', async (_what, headers, { name, says }) => {
    const sent = { 'X-Export-Key': KEY, 'Content-Type': 'application/x-ndjson', ...headers };
    const answer = await call('POST', `${ROUTE}/import`, { key: PLATFORM_KEY, headers: sent, raw: 'x' });
    expect([answer.status, answer.headers.get(name)]).toEqual([415, says]);
  });
});

describe('an import that is refused at its first line', () => {
  it('is read to its end: whoever is cut off while they send does not get to know why', async () => {
    const rest = new TextEncoder().encode(`{"type":"organization"}\n`.repeat(40_000));
    const chunks = [new TextEncoder().encode('{"type":"export","format":1,"keyId":"00000000"}\n'), ...Array(8).fill(rest)];
    let isCutOff = false;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        const chunk = chunks.shift();
        if (chunk) controller.enqueue(chunk);
        else controller.close();
      },
      cancel() {
        isCutOff = true;
      },
    });
    const headers = { 'X-API-Key': PLATFORM_KEY, 'X-Export-Key': KEY, 'Content-Type': 'application/x-ndjson' };
    const request = new Request(`http://localhost${ROUTE}/import`, { method: 'POST', body, headers });
    const { status, body: answer } = await read(await app.fetch(request, env, CONTEXT));
    expect(status).toBe(422);
    expect(answer.message).toContain('another `X-Export-Key`');
    expect([isCutOff, chunks.length]).toEqual([false, 0]);
  });
});

describe('what is here already, and differs,', () => {
  it('is a conflict that names it, and all stays as it was; where it is to be replaced it becomes what the export has', async () => {
    const { own, webhook, path } = await full();
    const text = await exported();
    await expectStatus(own.admin.patch(path, { url: 'https://elsewhere.example.com/in', headers: { Authorization: 'Bearer other' } }), 200);
    const changed = await stored();
    const before = (await own.admin.get(path)).body;
    const conflict = await importing(text);
    expect(conflict).toMatchObject({ status: 409, body: { code: 'import_conflict', details: { issues: [{ field: webhook.id }] } } });
    expect(await stored()).toEqual(changed);

    const { body } = await expectStatus(importing(text, { query: '?replace=true' }), 200);
    expect(body.things.webhook).toMatchObject({ added: 0, changed: 1 });
    const after = (await own.admin.get(path)).body;
    expect(after).toMatchObject({ url: webhook.url, health: 'healthy' });
    expect(Date.parse(after.updatedAt)).toBeGreaterThanOrEqual(Date.parse(before.updatedAt));
    expect((await own.admin.get(`${path}/secret`)).body.headers).toEqual({ Authorization: 'Bearer of the tests' });
  });

  it('of a key that was revoked here is no conflict: it stays revoked', async () => {
    const own = await createOrganization();
    const key = await createKey(own.id, ['read']);
    const text = await exported();
    const { apiKeys } = (await own.admin.get(`${own.path}/api-keys`)).body;
    const { id } = apiKeys.find(({ name }: { name: string }) => name === 'read');
    await expectStatus(own.admin.delete(`${own.path}/api-keys/${id}`), 204);
    await expectStatus(importing(text, { query: '?replace=true' }), 200);
    expect((await call('GET', `/api/v1${own.path}/webhooks`, { key })).status).toBe(401);
  });

  it('belongs to another organization: it is never taken from it', async () => {
    const own = await createOrganization();
    const { id } = await createWebhook(own);
    const text = await exported();
    const other = await createOrganization();
    await env.DB.prepare('UPDATE webhooks SET organization_id = ? WHERE id = ?').bind(other.id, id).run();
    const answer = await importing(text, { query: '?replace=true' });
    expect(answer).toMatchObject({
      status: 409,
      body: { details: { issues: [{ field: id, message: expect.stringContaining("another organization's") }] } },
    });
  });

  it('would be more webhooks than an organization has', async () => {
    const own = await createOrganization();
    for (let each = 0; each < 11; each++) await createWebhook(own);
    const text = await exported();
    await env.DB.prepare("UPDATE webhooks SET id = id || '_other' WHERE organization_id = ?").bind(own.id).run();
    const answer = await importing(text, { query: '?replace=true' });
    expect(answer).toMatchObject({
      status: 409,
      body: { details: { issues: [{ field: own.id, message: expect.stringContaining('more than 20') }] } },
    });
  });
});

describe('a quota of webhooks', () => {
  it('does not keep an import from bringing more of them', async () => {
    await emptied();
    const own = await createOrganization();
    for (let each = 0; each < 3; each++) await createWebhook(own);
    const text = await exported();
    await emptied();
    const QUOTAS = '{"scale":{"webhooks":1}}';
    expect(await importingInto({ ...env, QUOTAS } as Env, text)).toMatchObject({
      status: 200,
      body: { things: { webhook: { added: 3 } } },
    });
    await emptied();
  });
});

describe('MASTER_KEY is lost, and an export is there', () => {
  it('gives all webhooks their secrets back, under the new key', async () => {
    await emptied();
    const { own, path } = await full();
    const text = await exported();
    const before = (await own.admin.get(`${path}/secret`)).body;
    const renewed = { ...env, MASTER_KEY: 'a new master key of the tests' };
    const sealed = async () => (await read(await fetchWith(renewed, '/api/v1/platform/sealed-secrets'))).body;
    // Two secrets and the headers.
    expect(await sealed()).toEqual({ current: 0, former: 0, unknown: 3 });
    const answer = await importingInto(renewed, text, 'http://localhost', '?replace=true');
    expect(answer).toMatchObject({ status: 200, body: { things: { webhook: { changed: 1, unchanged: 1 } } } });
    expect(await sealed()).toEqual({ current: 3, former: 0, unknown: 0 });
    expect((await read(await fetchWith(renewed, `/api/v1${path}/secret`))).body).toEqual(before);
    await emptied();
  });
});

/** The database, which answers so many times and then not any more. */
function failingAfter(times: number): D1Database {
  let left = times;
  const counted = async <T>(answer: () => Promise<T>): Promise<T> => {
    if (left-- <= 0) throw new Error('D1_ERROR: Network connection lost.');
    return await answer();
  };
  const real = new WeakMap<object, D1PreparedStatement>();
  const wrap = (statement: D1PreparedStatement): D1PreparedStatement => {
    const ways = ['all', 'run', 'raw', 'first'] as const;
    const answers = ways.map((way) => [way, (...args: []) => counted(() => (statement[way] as () => Promise<unknown>)(...args))]);
    const wrapped = through(statement, {
      ...Object.fromEntries(answers),
      bind: (...values: unknown[]) => wrap(statement.bind(...values)),
    });
    real.set(wrapped, statement);
    return wrapped;
  };
  return through(env.DB, {
    prepare: (sql: string) => wrap(env.DB.prepare(sql)),
    batch: (statements: D1PreparedStatement[]) => counted(() => env.DB.batch(statements.map((each) => real.get(each) ?? each))),
  });
}

describe('an import whose database fails on the way', () => {
  it('is 503, and nothing of it is in force, wherever that happens; what it leaves is dropped an hour later', async () => {
    const { own } = await full();
    const text = await exported();
    await emptied();
    let failures = 0;
    for (; ; failures++) {
      const answer = await importingInto({ ...env, DB: failingAfter(failures) }, text);
      if ((await stored()).organizations?.length !== 0) break;
      expect(answer).toMatchObject({ status: 503, body: { code: 'configuration_unavailable' } });
      expect(Object.values(await stored()).flat()).toEqual([]);
    }
    // What is dropped first, what is noted, each kind's chunk, what webhooks are there, and the transaction.
    expect(failures).toBeGreaterThan(7);
    expect(await call('GET', `/api/v1${own.path}/webhooks`, { key: own.key })).toMatchObject({ status: 200 });
    const left = async () => (await env.DB.prepare('SELECT count(*) AS count FROM imports').first<{ count: number }>())?.count;
    expect(await left()).toBeGreaterThan(0);
    await dropAbandoned(env.DB, Date.now() + 3_600_001);
    expect(await left()).toBe(0);
  });
});

describe('an export of thousands of organizations', () => {
  it('goes out and comes in in pieces, and is whole', { timeout: 120_000 }, async () => {
    await emptied();
    const [organizations, webhooks] = [3_000, 12_000];
    const numbers = (count: number) => `WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ${count - 1})`;
    const secret = await sealSecret(['master-key-of-the-tests'], 'whk_7', 'a secret of the tests');
    await env.DB.batch([
      env.DB.prepare(
        `${numbers(organizations)} INSERT INTO organizations (id, name, plan, created_at, updated_at) SELECT 'org_' || i, 'Org ' || i, 'scale', 1, 1 FROM n`,
      ),
      env.DB.prepare(
        `${numbers(webhooks)} INSERT INTO webhooks (id, organization_id, url, events, enabled, health_since, description, created_at, updated_at)
         SELECT 'whk_' || i, 'org_' || (i / 4), 'https://hooks.example.com/' || i, '["*"]', 1, 1, hex(zeroblob(200)), 1, 1 FROM n`,
      ),
      env.DB.prepare("UPDATE webhooks SET secret = ? WHERE id = 'whk_7'").bind(secret),
    ]);
    const text = await exported();
    expect(linesOf(text).at(-1)).toMatchObject({ type: 'end', things: organizations + webhooks });
    // docs/export-import.md: 60,000 of them fit into what an import may have.
    expect((text.length / webhooks) * 60_000).toBeLessThan(MAX_IMPORT_BYTES);
    await emptied();
    const { body } = await expectStatus(importing(text), 200);
    expect(body.things).toMatchObject({ organization: { added: organizations }, webhook: { added: webhooks } });
    const again = await expectStatus(importing(text), 200);
    expect(again.body.things).toMatchObject({ organization: { unchanged: organizations }, webhook: { unchanged: webhooks } });
    expect((await env.DB.prepare('SELECT count(*) AS count FROM audit_log').first<{ count: number }>())?.count).toBe(organizations);
  });
});
