import { env } from 'cloudflare:workers';
import { describe, expect, it, vi } from 'vitest';
import { databaseOf } from '../../../src/db/client.ts';
import { dashboardLinks, dashboardSessions } from '../../../src/db/schema.ts';
import { client, createKey, createOrganization, createWebhook, DEPLOYED, expectStatus, PLATFORM_KEY, platform } from '../../support/api.ts';
import { driveDate } from '../../support/clock.ts';
import { databaseWithout, makeLink, PAGES, signedIn, visitor } from '../../support/dashboard.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

driveDate();

describe('a link', () => {
  it('asks for a click, and then signs in to the pages of its organization', async () => {
    const organization = await createOrganization();
    const person = visitor();
    const link = await makeLink(organization.id);
    const asked = await person.get(link);
    expect(asked.status).toBe(200);
    expect(asked.text).toContain('Continue');
    expect(person.cookies.size).toBe(0);
    const list = await person.submit(link);
    expect(list.status).toBe(200);
    expect(list.text).toContain('Test organization');
  });

  it('names its organization, and says when it takes the place of a session of another', async () => {
    const [own, other] = [await createOrganization(), await createOrganization()];
    await expectStatus(platform.put(own.path, { name: 'Ours & Co', plan: 'scale' }), 200);
    await expectStatus(platform.put(other.path, { name: 'Theirs', plan: 'scale' }), 200);
    const person = visitor();
    const link = await makeLink(own.id);
    const asked = await person.get(link);
    expect(asked.text).toContain('for the organization Ours & Co');
    expect(asked.text).not.toContain('You are signed in');
    await person.submit(link);
    expect((await person.get(await makeLink(own.id))).text).not.toContain('You are signed in');
    const replacing = await person.get(await makeLink(other.id));
    expect(replacing.text).toContain('for the organization Theirs');
    expect(replacing.text).toContain('You are signed in for Ours & Co : continuing ends that session.');
  });

  it('works still after an outage while it was used, or where signing in was too much', async () => {
    const organization = await createOrganization();
    const link = await makeLink(organization.id);
    const exhausted = { getByName: () => ({ take: () => ({ allowed: false, limit: 1, remaining: 0, resetAt: Date.now() + 30_000 }) }) };
    const hindrances = [
      [{ DB: databaseWithout(/insert into "dashboard_sessions"/) }, 503],
      [{ DB: databaseWithout(/from "api_keys"/) }, 503],
      [{ RATE_LIMITER: exhausted as unknown as Env['RATE_LIMITER'] }, 429],
    ] as const;
    for (const [vars, status] of hindrances) expect((await visitor({ vars }).post(link)).status).toBe(status);
    expect((await visitor().post(link)).status).toBe(303);
    expect((await visitor().post(link)).status).toBe(410);
  });

  it('survives those who only look at it', async () => {
    const organization = await createOrganization();
    const link = await makeLink(organization.id);
    for (let looks = 0; looks < 3; looks++) await visitor().get(link);
    expect((await visitor().post(link)).location).toBe(PAGES);
  });

  it('works once, for one of those who race with it', async () => {
    const organization = await createOrganization();
    const link = await makeLink(organization.id);
    const answers = await Promise.all(Array.from({ length: 5 }, () => visitor().post(link)));
    expect(answers.map(({ status }) => status).sort()).toEqual([303, 410, 410, 410, 410]);
    const replayed = visitor();
    expect((await replayed.post(link)).text).toContain('This link no longer works');
    expect(replayed.cookies.size).toBe(0);
  });

  it('works for 15 minutes', async () => {
    const organization = await createOrganization();
    const [early, late] = [await makeLink(organization.id), await makeLink(organization.id)];
    vi.setSystemTime(Date.now() + 15 * MINUTE - 1);
    expect((await visitor().post(early)).status).toBe(303);
    vi.setSystemTime(Date.now() + 1);
    expect((await visitor().get(late)).status).toBe(410);
    expect((await visitor().post(late)).status).toBe(410);
  });

  it('that nobody made is refused', async () => {
    expect((await visitor().post(`${PAGES}/link/${'A'.repeat(43)}`)).status).toBe(410);
  });

  it('ends with the key that made it', async () => {
    const organization = await createOrganization();
    const { body } = await expectStatus(organization.admin.post(`${organization.path}/dashboard-links`), 201);
    const { apiKeys } = (await organization.admin.get(`${organization.path}/api-keys`)).body;
    await expectStatus(organization.admin.delete(`${organization.path}/api-keys/${apiKeys[0].id}`), 204);
    expect((await visitor().post(new URL(body.url).pathname)).status).toBe(410);
  });

  it('is stored as a hash', async () => {
    const organization = await createOrganization();
    const link = await makeLink(organization.id);
    const rows = await databaseOf(env.DB).select().from(dashboardLinks);
    expect(rows.length).toBeGreaterThan(0);
    expect(JSON.stringify(rows)).not.toContain(link.split('/').at(-1));
  });

  it("is not made with another organization's key, nor by one without the scope admin", async () => {
    const [own, other] = [await createOrganization(), await createOrganization()];
    expect((await other.admin.post(`${own.path}/dashboard-links`)).status).toBe(404);
    const key = await createKey(own.id, ['write']);
    const refused = await client(key).post(`${own.path}/dashboard-links`);
    expect(refused.body.code).toBe('insufficient_scope');
  });
});

describe('the sign-in page', () => {
  it('takes an API key of the organization; the session can do what the key can', async () => {
    const organization = await createOrganization();
    const reader = visitor();
    const list = await reader.submit('sign-in', { key: await createKey(organization.id, ['read']) });
    expect(list.text).toContain('Read only');
    const admin = visitor();
    expect((await admin.submit('sign-in', { key: organization.key })).text).not.toContain('Read only');
  });

  it('tells those who came by a link where they get another', async () => {
    const { text } = await visitor({ vars: { DASHBOARD_NAME: 'Acme' } }).get('sign-in');
    expect(text).toContain('Did you come here from Acme? Open Webhooks there again.');
  });

  it.each([
    ['nothing', '', 401, 'Enter an API key.'],
    ['a guess', `bsk_live_${'0'.repeat(32)}`, 401, 'The API key is unknown, revoked or expired.'],
    ['the platform key', PLATFORM_KEY, 403, 'Sign in with an API key of your organization'],
  ])('refuses %s', async (_what, key, status, says) => {
    const person = visitor();
    const answer = await person.post('sign-in', { key });
    expect(answer.status).toBe(status);
    expect(answer.text).toContain(says);
    expect(answer.html).not.toContain(`value="${key}"`);
    expect(person.cookies.size).toBe(0);
  });

  it('leads on to the page that was asked for, and to no other site', async () => {
    const organization = await createOrganization();
    const asked = await visitor().get(`${PAGES}/new?x=1`);
    expect(asked).toMatchObject({ status: 303, location: `${PAGES}/sign-in?next=${encodeURIComponent(`${PAGES}/new?x=1`)}` });
    const { key } = organization;
    expect((await visitor().post('sign-in', { key, next: `${PAGES}/new?x=1` })).location).toBe(`${PAGES}/new?x=1`);
    const elsewhere = [
      'https://evil.example',
      '//evil.example',
      `${PAGES}/../../../x`,
      `${PAGES}/\\evil.example`,
      `${PAGES}.evil.example/`,
    ];
    for (const next of elsewhere) expect((await visitor().post('sign-in', { key, next })).location).toBe(PAGES);
  });
});

describe('a session', () => {
  it('is needed for every page but those that sign in', async () => {
    for (const path of ['', 'new', 'whk_1', 'whk_1/edit', 'whk_1/settings', 'whk_1/deliveries/dlv_1']) {
      expect((await visitor().get(path)).location).toMatch(/\/sign-in/);
    }
    expect((await visitor().post('whk_1/delete')).location).toMatch(/\/sign-in/);
  });

  it('is not opened by a forged cookie', async () => {
    const person = visitor();
    person.cookies.set('bullseye_session', 'A'.repeat(43));
    expect((await person.get()).location).toMatch(/\/sign-in/);
  });

  it('lasts 12 hours', async () => {
    const person = await signedIn(await createOrganization());
    vi.setSystemTime(Date.now() + 12 * HOUR - 1);
    expect((await person.get()).status).toBe(200);
    vi.setSystemTime(Date.now() + 1);
    expect((await person.get()).status).toBe(303);
  });

  it('ends by signing out, for copies of its cookie as well', async () => {
    const person = await signedIn(await createOrganization());
    const copy = visitor();
    for (const [name, value] of person.cookies) copy.cookies.set(name, value);
    expect((await person.post('sign-out')).location).toBe(`${PAGES}/sign-in`);
    expect(person.cookies.size).toBe(0);
    expect((await copy.get()).status).toBe(303);
  });

  it('ends in this browser by signing out, also where the database does not answer', async () => {
    const person = await signedIn(await createOrganization());
    const unlucky = visitor({ vars: { DB: databaseWithout(/delete from "dashboard_sessions"/) } });
    for (const [name, value] of person.cookies) unlucky.cookies.set(name, value);
    expect(await unlucky.post('sign-out')).toMatchObject({ status: 303, location: `${PAGES}/sign-in` });
    expect(unlucky.cookies.size).toBe(0);
  });

  it('has a token of its own, whatever cookie the browser came with, and takes the place of the one before', async () => {
    const organization = await createOrganization();
    const person = visitor();
    person.cookies.set('bullseye_session', 'chosen-by-somebody-else');
    await person.submit('sign-in', { key: organization.key });
    const first = person.cookies.get('bullseye_session');
    expect(first).not.toBe('chosen-by-somebody-else');
    await person.submit('sign-in', { key: organization.key });
    const before = visitor();
    before.cookies.set('bullseye_session', first ?? '');
    expect((await before.get()).status).toBe(303);
    expect((await person.get()).status).toBe(200);
  });

  it('ends with the key that made it', async () => {
    const organization = await createOrganization();
    const key = await createKey(organization.id, ['write']);
    const person = visitor();
    await person.submit('sign-in', { key });
    const { apiKeys } = (await organization.admin.get(`${organization.path}/api-keys`)).body;
    const { id } = apiKeys.find(({ name }: { name: string }) => name === 'write');
    await expectStatus(organization.admin.delete(`${organization.path}/api-keys/${id}`), 204);
    expect((await person.get()).status).toBe(303);
  });

  it('made by a platform key lives while that key is configured, beside another or not', async () => {
    const organization = await createOrganization();
    const person = await signedIn(organization);
    const withKeys = async (keys: string) => {
      const later = visitor({ vars: { PLATFORM_API_KEY: keys } });
      for (const [name, value] of person.cookies) later.cookies.set(name, value);
      return (await later.get()).status;
    };
    expect(await withKeys(`a-newer-platform-key, ${PLATFORM_KEY}`)).toBe(200);
    expect(await withKeys('a-newer-platform-key')).toBe(303);
  });

  it('ends with its organization', async () => {
    const organization = await createOrganization();
    const person = await signedIn(organization);
    await expectStatus(platform.delete(organization.path), 204);
    expect((await person.get()).status).toBe(303);
  });

  it('is stored as a hash, without the platform key that made it', async () => {
    const person = await signedIn(await createOrganization());
    const stored = JSON.stringify(await databaseOf(env.DB).select().from(dashboardSessions));
    expect(stored).not.toContain(person.cookies.get('bullseye_session'));
    expect(stored).not.toContain(PLATFORM_KEY);
  });
});

/** A limiter that lets so many requests pass, and then none. */
const refusingFrom = (first: number) => {
  let taken = 0;
  const take = async () => ({ allowed: taken++ < first, limit: 1, remaining: 0, resetAt: Date.now() + 30_000, of: 'requests' });
  return { getByName: () => ({ take }) } as unknown as Env['RATE_LIMITER'];
};

/** The hidden fields of a page's form that goes to an address. */
function hiddenFields(html: string, action: string): Record<string, string> {
  const form = html.split('<form').find((part) => part.includes(`action="${action}"`)) ?? '';
  const fields = [...form.split('</form>')[0]!.matchAll(/<input type="hidden" name="(\w+)" value="([^"]*)"/g)];
  const plain = (text: string) => text.replaceAll('&quot;', '"').replaceAll('&#39;', "'").replaceAll('&lt;', '<').replaceAll('&gt;', '>');
  return Object.fromEntries(fields.map(([, name = '', value = '']) => [name, plain(value).replaceAll('&amp;', '&')]));
}

describe('a form that is sent while its session cannot be looked at, or has asked too often', () => {
  it.each([
    ['new', { RATE_LIMITER: refusingFrom(0) }, 429],
    ['secret/rotate', { RATE_LIMITER: refusingFrom(0) }, 429],
    ['test-event', { DB: databaseWithout(/from "dashboard_sessions"/) }, 503],
  ])('is kept, but for its secret, on the page that says so: %s', async (part, vars, status) => {
    const organization = await createOrganization();
    const { id } = await createWebhook(organization, { secret: 'ours' });
    const person = await signedIn(organization);
    const path = part === 'new' ? part : `${id}/${part}`;
    const fields = { url: 'https://typed.example.com', testEvent: '{"a":1}', overlapSeconds: '3600', secret: 'typed & "quoted"' };
    const unlucky = visitor({ vars });
    for (const [name, value] of person.cookies) unlucky.cookies.set(name, value);
    const refused = await unlucky.post(path, fields);
    expect(refused.status).toBe(status);
    expect(refused.html).not.toContain('quoted');
    const hidden = hiddenFields(refused.html, `${PAGES}/${path}`);
    // Refused again: it is kept again.
    expect(hiddenFields((await unlucky.post(path, hidden)).html, `${PAGES}/${path}`)).toEqual(hidden);
    const form = await person.post(path, hidden);
    expect(form.status).toBe(200);
    expect(form.text).toContain('Nothing has been saved yet');
    const kept = { new: 'value="https://typed.example.com"', 'test-event': '{&quot;a&quot;:1}' }[part];
    expect(form.html).toContain(kept ?? '<option value="3600" selected="">');
  });

  it('is not kept where it is only a button, or a page', async () => {
    const organization = await createOrganization();
    const { id } = await createWebhook(organization);
    const person = await signedIn(organization);
    const limited = visitor({ vars: { RATE_LIMITER: refusingFrom(0) } });
    for (const [name, value] of person.cookies) limited.cookies.set(name, value);
    for (const refused of [await limited.post(`${id}/pause`), await limited.get('new')]) {
      expect(refused.status).toBe(429);
      expect(refused.html).not.toContain('name="held"');
    }
  });
});

describe('a session that has ended', () => {
  const FORM = {
    url: 'https://hooks.example.com/in',
    description: 'kept <as> typed & "quoted"',
    events: ['visitor.identified', '*'],
    maxPerSecond: '5',
  };
  const signInPage = (next: string) => `${PAGES}/sign-in?${new URLSearchParams({ next })}`;

  it('is why the sign-in page is shown, and it says so', async () => {
    const organization = await createOrganization();
    const person = await signedIn(organization);
    vi.setSystemTime(Date.now() + 13 * HOUR);
    const asked = await person.get('new');
    expect(asked.location).toBe(signInPage(`${PAGES}/new`));
    for (const browser of [person, visitor()]) expect((await browser.get(asked.location ?? '')).text).toContain('Your session has ended');
    expect((await visitor().get('sign-in')).text).not.toContain('session has ended');
  });

  it('costs nobody a form: it stands again as it was filled in, and nothing is saved before it is sent again', async () => {
    const organization = await createOrganization();
    const person = visitor();
    const sent = await person.post('new', { ...FORM, secretChoice: 'own', secret: 'a secret of their own' });
    expect(sent).toMatchObject({ status: 307, location: signInPage(`${PAGES}/new`) });
    // What a browser does with a 307.
    const page = await person.post(sent.location ?? '', { ...FORM, secretChoice: 'own', secret: 'a secret of their own' });
    expect(page.text).toContain('Your session has ended, so nothing was saved.');
    expect(page.html).not.toContain('a secret of their own');
    const hidden = hiddenFields(page.html, `${PAGES}/sign-in`);
    const wrong = await person.post('sign-in', { ...hidden, key: 'bsk_live_wrong' });
    expect(hiddenFields(wrong.html, `${PAGES}/sign-in`)).toEqual(hidden);
    const entered = await person.post('sign-in', { ...hidden, key: organization.key });
    expect(entered).toMatchObject({ status: 307, location: `${PAGES}/new` });
    const form = await person.post('new', { ...hidden, key: organization.key });
    expect(form.status).toBe(200);
    expect(form.text).toContain('Here is your form again. Nothing has been saved yet');
    expect(form.html).not.toContain(organization.key);
    for (const shown of [
      'value="https://hooks.example.com/in"',
      'value="kept &lt;as&gt; typed &amp; &quot;quoted&quot;"',
      'value="5"',
      'id="secret-own" checked',
      'id="event-all" checked',
    ]) {
      expect(form.html).toContain(shown);
    }
    expect((await organization.admin.get(`${organization.path}/webhooks`)).body.webhooks).toEqual([]);
    expect((await person.submit('new', { ...FORM, secretChoice: 'none' })).text).toContain('The webhook is saved');
  });

  it('lets the form go on from another tab: with the session of that one', async () => {
    const organization = await createOrganization();
    const { id } = await createWebhook(organization);
    const person = visitor();
    const sent = await person.post(`${id}/edit`, FORM);
    const page = await person.post(sent.location ?? '', FORM);
    const hidden = hiddenFields(page.html, `${PAGES}/${id}/edit`);
    // Too early: nobody has signed in.
    const early = await person.post(`${id}/edit`, hidden);
    expect(hiddenFields((await person.post(early.location ?? '', hidden)).html, `${PAGES}/${id}/edit`)).toEqual(hidden);
    await person.post(await makeLink(organization.id));
    expect((await person.post(`${id}/edit`, hidden)).html).toContain('value="kept &lt;as&gt; typed &amp; &quot;quoted&quot;"');
  });

  it.each([
    ['test-event', { testEvent: 'half an event' }, ['half an event']],
    ['secret/rotate', { overlapSeconds: '3600', secret: 'typed' }, ['<option value="3600" selected="">']],
  ])('does not cost the form of %s either', async (part, fields: Record<string, string>, shown) => {
    const organization = await createOrganization();
    const { id } = await createWebhook(organization, { secret: 'ours' });
    const person = visitor();
    const sent = await person.post(`${id}/${part}`, fields);
    const page = await person.post(sent.location ?? '', fields);
    const hidden = hiddenFields(page.html, `${PAGES}/sign-in`);
    await person.post('sign-in', { ...hidden, key: organization.key });
    const settings = await person.post(`${id}/${part}`, hidden);
    expect(settings.text).toContain('Nothing has been saved yet');
    for (const field of shown) expect(settings.html).toContain(field);
    expect(settings.html).not.toContain('typed');
  });

  it('and a browser that keeps no cookie lead to the sign-in page again, with the form, and not round and round', async () => {
    const organization = await createOrganization();
    const person = visitor();
    const sent = await person.post('new', FORM);
    const page = await person.post(sent.location ?? '', FORM);
    const signingIn = { ...hiddenFields(page.html, `${PAGES}/sign-in`), key: organization.key };
    const entered = await visitor().post('sign-in', signingIn);
    const back = await visitor().post(entered.location ?? '', signingIn);
    expect(back).toMatchObject({ status: 307, location: signInPage(`${PAGES}/new`) });
    const again = await visitor().post(back.location ?? '', signingIn);
    expect(again.status).toBe(200);
    expect(again.html).not.toContain(organization.key);
    expect({ ...hiddenFields(again.html, `${PAGES}/sign-in`), key: organization.key }).toEqual(signingIn);
  });

  it.each([
    ['the key cannot be looked up', { DB: databaseWithout(/from "api_keys"/) }, 503],
    ['the session cannot be stored', { DB: databaseWithout(/insert into "dashboard_sessions"/) }, 503],
    ['there were too many sign-ins', { RATE_LIMITER: refusingFrom(0) }, 429],
  ])('does not cost the form where %s, while somebody signs in', async (_what, vars, status) => {
    const organization = await createOrganization();
    const sent = await visitor().post('new', FORM);
    const hidden = hiddenFields((await visitor().post(sent.location ?? '', FORM)).html, `${PAGES}/sign-in`);
    const unlucky = await visitor({ vars }).post('sign-in', { ...hidden, key: organization.key });
    expect(unlucky.status).toBe(status);
    expect(Number(unlucky.headers.get('Retry-After'))).toBeGreaterThan(0);
    expect(hiddenFields(unlucky.html, `${PAGES}/sign-in`)).toEqual(hidden);
    expect(unlucky.html).not.toContain(organization.key);
    expect((await visitor().post('sign-in', { ...hidden, key: organization.key })).status).toBe(307);
  });

  it.each([
    ['test', ''],
    ['pause', '/settings'],
    ['setup/test', '/setup/test'],
    ['secret/reveal', '/settings'],
    ['deliveries/dlv_1/retry', '/deliveries/dlv_1'],
    ['delete', '/delete'],
  ])('leads from the button %s back to the page that has it', async (part, page) => {
    const answer = await visitor().post(`whk_1/${part}`);
    expect(answer).toMatchObject({ status: 303, location: signInPage(`${PAGES}/whk_1${page}`) });
  });

  it('lets no form of another site in', async () => {
    const foreign = { Origin: 'https://evil.example', 'Sec-Fetch-Site': 'cross-site' };
    expect((await visitor().post('new', FORM, foreign)).status).toBe(403);
    expect((await visitor().post(signInPage(`${PAGES}/new`), FORM, foreign)).status).toBe(403);
  });
});

describe('the cookie', () => {
  const cookieOf = async (origin: string, vars?: Partial<Env>) => {
    const organization = await createOrganization();
    const answer = await visitor({ origin, vars: { ...DEPLOYED, ...vars } }).post('sign-in', { key: organization.key });
    return answer.headers.getSetCookie().join('\n');
  };

  it('is for this host alone, out of reach of scripts, and only sent encrypted', async () => {
    const cookie = await cookieOf('https://webhooks.example.com');
    expect(cookie).toMatch(/^__Host-bullseye_session=[\w-]{43}; /);
    for (const attribute of ['Max-Age=43200', 'Path=/', 'HttpOnly', 'Secure', 'SameSite=Lax']) expect(cookie).toContain(attribute);
    expect(cookie).not.toContain('Domain');
  });

  it('is kept by browsers in development, on loopback without TLS', async () => {
    const cookie = await cookieOf('http://127.0.0.1:8787');
    expect(cookie).toMatch(/^bullseye_session=/);
    expect(cookie).not.toContain('Secure');
  });

  it('is sent in the frames of other sites only where the operator lists some', async () => {
    const cookie = await cookieOf('https://webhooks.example.com', { DASHBOARD_FRAME_ANCESTORS: 'https://app.example.com' });
    for (const attribute of ['SameSite=None', 'Secure', 'Partitioned']) expect(cookie).toContain(attribute);
  });
});

describe('a form of another site', () => {
  it.each([
    ['says where it comes from', { Origin: 'https://evil.example', 'Sec-Fetch-Site': 'cross-site' }],
    ['comes from a sibling host', { Origin: 'http://evil.localhost', 'Sec-Fetch-Site': 'same-site' }],
    ['hides where it comes from', { Origin: 'null', 'Sec-Fetch-Site': 'cross-site' }],
  ])('is refused: it %s', async (_how, headers) => {
    const person = await signedIn(await createOrganization());
    const answer = await person.post('new', { url: 'https://hooks.example.com', events: ['*'] }, headers);
    expect(answer.status).toBe(403);
    expect((await person.post('sign-out', {}, headers)).status).toBe(403);
    expect((await person.get()).text).toContain('No webhooks yet');
  });
});
