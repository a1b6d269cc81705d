import { describe, expect, test } from 'vitest';
import { listEntries } from '../../../src/db/audit-log.ts';
import { databaseOf } from '../../../src/db/client.ts';
import { auditLog } from '../../../src/db/schema.ts';
import { findWebhook, updateWebhook } from '../../../src/db/webhooks.ts';
import text from '../../../src/docs/audit-log.md?raw';
import { AUDIT_ACTIONS, TARGET_TYPES } from '../../../src/domain/access/audit-log.ts';
import { mintId } from '../../../src/domain/ids.ts';
import { call, createOrganization, createWebhook, env, expectStatus, platform, type TestOrganization } from '../../support/api.ts';
import { anEntry, auditLogOf } from '../../support/audit.ts';
import { blocksOf, codesIn, rowsOf, sectionsOf } from '../../support/document.ts';

const db = databaseOf(env.DB);

/** Entries straight in the database, the oldest first; their ids. */
async function givenEntries(
  organizationId: string,
  count: number,
  action: (typeof AUDIT_ACTIONS)[number] = 'api_key.created',
): Promise<string[]> {
  const ids = Array.from({ length: count }, () => mintId('auditEntry', Date.now()));
  await env.DB.prepare(
    `INSERT INTO audit_log (id, organization_id, at, actor_type, action, target_type, target_id, changes)
     SELECT value, ?1, ?2, 'platform', ?3, 'api_key', 'key_1', '{}' FROM json_each(?4)`,
  )
    .bind(organizationId, Date.now(), action, JSON.stringify(ids))
    .run();
  return ids;
}

/** An organization whose log is empty. */
async function withoutEntries(): Promise<TestOrganization> {
  const own = await createOrganization();
  await env.DB.prepare('DELETE FROM audit_log WHERE organization_id = ?').bind(own.id).run();
  return own;
}

describe('the audit log', () => {
  test('is read newest first, page by page, each entry once, also while others are written', async () => {
    const own = await withoutEntries();
    const ids = await givenEntries(own.id, 25);
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const { body } = await expectStatus(own.admin.get(`${own.path}/audit-log?limit=10${cursor ? `&cursor=${cursor}` : ''}`), 200);
      seen.push(...body.data.map(({ id }: { id: string }) => id));
      cursor = body.nextCursor;
      await givenEntries(own.id, 1);
    } while (cursor);
    expect(seen).toEqual(ids.toReversed());
  });

  test('has no next page where the last one is full', async () => {
    const own = await withoutEntries();
    await givenEntries(own.id, 10);
    expect((await own.admin.get(`${own.path}/audit-log?limit=10`)).body).toMatchObject({ data: { length: 10 }, nextCursor: null });
  });

  test('has 50 entries on a page where nothing is said, and at most 100', async () => {
    const own = await withoutEntries();
    await givenEntries(own.id, 120);
    const page = (query: string) => own.admin.get(`${own.path}/audit-log${query}`);
    expect((await page('')).body).toMatchObject({ data: { length: 50 }, nextCursor: expect.any(String) });
    expect((await page('?limit=100')).body).toMatchObject({ data: { length: 100 }, nextCursor: expect.any(String) });
    for (const limit of ['0', '101', '-1', '1.5', 'all']) {
      expect([limit, await page(`?limit=${limit}`)]).toMatchObject([limit, { status: 422, body: { details: { field: 'limit' } } }]);
    }
  });

  test('is filtered by action; one that is none is refused with those that there are', async () => {
    const own = await withoutEntries();
    await givenEntries(own.id, 3);
    const [revealed] = await givenEntries(own.id, 1, 'secret.revealed');
    expect((await auditLogOf(own, '&action=secret.revealed')).map(({ id }) => id)).toEqual([revealed]);
    const refused = await own.admin.get(`${own.path}/audit-log?action=secret.stolen`);
    expect(refused).toMatchObject({ status: 422, body: { code: 'validation_failed', details: { field: 'action' } } });
    for (const action of AUDIT_ACTIONS) expect(JSON.stringify(refused.body)).toContain(action);
    expect(await own.admin.get(`${own.path}/audit-log?cursor=nonsense`)).toMatchObject({
      status: 422,
      body: { details: { field: 'cursor' } },
    });
  });

  test('of another organization is not there, and what it has is not in one of ours', async () => {
    const [own, other] = [await withoutEntries(), await createOrganization()];
    expect((await own.admin.get(`${other.path}/audit-log`)).status).toBe(404);
    expect(await auditLogOf(own)).toEqual([]);
  });

  test('goes with its organization', async () => {
    const own = await createOrganization();
    await givenEntries(own.id, 3);
    await expectStatus(platform.delete(own.path), 204);
    expect(await listEntries(db, own.id, { limit: 10 })).toEqual([]);
  });
});

describe('the export', () => {
  test('has every entry in a line of its own, as the list has them, newest first, across many pages', async () => {
    const own = await withoutEntries();
    const ids = await givenEntries(own.id, 1_203);
    const answer = await own.admin.get(`${own.path}/audit-log/export`);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('Content-Type')).toBe('application/x-ndjson');
    expect(answer.headers.get('Content-Disposition')).toContain('attachment');
    expect(answer.body.endsWith('\n')).toBe(true);
    const entries = answer.body
      .trimEnd()
      .split('\n')
      .map((line: string) => JSON.parse(line));
    expect(entries.map(({ id }: { id: string }) => id)).toEqual(ids.toReversed());
    expect(entries[0]).toEqual((await own.admin.get(`${own.path}/audit-log?limit=1`)).body.data[0]);
  });

  test('goes on after the last line of one that broke off, and is filtered', async () => {
    const own = await withoutEntries();
    const ids = await givenEntries(own.id, 5);
    const [revealed] = await givenEntries(own.id, 1, 'secret.revealed');
    const lines = async (query: string) => {
      const { body } = await expectStatus(own.admin.get(`${own.path}/audit-log/export?${query}`), 200);
      return body
        .split('\n')
        .filter(Boolean)
        .map((line: string) => JSON.parse(line).id);
    };
    expect(await lines(`before=${ids[2]}`)).toEqual([ids[1], ids[0]]);
    expect(await lines('action=secret.revealed')).toEqual([revealed]);
    expect(await lines(`before=${ids[0]}`)).toEqual([]);
    expect((await own.admin.get(`${own.path}/audit-log/export?action=nothing`)).status).toBe(422);
  });
});

describe('a change of a webhook', () => {
  async function changed(input: Record<string, unknown>, changes: Record<string, unknown>) {
    const own = await createOrganization();
    const { id } = await createWebhook(own, input);
    await expectStatus(own.admin.patch(`${own.path}/webhooks/${id}`, changes), 200);
    return (await auditLogOf(own, '&action=webhook.updated')).map((entry) => entry.changes);
  }

  test('is told field by field, with filter and template as they are', async () => {
    const filter = { all: [{ field: 'company.employee_count', operator: 'at_least', value: 200 }] };
    const template = '{ "text": {{ event.visitor.email | json }} }';
    const changes = {
      filter,
      format: 'template',
      template,
      retrySchedule: ['30s', '5m'],
      once: { per: 'visitor.email', days: 3 },
      maxPerSecond: 5,
    };
    expect(await changed({}, changes)).toEqual([
      {
        filter: { from: null, to: filter },
        format: { from: 'event', to: 'template' },
        template: { from: null, to: template },
        retrySchedule: { from: null, to: ['30s', '5m'] },
        once: { from: null, to: { per: 'visitor.email', days: 3 } },
        maxPerSecond: { from: null, to: 5 },
      },
    ]);
  });

  test('tells of a secret and of headers that they were set, never what they are, also where they were the same', async () => {
    const headers = { Authorization: 'Bearer of-the-tests', 'X-Tenant': '7' };
    expect(await changed({ headers }, { headers: { authorization: 'Bearer of-the-tests', 'X-Tenant': null } })).toEqual([
      { 'headers.authorization': { from: '•••', to: '•••' }, 'headers.X-Tenant': { from: '•••', to: null } },
    ]);
    const secret = 'a secret of the tests, which is long';
    expect(await changed({}, { secret })).toEqual([{ secret: { from: null, to: '•••' } }]);
    expect(await changed({ secret: 'another one, which is as long' }, { secret })).toEqual([{ secret: { from: '•••', to: '•••' } }]);
    expect(await changed({ secret }, { secret: null })).toEqual([{ secret: { from: '•••', to: null } }]);
  });

  test('tells of the headers that a URL of another origin takes along', async () => {
    const url = 'https://elsewhere.example.com/in';
    expect(await changed({ headers: { 'X-Key': 'of the tests' } }, { url })).toEqual([
      { url: { from: 'https://hooks.example.com/in', to: url }, 'headers.X-Key': { from: '•••', to: null } },
    ]);
  });

  test('has no entry where it changes nothing', async () => {
    const secret = 'a secret of the tests, which is long';
    const same = { url: 'https://hooks.example.com/in', events: ['visitor.identified'], enabled: true, description: null, secret };
    expect(await changed({ secret }, same)).toEqual([]);
    expect(await changed({}, {})).toEqual([]);
  });

  test('never tells a `from` that another change has made untrue meanwhile', async () => {
    const own = await createOrganization();
    const { id } = await createWebhook(own);
    const read = (await findWebhook(db, own.id, id))!;
    const fields = [
      { name: 'n' },
      { description: 'd' },
      { enabled: false },
      { secret: 'another secret, long enough' },
      { maxPerSecond: 3 },
      { maxConcurrent: 4 },
    ];
    const others = [{ filter: { field: 'event', operator: 'exists' } }, { retrySchedule: ['30s'] }, { events: ['*'] }];
    let current = read;
    for (const move of [...fields, ...others]) {
      await expectStatus(own.admin.patch(`${own.path}/webhooks/${id}`, move), 200);
      const stale = await updateWebhook(
        db,
        current,
        { url: 'https://hooks.example.com/late' },
        Date.now(),
        anEntry(own.id, { action: 'webhook.updated' }),
      );
      expect([move, stale]).toEqual([move, null]);
      current = (await findWebhook(db, own.id, id))!;
    }
    expect(await auditLogOf(own, '&action=webhook.updated')).toHaveLength(fields.length + others.length);
  });

  test('has one entry each where many come at once, which follow from one another', async () => {
    const own = await createOrganization();
    const { id } = await createWebhook(own);
    const moves = Array.from({ length: 6 }, (_, at) => ({ description: `number ${at}` }));
    await Promise.all(moves.map((move) => expectStatus(own.admin.patch(`${own.path}/webhooks/${id}`, move), 200)));
    const told = (await auditLogOf(own, '&action=webhook.updated')).map(({ changes }) => changes.description);
    expect(told.map((change) => change?.to).sort()).toEqual(moves.map(({ description }) => description).sort());
    const from = new Map(told.map((change) => [change?.from, change?.to]));
    let last: unknown = null;
    for (let steps = 0; steps < moves.length; steps++) last = from.get(last);
    expect(last).toBe((await own.admin.get(`${own.path}/webhooks/${id}`)).body.description);
  });
});

describe('nothing is told where nothing is changed', () => {
  test('by a PUT of the organization with what it has, which leaves it as it is', async () => {
    const own = await withoutEntries();
    const before = (await platform.get(own.path)).body;
    expect(await platform.put(own.path, { name: before.name, plan: before.plan })).toMatchObject({ status: 200, body: before });
    expect(await auditLogOf(own)).toEqual([]);
  });

  test('by what is repeated: revoking a key, ending overlaps, erasing a payload, a rotation to the present secret', async () => {
    const own = await createOrganization();
    const secret = 'a secret of the tests, which is long';
    const { id } = await createWebhook(own, { secret });
    const key = (await platform.post(`${own.path}/api-keys`, { name: 'spare', scopes: ['read'] })).body;
    await own.admin.delete(`${own.path}/api-keys/${key.id}`);
    const before = await auditLogOf(own);
    expect((await own.admin.delete(`${own.path}/api-keys/${key.id}`)).status).toBe(404);
    expect((await own.admin.delete(`${own.path}/webhooks/${id}/secret/previous`)).status).toBe(204);
    expect((await own.admin.post(`${own.path}/webhooks/${id}/secret/rotate`, { secret })).status).toBe(200);
    expect((await own.admin.delete(`${own.path}/webhooks/${id}/deliveries/dlv_that_is_not/payload`)).status).toBe(404);
    expect((await own.admin.post(`${own.path}/webhooks`, { url: 'http://insecure.example.com', events: ['*'] })).status).toBe(422);
    expect((await own.admin.post(`${own.path}/webhooks/${id}/recover`, { since: '2020-01-01' })).body).toEqual({ count: 0 });
    expect((await own.admin.post(`${own.path}/webhooks/${id}/recover`, { since: '2020-01-01', dryRun: true })).status).toBe(200);
    expect((await own.admin.post(`${own.path}/webhooks/${id}/cancel`, { dryRun: true })).status).toBe(200);
    expect(await auditLogOf(own)).toEqual(before);
  });
});

describe('src/docs/audit-log.md', () => {
  const sections = sectionsOf(text);

  test('lists every action with its targets', () => {
    const rows = rowsOf(sections.get('What it tells') ?? '');
    expect(rows.flatMap(([actions = '']) => codesIn(actions)).sort()).toEqual([...AUDIT_ACTIONS].sort());
    for (const [, , targets = ''] of rows) for (const target of codesIn(targets)) expect(TARGET_TYPES).toContain(target);
  });

  test('shows an entry as the API has them', async () => {
    const own = await createOrganization();
    const example = JSON.parse(blocksOf(text).find(({ kind }) => kind === 'json entry')?.content ?? '');
    const { id, at, actor, network, action, target, changes } = example;
    await db.insert(auditLog).values({
      ...{ id, organizationId: own.id, at: Date.parse(at), actorType: actor.type, actorId: actor.id, actorName: actor.name },
      ...{ network, action, targetType: target.type, targetId: target.id, changes },
    });
    const { body } = await own.admin.get(`${own.path}/audit-log?action=${action}`);
    expect(body.data).toEqual([example]);
  });

  test('shows a link that names a person', async () => {
    const own = await createOrganization();
    const example = JSON.parse(blocksOf(text).find(({ kind }) => kind === 'json link')?.content ?? '');
    await expectStatus(own.admin.post(`${own.path}/dashboard-links`, example), 201);
    for (const subject of ['', ' ', 'x'.repeat(201), 5, '\ud800']) {
      const refused = await call('POST', `/api/v1${own.path}/dashboard-links`, { key: own.key, json: { subject } });
      expect([subject, refused.status, refused.body.details.field]).toEqual([subject, 422, 'subject']);
    }
  });
});
