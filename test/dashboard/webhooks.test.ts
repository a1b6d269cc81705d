import { describe, expect, it } from 'vitest';
import { createOrganization, createWebhook, platform, type TestOrganization } from '../support/api.ts';
import { databaseWithout, PAGES, signedIn, visitor } from '../support/dashboard.ts';
import { aMessage, anEvent, consume, endpointInbox } from '../support/deliveries.ts';

const FORM = { url: 'https://hooks.example.com/in', events: ['visitor.identified'], secretChoice: 'generate' };

const webhooksOf = async ({ admin, path }: TestOrganization) => (await admin.get(`${path}/webhooks`)).body.webhooks;

describe('the list', () => {
  it('that is empty explains webhooks and has Add Webhook', async () => {
    const page = await (await signedIn(await createOrganization())).get();
    expect(page.text).toContain('No webhooks yet');
    expect(page.html).toContain(`href="${PAGES}/new"`);
    expect(page.text).toContain('Add Webhook');
  });

  it('shows each webhook with its events, its health in words, its last 24 hours and last delivery', async () => {
    const organization = await createOrganization();
    const endpoint = endpointInbox();
    await createWebhook(organization, { url: endpoint.url, name: 'Into the CRM', events: ['*'] });
    await createWebhook(organization, { enabled: false });
    await consume([aMessage([anEvent(organization.id)])]);
    await endpoint.arrived(1);
    const { text, html } = await (await signedIn(organization)).get();
    for (const said of [
      // Long ones are cut in the middle.
      ...[URL.parse(endpoint.url)?.host, endpoint.url.slice(-10)],
      'Into the CRM',
      'All events',
      'Healthy',
      'Paused',
      '1 delivered, 0 failed',
      '100 %',
      'just now',
    ]) {
      expect(`${text} ${html}`).toContain(said);
    }
  });

  it("shows nothing of another organization's", async () => {
    const [own, other] = [await createOrganization(), await createOrganization()];
    await createWebhook(other, { url: 'https://secret-place.example.com' });
    expect((await (await signedIn(own)).get()).html).not.toContain('secret-place');
  });

  it('is shown without the activity of an outbox that does not answer', async () => {
    const organization = await createOrganization();
    await createWebhook(organization);
    const broken = { getByName: () => ({ activity: () => Promise.reject(new Error('unreachable')) }) };
    const person = await signedIn(organization, 'read', { vars: { OUTBOX: broken as unknown as Env['OUTBOX'] } });
    const page = await person.get();
    expect(page.status).toBe(200);
    expect(page.text).toContain('hooks.example.com');
    expect(page.text).toContain('Not available right now');
  });
});

describe('a plan below Scale', () => {
  it('is told how to upgrade, and gets no form', async () => {
    const person = await signedIn(await createOrganization('growth'));
    for (const path of ['', 'new']) {
      const { text, html } = await person.get(path);
      expect(text).toContain('Webhooks come with the Scale plan');
      expect(text).toContain('You');
      expect(html).not.toContain('name="url"');
    }
    const linked = await signedIn(await createOrganization('growth'), 'admin', {
      vars: { DASHBOARD_UPGRADE_URL: 'https://app.example.com/plans' },
    });
    expect((await linked.get()).html).toContain('href="https://app.example.com/plans" target="_top"');
  });

  it('sees what it has configured after a move down, without buttons that would be refused', async () => {
    const organization = await createOrganization();
    const { id } = await createWebhook(organization);
    await platform.put(organization.path, { name: 'Test', plan: 'starter' });
    const person = await signedIn(organization);
    expect((await person.get()).text).toContain('Your plan no longer includes webhooks');
    expect((await person.get(id)).text).not.toContain('Send test event');
    const answer = await person.submit(`${id}/test`);
    expect(answer.text).toContain('Webhooks need the Scale plan or above.');
  });
});

describe('adding a webhook', () => {
  it('shows the secret that was made, once, as the first of the steps that are left', async () => {
    const organization = await createOrganization();
    const person = await signedIn(organization);
    const saved = await person.submit('new', {
      ...FORM,
      name: ' CRM ',
      description: ' Into the CRM ',
      maxPerSecond: '5',
      maxConcurrent: '2',
    });
    expect(saved.text).toContain('The webhook is saved');
    const [secret = ''] = /whsec_[A-Za-z0-9+/=]{44}/.exec(saved.html) ?? [];
    const [webhook] = await webhooksOf(organization);
    const { url, events } = FORM;
    const limits = { maxPerSecond: 5, maxConcurrent: 2 };
    expect(webhook).toMatchObject({ name: 'CRM', url, description: 'Into the CRM', events, ...limits, hasSecret: true });
    expect((await organization.admin.get(`${organization.path}/webhooks/${webhook.id}/secret`)).body.secret).toBe(secret);
    expect((await person.get(`${webhook.id}/setup`)).html).not.toContain(secret);
  });

  it("takes a secret of one's own, without what is pasted along with it, or none", async () => {
    const organization = await createOrganization();
    const person = await signedIn(organization);
    for (const [pasted, secret] of [
      [' whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw ', 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'],
      ['\uFEFFcorrect horse battery staple\u00A0\u200B', 'correct horse battery staple'],
    ] as const) {
      const saved = await person.submit('new', { ...FORM, secretChoice: 'own', secret: pasted });
      expect(saved.html).toContain(`>${secret}<`);
      const [webhook] = await webhooksOf(organization);
      expect((await organization.admin.get(`${organization.path}/webhooks/${webhook.id}/secret`)).body.secret).toBe(secret);
    }
    await person.post('new', { ...FORM, secretChoice: 'none' });
    expect((await webhooksOf(organization))[0]).toMatchObject({ hasSecret: false });
  });

  it.each([
    ['url', { url: 'http://10.0.0.1/in' }, 'url-error'],
    ['url', { url: '' }, 'url-error'],
    ['events', { events: [] }, 'events-error'],
    ['secret', { secretChoice: 'own', secret: '' }, 'secret-error'],
    ['secret', { secretChoice: 'own', secret: ' \u00A0 ' }, 'secret-error'],
    ['secret', { secretChoice: 'own', secret: 'WHSEC_MfKQ9r8GKYqrTwjUPD8I' }, 'secret-error'],
    ['secret', { secretChoice: 'own', secret: '"correct horse battery staple"' }, 'secret-error'],
    ['maxPerSecond', { maxPerSecond: 'many' }, 'maxPerSecond-error'],
    ['maxPerSecond', { maxPerSecond: '0' }, 'maxPerSecond-error'],
    ['maxConcurrent', { maxConcurrent: 'a few' }, 'maxConcurrent-error'],
    ['maxConcurrent', { maxConcurrent: '101' }, 'maxConcurrent-error'],
  ])('says beside the field what is wrong with %s %j, and keeps what was typed', async (_field, wrong, errorId) => {
    const organization = await createOrganization();
    const page = await (await signedIn(organization)).post('new', { ...FORM, description: 'kept as typed', ...wrong });
    expect(page.status).toBe(422);
    expect(page.html).toMatch(new RegExp(`class="error" id="${errorId}">[^<]+<`));
    expect(page.html).toContain(`value="kept as typed"`);
    expect(page.html.match(/class="error" id=/g)).toHaveLength(1);
    expect(await webhooksOf(organization)).toEqual([]);
    expect(page.text).toContain('One thing needs another look. Nothing has been saved.');
  });

  it('takes a URL as it is copied from an address bar', async () => {
    const organization = await createOrganization();
    const person = await signedIn(organization);
    await person.submit('new', { ...FORM, url: ' hooks.zapier.com/hooks/catch/1/abc ' });
    expect((await webhooksOf(organization))[0].url).toBe('https://hooks.zapier.com/hooks/catch/1/abc');
    const refused = await person.post('new', { ...FORM, url: 'http://hooks.zapier.com/x' });
    expect(refused.html).toContain('id="url-error"');
  });

  it('points out that another webhook has the same URL, on the pages of both, and saves it', async () => {
    const organization = await createOrganization();
    const person = await signedIn(organization);
    const first = await createWebhook(organization, { url: 'https://hooks.example.com', name: 'The first' });
    const alone = await person.submit('new', { ...FORM, url: 'https://hooks.example.com/other' });
    expect(alone.text).not.toContain('the same URL');
    const saved = await person.submit('new', { ...FORM, url: 'https://hooks.example.com/' });
    expect(saved.text).toContain('The webhook is saved');
    expect(saved.text).toContain('Another webhook has the same URL');
    expect(saved.text).toContain('See The first .');
    expect((await person.get(first.id)).text).toContain('Another webhook has the same URL');
    const other = await createWebhook(organization);
    const third = await person.submit(`${other.id}/edit`, {
      ...FORM,
      url: 'https://HOOKS.example.com:443/',
      secretChoice: 'keep',
    });
    expect(third.text).toContain('2 other webhooks have the same URL');
  });

  it('says of the events what a customer gets, and keeps news of the webhooks apart from visitors', async () => {
    const { text } = await (await signedIn(await createOrganization())).get('new');
    expect(text).toContain('You get who it is, their company, and what they looked at.');
    expect(text).not.toContain('organization_id , session_id');
    expect(text).toMatch(/Visitors All visitor events .* visitor\.identified .* About your webhooks .* webhook\.failing .* All events /);
    expect(text.indexOf('visitor.erased')).toBeLessThan(text.indexOf('About your webhooks'));
  });

  it('asks for name, URL, secret and events in this order, as the product’s public page does', async () => {
    const { html } = await (await signedIn(await createOrganization())).get('new');
    const places = ['name', 'url', 'secretChoice', 'events', 'description'].map((name) => html.indexOf(` name="${name}"`));
    expect(places).toEqual(places.toSorted((a, b) => a - b));
    expect(places).not.toContain(-1);
  });

  it('asks about a URL that looks unfinished, and saves it where that is said to be right', async () => {
    const organization = await createOrganization();
    const person = await signedIn(organization);
    const typed = { ...FORM, url: 'https://hooks.zapier.com/hooks/catch/{id}' };
    const asked = await person.post('new', typed);
    expect(asked.status).toBe(422);
    expect(asked.text).toContain('“{id}” looks like a placeholder.');
    expect(asked.html).toMatch(/name="keptUrl" value="https:\/\/hooks\.zapier\.com\/hooks\/catch\/\{id\}" id="keptUrl"\/?>/);
    // Another URL is asked about anew.
    const other = await person.post('new', { ...typed, url: 'https://YOUR_HOST.example.com/', keptUrl: typed.url });
    expect(other.text).toContain('“YOUR_HOST” looks like a placeholder.');
    expect(await webhooksOf(organization)).toEqual([]);
    // Refused for something else, it is not asked again.
    const again = await person.post('new', { ...typed, keptUrl: typed.url, events: [] });
    expect(again.text).not.toContain('looks like a placeholder');
    expect(again.html).toMatch(/id="keptUrl" checked/);
    expect((await person.submit('new', { ...typed, keptUrl: typed.url })).text).toContain('The webhook is saved');
    const [{ id }] = await webhooksOf(organization);
    expect((await person.submit(`${id}/edit`, { ...typed, secretChoice: 'keep', description: 'As it was' })).text).toContain('Saved.');
    const changed = await person.post(`${id}/edit`, { ...typed, secretChoice: 'keep', url: 'https://hooks.zapier.com/<token>' });
    expect([changed.status, changed.text.includes('“<token>” looks like a placeholder.')]).toEqual([422, true]);
  });

  it('leads to each field that is wrong, in the order in which they stand', async () => {
    const page = await (await signedIn(await createOrganization())).post('new', {
      url: '',
      events: [],
      secretChoice: 'none',
      maxPerSecond: 'x',
    });
    expect([...page.html.matchAll(/<li><a href="#([\w-]+)">/g)].map(([, id]) => id)).toEqual(['url', 'event-visitors', 'maxPerSecond']);
    for (const id of ['url', 'event-visitors', 'maxPerSecond']) {
      const [input = ''] = new RegExp(`<input[^>]* id="${id}"[^>]*>`).exec(page.html) ?? [];
      expect(input).toContain('autofocus');
      expect(input).toMatch(/aria-describedby="(url|events|maxPerSecond)-error/);
    }
    expect(page.html.match(/ autofocus/g)).toHaveLength(3);
  });

  it('offers every event of the catalogue, with a sample', async () => {
    const { text, html } = await (await signedIn(await createOrganization())).get('new');
    for (const said of ['All events', 'visitor.identified', 'webhook.failing', 'jane.doe@example.com']) expect(text).toContain(said);
    expect(html).toContain('value="visitor.identified" id="event-visitor.identified" checked');
  });

  it('ends with 20: the page says so, and the API refuses', async () => {
    const organization = await createOrganization();
    for (let made = 0; made < 20; made++) await createWebhook(organization);
    const person = await signedIn(organization);
    expect((await person.get()).text).toContain('All 20 webhooks are in use.');
    const refused = await person.post('new', FORM);
    expect(refused.status).toBe(409);
    expect(refused.text).toContain('Your organization has as many webhooks as it can have.');
    const form = await person.get('new');
    expect(form.text).toContain('All 20 webhooks are in use.');
    expect(form.html).not.toContain('name="url"');
  });

  it('that is refused for what is in no field keeps what was typed, and says why at the top', async () => {
    const organization = await createOrganization();
    const person = await signedIn(organization);
    const typed = { ...FORM, description: 'kept as typed', secretChoice: 'own', secret: 'a secret to keep' };
    const shown = ['value="kept as typed"', 'value="a secret to keep"', 'id="secret-own" checked', 'class="error summary"'];
    const unlucky = visitor({ vars: { DB: databaseWithout(/insert into "webhooks"/) } });
    for (const [name, value] of person.cookies) unlucky.cookies.set(name, value);
    const outage = await unlucky.post('new', typed);
    expect([outage.status, outage.headers.get('Retry-After')]).toEqual([503, '5']);
    for (const part of shown) expect(outage.html).toContain(part);
    expect(outage.text).toContain('This cannot be read or saved right now.');
    await platform.put(organization.path, { name: 'Test', plan: 'starter' });
    const lowered = await person.post('new', typed);
    expect(lowered.status).toBe(403);
    for (const part of shown) expect(lowered.html).toContain(part);
    expect(lowered.text).toContain('Webhooks need the Scale plan or above.');
  });

  it.each([
    ['generate', true],
    ['none', false],
    ['', false],
  ])('leaves a secret aside that was typed beside the choice “%s”', async (secretChoice, hasSecret) => {
    const organization = await createOrganization();
    const saved = await (await signedIn(organization)).submit('new', { ...FORM, secretChoice, secret: 'typed "beside" v1,whsec_' });
    expect(saved.text).toContain('The webhook is saved, and gets events within 5 seconds.');
    expect(saved.text.includes('Its deliveries are not signed.')).toBe(!hasSecret);
    const [webhook] = await webhooksOf(organization);
    expect(webhook).toMatchObject({ hasSecret });
    const { secret } = (await organization.admin.get(`${organization.path}/webhooks/${webhook.id}/secret`)).body;
    expect(secret).toEqual(hasSecret ? expect.stringMatching(/^whsec_/) : null);
  });

  it('says that a secret of one’s own is short, once it is saved, and nothing of one that is not', async () => {
    const person = await signedIn(await createOrganization());
    const own = { ...FORM, secretChoice: 'own' };
    expect((await person.submit('new', { ...own, secret: 'a short one' })).text).toContain('fewer than 24 characters');
    expect((await person.submit('new', { ...own, secret: 'correct horse battery staple' })).text).not.toContain('characters and could');
  });
});

describe('editing a webhook', () => {
  it('begins with what there is, and leaves the secret alone unless told', async () => {
    const organization = await createOrganization();
    const { id } = await createWebhook(organization, { secret: 'the first', description: 'Before', events: ['visitor.*'] });
    const person = await signedIn(organization);
    const form = await person.get(`${id}/settings`);
    for (const shown of ['value="https://hooks.example.com/in"', 'value="Before"', 'value="visitor.*" id="event-visitors" checked']) {
      expect(form.html).toContain(shown);
    }
    expect(form.html).not.toContain('the first');
    await person.submit(`${id}/edit`, {
      ...FORM,
      url: 'https://new.example.com',
      events: ['visitor.*'],
      secretChoice: 'keep',
      description: '',
    });
    expect((await webhooksOf(organization))[0]).toMatchObject({ url: 'https://new.example.com', description: null, events: ['visitor.*'] });
    expect((await organization.admin.get(`${organization.path}/webhooks/${id}/secret`)).body.secret).toBe('the first');
    await person.submit(`${id}/edit`, { ...FORM, secretChoice: 'none' });
    expect((await webhooksOf(organization))[0]).toMatchObject({ hasSecret: false });
  });

  it('begins with the limits there are, and an emptied one is none', async () => {
    const organization = await createOrganization();
    const { id } = await createWebhook(organization, { maxPerSecond: 20, maxConcurrent: 4 });
    const person = await signedIn(organization);
    const { html } = await person.get(`${id}/settings`);
    expect(html).toMatch(/name="maxPerSecond"[^>]* value="20"/);
    expect(html).toMatch(/name="maxConcurrent"[^>]* value="4"/);
    await person.submit(`${id}/edit`, { ...FORM, secretChoice: 'keep', maxPerSecond: '20', maxConcurrent: '' });
    expect((await webhooksOf(organization))[0]).toMatchObject({ maxPerSecond: 20, maxConcurrent: null });
  });

  it('says what is wrong beside its field', async () => {
    const organization = await createOrganization();
    const { id } = await createWebhook(organization);
    const page = await (await signedIn(organization)).post(`${id}/edit`, { ...FORM, url: 'ftp://x', secretChoice: 'keep' });
    expect(page.status).toBe(422);
    expect(page.html).toContain('value="ftp://x"');
    expect(page.html).toContain('id="url-error"');
  });

  it('is refused with what was typed where the database fails, and where a secret is missing', async () => {
    const organization = await createOrganization();
    const { id } = await createWebhook(organization, { secret: 'the first' });
    const person = await signedIn(organization);
    const unlucky = visitor({ vars: { DB: databaseWithout(/update "webhooks"/) } });
    for (const [name, value] of person.cookies) unlucky.cookies.set(name, value);
    const outage = await unlucky.post(`${id}/edit`, { ...FORM, url: 'https://typed.example.com', secretChoice: 'keep' });
    expect(outage.status).toBe(503);
    expect(outage.html).toContain('value="https://typed.example.com"');
    for (const secretChoice of ['keep', 'none']) {
      const beside = await person.submit(`${id}/edit`, { ...FORM, secretChoice, secret: 'typed beside another choice' });
      expect(beside.text).toContain('Saved. Deliveries and retries follow it within 5 seconds. The secret that you typed was not used.');
      await person.submit(`${id}/edit`, { ...FORM, secretChoice: 'own', secret: 'the first' });
    }
    expect((await person.submit(`${id}/edit`, { ...FORM, secretChoice: 'keep', secret: ' ' })).text).not.toContain('was not used');
    const made = await person.submit('new', { ...FORM, secret: 'typed beside another choice' });
    expect(made.text).toContain('The secret that you typed was not used.');
    expect((await organization.admin.get(`${organization.path}/webhooks/${id}/secret`)).body.secret).toBe('the first');
    const empty = await person.post(`${id}/edit`, { ...FORM, secretChoice: 'own', secret: '' });
    expect(empty.text).toContain('Enter your secret, or make another choice.');
  });
});

describe('editing a webhook without the scope admin', () => {
  it('shows no field of the secret, changes the rest, and leaves the secret as it is', async () => {
    const organization = await createOrganization();
    const { id } = await createWebhook(organization, { secret: 'the first' });
    const stored = async () => (await organization.admin.get(`${organization.path}/webhooks/${id}/secret`)).body.secret;
    const person = await signedIn(organization, 'write');
    expect((await person.get(`${id}/settings`)).html).not.toContain('name="secret');
    const { secretChoice: _, ...fields } = FORM;
    const saved = await person.submit(`${id}/edit`, { ...fields, description: 'changed by a writer' });
    expect(saved.text).toContain('Saved.');
    expect((await webhooksOf(organization))[0]).toMatchObject({ description: 'changed by a writer', hasSecret: true });
    for (const choice of [
      { secretChoice: 'none', secret: '' },
      { secretChoice: 'own', secret: 'chosen by somebody else' },
    ]) {
      expect((await person.post(`${id}/edit`, { ...fields, ...choice })).status).toBe(403);
    }
    expect(await stored()).toBe('the first');
    expect((await person.get('new')).html).toContain('name="secretChoice"');
    const admin = await signedIn(organization);
    expect((await admin.get(`${id}/settings`)).html).toContain('name="secretChoice"');
    await admin.submit(`${id}/edit`, { ...FORM, secretChoice: 'own', secret: 'the second' });
    expect(await stored()).toBe('the second');
  });
});

describe('deleting a webhook', () => {
  it('asks once more, and then deletes it', async () => {
    const organization = await createOrganization();
    const { id } = await createWebhook(organization);
    const person = await signedIn(organization);
    expect((await person.get(`${id}/delete`)).text).toContain('Delete “hooks.example.com”?');
    expect(await webhooksOf(organization)).toHaveLength(1);
    expect((await person.submit(`${id}/delete`)).text).toContain('is deleted');
    expect(await webhooksOf(organization)).toEqual([]);
  });
});

describe("every page and button of another organization's webhook", () => {
  const setup = ['/setup', '/setup/test', '/setup/done'];
  const asking = ['/pause', '/delete', '/secret/rotate', '/secret/end-overlap'];
  const reading = ['', '/edit', '/recover', '/skipped', '/verify', '/settings', '/deliveries', '/deliveries/dlv_1'];
  const gets = [...reading, '/test-event', ...setup, ...asking];
  const posts = ['/edit', '/delete', '/test', '/test-event', '/pause', '/resume', '/setup/test', '/deliveries/dlv_1/retry'];
  const secrets = ['/secret/reveal', '/headers/reveal', '/secret/rotate', '/secret/end-overlap'];

  it('is not found', async () => {
    const [own, other] = [await createOrganization(), await createOrganization()];
    const { id } = await createWebhook(other, { secret: 'theirs' });
    const person = await signedIn(own);
    for (const part of gets) expect([part, (await person.get(`${id}${part}`)).status]).toEqual([part, 404]);
    for (const part of [...posts, ...secrets]) expect([part, (await person.post(`${id}${part}`, FORM)).status]).toEqual([part, 404]);
    expect(await webhooksOf(other)).toMatchObject([{ id, url: FORM.url, enabled: true }]);
  });

  it('and for a session that reads only, what would change something is refused and not offered', async () => {
    const organization = await createOrganization();
    const { id } = await createWebhook(organization, { secret: 'ours' });
    const person = await signedIn(organization, 'read');
    for (const part of ['', '/settings', '/deliveries', '/verify']) {
      const page = await person.get(`${id}${part}`);
      expect([part, page.status]).toEqual([part, 200]);
      expect(page.html.match(/<form method="post" action="([^"]*)"/g)).toEqual([`<form method="post" action="${PAGES}/sign-out"`]);
    }
    for (const part of [...posts, ...secrets]) expect([part, (await person.post(`${id}${part}`, FORM)).status]).toEqual([part, 403]);
    for (const part of ['/test-event', ...setup, ...asking]) expect([part, (await person.get(`${id}${part}`)).status]).toEqual([part, 403]);
    expect((await person.get('new')).status).toBe(403);
    expect((await person.post('new', FORM)).status).toBe(403);
  });

  it('and a session with the scope write does not reveal or rotate secrets', async () => {
    const organization = await createOrganization();
    const { id } = await createWebhook(organization, { secret: 'ours' });
    const person = await signedIn(organization, 'write');
    for (const part of secrets) expect([part, (await person.post(`${id}${part}`)).status]).toEqual([part, 403]);
    for (const part of ['/secret/rotate', '/secret/end-overlap']) expect((await person.get(`${id}${part}`)).status).toBe(403);
    expect((await person.get(`${id}/settings`)).text).not.toMatch(/Reveal the secret|Rotate the secret/);
  });
});

describe('a page', () => {
  it('that is not there is a page, too', async () => {
    const page = await (await signedIn(await createOrganization())).get('whk_1/nothing/here');
    expect(page.status).toBe(404);
    expect(page.text).toContain('Page not found');
  });

  it('is found with a slash at its end as well', async () => {
    const person = await signedIn(await createOrganization());
    const answer = await person.get(`${PAGES}/new/`);
    expect([answer.status, new URL(answer.location ?? '', 'http://localhost').pathname]).toEqual([301, `${PAGES}/new`]);
    expect((await person.get(`${PAGES}/`)).status).toBe(301);
  });

  it('has a policy that admits nothing inline, and goes into no cache and no frame', async () => {
    const { headers, html } = await (await signedIn(await createOrganization())).get();
    const policy = headers.get('Content-Security-Policy') ?? '';
    for (const part of ["default-src 'none'", "script-src 'self'", "style-src 'self'", "form-action 'self'", "frame-ancestors 'none'"]) {
      expect(policy).toContain(part);
    }
    expect(policy).not.toContain('unsafe');
    expect(headers.get('Cache-Control')).toBe('no-store');
    expect(html).not.toMatch(/<script[^>]*>[^<]|style=|<style|\son\w+=/);
  });

  it("is themed by the operator, and framed by the operator's origins", async () => {
    const vars = {
      DASHBOARD_NAME: 'Acme & Co',
      DASHBOARD_LOGO_URL: 'https://cdn.acme.example/logo.svg',
      DASHBOARD_ACCENT: '#ffe100',
      DASHBOARD_FRAME_ANCESTORS: 'https://app.acme.example',
    };
    const person = visitor({ vars });
    const { headers, html } = await person.get('sign-in');
    expect(html).toContain('<img src="https://cdn.acme.example/logo.svg" alt="Acme &amp; Co"');
    expect(headers.get('Content-Security-Policy')).toContain("img-src 'self' https://cdn.acme.example;");
    expect(headers.get('Content-Security-Policy')).toContain('frame-ancestors https://app.acme.example');
    const theme = await person.get('theme.css');
    expect(theme.headers.get('Content-Type')).toContain('text/css');
    // Black reads on yellow; yellow does not read on white.
    expect(theme.html).toContain('--accent: #ffe100; --accent-ink: #000000;');
    expect(theme.html).not.toContain('--accent-text: #ffe100; }\n@media');
  });

  it('opens other sites outside of the frame that it may stand in', async () => {
    const organization = await createOrganization();
    const { id } = await createWebhook(organization);
    const { html } = await (await signedIn(organization)).get(`${id}/verify`);
    const outgoing = html.match(/<a [^>]*href="https?:[^>]*>/g) ?? [];
    expect(outgoing.length).toBeGreaterThan(0);
    for (const link of outgoing) expect(link).toMatch(/target="_(blank|top)"/);
  });

  it('shows what comes from outside as text, whatever it says', async () => {
    const organization = await createOrganization();
    const hostile = '"><script>alert(1)</script>';
    await createWebhook(organization, {
      url: `https://hooks.example.com/?${encodeURIComponent("'")}<b>`,
      name: hostile,
      description: hostile,
    });
    const person = await signedIn(organization);
    const { html } = await person.get();
    expect(html).not.toContain('<script>alert');
    expect(html).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
    expect((await person.post('new', { ...FORM, url: hostile, description: hostile })).html).not.toContain('<script>alert');
  });

  it('keeps within the rate limit of a key, counted apart from it', async () => {
    const organization = await createOrganization();
    const person = await signedIn(organization);
    const exhausted = { getByName: () => ({ take: () => ({ allowed: false, limit: 1_000, remaining: 0, resetAt: Date.now() + 30_000 }) }) };
    const limited = visitor({ vars: { RATE_LIMITER: exhausted as unknown as Env['RATE_LIMITER'] } });
    for (const [name, value] of person.cookies) limited.cookies.set(name, value);
    const page = await limited.get();
    expect(page.status).toBe(429);
    expect(Number(page.headers.get('Retry-After'))).toBeGreaterThan(0);
    expect(page.text).toContain('Please slow down a little');
  });

  it('says that the database is not available, where it is not', async () => {
    const organization = await createOrganization();
    const person = await signedIn(organization);
    const down = new Proxy({} as D1Database, {
      get: () => () => {
        throw new Error('D1_ERROR: unreachable');
      },
    });
    const unlucky = visitor({ vars: { DB: down } });
    for (const [name, value] of person.cookies) unlucky.cookies.set(name, value);
    const page = await unlucky.get();
    expect(page.status).toBe(503);
    expect(page.text).toContain('Not available right now');
  });
});
