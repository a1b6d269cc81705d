import { createExecutionContext } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { asc, eq } from 'drizzle-orm';
import { describe, expect, test, vi } from 'vitest';
import { app } from '../../../src/app.ts';
import { databaseOf } from '../../../src/db/client.ts';
import { alertAddresses, auditLog } from '../../../src/db/schema.ts';
import { client, createKey, createOrganization, ORIGIN, PLATFORM_KEY, platform, read, type TestOrganization } from '../../support/api.ts';
import { databaseWithout } from '../../support/dashboard.ts';
import { aMailbox, linkIn } from '../../support/mails.ts';

const mailbox = aMailbox();
const ALL = ['webhook.failing', 'webhook.disable_warning', 'webhook.disabled', 'webhook.recovered'];

const alertsOf = async ({ admin, path }: TestOrganization) => (await admin.get(`${path}/alerts`)).body;
const put = ({ admin, path }: TestOrganization, body: unknown) => admin.put(`${path}/alerts`, body);
const entriesOf = ({ id }: TestOrganization) =>
  databaseOf(env.DB).select().from(auditLog).where(eq(auditLog.organizationId, id)).orderBy(asc(auditLog.id));
const ofAlerts = async (organization: TestOrganization) =>
  (await entriesOf(organization)).filter(({ action }) => action === 'alerts.updated');

/** A request to a Worker with other bindings. */
async function callWith(bindings: object, method: string, path: string, json?: unknown) {
  const headers = { 'X-API-Key': PLATFORM_KEY, 'Content-Type': 'application/json' };
  const request = new Request(`${ORIGIN}/api/v1${path}`, { method, headers, body: json === undefined ? undefined : JSON.stringify(json) });
  return await read(await app.fetch(request, { ...env, ...bindings }, createExecutionContext()));
}

/** Opens the link of the last mail to an address, as a person does: the page's button is what counts. */
async function confirm(address: string): Promise<void> {
  const link = linkIn(mailbox.sentTo(address).at(-1)!, 'Confirm the address');
  await databaseOf(env.DB)
    .update(alertAddresses)
    .set({ confirmedAt: Date.now() })
    .where(eq(alertAddresses.token, link.split('/').at(-1)!));
}

describe('the alerts of an organization', () => {
  test('are nobody’s at first, and of all events', async () => {
    expect(await alertsOf(await createOrganization())).toEqual({ available: true, emails: [], events: ALL });
  });

  test('are put as a whole: new addresses are asked, those that stay keep their confirmation, others are deleted', async () => {
    const organization = await createOrganization();
    const answer = await put(organization, { emails: ['grace@example.com', 'Ada@Example.com'] });
    const unconfirmed = ['ada@example.com', 'grace@example.com'].map((address) => ({ address, confirmed: false }));
    expect(answer).toMatchObject({ status: 200, body: { available: true, emails: unconfirmed, events: ALL } });
    expect(mailbox.sent.map(({ to, subject }) => [to, subject])).toEqual([
      ['ada@example.com', 'Bullseye: confirm this address for alerts'],
      ['grace@example.com', 'Bullseye: confirm this address for alerts'],
    ]);
    expect(mailbox.sent[0]!.text).toContain('Somebody at Test organization');
    expect(mailbox.sent[0]!.headers).toEqual({ 'Auto-Submitted': 'auto-generated' });
    await confirm('ada@example.com');
    const events = ['webhook.disabled'];
    const kept = { available: true, emails: [{ address: 'ada@example.com', confirmed: true }], events };
    expect((await put(organization, { emails: ['ada@example.com'], events })).body).toEqual(kept);
    expect(await alertsOf(organization)).toEqual(kept);
    expect(mailbox.sent).toHaveLength(2);
    // All of them, where nothing is said.
    expect((await put(organization, { emails: [] })).body).toEqual({ available: true, emails: [], events: ALL });
  });

  test('ask an address that is put again no sooner than ten minutes later', async () => {
    const organization = await createOrganization();
    const asked = () => mailbox.sentTo('ada@example.com').length;
    const emails = ['ada@example.com'];
    await put(organization, { emails });
    await put(organization, { emails });
    // Taking it out between does not help.
    await put(organization, { emails: [] });
    await put(organization, { emails });
    expect(asked()).toBe(1);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 600_000 });
    await put(organization, { emails });
    vi.useRealTimers();
    expect(asked()).toBe(2);
    // Three times a day.
    for (let times = 2; times < 6; times++) {
      vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + times * 600_000 });
      await put(organization, { emails: times % 2 === 0 ? [] : emails });
      await put(organization, { emails });
      vi.useRealTimers();
    }
    expect(asked()).toBe(3);
    const [first, second] = mailbox.sentTo('ada@example.com').map((mail) => linkIn(mail, 'Confirm the address'));
    // The first link works still.
    expect(first).toBe(second);
  });

  test('cause twenty mails to new addresses a day, and then a refusal that changes nothing', async () => {
    const organization = await createOrganization();
    const some = (from: number) => Array.from({ length: 10 }, (_, index) => `a${String(from + index).padStart(2, '0')}@example.com`);
    expect((await put(organization, { emails: some(0) })).status).toBe(200);
    expect((await put(organization, { emails: some(10) })).status).toBe(200);
    const before = await alertsOf(organization);
    const refused = await put(organization, { emails: some(20) });
    expect(refused).toMatchObject({ status: 429, body: { code: 'rate_limited', message: expect.stringContaining('a day') as string } });
    expect(Number(refused.headers.get('Retry-After'))).toBeGreaterThan(3_600);
    expect(await alertsOf(organization)).toEqual(before);
    expect(mailbox.sent).toHaveLength(20);
    // What asks nobody is not refused.
    expect((await put(organization, { emails: [] })).status).toBe(200);
  });

  test('that are refused for today ask nobody, and keep nobody from being asked by fewer', async () => {
    const organization = await createOrganization();
    const some = (from: number, count: number) => Array.from({ length: count }, (_, index) => `a${10 + from + index}@example.com`);
    await put(organization, { emails: some(0, 10) });
    await put(organization, { emails: some(10, 8) });
    expect((await put(organization, { emails: some(20, 5) })).status).toBe(429);
    expect(mailbox.sent).toHaveLength(18);
    expect((await put(organization, { emails: some(20, 2) })).status).toBe(200);
    expect(mailbox.sent.slice(18).map(({ to }) => to)).toEqual(some(20, 2));
  });

  test('that fail for an outage ask nobody, and whoever puts them again has them asked', async () => {
    const organization = await createOrganization();
    const emails = ['ada@example.com'];
    const broken = await callWith({ DB: databaseWithout(/insert into "audit_log"/) }, 'PUT', `${organization.path}/alerts`, { emails });
    expect(broken.status).toBe(503);
    expect(mailbox.sent).toEqual([]);
    expect((await put(organization, { emails })).status).toBe(200);
    expect(mailbox.sentTo('ada@example.com')).toHaveLength(1);
  });

  test('that others change at the same time ask those who are in the list in the end', async () => {
    const organization = await createOrganization();
    await Promise.all(['a', 'b', 'c'].map((name) => put(organization, { emails: [`${name}@example.com`, 'all@example.com'] })));
    const { emails } = await alertsOf(organization);
    expect(emails).toHaveLength(2);
    for (const { address } of emails) expect([address, mailbox.sentTo(address).length]).toEqual([address, 1]);
  });

  test('are saved though the mail that asks could not be sent, which is tried when the address is put again', async () => {
    const organization = await createOrganization();
    mailbox.fails('ada@example.com', new Error('the service is down'));
    expect((await put(organization, { emails: ['ada@example.com'] })).status).toBe(200);
    expect((await alertsOf(organization)).emails).toEqual([{ address: 'ada@example.com', confirmed: false }]);
    mailbox.fails('ada@example.com', null);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 600_000 });
    await put(organization, { emails: ['ada@example.com'] });
    vi.useRealTimers();
    expect(mailbox.sentTo('ada@example.com')).toHaveLength(1);
  });

  test.each([
    [{}, 'emails'],
    [{ emails: 'ada@example.com' }, 'emails'],
    [{ emails: ['ada@example.com', 'nobody'] }, 'emails[1]'],
    [{ emails: ['a@example.com', 'b@example.com', 'A@example.com'] }, 'emails[2]'],
    [{ emails: [`${'a'.repeat(250)}@example.com`] }, 'emails[0]'],
    [{ emails: ['a@example.com\r\nBcc: b@example.com'] }, 'emails[0]'],
    [{ emails: Array.from({ length: 11 }, (_, index) => `a${index}@example.com`) }, 'emails'],
    [{ emails: [], events: ['webhook.sleepy'] }, 'events[0]'],
    [{ emails: [], events: ['visitor.erased'] }, 'events[0]'],
    [{ emails: [], other: 1 }, 'other'],
  ])('of %j are refused, naming %s', async (body, field) => {
    const organization = await createOrganization();
    expect(await put(organization, body)).toMatchObject({ status: 422, body: { code: 'validation_failed', details: { field } } });
    expect(mailbox.sent).toEqual([]);
  });

  test('are for admins, and for the organization alone', async () => {
    const organization = await createOrganization();
    const writer = client(await createKey(organization.id, ['write']));
    expect(await writer.get(`${organization.path}/alerts`)).toMatchObject({ status: 403, body: { code: 'insufficient_scope' } });
    const other = await createOrganization();
    expect((await other.admin.get(`${organization.path}/alerts`)).status).toBe(404);
    expect((await platform.get('/organization/org_nobody/alerts')).status).toBe(404);
    expect((await platform.put('/organization/org_nobody/alerts', { emails: [] })).status).toBe(404);
    expect((await platform.get(`${organization.path}/alerts`)).status).toBe(200);
  });

  test('go with their organization', async () => {
    const organization = await createOrganization();
    await put(organization, { emails: ['ada@example.com'] });
    await platform.delete(`/organization/${organization.id}`);
    const left = databaseOf(env.DB).select().from(alertAddresses).where(eq(alertAddresses.organizationId, organization.id));
    expect(await left).toEqual([]);
  });
});

describe.each([
  ['the binding', { EMAIL: undefined }],
  ['a sender', { ALERTS_FROM: '' }],
  ['an address of its own', { PUBLIC_URL: '' }],
])('a deployment without %s', (_, bindings) => {
  test('says that it sends no e-mail, and takes no addresses', async () => {
    const organization = await createOrganization();
    const path = `${organization.path}/alerts`;
    expect((await callWith(bindings, 'GET', path)).body).toEqual({ available: false, emails: [], events: ALL });
    for (const [method, at, json] of [
      ['PUT', path, { emails: [] }],
      ['POST', `${path}/trial`],
    ] as const) {
      expect(await callWith(bindings, method, at, json)).toMatchObject({ status: 409, body: { code: 'email_not_available' } });
    }
  });
});

describe('the audit log', () => {
  test('tells of each change of the alerts from what to what, and of none that changes nothing', async () => {
    const organization = await createOrganization();
    await put(organization, { emails: ['b@example.com', 'a@example.com'] });
    await put(organization, { emails: ['a@example.com', 'b@example.com'], events: [...ALL].reverse() });
    await put(organization, { emails: ['b@example.com'], events: ['webhook.failing'] });
    const target = { targetType: 'organization', targetId: organization.id, actorType: 'api_key', action: 'alerts.updated' };
    expect(await ofAlerts(organization)).toMatchObject([
      { ...target, changes: { emails: { from: [], to: ['a@example.com', 'b@example.com'] } } },
      {
        ...target,
        changes: {
          emails: { from: ['a@example.com', 'b@example.com'], to: ['b@example.com'] },
          events: { from: ALL, to: ['webhook.failing'] },
        },
      },
    ]);
  });

  test('tells the truth of changes that race: each goes from what the one before it has left', async () => {
    const organization = await createOrganization();
    const answers = await Promise.all(['a', 'b', 'c', 'd'].map((name) => put(organization, { emails: [`${name}@example.com`] })));
    for (const { status } of answers) expect([200, 503]).toContain(status);
    let emails: unknown = [];
    for (const { changes } of await ofAlerts(organization)) {
      expect(changes.emails!.from).toEqual(emails);
      emails = changes.emails!.to;
    }
    expect((await alertsOf(organization)).emails.map(({ address }: { address: string }) => address)).toEqual(emails);
    expect(await ofAlerts(organization)).toHaveLength(answers.filter(({ status }) => status === 200).length);
  });
});

describe('a trial', () => {
  test('goes to the confirmed addresses, says that it is one, and how the mails end', async () => {
    const organization = await createOrganization();
    await put(organization, { emails: ['ada@example.com', 'grace@example.com'] });
    await confirm('ada@example.com');
    mailbox.sent.length = 0;
    expect(await organization.admin.post(`${organization.path}/alerts/trial`)).toMatchObject({ status: 200, body: { sent: 1, failed: 0 } });
    expect(mailbox.sent).toMatchObject([{ to: 'ada@example.com', text: expect.stringContaining('This is a trial.') as string }]);
    expect(mailbox.sent[0]!.headers['List-Unsubscribe']).toBe(`<${linkIn(mailbox.sent[0]!, 'End these mails')}>`);
    expect(await ofAlerts(organization)).toHaveLength(1);
    mailbox.fails('ada@example.com', new Error('down'));
    expect((await organization.admin.post(`${organization.path}/alerts/trial`)).body).toEqual({ sent: 0, failed: 1 });
  });

  test('is sent five times an hour at most', async () => {
    const organization = await createOrganization();
    const trials = [];
    for (let trial = 0; trial < 6; trial++) trials.push((await organization.admin.post(`${organization.path}/alerts/trial`)).status);
    expect(trials).toEqual([200, 200, 200, 200, 200, 429]);
  });
});
