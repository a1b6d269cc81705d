import { env } from 'cloudflare:workers';
import { asc, eq } from 'drizzle-orm';
import { describe, expect, it } from 'vitest';
import { databaseOf } from '../../src/db/client.ts';
import { auditLog } from '../../src/db/schema.ts';
import { createOrganization, createWebhook, type TestOrganization } from '../support/api.ts';
import { fieldsIn, heldIn, PAGES, signedIn, visitor } from '../support/dashboard.ts';
import { aMailbox, linkIn } from '../support/mails.ts';

const mailbox = aMailbox();
const ADA = 'ada@example.com';

const emailsOf = async ({ admin, path }: TestOrganization) => (await admin.get(`${path}/alerts`)).body.emails;
const pathOf = (link: string) => new URL(link).pathname;
/** Where the last mail to Ada leads. */
const linkTo = (name: string) => pathOf(linkIn(mailbox.sentTo(ADA).at(-1)!, name));
/** A request of a mail program: it says nothing of where it comes from, and has no cookies. */
const oneClick = (path: string) => visitor().post(path, { 'List-Unsubscribe': 'One-Click' }, { Origin: '', 'Sec-Fetch-Site': '' });

async function confirmed(): Promise<TestOrganization> {
  const organization = await createOrganization();
  await organization.admin.put(`${organization.path}/alerts`, { emails: [ADA] });
  await visitor().post(linkTo('Confirm the address'));
  await organization.admin.post(`${organization.path}/alerts/trial`);
  return organization;
}

describe('the page Alerts', () => {
  it('is reached from the list, by admins alone', async () => {
    const organization = await createOrganization();
    const admin = await signedIn(organization);
    expect((await admin.get()).html).toContain(`href="${PAGES}/alerts"`);
    expect((await admin.get('alerts')).status).toBe(200);
    const writer = await signedIn(organization, 'write');
    expect((await writer.get()).html).not.toContain(`${PAGES}/alerts`);
    const refused = await writer.get('alerts');
    expect([refused.status, refused.text]).toMatchObject([
      403,
      expect.stringContaining('Only a session with the scope admin can open this page.'),
    ]);
    for (const path of ['alerts', 'alerts/trial']) expect((await writer.post(path, { emails: ADA })).status).toBe(403);
    expect((await visitor().get('alerts')).location).toContain('/sign-in?next=');
  });

  it('takes one address a line and the events, and shows who has confirmed', async () => {
    const organization = await createOrganization();
    const admin = await signedIn(organization);
    const first = await admin.get('alerts');
    expect(first.text).toContain('Nobody is told by e-mail yet.');
    expect(fieldsIn(first.html).filter(([name]) => name === 'events')).toHaveLength(4);
    const saved = await admin.submit('alerts', { emails: `${ADA}\r\n grace@example.com \r\n`, events: ['webhook.failing'] });
    expect(saved.text).toContain('Saved. 2 addresses still have to confirm');
    expect(saved.text).toMatch(/ada@example\.com Not confirmed yet grace@example\.com Not confirmed yet/);
    expect(saved.html).not.toContain('Send a trial');
    await visitor().post(linkTo('Confirm the address'));
    const after = await admin.get('alerts');
    expect(after.text).toMatch(/ada@example\.com Confirmed grace@example\.com Not confirmed yet/);
    expect(fieldsIn(after.html)).toEqual([
      ['emails', `${ADA}\ngrace@example.com`],
      ['events', 'webhook.failing'],
    ]);
    const [entry] = (await entriesOf(organization)).filter(({ action }) => action === 'alerts.updated');
    expect(entry).toMatchObject({ action: 'alerts.updated', changes: { emails: { to: [ADA, 'grace@example.com'] } } });
  });

  it('shows the form again where it is refused, with what was typed and what is wrong', async () => {
    const admin = await signedIn(await createOrganization());
    const refused = await admin.post('alerts', { emails: `${ADA}\r\n<b>nobody</b>`, events: ['webhook.failing'] });
    expect(refused.status).toBe(422);
    expect(refused.text).toContain('<b>nobody</b> is not an e-mail address.');
    expect(refused.html).not.toContain('<b>nobody');
    expect(fieldsIn(refused.html)).toContainEqual(['events', 'webhook.failing']);
    expect((await admin.post('alerts', { emails: `${ADA} ADA@example.com` })).text).toContain('ADA@example.com is there twice.');
    const many = Array.from({ length: 11 }, (_, index) => `a${index}@example.com`).join('\r\n');
    expect((await admin.post('alerts', { emails: many })).text).toContain('Enter at most 10 addresses.');
  });

  it('keeps the form of somebody whose session has ended, but for the addresses: those that are saved stand in it', async () => {
    const person = visitor();
    const form = { emails: 'grace@example.com', events: 'webhook.failing' };
    const posted = await person.post('alerts', form);
    expect([posted.status, posted.location]).toEqual([307, `${PAGES}/sign-in?next=${encodeURIComponent(`${PAGES}/alerts`)}`]);
    const asked = await person.post(posted.location!, form);
    expect(asked.text).toContain('We kept what you entered, except secrets and personal data: sign in to continue with it.');
    expect(asked.html).not.toContain('grace');
    const organization = await createOrganization();
    await organization.admin.put(`${organization.path}/alerts`, { emails: [ADA] });
    const admin = await signedIn(organization);
    const restored = await admin.post('alerts', { held: heldIn(asked.html) });
    expect(restored.text).toContain('Here is your form again.');
    expect(restored.text).toContain('Secrets and personal data were not kept: enter them again.');
    expect(fieldsIn(restored.html)).toEqual([
      ['emails', ADA],
      ['events', 'webhook.failing'],
    ]);
  });

  it('sends a trial to those who have confirmed', async () => {
    const organization = await confirmed();
    mailbox.sent.length = 0;
    const admin = await signedIn(organization);
    expect((await admin.get('alerts')).text).toContain('Send a trial');
    expect((await admin.submit('alerts/trial')).text).toContain('A trial alert is on its way to 1 address.');
    expect(mailbox.sent.map(({ to, subject }) => [to, subject])).toEqual([[ADA, 'Bullseye: a trial of your alerts']]);
    for (let trial = 0; trial < 3; trial++) await admin.submit('alerts/trial');
    expect((await admin.submit('alerts/trial')).text).toContain('Too many requests in a short time. Try again in');
  });

  it('lists the webhooks that are told of the others, and offers one more', async () => {
    const organization = await createOrganization();
    await createWebhook(organization, {
      url: 'https://hooks.slack.com/services/x',
      name: 'Ops chat',
      events: ['webhook.*'],
      format: 'slack',
    });
    await createWebhook(organization, { url: 'https://ops.example.com/in', events: ['webhook.disabled'] });
    await createWebhook(organization, { url: 'https://crm.example.com/in', name: 'CRM' });
    const admin = await signedIn(organization);
    const { text, html } = await admin.get('alerts');
    expect(text).toContain('Ops chat all of them, as a Slack message');
    expect(text).toContain('webhook.disabled, as JSON');
    expect(text).not.toContain('CRM');
    expect(html).toContain(`${PAGES}/new?for=notices`);
    const form = fieldsIn((await admin.get('new?for=notices')).html);
    expect(form.filter(([name]) => name === 'events')).toEqual([['events', 'webhook.*']]);
  });

  it('says so where the deployment sends no e-mail, and shows the way by webhook', async () => {
    const admin = await signedIn(await createOrganization(), 'admin', { vars: { ALERTS_FROM: '' } });
    const { text, html } = await admin.get('alerts');
    expect(text).toContain('This service is not set up to send e-mail.');
    expect(text).toContain('Add a webhook for alerts');
    expect(html).not.toContain('<textarea');
    expect((await admin.submit('alerts/trial')).text).toContain('This service is not set up to send e-mail.');
  });
});

describe('the link to confirm', () => {
  it('does nothing when it is opened: its button confirms, once and for all', async () => {
    const organization = await createOrganization();
    await organization.admin.put(`${organization.path}/alerts`, { emails: [ADA] });
    const link = linkTo('Confirm the address');
    const opened = await visitor().get(link);
    expect(opened.text).toContain('Test organization wants to tell ada@example.com');
    expect(await emailsOf(organization)).toEqual([{ address: ADA, confirmed: false }]);
    // A form of another site is refused.
    expect((await visitor().post(link, {}, { Origin: 'https://evil.example', 'Sec-Fetch-Site': 'cross-site' })).status).toBe(403);
    expect(await emailsOf(organization)).toEqual([{ address: ADA, confirmed: false }]);
    expect((await visitor().post(link)).text).toContain('This address is confirmed');
    expect(await emailsOf(organization)).toEqual([{ address: ADA, confirmed: true }]);
    expect((await visitor().get(link)).text).toContain('This address is confirmed');
    expect((await visitor().post(link)).status).toBe(200);
    const entries = (await entriesOf(organization)).filter(({ actorName }) => actorName === ADA);
    expect(entries).toMatchObject([
      { action: 'alerts.updated', actorType: 'service', changes: { [`emails.${ADA}`]: { from: 'not confirmed', to: 'confirmed' } } },
    ]);
  });

  it('is told of in the audit log as used by its reader, as the link that ends the mails is', async () => {
    const organization = await confirmed();
    await visitor().post(linkTo('End these mails'));
    const { text } = await (await signedIn(organization)).get('audit-log');
    for (const said of ['ada@example.com (by e-mail) confirmed the address', 'ada@example.com (by e-mail) ended the mails to it'])
      expect(text).toContain(said);
    expect(text).not.toContain('The service');
  });

  it('works no more when the address was taken out', async () => {
    const organization = await createOrganization();
    await organization.admin.put(`${organization.path}/alerts`, { emails: [ADA] });
    const link = linkTo('Confirm the address');
    await organization.admin.put(`${organization.path}/alerts`, { emails: [] });
    for (const page of [await visitor().get(link), await visitor().post(link)]) {
      expect([page.status, page.text]).toMatchObject([410, expect.stringContaining('This link no longer works')]);
    }
    expect((await visitor().get('alerts/confirm/x')).status).toBe(410);
  });
});

describe('the link that ends the mails', () => {
  it('does nothing when it is opened: its button ends them', async () => {
    const organization = await confirmed();
    const link = linkTo('End these mails');
    expect((await visitor().get(link)).text).toContain('ada@example.com gets the alerts of Test organization');
    expect(await emailsOf(organization)).toEqual([{ address: ADA, confirmed: true }]);
    expect((await visitor().post(link)).text).toContain('You get no more of these mails');
    expect(await emailsOf(organization)).toEqual([]);
    const entry = (await entriesOf(organization)).at(-1);
    expect(entry).toMatchObject({ actorType: 'service', actorName: ADA, changes: { [`emails.${ADA}`]: { from: 'confirmed', to: null } } });
  });

  it('is taken with one click by mail programs, which are nobody, as often as they like', async () => {
    const organization = await confirmed();
    const { headers } = mailbox.sentTo(ADA).at(-1)!;
    const link = pathOf(headers['List-Unsubscribe']!.slice(1, -1));
    expect((await oneClick(link)).status).toBe(200);
    expect(await emailsOf(organization)).toEqual([]);
    expect((await oneClick(link)).status).toBe(200);
    expect((await visitor().get(link)).text).toContain('You get no more of these mails');
    expect((await entriesOf(organization)).filter(({ changes }) => changes[`emails.${ADA}`]?.to === null)).toHaveLength(1);
  });

  it('ends them for its own organization alone', async () => {
    const [first, second] = [await confirmed(), await confirmed()];
    await oneClick(linkTo('End these mails'));
    expect(await emailsOf(first)).toHaveLength(1);
    expect(await emailsOf(second)).toEqual([]);
  });

  it('lets the address be asked anew', async () => {
    const organization = await confirmed();
    await oneClick(linkTo('End these mails'));
    await organization.admin.put(`${organization.path}/alerts`, { emails: [ADA] });
    expect(await emailsOf(organization)).toEqual([{ address: ADA, confirmed: false }]);
  });
});

function entriesOf({ id }: TestOrganization) {
  return databaseOf(env.DB).select().from(auditLog).where(eq(auditLog.organizationId, id)).orderBy(asc(auditLog.id));
}
