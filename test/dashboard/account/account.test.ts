import { beforeEach, describe, expect, it } from 'vitest';
import { call, createOrganization, createWebhook, env, expectStatus, type TestOrganization } from '../../support/api.ts';
import { auditLogOf } from '../../support/audit.ts';
import { fieldsIn, heldIn, makeLink, PAGES, signedIn, type Visitor, visitor } from '../../support/dashboard.ts';

let own: TestOrganization;
let webhookId: string;
beforeEach(async () => {
  own = await createOrganization();
  webhookId = (await createWebhook(own, { name: 'CRM', secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw' })).id;
});

/** Somebody with a name who is signed in. */
async function named(subject: string, scope = 'admin'): Promise<Visitor> {
  const person = visitor();
  expect((await person.post(await makeLink(own.id, scope, subject))).status).toBe(303);
  return person;
}

/** The organization's sessions began so long ago. */
const began = (minutesAgo: number) =>
  env.DB.prepare('UPDATE dashboard_sessions SET created_at = ? WHERE organization_id = ?')
    .bind(Date.now() - minutesAgo * 60_000, own.id)
    .run();

const sessions = async () => (await expectStatus(own.admin.get(`${own.path}/sessions`), 200)).body.sessions;

describe('the page of the audit log', () => {
  it('says in sentences who did what, and in a fold what changed', async () => {
    const ada = await named('Ada');
    await own.admin.patch(`${own.path}/webhooks/${webhookId}`, { url: 'https://hooks.example.com/new', headers: { 'X-Key': 'hush-hush' } });
    await ada.post(`${webhookId}/pause`);
    const { text, html, status } = await ada.get('audit-log');
    expect(text).toContain('Kept for 400 days, at most 50,000 entries.');
    expect(status).toBe(200);
    expect(text).toContain('Ada (dashboard) paused CRM');
    expect(text).toContain('admin (API key) changed the URL and header X-Key of CRM');
    expect(text).toContain('https://hooks.example.com/in → https://hooks.example.com/new');
    expect(text).toContain('header X-Key nothing → •••');
    expect(html).not.toContain('hush-hush');
    expect(html).toMatch(/<time datetime="2\d{3}-[^"]*" [^>]*data-local=""/);
  });

  it('is filtered by what was done, goes on page by page, and leads to a download of the same', async () => {
    for (let at = 0; at < 26; at++) await own.admin.patch(`${own.path}/webhooks/${webhookId}`, { description: `number ${at}` });
    const ada = await named('Ada');
    const first = await ada.get('audit-log?action=webhook.updated');
    expect(first.html.match(/<tr id="aud_/g)).toHaveLength(25);
    expect(first.text).not.toContain('(dashboard) signed in');
    const older = /href="([^"]*cursor=[^"]*)"/.exec(first.html)?.[1]?.replaceAll('&amp;', '&');
    const second = await ada.get(older);
    expect(second.html.match(/<tr id="aud_/g)).toHaveLength(1);
    expect(second.text).toContain('Newest');
    const download = /href="([^"]*audit-log\/export[^"]*)"/.exec(first.html)?.[1]?.replaceAll('&amp;', '&');
    const file = await ada.get(download);
    expect(file.headers.get('Content-Disposition')).toBe('attachment; filename="audit-log.ndjson"');
    expect(
      file.html
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line).action),
    ).toEqual(Array.from({ length: 26 }, () => 'webhook.updated'));
  });

  it('takes an action that is none for all of them, and refuses a cursor that is none', async () => {
    const ada = await named('Ada');
    expect((await ada.get('audit-log?action=nothing')).text).toContain('Ada (dashboard) signed in');
    expect((await ada.get('audit-log?cursor=nothing')).status).toBe(422);
    expect((await ada.get('audit-log?action=person.erased')).text).toContain('There is no entry of this kind.');
  });

  it('and that of the sessions are for admins alone, who find them below the list', async () => {
    const writer = await named('Grace', 'write');
    for (const path of ['audit-log', 'audit-log/export', 'sessions']) expect((await writer.get(path)).status).toBe(403);
    for (const path of ['sessions/end-others', 'sessions/x/end']) expect((await writer.post(path)).status).toBe(403);
    expect((await writer.get()).text).not.toContain('Audit log');
    const { html } = await (await named('Ada')).get();
    for (const path of ['audit-log', 'sessions']) expect(html).toContain(`href="${PAGES}/${path}"`);
    expect((await visitor().get('audit-log')).location).toContain('sign-in?next=');
  });

  it('shows what people have written as text, never as markup', async () => {
    const mallory = await named('<script>alert(1)</script>');
    const { html, text } = await mallory.get('audit-log');
    expect(html).not.toContain('<script>alert');
    expect(text).toContain('<script>alert(1)</script> (dashboard) signed in');
  });
});

describe('the page of who is signed in', () => {
  it('names everybody, marks oneself, and signs one of them out', async () => {
    const [ada, grace] = [await named('Ada'), await named('Grace', 'read')];
    const { text } = await ada.get('sessions');
    expect(text).toMatch(/Ada You By a link of the platform; scope admin/);
    expect(text).toMatch(/Grace By a link of the platform; scope read/);
    const { id } = (await sessions()).find(({ subject }: { subject: string }) => subject === 'Grace');
    expect((await ada.submit(`sessions/${id}/end`)).text).toContain('That person is signed out.');
    expect((await grace.get()).location).toContain('sign-in');
    expect((await ada.submit(`sessions/${id}/end`)).text).toContain('That session has ended already.');
    expect((await auditLogOf(own)).at(-1)).toMatchObject({
      action: 'session.ended',
      actor: { name: 'Ada' },
      changes: { subject: { from: 'Grace' } },
    });
  });

  it('signs everybody else out, and leaves oneself signed in', async () => {
    const [ada, grace] = [await named('Ada'), await named('Grace')];
    expect((await ada.submit('sessions/end-others')).text).toContain('1 session has ended. Yours goes on.');
    expect((await grace.get()).location).toContain('sign-in');
    const { text } = await ada.get('sessions');
    expect(text).not.toContain('Grace');
    expect(text).not.toContain('Sign everybody else out');
    expect((await ada.submit('sessions/end-others')).text).toContain('Nobody else was signed in.');
  });

  it('refuses a form of another site', async () => {
    const ada = await named('Ada');
    await named('Grace');
    expect((await ada.post('sessions/end-others', {}, { Origin: 'https://evil.example.com', 'Sec-Fetch-Site': 'cross-site' })).status).toBe(
      403,
    );
    expect(await sessions()).toHaveLength(2);
  });
});

describe('a session that began more than 15 minutes ago', () => {
  const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';

  it('is asked to sign in again before a secret is shown, and led back to it', async () => {
    const ada = await named('Ada');
    await began(16);
    const refused = await ada.post(`${webhookId}/secret/reveal`);
    expect(refused.status).toBe(303);
    const signIn = await ada.get(refused.location ?? '');
    expect(signIn.text).toContain(
      'You can see and change secrets and headers for 15 minutes after you sign in. Sign in again to continue.',
    );
    expect(signIn.text).toContain(
      'Did you come here from Bullseye? Open Webhooks there again, in another tab: that signs you in. Then continue here:',
    );
    expect(signIn.html).toContain(`href="${PAGES}/${webhookId}/settings"`);
    expect(await auditLogOf(own, '&action=secret.revealed')).toEqual([]);

    const wrong = await ada.post('sign-in', { key: 'nonsense', next: `${PAGES}/${webhookId}/settings`, why: 'fresh' });
    expect(wrong.text).toContain('Sign in again to continue.');
    const back = await ada.post('sign-in', { key: own.key, next: `${PAGES}/${webhookId}/settings`, why: 'fresh' });
    expect(back.location).toBe(`${PAGES}/${webhookId}/settings`);
    expect((await ada.submit(`${webhookId}/secret/reveal`)).html).toContain(secret);
    expect(await auditLogOf(own, '&action=secret.revealed')).toHaveLength(1);
  });

  it('is asked the same before the values of headers', async () => {
    await own.admin.patch(`${own.path}/webhooks/${webhookId}`, { headers: { 'X-Key': 'hush-hush' } });
    const ada = await named('Ada');
    await began(16);
    const refused = await ada.post(`${webhookId}/headers/reveal`);
    expect([refused.status, refused.location]).toEqual([303, expect.stringContaining('why=fresh')]);
    expect(refused.html).not.toContain('hush-hush');
  });

  it('keeps the form of a rotation, which stands again after signing in, by a key or by a link in another tab', async () => {
    const ada = await named('Ada');
    await began(16);
    const form = { secret: 'a secret that somebody has typed', overlapSeconds: '3600' };
    const refused = await ada.post(`${webhookId}/secret/rotate`, form);
    expect(refused.status).toBe(307);
    // A browser posts the form on to where a 307 leads.
    const signIn = await ada.post(refused.location ?? '', form);
    expect(signIn.text).toContain('We kept what you entered, except secrets and personal data.');
    expect(signIn.html).not.toContain('somebody has typed');
    const held = /name="held" value="([^"]*)"/.exec(signIn.html)?.[1]?.replaceAll('&amp;', '&') ?? '';
    expect((await ada.post('sign-in', { key: own.key, next: `${PAGES}/${webhookId}/secret/rotate`, held })).status).toBe(307);

    await ada.post(await makeLink(own.id, 'admin', 'Ada'));
    const again = await ada.post(`${webhookId}/secret/rotate`, { held });
    expect(again.text).toContain('Here is your form again.');
    expect(again.html).toMatch(/<option value="3600" selected/);
    expect(await auditLogOf(own, '&action=secret.rotated')).toEqual([]);
    expect((await ada.submit(`${webhookId}/secret/rotate`, form)).text).toContain('This is the new secret.');
  });

  it.each([
    ['a new secret', { secretChoice: 'own', secret: 'hush, a secret of her own' }],
    ['no secret', { secretChoice: 'none' }],
    ['a new header', { auth: 'own', headerName: 'X-Key', headerValue: 'hush-hush' }],
    ['a new token', { auth: 'bearer', token: 'hush-hush' }],
  ])('is asked the same before it saves %s, and has its form again', async (_, changed) => {
    const ada = await named('Ada');
    const form = [
      ...new Map([...fieldsIn((await ada.get(`${webhookId}/settings`)).html), ...Object.entries({ ...changed, description: 'Other' })]),
    ];
    await began(16);
    const refused = await ada.post(`${webhookId}/edit`, form);
    expect([refused.status, refused.location]).toEqual([307, expect.stringContaining('why=fresh')]);
    const signIn = await ada.post(refused.location ?? '', form);
    expect(signIn.text).toContain('We kept what you entered, except secrets and personal data.');
    expect(decodeURIComponent(signIn.html)).not.toContain('hush');
    expect(await auditLogOf(own, '&action=webhook.updated')).toEqual([]);

    await ada.post(await makeLink(own.id, 'admin', 'Ada'));
    const again = await ada.post(`${webhookId}/edit`, { held: heldIn(signIn.html) });
    expect(again.text).toContain('Here is your form again.');
    expect(fieldsIn(again.html)).toContainEqual(['description', 'Other']);
    expect(again.html).not.toContain('hush');
    expect((await ada.submit(`${webhookId}/edit`, form)).text).toContain('Saved.');
    expect(await auditLogOf(own, '&action=webhook.updated')).toHaveLength(1);
  });

  it('is asked the same before it ends the overlaps of rotations', async () => {
    const ada = await named('Ada');
    await ada.submit(`${webhookId}/secret/rotate`, { secret: '', overlapSeconds: '3600' });
    await began(16);
    const refused = await ada.post(`${webhookId}/secret/end-overlap`);
    expect(refused).toMatchObject({
      status: 303,
      location: `${PAGES}/sign-in?${new URLSearchParams({ next: `${PAGES}/${webhookId}/settings`, why: 'fresh' })}`,
    });
    expect(await auditLogOf(own, '&action=secret.rotated')).toHaveLength(1);
    await ada.post(await makeLink(own.id, 'admin', 'Ada'));
    expect((await ada.submit(`${webhookId}/secret/end-overlap`)).text).toContain('stops working everywhere');
  });

  it('does all else as before', async () => {
    const ada = await named('Ada');
    await began(16);
    const form = [...new Map([...fieldsIn((await ada.get(`${webhookId}/settings`)).html), ['maxPerSecond', '5'] as const])];
    expect((await ada.submit(`${webhookId}/edit`, form)).text).toContain('Saved.');
    for (const path of ['', 'audit-log', 'sessions', `${webhookId}/settings`]) expect((await ada.get(path)).status).toBe(200);
    expect((await ada.submit(`${webhookId}/pause`)).text).toContain('The webhook is paused.');
  });

  it('may see secrets up to the 15 minutes', async () => {
    const ada = await signedIn(own);
    await began(14);
    expect((await ada.submit(`${webhookId}/secret/reveal`)).html).toContain(secret);
  });

  it('makes no difference to an API key', async () => {
    await named('Ada');
    await began(16);
    expect(await call('GET', `/api/v1${own.path}/webhooks/${webhookId}/secret`, { key: own.key })).toMatchObject({
      status: 200,
      body: { secret },
    });
    expect((await own.admin.patch(`${own.path}/webhooks/${webhookId}`, { secret: null, headers: { 'X-Key': 'hush-hush' } })).status).toBe(
      200,
    );
    expect((await own.admin.delete(`${own.path}/webhooks/${webhookId}/secret/previous`)).status).toBe(204);
  });
});

it('a link says whose deeds are noted, before it is used', async () => {
  expect((await visitor().get(await makeLink(own.id, 'admin', 'Ada'))).text).toContain(
    'The audit log shows what you do there under the name Ada .',
  );
  expect((await visitor().get(await makeLink(own.id))).text).not.toContain('under the name');
});

it('a rotation to the secret that a webhook has says so, without having looked at it for anybody', async () => {
  const ada = await named('Ada');
  const before = await auditLogOf(own);
  const shown = await ada.submit(`${webhookId}/secret/rotate`, { secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', overlapSeconds: '0' });
  expect(shown.text).toContain('nothing has changed');
  expect(await auditLogOf(own)).toEqual(before);
});
