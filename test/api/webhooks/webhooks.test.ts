import { describe, expect, test, vi } from 'vitest';
import { client, createKey, createOrganization, createWebhook, env, eventually, expectStatus, platform } from '../../support/api.ts';

describe('a webhook', () => {
  test('is created, listed, read, changed and deleted', async () => {
    const { id: organizationId, path, admin } = await createOrganization();
    const limits = { maxPerSecond: 10, maxConcurrent: 3 };
    const input = {
      name: 'Leads',
      url: 'https://hooks.example.com/in?token=1',
      events: ['visitor.identified'],
      description: 'CRM',
      ...limits,
    };
    const created = await admin.post(`${path}/webhooks`, input);
    expect(created.status).toBe(201);
    const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/);
    expect(created.body).toEqual({
      id: expect.stringMatching(/^whk_[0-9A-Z]{26}$/),
      organizationId,
      ...input,
      enabled: true,
      hasSecret: false,
      health: 'healthy',
      healthSince: time,
      disabledReason: null,
      filter: null,
      once: null,
      fields: null,
      format: 'event',
      template: null,
      headerNames: null,
      retrySchedule: null,
      createdAt: time,
      updatedAt: time,
    });
    const at = `${path}/webhooks/${created.body.id}`;
    expect((await admin.get(at)).body).toEqual(created.body);
    expect((await admin.get(`${path}/webhooks`)).body).toEqual({ webhooks: [created.body] });
    const changes = { name: 'Clients', description: null, enabled: false, events: ['*'], maxPerSecond: null, maxConcurrent: null };
    const changed = await admin.patch(at, changes);
    expect(changed).toMatchObject({ status: 200, body: changes });
    expect(changed.body.url).toBe(input.url);
    expect((await admin.delete(at)).status).toBe(204);
    for (const gone of [admin.get(at), admin.patch(at, {}), admin.delete(at)]) expect((await gone).status).toBe(404);
  });

  test('keeps its secret to itself: it is in no answer but the one that made it', async () => {
    const organization = await createOrganization();
    const given = await createWebhook(organization, { secret: 'whisper-this' });
    expect(given).toMatchObject({ hasSecret: true });
    const made = await createWebhook(organization, { generateSecret: true });
    expect(made.secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    const { admin, path } = organization;
    const answers = [
      await admin.get(`${path}/webhooks`),
      await admin.get(`${path}/webhooks/${made.id}`),
      await admin.patch(`${path}/webhooks/${made.id}`, { secret: 'whisper-that' }),
    ];
    const said = JSON.stringify([given, ...answers.map(({ body }) => body)]);
    expect(said).not.toMatch(/whisper|whsec_|v1:/);
    const rows = await env.DB.prepare('SELECT secret FROM webhooks').all<{ secret: string }>();
    for (const { secret } of rows.results) expect(secret).toMatch(/^v1:[0-9a-f]{8}:[\w-]+:[\w-]+$/);
  });

  test('is called by its name, and by the host of its URL while it has none', async () => {
    const own = await createOrganization();
    const made = await createWebhook(own, { url: 'https://hooks.example.com:8443/in?token=1', name: null });
    expect(made.name).toBe('hooks.example.com:8443');
    const at = `${own.path}/webhooks/${made.id}`;
    const change = async (changes: Record<string, unknown>) => (await expectStatus(own.admin.patch(at, changes), 200)).body.name;
    expect(await change({ url: 'https://in.example.com/' })).toBe('in.example.com');
    expect(await change({ name: `  ${'n'.repeat(100)} ` })).toBe('n'.repeat(100));
    expect(await change({ url: 'https://hooks.example.com/' })).toBe('n'.repeat(100));
    expect(await change({ description: 'CRM' })).toBe('n'.repeat(100));
    expect(await change({ name: null })).toBe('hooks.example.com');
    expect((await own.admin.get(`${own.path}/webhooks`)).body.webhooks[0].name).toBe('hooks.example.com');
  });

  test('has none where it is created with a null, and may have one made', async () => {
    const organization = await createOrganization();
    expect(await createWebhook(organization, { secret: null })).toMatchObject({ hasSecret: false });
    expect((await createWebhook(organization, { secret: null, generateSecret: true })).secret).toMatch(/^whsec_/);
  });

  test('keeps the subscriptions that it has when the catalogue no longer has them', async () => {
    const organization = await createOrganization();
    await expectStatus(platform.put('/event-types/company.sold', { description: 'x' }), 201);
    const { id } = await createWebhook(organization, { events: ['company.sold', 'company.*'] });
    await expectStatus(platform.delete('/event-types/company.sold'), 204);
    const at = `${organization.path}/webhooks/${id}`;
    const events = ['visitor.identified', 'company.*', 'company.sold'];
    expect(await organization.admin.patch(at, { events })).toMatchObject({ status: 200, body: { events } });
    expect(await organization.admin.patch(at, { events: ['company.*', 'deal.*'] })).toMatchObject({
      status: 422,
      body: { details: { issues: [{ field: 'events[1]' }] } },
    });
  });

  test('loses its secret to a null', async () => {
    const organization = await createOrganization();
    const { id } = await createWebhook(organization, { secret: 'whisper-this' });
    const changed = await organization.admin.patch(`${organization.path}/webhooks/${id}`, { secret: null });
    expect(changed).toMatchObject({ status: 200, body: { hasSecret: false } });
  });

  test('is left as it is by a change that names nothing, whatever the plan', async () => {
    const organization = await createOrganization();
    const { id } = await createWebhook(organization, { secret: 'whisper-this' });
    const at = `${organization.path}/webhooks/${id}`;
    await env.DB.prepare('UPDATE webhooks SET updated_at = 1 WHERE id = ?').bind(id).run();
    const before = (await organization.admin.get(at)).body;
    await expectStatus(platform.put(organization.path, { name: 'Test', plan: 'growth' }), 200);
    expect(await organization.admin.patch(at, {})).toMatchObject({ status: 200, body: before });
    expect((await organization.admin.get(at)).body).toEqual(before);
    expect(before.updatedAt).toBe('1970-01-01T00:00:00.001Z');
    expect((await organization.admin.patch(`${organization.path}/webhooks/whk_that_is_not`, {})).status).toBe(404);
  });

  test('has no limits of its own unless it is given them, keeps what a change does not name, and takes 1 and 100 at a time', async () => {
    const organization = await createOrganization();
    const { id, ...created } = await createWebhook(organization);
    expect(created).toMatchObject({ maxPerSecond: null, maxConcurrent: null });
    const at = `${organization.path}/webhooks/${id}`;
    for (const maxConcurrent of [1, 100]) {
      expect(await organization.admin.patch(at, { maxConcurrent })).toMatchObject({ status: 200, body: { maxConcurrent } });
      expect((await organization.admin.patch(at, { description: 'x' })).body).toMatchObject({ maxConcurrent });
    }
  });

  test('that is deleted has its outbox erased, now and again by the cron', async () => {
    const organization = await createOrganization();
    const { id } = await createWebhook(organization);
    await expectStatus(organization.admin.delete(`${organization.path}/webhooks/${id}`), 204);
    const noted = env.DB.prepare('SELECT requested_at FROM outbox_erasures WHERE webhook_id = ?').bind(id);
    expect(await noted.first('requested_at')).toBeGreaterThan(Date.now() - 60_000);
  });

  test('takes each subscription once', async () => {
    const organization = await createOrganization();
    const events = ['visitor.*', '*', 'visitor.identified', '*'];
    expect((await createWebhook(organization, { events })).events).toEqual(['visitor.*', '*', 'visitor.identified']);
  });

  test('that was disabled by the service gets a fresh start when it is enabled', async () => {
    const organization = await createOrganization();
    const { id } = await createWebhook(organization);
    const update = "UPDATE webhooks SET enabled = 0, disabled_reason = 'endpoint_gone', health = 'open', health_since = 1 WHERE id = ?";
    await env.DB.prepare(update).bind(id).run();
    const at = `${organization.path}/webhooks/${id}`;
    expect((await organization.admin.patch(at, { description: 'x' })).body).toMatchObject({
      disabledReason: 'endpoint_gone',
      health: 'open',
    });
    const enabled = await organization.admin.patch(at, { enabled: true });
    expect(enabled.body).toMatchObject({ enabled: true, disabledReason: null, health: 'healthy' });
    expect(Date.parse(enabled.body.healthSince)).toBeGreaterThan(1);
  });

  test.each([
    ['another URL', { url: 'https://hooks.example.com/elsewhere' }, null],
    ['another query', { url: 'https://hooks.example.com/in?x=1' }, null],
    ['the URL that it has', { url: 'https://hooks.example.com/in' }, 'endpoint_gone'],
    ['another description', { description: 'CRM' }, 'endpoint_gone'],
  ])(
    'that was disabled by the service and is given %s stays disabled, for a reason of the endpoint that it has',
    async (_what, change, reason) => {
      const organization = await createOrganization();
      const { id } = await createWebhook(organization);
      await env.DB.prepare("UPDATE webhooks SET enabled = 0, disabled_reason = 'endpoint_gone' WHERE id = ?").bind(id).run();
      const at = `${organization.path}/webhooks/${id}`;
      expect(await organization.admin.patch(at, change)).toMatchObject({ status: 200, body: { enabled: false, disabledReason: reason } });
      expect(await organization.admin.patch(at, { enabled: true })).toMatchObject({ body: { enabled: true, disabledReason: null } });
    },
  );

  test('that is enabled keeps the health its outbox reported', async () => {
    const organization = await createOrganization();
    const { id } = await createWebhook(organization);
    await env.DB.prepare("UPDATE webhooks SET health = 'failing' WHERE id = ?").bind(id).run();
    const answer = await organization.admin.patch(`${organization.path}/webhooks/${id}`, { enabled: true });
    expect(answer.body.health).toBe('failing');
  });
});

describe('what a webhook is refused for', () => {
  const valid = { url: 'https://hooks.example.com/in', events: ['visitor.identified'] };
  const table: [what: string, change: Record<string, unknown>, field: string][] = [
    ['no URL', { url: undefined }, 'url'],
    ['a URL that is not https', { url: 'http://hooks.example.com/' }, 'url'],
    ['a private address', { url: 'https://10.0.0.1/' }, 'url'],
    ['credentials in the URL', { url: 'https://a:b@hooks.example.com/' }, 'url'],
    ['this service itself', { url: 'https://localhost/api/v1/events' }, 'url'],
    ['a URL that is too long', { url: `https://hooks.example.com/${'a'.repeat(2_048)}` }, 'url'],
    ['no events', { events: [] }, 'events'],
    ['51 events', { events: Array(51).fill('*') }, 'events'],
    ['an event of no catalogue', { events: ['*', 'visitor.vanished'] }, 'events[1]'],
    ['a prefix that nothing has', { events: ['company.*'] }, 'events[0]'],
    ['a prefix without its dot', { events: ['visitor*'] }, 'events[0]'],
    ['events that are not a list', { events: 'visitor.identified' }, 'events'],
    ['an empty secret', { secret: '' }, 'secret'],
    ['a secret of 257 characters', { secret: 's'.repeat(257) }, 'secret'],
    ['half a character as secret', { secret: '\ud800' }, 'secret'],
    ['a secret and a generated one', { secret: 's', generateSecret: true }, 'generateSecret'],
    ['a name of 101 characters', { name: 'n'.repeat(101) }, 'name'],
    ['a name of white space', { name: ' \t ' }, 'name'],
    ['a name that is a number', { name: 5 }, 'name'],
    ['half a character in a name', { name: 'a\ud800' }, 'name'],
    ['a description of 501 characters', { description: 'd'.repeat(501) }, 'description'],
    ['enabled as a word', { enabled: 'yes' }, 'enabled'],
    ['0 a second', { maxPerSecond: 0 }, 'maxPerSecond'],
    ['1,001 a second', { maxPerSecond: 1_001 }, 'maxPerSecond'],
    ['half a delivery a second', { maxPerSecond: 0.5 }, 'maxPerSecond'],
    ['0 at a time', { maxConcurrent: 0 }, 'maxConcurrent'],
    ['101 at a time', { maxConcurrent: 101 }, 'maxConcurrent'],
    ['half a delivery at a time', { maxConcurrent: 0.5 }, 'maxConcurrent'],
    ['a number at a time in words', { maxConcurrent: '5' }, 'maxConcurrent'],
    ['an unknown field', { colour: 'red' }, 'colour'],
  ];
  test.each(table)('%s is 422 and names the field', async (_what, change, field) => {
    const { path, admin } = await createOrganization();
    const answer = await admin.post(`${path}/webhooks`, { ...valid, ...change });
    expect(answer).toMatchObject({ status: 422, body: { code: 'validation_failed', details: { field, issues: [{ field }] } } });
    const { id } = await createWebhook({ id: '', key: '', path, admin });
    if (change.url === undefined && 'url' in change) return;
    const patched = await admin.patch(`${path}/webhooks/${id}`, change.secret === 's' ? { nonsense: 1 } : change);
    expect(patched.status).toBe(422);
  });

  test('http to loopback is admitted where the Worker is on loopback itself', async () => {
    const organization = await createOrganization();
    expect((await createWebhook(organization, { url: 'http://127.0.0.1:9/in' })).url).toBe('http://127.0.0.1:9/in');
  });
});

describe('the plan', () => {
  test.each(['free_trial', 'starter', 'growth'] as const)('%s has no webhooks: creating one is 403, enabled or not', async (plan) => {
    const { path, admin } = await createOrganization(plan);
    for (const enabled of [true, false]) {
      const answer = await admin.post(`${path}/webhooks`, { url: 'https://hooks.example.com/', events: ['*'], enabled });
      expect(answer).toMatchObject({ status: 403, body: { code: 'plan_upgrade_required', details: { plan, requiredPlan: 'scale' } } });
    }
  });

  test.each(['scale', 'expansion', 'enterprise'] as const)('%s has webhooks', async (plan) => {
    await createWebhook(await createOrganization(plan));
  });

  test('that moves down keeps its webhooks, which can be changed but not enabled', async () => {
    const organization = await createOrganization();
    const { id } = await createWebhook(organization);
    await expectStatus(platform.put(organization.path, { name: 'Test', plan: 'growth' }), 200);
    const at = `${organization.path}/webhooks/${id}`;
    expect(await organization.admin.patch(at, { enabled: false, description: 'off' })).toMatchObject({
      status: 200,
      body: { enabled: false },
    });
    expect(await organization.admin.patch(at, { enabled: true })).toMatchObject({ status: 403, body: { code: 'plan_upgrade_required' } });
    expect((await organization.admin.get(at)).body.enabled).toBe(false);
  });
});

describe('the limit of 20 webhooks', () => {
  test('is 409, and holds when creations race', async () => {
    const organization = await createOrganization();
    const { path, admin } = organization;
    for (let made = 0; made < 15; made++) await createWebhook(organization);
    const racing = Array.from({ length: 12 }, () => admin.post(`${path}/webhooks`, { url: 'https://hooks.example.com/', events: ['*'] }));
    const answers = await Promise.all(racing);
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(5);
    const refused = answers.filter(({ status }) => status === 409);
    expect(refused).toHaveLength(7);
    expect(refused[0]?.body).toMatchObject({ code: 'webhook_limit_reached', details: { limit: 20 } });
    expect((await admin.get(`${path}/webhooks`)).body.webhooks).toHaveLength(20);
  });
});

describe("a webhook's secret", () => {
  test('is revealed to an admin key, and null where there is none', async () => {
    const organization = await createOrganization();
    const secret = 'whisper-this \u{1f3af}';
    const { id } = await createWebhook(organization, { secret });
    const unsigned = await createWebhook(organization);
    const { admin, path } = organization;
    expect((await admin.get(`${path}/webhooks/${id}/secret`)).body).toEqual({ secret, previousSecretExpiresAt: null, headers: null });
    expect((await admin.get(`${path}/webhooks/${unsigned.id}/secret`)).body).toEqual({
      secret: null,
      previousSecretExpiresAt: null,
      headers: null,
    });
    for (const scope of ['read', 'write']) {
      const limited = client(await createKey(organization.id, [scope]));
      for (const answer of [limited.get(`${path}/webhooks/${id}/secret`), limited.post(`${path}/webhooks/${id}/secret/rotate`, {})]) {
        expect(await answer).toMatchObject({ status: 403, body: { code: 'insufficient_scope' } });
      }
    }
  });

  test('is rotated with an overlap of a day, of its own length, or of none', async () => {
    const organization = await createOrganization();
    const { id } = await createWebhook(organization, { secret: 'first' });
    const at = `${organization.path}/webhooks/${id}/secret`;
    const { admin } = organization;
    const rotated = await admin.post(`${at}/rotate`);
    expect(rotated).toMatchObject({ status: 200, body: { secret: expect.stringMatching(/^whsec_/) } });
    expect(Date.parse(rotated.body.previousSecretExpiresAt) - Date.now()).toBeGreaterThan(86_000_000);
    expect((await admin.get(at)).body).toEqual({ ...rotated.body, headers: null });
    const chosen = await admin.post(`${at}/rotate`, { secret: 'third', overlapSeconds: 60 });
    expect(chosen.body.secret).toBe('third');
    expect(Date.parse(chosen.body.previousSecretExpiresAt) - Date.now()).toBeLessThanOrEqual(60_000);
    const { body } = await admin.post(`${at}/rotate`, { overlapSeconds: 0 });
    expect(body).toEqual({
      secret: expect.any(String),
      previousSecretExpiresAt: null,
      earlierSecretsExpireAt: [rotated.body.previousSecretExpiresAt, chosen.body.previousSecretExpiresAt],
    });
  });

  test('is made by the rotation where none is given, in whatever words', async () => {
    const organization = await createOrganization();
    const { id } = await createWebhook(organization);
    const rotate = `${organization.path}/webhooks/${id}/secret/rotate`;
    for (const json of [{ generateSecret: true }, { secret: null }, { secret: null, generateSecret: true }]) {
      expect((await organization.admin.post(rotate, json)).body.secret).toMatch(/^whsec_/);
    }
    expect((await organization.admin.post(rotate, { secret: 's', generateSecret: false })).body.secret).toBe('s');
    expect(await organization.admin.post(rotate, { secret: 's', generateSecret: true })).toMatchObject({
      status: 422,
      body: { details: { field: 'generateSecret' } },
    });
  });

  test('has no overlap any more once that ended, or where there was no secret before', async () => {
    const organization = await createOrganization();
    const { id } = await createWebhook(organization);
    const at = `${organization.path}/webhooks/${id}/secret`;
    expect((await organization.admin.post(`${at}/rotate`, {})).body.previousSecretExpiresAt).toBeNull();
    await organization.admin.post(`${at}/rotate`, { overlapSeconds: 60 });
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 60_000 });
    expect((await organization.admin.get(at)).body).toMatchObject({ secret: expect.any(String), previousSecretExpiresAt: null });
    vi.useRealTimers();
  });

  test('of an existing webhook is set, changed and removed by an admin alone, and a PATCH without it needs no more than write', async () => {
    const organization = await createOrganization();
    const { id } = await createWebhook(organization, { secret: 'the one that there is' });
    const at = `${organization.path}/webhooks/${id}`;
    const writer = client(await createKey(organization.id, ['write']));
    // The present one as well: the answer would tell a guess from the secret.
    for (const secret of ['chosen by somebody else', 'the one that there is', null]) {
      for (const more of [{}, { description: 'changed, too' }]) {
        const refused = await writer.patch(at, { secret, ...more });
        expect(refused).toMatchObject({ status: 403, body: { code: 'insufficient_scope', details: { requiredScope: 'admin' } } });
      }
    }
    expect((await writer.get(at)).body).toMatchObject({ hasSecret: true, description: null });
    expect(await writer.patch(at, { description: 'changed' })).toMatchObject({ status: 200, body: { description: 'changed' } });
    expect((await organization.admin.get(`${at}/secret`)).body.secret).toBe('the one that there is');
    for (const json of [{ secret: 'brought along at creation' }, { generateSecret: true }]) {
      const created = await writer.post(`${organization.path}/webhooks`, { url: 'https://hooks.example.com/in', events: ['*'], ...json });
      expect(created).toMatchObject({ status: 201, body: { hasSecret: true } });
    }
    for (const caller of [organization.admin, platform]) {
      expect((await caller.patch(at, { secret: null })).body).toMatchObject({ hasSecret: false });
      expect((await caller.patch(at, { secret: 'and set again by those who may' })).body).toMatchObject({ hasSecret: true });
    }
  });

  test('that nobody can mean is refused wherever one is saved, and the answer does not quote it', async () => {
    const organization = await createOrganization();
    const { id } = await createWebhook(organization);
    const { admin, path } = organization;
    const create = (secret: string) => admin.post(`${path}/webhooks`, { url: 'https://hooks.example.com/in', events: ['*'], secret });
    const change = (secret: string) => admin.patch(`${path}/webhooks/${id}`, { secret });
    const rotate = (secret: string) => admin.post(`${path}/webhooks/${id}/secret/rotate`, { secret });
    for (const secret of [
      ' whsec_MfKQ9r8GKYqrTwjUPD8I',
      'v1a,whsec_MfKQ9r8GKYqr',
      'WHSEC_MfKQ9r8GKYqr',
      'whsec_',
      'whsec_-_-_',
      '"MfKQ9r8GKYqr"',
    ]) {
      for (const save of [create, change, rotate]) {
        const { status, body } = await save(secret);
        expect([secret, status, body.code, body.details.field]).toEqual([secret, 422, 'validation_failed', 'secret']);
        expect(JSON.stringify(body)).not.toMatch(/MfKQ9r8GKYqr|-_-_/);
      }
    }
    expect((await admin.get(`${path}/webhooks/${id}`)).body.hasSecret).toBe(false);
  });

  test('that is short is taken with a warning, by each that saves one', async () => {
    const organization = await createOrganization();
    const { admin, path } = organization;
    const short = { secret: 'twenty-three characters' };
    const long = { secret: 'twenty-four characters!!' };
    const warnings = [expect.stringMatching(/fewer than 24 characters/)];
    const { id, ...created } = await createWebhook(organization, short);
    expect(created.warnings).toEqual(warnings);
    const at = `${path}/webhooks/${id}`;
    expect((await admin.patch(at, { ...short, description: 'the same secret' })).body.warnings).toEqual(warnings);
    expect((await admin.post(`${at}/secret/rotate`, { secret: 'another short one' })).body.warnings).toEqual(warnings);
    for (const answer of [
      createWebhook(organization, long),
      createWebhook(organization, { generateSecret: true }),
      admin.patch(at, long).then(({ body }) => body),
      admin.patch(at, { description: 'no secret' }).then(({ body }) => body),
      admin.post(`${at}/secret/rotate`, {}).then(({ body }) => body),
      admin.get(`${at}/secret`).then(({ body }) => body),
    ])
      expect(await answer).not.toHaveProperty('warnings');
  });

  test('is refused with the field that is wrong', async () => {
    const organization = await createOrganization();
    const { id } = await createWebhook(organization);
    const rotate = `${organization.path}/webhooks/${id}/secret/rotate`;
    const refused = { overlapSeconds: [-1, 604_801, 1.5, '60'], secret: ['', 's'.repeat(257)], generateSecret: ['yes', false] };
    for (const [field, values] of Object.entries(refused)) {
      for (const value of values) {
        expect(await organization.admin.post(rotate, { [field]: value })).toMatchObject({ status: 422, body: { details: { field } } });
      }
    }
  });
});

test('a key notes its use', async () => {
  const organization = await createOrganization();
  await organization.admin.get(`${organization.path}/webhooks`);
  await eventually(async () => {
    const { body } = await platform.get(`${organization.path}/api-keys`);
    return body.apiKeys[0].lastUsedAt !== null;
  });
});
