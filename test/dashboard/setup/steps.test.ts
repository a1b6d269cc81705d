import { describe, expect, it } from 'vitest';
import { createOrganization, createWebhook, platform } from '../../support/api.ts';
import { PAGES, signedIn } from '../../support/dashboard.ts';
import { endpointInbox } from '../../support/deliveries.ts';

describe('the steps after saving', () => {
  it('show the secret once, and the answer to a test on the page that sent it', async () => {
    const organization = await createOrganization();
    const endpoint = endpointInbox();
    await endpoint.script([{ status: 201, body: '<b>made</b>' }]);
    const person = await signedIn(organization);
    const form = { url: endpoint.url, events: 'visitor.identified', secretChoice: 'generate' };
    const answer = await person.post('new', form);
    const [, id = ''] = /\/(whk_\w+)\/setup$/.exec(answer.location ?? '') ?? [];
    // Whoever brings a page up to date leaves it for who reads it.
    expect((await person.get(`${id}/setup`, { 'X-Live': '1' })).html).not.toContain('whsec_');
    const first = await person.get(`${id}/setup`);
    expect(first.html.match(/>whsec_/g)).toHaveLength(1);
    expect(first.html).toContain(`href="${PAGES}/${id}/setup/test"`);
    const again = await person.get(`${id}/setup`);
    expect(again.html).not.toContain('whsec_');
    expect(again.text).toContain('An admin can see it again in Settings');
    const sent = await person.post(`${id}/setup/test`);
    expect(sent.status).toBe(200);
    for (const said of ['The test event arrived: 201 after', '<b>made</b>', 'It works']) expect(sent.text).toContain(said);
    expect(sent.html).not.toContain('<b>made');
    expect(sent.html).toContain(`href="${PAGES}/${id}/setup/done"`);
    expect((await endpoint.arrived(1))[0]!.headers['x-bullseye-test']).toBe('true');
    expect((await person.get(`${id}/setup/done`)).text).toContain('we try again after');
  });

  it('say what is so of a webhook without a secret, and of one that the plan does not allow any more', async () => {
    const organization = await createOrganization();
    const { id } = await createWebhook(organization);
    const person = await signedIn(organization);
    expect((await person.get(`${id}/setup`)).text).toContain('There is no secret to copy');
    await platform.put(organization.path, { name: 'Test', plan: 'starter' });
    expect((await person.get(`${id}/setup/test`)).text).not.toContain('Send test event');
    const refused = await person.post(`${id}/setup/test`);
    expect([refused.status, refused.text.includes('Webhooks need the Scale plan or above.')]).toEqual([403, true]);
  });

  it('point out that another webhook has the URL, and that a product takes another format', async () => {
    const organization = await createOrganization();
    const url = 'https://hooks.slack.com/services/T1/B2/c3';
    await createWebhook(organization, { url, name: 'The first' });
    const { id } = await createWebhook(organization, { url });
    const person = await signedIn(organization);
    const { text } = await person.get(`${id}/setup`);
    expect(text).toContain('Another webhook has the same URL');
    expect(text).toContain('Slack needs each event as a Slack message, but this webhook sends it as it is.');
    await organization.admin.patch(`${organization.path}/webhooks/${id}`, { format: 'slack' });
    expect((await person.get(`${id}/setup`)).text).not.toContain('Slack understands');
  });

  it('say that a test is sent too often, and when it can be again', async () => {
    const organization = await createOrganization();
    const { id } = await createWebhook(organization, { url: endpointInbox().url });
    const person = await signedIn(organization);
    let page = await person.post(`${id}/setup/test`);
    for (let sent = 1; sent <= 60 && page.status === 200; sent++) page = await person.post(`${id}/setup/test`);
    expect(page.status).toBe(429);
    expect(Number(page.headers.get('Retry-After'))).toBeGreaterThan(0);
    expect(page.html).toContain('role="alert"');
  });
});
