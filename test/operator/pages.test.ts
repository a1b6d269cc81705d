import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { databaseOf } from '../../src/db/client.ts';
import { parkedMessages } from '../../src/db/schema.ts';
import { encodeEventMessage } from '../../src/domain/event/event-message.ts';
import { operator } from '../../src/operator/operator.ts';
import { sweep } from '../../src/upkeep/sweep.ts';
import { createOrganization, createWebhook, expectStatus, PLATFORM_KEY, platform } from '../support/api.ts';
import { anEvent } from '../support/deliveries.ts';
import { operatorSignedIn } from '../support/operator.ts';
import { PAGES } from '../support/operator-pages.ts';

it('every page that the router has is in the list that the tests of all pages go through', () => {
  const routed = operator.routes.filter(({ method }) => method === 'GET').map(({ path }) => `/operator${path === '/' ? '' : path}`);
  const others = ['/operator/sign-in', '/operator/organizations/:organizationId', '/operator/parked-messages/:messageId'];
  expect(new Set(routed)).toEqual(new Set([...PAGES, ...others]));
});

describe('organizations', () => {
  it('are found, and one has its plan and its webhooks', async () => {
    const organization = await createOrganization();
    await expectStatus(platform.put(organization.path, { name: 'Tyrell <Corp>', plan: 'scale' }), 200);
    const { id } = await createWebhook(organization, { url: 'https://hooks.example.com/secret-path', name: 'CRM' });
    const person = await operatorSignedIn();
    const found = await person.get('/operator/organizations?q=tyrell&plan=');
    expect(found.text).toContain('Tyrell <Corp>');
    expect(found.html).not.toContain('<Corp>');
    expect((await person.get('/operator/organizations?q=nobody')).text).toContain('None.');
    const shown = await person.get(`/operator/organizations/${organization.id}`);
    expect(shown.text).toContain('CRM hooks.example.com');
    expect(shown.text).toContain(id);
    expect(shown.text).toContain('7 days 0 0 0');
    expect(shown.html).not.toContain('secret-path');
    expect((await person.get('/operator/organizations/org_that_is_not')).status).toBe(404);
    expect((await person.get('/operator/organizations?plan=gold')).status).toBe(422);
  });

  it('get another plan, which their audit log tells as done by the platform', async () => {
    const organization = await createOrganization();
    const person = await operatorSignedIn();
    const shown = await person.submit(`/operator/organizations/${organization.id}/plan`, { plan: 'growth' });
    expect(shown.text).toContain('The plan is changed');
    expect((await expectStatus(platform.get(organization.path), 200)).body).toMatchObject({ plan: 'growth', name: 'Test organization' });
    const { data } = (await organization.admin.get(`${organization.path}/audit-log?action=organization.updated`)).body;
    expect(data[0]).toMatchObject({ actor: { type: 'platform' }, changes: { plan: { from: 'scale', to: 'growth' } } });
    expect((await person.post(`/operator/organizations/${organization.id}/plan`, { plan: 'gold' })).status).toBe(422);
  });

  it("have their dashboard signed in to, which their audit log tells as the platform's doing", async () => {
    const organization = await createOrganization();
    const person = await operatorSignedIn();
    const { status, location } = await person.post(`/operator/organizations/${organization.id}/dashboard`);
    expect(status).toBe(303);
    expect(location).toMatch(/^\/settings\/integrations\/webhooks\/link\//);
    const dashboard = await person.submit(location ?? '');
    expect(dashboard.text).toContain('Test organization');
    const { data } = (await organization.admin.get(`${organization.path}/audit-log`)).body;
    expect(data.map(({ action, actor }: { action: string; actor: { type: string } }) => [action, actor.type])).toEqual(
      expect.arrayContaining([
        ['dashboard_link.created', 'platform'],
        ['session.started', 'dashboard'],
      ]),
    );
    expect(JSON.stringify(data)).toContain('Support of the service');
  });
});

describe('parked messages', () => {
  it('are listed with their reason, shown when asked for, and redriven or deleted', async () => {
    const organization = await createOrganization();
    const body = encodeEventMessage({ acceptedAt: Date.now(), events: [anEvent(organization.id)] });
    const parked = (id: string) => ({ id, reason: 'Its redeliveries <are> used up', body, parkedAt: Date.now() });
    await databaseOf(env.DB)
      .insert(parkedMessages)
      .values([parked('one'), parked('two')]);
    const person = await operatorSignedIn();
    const listed = await person.get('/operator/parked-messages');
    expect(listed.text).toContain('Its redeliveries <are> used up');
    expect(listed.html).not.toContain('<are>');
    expect((await person.get('/operator/parked-messages/one')).text).toContain(organization.id);
    expect((await person.submit('/operator/parked-messages/one/redrive')).text).toContain('The message is in the queue again.');
    expect((await person.submit('/operator/parked-messages/two/delete')).text).toContain('The message is deleted.');
    expect((await expectStatus(platform.get('/platform/parked-messages'), 200)).body.data).toEqual([]);
    expect((await person.post('/operator/parked-messages/one/redrive')).status).toBe(404);
  });
});

describe('settings', () => {
  it('are shown, every var and no secret', async () => {
    const { text, html } = await (await operatorSignedIn()).get('/operator/settings');
    const secrets = ['PLATFORM_API_KEY', 'MASTER_KEY'];
    const isOfTests = (name: string) => name === 'GROWTH_ROWS' || name.startsWith('__');
    const vars = Object.entries(env).filter(([name, value]) => typeof value === 'string' && !secrets.includes(name) && !isOfTests(name));
    expect(vars.length).toBeGreaterThan(15);
    for (const [name, value] of vars) expect(text).toContain(`${name} ${value || '(empty)'}`);
    expect(html).not.toContain(PLATFORM_KEY);
    expect(html).not.toContain(env.MASTER_KEY);
    expect(text).toContain('PLATFORM_API_KEY, value 1 of 1 seen since');
    expect(text).toContain('0 sealed under the current MASTER_KEY');
  });

  it('and the runbook are shown without a database as well', async () => {
    const fails = () => {
      throw new Error('D1_ERROR: the database is out of order');
    };
    const person = await operatorSignedIn({ DB: { prepare: fails, batch: fails } as unknown as D1Database });
    expect((await person.get('/operator/settings')).text).toContain('not known: the database does not answer');
    expect((await person.get('/operator/runbook')).status).toBe(200);
  });
});

describe('secrets', () => {
  it('are as old as the cron has seen them, to the hour', async () => {
    const hour = Math.floor(Date.now() / 3_600_000) * 3_600_000;
    const vars = { PLATFORM_API_KEY: `bsk_platform_of_an_hour,${PLATFORM_KEY}` };
    await sweep({ ...env, ...vars }, hour);
    const { text } = await (await operatorSignedIn(vars)).get('/operator/settings');
    const time = new Date(hour).toISOString().slice(11, 19);
    expect(text).toMatch(new RegExp(`PLATFORM_API_KEY, value 1 of 2 seen since \\d+ \\w+ \\d{4}, ${time} UTC`));
    expect(text).toContain('PLATFORM_API_KEY, value 2 of 2 seen since');
  });
});

describe('the runbook', () => {
  it('is a page, for operators alone', async () => {
    const { status, text } = await (await operatorSignedIn()).get('/operator/runbook');
    expect(status).toBe(200);
    expect(text).toContain('Each disaster names the test that rehearses it');
  });
});
