import { describe, expect, test } from 'vitest';
import type { Route } from '../../src/api/route.ts';
import { routes } from '../../src/app.ts';
import { AUDIT_ACTIONS, type AuditAction } from '../../src/domain/access/audit-log.ts';
import {
  call,
  createOrganization,
  createWebhook,
  env,
  eventually,
  expectStatus,
  PLATFORM_KEY,
  platform,
  type TestOrganization,
} from '../support/api.ts';
import { auditLogOf, type ShownEntry } from '../support/audit.ts';
import { makeLink, signedIn, visitor } from '../support/dashboard.ts';
import { aMessage, anEvent, consume, deliveriesOf, endpointInbox, outboxOf } from '../support/deliveries.ts';
import { bring, newDelivery } from '../support/outbox.ts';
import { nameOf, pathOf } from '../support/routes.ts';

/*
 * Every route of the Worker that is no GET, and the one GET that shows a secret: what it writes into the organization's audit log. A new route
 * is not in the table, and so fails until it says here what its entry is, or why it has none.
 */

/** What a route is asked on: an organization with a webhook that has a delivery, a session and another key. */
interface Given {
  own: TestOrganization;
  /** What stands in the path. */
  values: Record<string, string>;
}

interface Deed {
  /** The body, where it needs one; what has to be there first. */
  json?: (given: Given) => unknown | Promise<unknown>;
  /** What the log tells of it, and nothing else; none: `why`. */
  entry?: { action: AuditAction; target: (values: Given['values']) => object; changes?: object };
  why?: string;
  /** Not asked: what it does is no organization's. */
  isGeneral?: boolean;
}

const organization = '/api/v1/organization/{organizationId}';
const webhook = `${organization}/webhooks/{webhookId}`;
const ofWebhook = ({ webhookId = '' }: Given['values']) => ({ type: 'webhook', id: webhookId });
const ofOrganization = ({ organizationId = '' }: Given['values']) => ({ type: 'organization', id: organizationId });
const general = (why: string): Deed => ({ why, isGeneral: true });
const hidden = { from: '•••', to: '•••' };

const DEEDS: Record<string, Deed> = {
  'POST /api/v1/events': general('an event is no change: deliveries have a log of their own'),
  [`PUT ${organization}`]: {
    json: () => ({ name: 'Renamed', plan: 'scale' }),
    entry: { action: 'organization.updated', target: ofOrganization, changes: { name: { from: 'Test organization', to: 'Renamed' } } },
  },
  [`DELETE ${organization}`]: { why: 'its log is deleted with it' },
  [`POST ${organization}/api-keys`]: {
    json: () => ({ name: 'CI', scopes: ['read'] }),
    entry: {
      action: 'api_key.created',
      target: () => ({ type: 'api_key', id: expect.stringMatching(/^key_/) }),
      changes: { name: { from: null, to: 'CI' }, scopes: { from: null, to: ['read'] } },
    },
  },
  [`DELETE ${organization}/api-keys/{keyId}`]: {
    entry: {
      action: 'api_key.revoked',
      target: ({ keyId }) => ({ type: 'api_key', id: keyId }),
      changes: { name: { from: 'spare', to: null }, scopes: { from: ['write'], to: null } },
    },
  },
  [`POST ${organization}/webhooks`]: {
    json: () => ({
      ...{ url: 'https://hooks.example.com/two', events: ['*'], secret: 'a secret of the tests, long enough', enabled: false },
      headers: { Authorization: 'Bearer of-the-tests' },
    }),
    entry: {
      action: 'webhook.created',
      target: () => ({ type: 'webhook', id: expect.stringMatching(/^whk_/) }),
      changes: {
        url: { from: null, to: 'https://hooks.example.com/two' },
        events: { from: null, to: ['*'] },
        secret: { from: null, to: '•••' },
        'headers.Authorization': { from: null, to: '•••' },
        enabled: { from: null, to: false },
        format: { from: null, to: 'event' },
      },
    },
  },
  [`PATCH ${webhook}`]: {
    json: () => ({ description: 'CRM', enabled: false }),
    entry: {
      action: 'webhook.updated',
      target: ofWebhook,
      changes: { description: { from: null, to: 'CRM' }, enabled: { from: true, to: false } },
    },
  },
  [`DELETE ${webhook}`]: {
    entry: {
      action: 'webhook.deleted',
      target: ofWebhook,
      changes: {
        url: { from: expect.any(String), to: null },
        events: { from: ['visitor.identified'], to: null },
        secret: { from: '•••', to: null },
        'headers.X-Token': { from: '•••', to: null },
        enabled: { from: true, to: null },
        format: { from: 'event', to: null },
      },
    },
  },
  [`POST ${organization}/listeners`]: {
    json: () => ({ forwardTo: 'http://localhost:3000/hook', events: ['visitor.*'] }),
    entry: {
      action: 'webhook.created',
      target: () => ({ type: 'webhook', id: expect.stringMatching(/^whk_/) }),
      changes: {
        name: { from: null, to: 'listen localhost:3000' },
        url: { from: null, to: 'listen://localhost:3000/hook' },
        events: { from: null, to: ['visitor.*'] },
        secret: { from: null, to: '•••' },
        enabled: { from: null, to: true },
      },
    },
  },
  [`POST ${organization}/webhooks/preview`]: { json: () => ({}), why: 'nothing is sent or kept' },
  [`GET ${webhook}/secret`]: { entry: { action: 'secret.revealed', target: ofWebhook, changes: {} } },
  [`POST ${webhook}/secret/rotate`]: {
    json: () => ({}),
    entry: {
      action: 'secret.rotated',
      target: ofWebhook,
      changes: { secret: hidden, formerSecretsExpireAt: { from: [], to: [expect.stringMatching(/^2\d{3}-/)] } },
    },
  },
  [`DELETE ${webhook}/secret/previous`]: {
    json: async ({ own, values }) => {
      await expectStatus(own.admin.post(`${own.path}/webhooks/${values.webhookId}/secret/rotate`, {}), 200);
    },
    entry: {
      action: 'secret.rotated',
      target: ofWebhook,
      changes: { formerSecretsExpireAt: { from: [expect.stringMatching(/^2\d{3}-/)], to: [] } },
    },
  },
  [`POST ${webhook}/deliveries/{deliveryId}/retry`]: { why: 'the attempt is in the log of deliveries, with `manual` as what triggered it' },
  [`POST ${webhook}/recover`]: {
    json: () => ({ since: '2026-01-01T00:00:00Z' }),
    entry: { action: 'deliveries.recovered', target: ofWebhook },
  },
  [`POST ${webhook}/cancel`]: {
    json: async (given) => {
      await waiting(given);
      return {};
    },
    entry: {
      action: 'deliveries.canceled',
      target: ofWebhook,
      changes: { until: { from: null, to: expect.any(String) }, count: { from: null, to: 1 } },
    },
  },
  [`POST ${webhook}/deliveries/{deliveryId}/cancel`]: {
    json: waiting,
    entry: { action: 'deliveries.canceled', target: ({ deliveryId }) => ({ type: 'delivery', id: deliveryId }), changes: {} },
  },
  [`POST ${organization}/erasures`]: {
    json: () => ({ field: 'visitor.email', value: 'ada@example.com' }),
    entry: {
      action: 'person.erased',
      target: () => ({ type: 'person', id: expect.stringMatching(/^ers_/) }),
      changes: { field: { from: null, to: 'visitor.email' } },
    },
  },
  [`POST ${webhook}/test`]: { json: () => ({}), why: 'the test is in the log of deliveries' },
  [`DELETE ${webhook}/deliveries/{deliveryId}/payload`]: {
    entry: { action: 'payload.erased', target: ({ deliveryId }) => ({ type: 'delivery', id: deliveryId }), changes: {} },
  },
  [`DELETE ${organization}/events/{eventId}/payload`]: {
    entry: { action: 'payload.erased', target: ({ eventId }) => ({ type: 'event', id: eventId }), changes: {} },
  },
  [`PUT ${organization}/alerts`]: {
    json: () => ({ emails: [], events: ['webhook.failing'] }),
    entry: { action: 'alerts.updated', target: ofOrganization, changes: { events: { from: expect.any(Array), to: ['webhook.failing'] } } },
  },
  [`POST ${organization}/alerts/trial`]: { why: 'mails are sent, and nothing is changed' },
  [`POST ${organization}/dashboard-links`]: {
    json: () => ({ scope: 'read', subject: 'Ada' }),
    entry: {
      action: 'dashboard_link.created',
      target: ofOrganization,
      changes: { scope: { from: null, to: 'read' }, subject: { from: null, to: 'Ada' } },
    },
  },
  [`DELETE ${organization}/sessions`]: {
    entry: {
      action: 'session.ended',
      target: ofOrganization,
      changes: { session: { from: expect.stringMatching(/^[0-9a-f]{16}$/), to: null }, subject: { from: 'Grace', to: null } },
    },
  },
  [`DELETE ${organization}/sessions/{sessionId}`]: {
    entry: {
      action: 'session.ended',
      target: ofOrganization,
      changes: { session: { from: expect.stringMatching(/^[0-9a-f]{16}$/), to: null }, subject: { from: 'Grace', to: null } },
    },
  },
  'PUT /api/v1/event-types/{name}': general('the catalogue is of all organizations'),
  'DELETE /api/v1/event-types/{name}': general('the catalogue is of all organizations'),
  'POST /api/v1/platform/keys': general("a producer's key is no organization's"),
  'DELETE /api/v1/platform/keys/{keyId}': general("a producer's key is no organization's"),
  'POST /api/v1/platform/parked-messages/{messageId}/redrive': general('a parked message can be of several organizations'),
  'DELETE /api/v1/platform/parked-messages/{messageId}': general('a parked message can be of several organizations'),
  'POST /api/v1/platform/import': general('of all organizations: each that changes has an entry (test/transfer)'),
};

const changing = routes.filter((route) => route.method !== 'get' || nameOf(route) === `GET ${webhook}/secret`);

/** A delivery that waits for its next attempt: the one that the path names from now on. */
async function waiting({ own, values }: Given): Promise<void> {
  const endpoint = endpointInbox();
  await endpoint.script([{ status: 500 }]);
  const { webhookId = '' } = values;
  await expectStatus(own.admin.patch(`${own.path}/webhooks/${webhookId}`, { url: endpoint.url }), 200);
  await outboxOf(webhookId).reconfigured();
  await bring(webhookId, newDelivery(webhookId));
  const delivery = await eventually(async () => (await deliveriesOf(webhookId)).find(({ status }) => status === 'retrying'));
  values.deliveryId = delivery.id;
}

/** Ended deliveries, without an attempt: of a webhook that was disabled while the event came. */
async function given(): Promise<Given> {
  const own = await createOrganization();
  const { id: webhookId } = await createWebhook(own, {
    ...{ url: endpointInbox().url, enabled: false, secret: 'the secret of the tests, long enough', headers: { 'X-Token': 'a value' } },
  });
  await consume([aMessage([anEvent(own.id)])]);
  const [delivery] = await deliveriesOf(webhookId);
  if (!delivery) throw new Error('Nothing was recorded.');
  await expectStatus(own.admin.patch(`${own.path}/webhooks/${webhookId}`, { enabled: true }), 200);
  const { id: keyId } = (await expectStatus(platform.post(`${own.path}/api-keys`, { name: 'spare', scopes: ['write'] }), 201)).body;
  await visitor().post(await makeLink(own.id, 'admin', 'Grace'));
  const { sessions } = (await expectStatus(own.admin.get(`${own.path}/sessions`), 200)).body;
  const erasureId = `ers_${own.id}`;
  await env.DB.prepare("INSERT INTO erasures (id, organization_id, field, requested_at, finished_at) VALUES (?, ?, 'visitor.email', 1, 2)")
    .bind(erasureId, own.id)
    .run();
  return {
    own,
    values: {
      erasureId,
      organizationId: own.id,
      webhookId,
      deliveryId: delivery.id,
      eventId: delivery.eventId,
      keyId,
      sessionId: sessions[0].id,
    },
  };
}

/** What a request adds to the log, the oldest first. */
async function added(own: TestOrganization, act: () => Promise<unknown>): Promise<ShownEntry[]> {
  const before = new Set((await auditLogOf(own)).map(({ id }) => id));
  await act();
  return (await auditLogOf(own)).filter(({ id }) => !before.has(id));
}

test('the table has every route that is no GET, and no other', () => {
  expect(Object.keys(DEEDS).sort()).toEqual(changing.map(nameOf).sort());
});

describe('the audit log after', () => {
  const asked = changing.filter((route) => !DEEDS[nameOf(route)]?.isGeneral && nameOf(route) !== `DELETE ${organization}`);

  describe.each(asked.map((route) => [nameOf(route), route] as const))('%s', (name, route) => {
    const { json, entry } = DEEDS[name] ?? {};

    test(entry ? `has one entry, ${entry.action}, of who did it and from where` : 'is as it was before', async () => {
      const from = await given();
      const body = await json?.(from);
      const key = route.access === 'platform' ? PLATFORM_KEY : from.own.key;
      const headers = { 'CF-Connecting-IP': '192.0.2.7' };
      const entries = await added(from.own, async () => {
        const answer = await call(route.method.toUpperCase(), pathOf(route, from.values), {
          key,
          headers,
          ...(body !== undefined && { json: body }),
        });
        expect([answer.status, answer.body]).toEqual([route.success.status, answer.body]);
      });
      if (!entry) return expect(entries).toEqual([]);
      const { apiKeys } = (await from.own.admin.get(`${from.own.path}/api-keys`)).body;
      const admin = apiKeys.find(({ name }: { name: string }) => name === 'admin');
      const actor = key === PLATFORM_KEY ? { type: 'platform', id: null, name: null } : { type: 'api_key', id: admin.id, name: 'admin' };
      expect(entries).toEqual([
        {
          ...{ id: expect.stringMatching(/^aud_[0-9A-HJKMNP-TV-Z]{26}$/), at: expect.stringMatching(/^2\d{3}-.*Z$/) },
          ...{ actor, network: '192.0.2.7', action: entry.action, target: entry.target(from.values) },
          changes: entry.changes ?? expect.any(Object),
        },
      ]);
    });

    if (entry && route.method !== 'get') {
      test('has none where another organization, or a key without the scope, was refused', async () => {
        const from = await given();
        const other = await createOrganization();
        const entries = await added(from.own, async () => {
          const options = { key: other.key, ...(route.body && { json: {} }) };
          expect((await call(route.method.toUpperCase(), pathOf(route, from.values), options)).status).toBeGreaterThanOrEqual(403);
        });
        expect(entries).toEqual([]);
      });
    }
  });

  test('every GET but the one that reveals is as it was before', async () => {
    const { own, values } = await given();
    const reading = routes.filter(({ method, path }) => method === 'get' && path.includes('{organizationId}') && !path.endsWith('/secret'));
    expect(reading.length).toBeGreaterThan(10);
    const entries = await added(own, async () => {
      for (const route of reading as Route[]) expect((await call('GET', pathOf(route, values), { key: PLATFORM_KEY })).status).toBe(200);
    });
    expect(entries).toEqual([]);
  });

  test('a PUT that creates the organization has that as its first entry', async () => {
    const path = `/organization/org_new_${crypto.randomUUID().slice(0, 8)}`;
    await expectStatus(platform.put(path, { name: 'New', plan: 'scale' }), 201);
    expect(await auditLogOf({ path, admin: platform })).toMatchObject([
      {
        action: 'organization.created',
        actor: { type: 'platform' },
        changes: { name: { from: null, to: 'New' }, plan: { from: null, to: 'scale' } },
      },
    ]);
  });
});

describe('the audit log tells', () => {
  test('who signed in with a link, and out', async () => {
    const own = await createOrganization();
    const person = visitor();
    const entries = await added(own, async () => {
      await person.post(await makeLink(own.id, 'write', 'Ada'), {}, { 'CF-Connecting-IP': '2001:db8:1:2:3::4' });
      await person.post('sign-out', {}, { 'CF-Connecting-IP': '192.0.2.9' });
    });
    const id = entries[1]?.actor.id;
    expect(id).toMatch(/^[0-9a-f]{16}$/);
    const who = { actor: { type: 'dashboard', id, name: 'Ada' }, target: { type: 'organization', id: own.id } };
    expect(entries).toMatchObject([
      { action: 'dashboard_link.created' },
      {
        ...who,
        action: 'session.started',
        network: '2001:db8:1:2::/64',
        changes: { session: { from: null, to: id }, subject: { from: null, to: 'Ada' } },
      },
      {
        ...who,
        action: 'session.ended',
        network: '192.0.2.9',
        changes: { session: { from: id, to: null }, subject: { from: 'Ada', to: null } },
      },
    ]);
    expect(entries[1]?.changes).toMatchObject({ madeWith: { from: null, to: 'platform' }, scopes: { from: null, to: ['write'] } });
  });

  test('who signed in with a key, by which, and that this took the place of another session', async () => {
    const own = await createOrganization();
    const person = await signedIn(own);
    const entries = await added(own, async () => {
      expect((await person.post('sign-in', { key: own.key })).status).toBe(303);
    });
    expect(entries.map(({ action }) => action).sort()).toEqual(['session.ended', 'session.started']);
    const started = entries.find(({ action }) => action === 'session.started');
    const ended = entries.find(({ action }) => action === 'session.ended');
    expect(started).toMatchObject({ actor: { type: 'dashboard', name: null }, changes: { keyName: { from: null, to: 'admin' } } });
    expect(ended?.actor.id).toBe(ended?.changes.session?.from);
    expect(ended?.actor.id).not.toBe(started?.actor.id);
  });

  test('nothing of a sign-in that was refused, or of a sign-out of nobody', async () => {
    const own = await createOrganization();
    const path = await makeLink(own.id);
    await visitor().post(path);
    const entries = await added(own, async () => {
      expect((await visitor().post(path)).status).toBe(410);
      expect((await visitor().post('sign-in', { key: `bsk_live_${'0'.repeat(32)}` })).status).toBe(401);
      await visitor().post('sign-out');
    });
    expect(entries).toEqual([]);
  });

  test('whose sessions a revoked key has ended', async () => {
    const own = await createOrganization();
    const { body: key } = await platform.post(`${own.path}/api-keys`, { name: 'of a person', scopes: ['read'] });
    await visitor().post('sign-in', { key: key.plainKey });
    await signedIn(own);
    const entries = await added(own, () => expectStatus(own.admin.delete(`${own.path}/api-keys/${key.id}`), 204));
    expect(entries.map(({ action }) => action).sort()).toEqual(['api_key.revoked', 'session.ended']);
    expect(new Set(entries.map(({ actor }) => actor.name))).toEqual(new Set(['admin']));
  });

  test('what a person does on the pages, as theirs', async () => {
    const own = await createOrganization();
    const { id } = await createWebhook(own);
    const person = visitor();
    await person.post(await makeLink(own.id, 'admin', 'Ada'));
    const entries = await added(own, async () => {
      for (const part of ['pause', 'secret/reveal', 'secret/rotate', 'secret/reveal', 'delete']) await person.post(`${id}/${part}`);
    });
    const actions: AuditAction[] = ['webhook.updated', 'secret.revealed', 'secret.rotated', 'secret.revealed', 'webhook.deleted'];
    expect(entries).toMatchObject(actions.map((action) => ({ action, actor: { type: 'dashboard', name: 'Ada' }, target: { id } })));
  });

  test('of every action that there is, here, in test/db/outboxes.test.ts or in test/transfer', () => {
    const byRoute = Object.values(DEEDS).flatMap(({ entry }) => entry?.action ?? []);
    const told = new Set<AuditAction>([...byRoute, 'organization.created', 'organization.imported', 'session.started', 'webhook.disabled']);
    expect([...told].sort()).toEqual([...AUDIT_ACTIONS].sort());
  });
});

/*
 * What is done in an outbox is done there, and told to D1 later: an entry is kept until D1 has it (test/api/deliveries/bulk-actions.test.ts). All else is in
 * the transaction of its entry.
 */
const TOLD_LATER = [
  `POST ${webhook}/recover`,
  `POST ${webhook}/cancel`,
  `POST ${webhook}/deliveries/{deliveryId}/cancel`,
  `DELETE ${webhook}/deliveries/{deliveryId}/payload`,
  `DELETE ${organization}/events/{eventId}/payload`,
];
const transactional = changing.filter((route) => DEEDS[nameOf(route)]?.entry && !TOLD_LATER.includes(nameOf(route)));

describe('where its entry cannot be written, nothing is done by', () => {
  /** What D1 has of organizations, but for what counts and what is noted of the use of a key. */
  async function stored(): Promise<string> {
    const tables = ['organizations', 'webhooks', 'dashboard_links', 'dashboard_sessions', 'alerts', 'alert_addresses'];
    const read = (sql: string) => env.DB.prepare(sql).all();
    const rows = await Promise.all(tables.map((table) => read(`SELECT * FROM ${table}`)));
    const others = [await read('SELECT id, revoked_at FROM api_keys'), await read('SELECT * FROM erasures')];
    return JSON.stringify([...rows, ...others].map(({ results }) => results));
  }

  async function withoutEntries(act: () => Promise<unknown>): Promise<void> {
    await env.DB.prepare(`CREATE TRIGGER no_entries BEFORE INSERT ON audit_log BEGIN SELECT RAISE(ABORT, 'no entries today'); END`).run();
    try {
      await act();
    } finally {
      await env.DB.prepare('DROP TRIGGER no_entries').run();
    }
  }

  test.each(transactional.map((route) => [nameOf(route), route] as const))('%s', async (name, route) => {
    const from = await given();
    const body = await DEEDS[name]?.json?.(from);
    const before = await stored();
    const key = route.access === 'platform' ? PLATFORM_KEY : from.own.key;
    await withoutEntries(async () => {
      const options = { key, ...(body !== undefined && { json: body }) };
      expect((await call(route.method.toUpperCase(), pathOf(route, from.values), options)).status).toBeGreaterThanOrEqual(500);
    });
    expect(await stored()).toBe(before);
  });

  test('a link and a key that sign somebody in, and signing out', async () => {
    const own = await createOrganization();
    const [person, link] = [await signedIn(own), await makeLink(own.id)];
    const before = await stored();
    await withoutEntries(async () => {
      expect((await visitor().post(link)).status).toBeGreaterThanOrEqual(500);
      expect((await visitor().post('sign-in', { key: own.key })).status).toBeGreaterThanOrEqual(500);
      await person.post('sign-out');
    });
    expect(await stored()).toBe(before);
  });
});

test('a secret is not shown where its entry cannot be written', async () => {
  const { own, values } = await given();
  await env.DB.prepare(`CREATE TRIGGER no_entries BEFORE INSERT ON audit_log BEGIN SELECT RAISE(ABORT, 'no entries today'); END`).run();
  try {
    const answer = await own.admin.get(`${own.path}/webhooks/${values.webhookId}/secret`);
    expect(answer.status).toBeGreaterThanOrEqual(500);
    expect(JSON.stringify(answer.body)).not.toContain('the secret of the tests');
    expect((await own.admin.patch(`${own.path}/webhooks/${values.webhookId}`, { description: 'unseen' })).status).toBeGreaterThanOrEqual(
      500,
    );
  } finally {
    await env.DB.prepare('DROP TRIGGER no_entries').run();
  }
  expect((await own.admin.get(`${own.path}/webhooks/${values.webhookId}`)).body.description).toBeNull();
});
