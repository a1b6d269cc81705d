import { describe, expect, test } from 'vitest';
import { createKey, createOrganization, env, expectStatus, type TestOrganization } from '../../support/api.ts';
import { auditLogOf } from '../../support/audit.ts';
import { makeLink, type Visitor, visitor } from '../../support/dashboard.ts';

async function signIn(own: TestOrganization, subject?: string, scope = 'write'): Promise<Visitor> {
  const person = visitor();
  const page = await person.post(await makeLink(own.id, scope, subject), {}, { 'CF-Connecting-IP': '192.0.2.5' });
  expect(page.status).toBe(303);
  return person;
}

const sessionsOf = async (own: TestOrganization) => (await expectStatus(own.admin.get(`${own.path}/sessions`), 200)).body.sessions;
const isSignedIn = async (person: Visitor) => (await person.get()).status === 200;

describe('the sessions of an organization', () => {
  test('are listed with who, since when, from where and by what, the latest first', async () => {
    const own = await createOrganization();
    await signIn(own, 'Ada');
    await visitor().post('sign-in', { key: own.key });
    const [byKey, byLink, ...rest] = await sessionsOf(own);
    expect(rest).toEqual([]);
    const times = { startedAt: expect.stringMatching(/Z$/), expiresAt: expect.stringMatching(/Z$/) };
    const id = expect.stringMatching(/^[0-9a-f]{16}$/);
    expect(byLink).toEqual({
      ...{ id, subject: 'Ada', scopes: ['write'], ...times, network: '192.0.2.5' },
      madeWith: { type: 'platform', id: null, name: null },
    });
    expect(byKey).toEqual({
      ...{ id, subject: null, scopes: ['admin'], ...times, network: null },
      madeWith: { type: 'api_key', id: expect.stringMatching(/^key_/), name: 'admin' },
    });
    expect(Date.parse(byKey.expiresAt) - Date.parse(byKey.startedAt)).toBe(12 * 3_600_000);
  });

  test('are not those that have expired, whose key has ended, or of another organization', async () => {
    const [own, other] = [await createOrganization(), await createOrganization()];
    await signIn(own, 'Expired');
    await env.DB.prepare('UPDATE dashboard_sessions SET expires_at = ? WHERE organization_id = ?').bind(Date.now(), own.id).run();
    const key = await createKey(own.id, ['read']);
    await visitor().post('sign-in', { key });
    await env.DB.prepare("UPDATE api_keys SET expires_at = ? WHERE organization_id = ? AND name = 'read'")
      .bind(Date.now() - 1, own.id)
      .run();
    await signIn(other, 'Elsewhere');
    expect(await sessionsOf(own)).toEqual([]);
    expect(await sessionsOf(other)).toMatchObject([{ subject: 'Elsewhere' }]);
  });

  test('are not those of a platform key that is not configured any more', async () => {
    const own = await createOrganization();
    await signIn(own, 'Ada');
    await env.DB.prepare("UPDATE dashboard_sessions SET platform_mark = 'of another key' WHERE organization_id = ?").bind(own.id).run();
    expect(await sessionsOf(own)).toEqual([]);
  });

  test('end one by one: that person is signed out, the others are not', async () => {
    const own = await createOrganization();
    const [ada, grace] = [await signIn(own, 'Ada'), await signIn(own, 'Grace')];
    const { id } = (await sessionsOf(own)).find(({ subject }: { subject: string }) => subject === 'Ada');
    await expectStatus(own.admin.delete(`${own.path}/sessions/${id}`), 204);
    expect([await isSignedIn(ada), await isSignedIn(grace)]).toEqual([false, true]);
    expect(await own.admin.delete(`${own.path}/sessions/${id}`)).toMatchObject({ status: 404, body: { code: 'not_found' } });
  });

  test('end all at once, each with an entry', async () => {
    const own = await createOrganization();
    const people = [await signIn(own, 'Ada'), await signIn(own, 'Grace'), await signIn(own)];
    expect(await own.admin.delete(`${own.path}/sessions`)).toMatchObject({ status: 200, body: { count: 3 } });
    expect(await Promise.all(people.map(isSignedIn))).toEqual([false, false, false]);
    const entries = await auditLogOf(own, '&action=session.ended');
    expect(entries.map(({ changes }) => changes.subject?.from)).toEqual(expect.arrayContaining(['Ada', 'Grace', undefined]));
    expect(new Set(entries.map(({ id }) => id)).size).toBe(3);
    expect(await own.admin.delete(`${own.path}/sessions`)).toMatchObject({ status: 200, body: { count: 0 } });
  });

  test('do not end by the id of one of another organization', async () => {
    const [own, other] = [await createOrganization(), await createOrganization()];
    const elsewhere = await signIn(other, 'Elsewhere');
    const [{ id }] = await sessionsOf(other);
    expect((await own.admin.delete(`${own.path}/sessions/${id}`)).status).toBe(404);
    expect(await own.admin.delete(`${own.path}/sessions`)).toMatchObject({ body: { count: 0 } });
    expect(await isSignedIn(elsewhere)).toBe(true);
    expect(await auditLogOf(own, '&action=session.ended')).toEqual([]);
  });

  test('that are too many end the oldest, by the service', async () => {
    const own = await createOrganization();
    const oldest = await signIn(own, 'The oldest');
    for (let made = 0; made < 50; made++) await signIn(own);
    expect(await isSignedIn(oldest)).toBe(false);
    expect(await auditLogOf(own, '&action=session.ended')).toMatchObject([
      { actor: { type: 'service', id: null, name: null }, network: null, changes: { subject: { from: 'The oldest', to: null } } },
    ]);
  });
});
