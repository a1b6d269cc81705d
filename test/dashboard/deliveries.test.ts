import { env } from 'cloudflare:workers';
import { describe, expect, it, vi } from 'vitest';
import { STATUS_WORDS } from '../../src/dashboard/parts/wording.ts';
import { masterKeyId } from '../../src/db/secret-box.ts';
import { DAY_MS } from '../../src/domain/text/day.ts';
import { localTime } from '../../src/domain/text/zone.ts';
import { createOrganization, createWebhook, platform, type TestOrganization } from '../support/api.ts';
import { driveDate } from '../support/clock.ts';
import { databaseWithout, PAGES, type Page, signedIn, type Visitor, visitor } from '../support/dashboard.ts';
import { aMessage, anEvent, consume, deliveriesOf, endedDeliveriesOf, endpointInbox, runAlarm, untilEnded } from '../support/deliveries.ts';
import type { Inbox } from '../support/receiver.ts';

driveDate();

interface Given {
  organization: TestOrganization;
  endpoint: Inbox;
  webhookId: string;
  person: Visitor;
  /** A page of the webhook. */
  page(part?: string): Promise<Page>;
  /** Presses a button of it. */
  press(part: string, fields?: Record<string, string>): Promise<Page>;
  post(events?: number, extra?: Record<string, unknown>): Promise<void>;
}

async function given(input: Record<string, unknown> = {}): Promise<Given> {
  const organization = await createOrganization();
  const endpoint = endpointInbox();
  const { id } = await createWebhook(organization, { url: endpoint.url, events: ['*'], secret: 'a secret', ...input });
  const person = await signedIn(organization);
  return {
    organization,
    endpoint,
    webhookId: id,
    person,
    page: (part = '') => person.get(part === '' || part.startsWith('?') ? `${id}${part}` : `${id}/${part}`),
    press: (part, fields) => person.submit(`${id}/${part}`, fields),
    post: async (events = 1, extra = {}) => {
      await consume([aMessage(Array.from({ length: events }, () => anEvent(organization.id, extra)))]);
    },
  };
}

/** Fails for good: every attempt of the schedule. */
async function givenFailure(): Promise<Given & { deliveryId: string }> {
  const setting = await given();
  await setting.endpoint.script([{ status: 500, headers: { 'X-Trace': 'abc' }, body: '{"error":"no <b>room</b>"}' }]);
  await setting.post();
  await untilEnded(setting.webhookId);
  const [delivery] = await deliveriesOf(setting.webhookId);
  if (!delivery) throw new Error('Nothing was recorded.');
  return { ...setting, deliveryId: delivery.id };
}

describe('the overview', () => {
  it('shows how the webhook has been doing, and its newest deliveries', async () => {
    const { page, post, webhookId } = await given();
    await post(3);
    await endedDeliveriesOf(webhookId, 3);
    const { text, html } = await page();
    for (const said of ['Healthy', 'Last 24 hours', 'Delivered 3', 'Success rate 100 %', 'Waiting now 0', 'Recent deliveries']) {
      expect(text).toContain(said);
    }
    expect(html.match(/<tr id="dlv_/g)).toHaveLength(3);
    for (const period of ['1h', '7d', '30d']) expect((await page(`?period=${period}`)).status).toBe(200);
  });

  it('is shown without what an outbox that does not answer would say', async () => {
    const { organization, webhookId } = await given();
    const silent = new Proxy({}, { get: () => () => Promise.reject(new Error('unreachable')) });
    const person = await signedIn(organization, 'read', { vars: { OUTBOX: { getByName: () => silent } as unknown as Env['OUTBOX'] } });
    const page = await person.get(webhookId);
    expect(page.status).toBe(200);
    expect(page.text).toContain('The statistics are not available right now.');
    expect(page.text).toContain('The deliveries are not available right now.');
  });
});

describe('a test', () => {
  it('is marked as one in the lists and on its page, also when it has been retried by hand; nothing else is', async () => {
    const { page, press, post, endpoint, webhookId } = await given();
    await post(1);
    await endedDeliveriesOf(webhookId, 1);
    await endpoint.script([{ status: 500 }, { status: 204 }]);
    const sent = await press('test');
    expect(sent.text).toContain('Jane Doe, Example Corp Test visitor.identified');
    const [test, real] = await deliveriesOf(webhookId);
    await press(`deliveries/${test!.id}/retry`);
    await vi.waitFor(async () => expect((await page(`deliveries/${test!.id}`)).text).toContain('Attempt 2'));
    expect((await page(`deliveries/${test!.id}`)).html).toContain('<span class="badge idle">Test</span>');
    expect((await page(`deliveries/${real!.id}`)).html).not.toContain('<span class="badge idle">Test</span>');
    for (const list of ['', 'deliveries']) expect((await page(list)).html.match(/<span class="badge idle">Test<\/span>/g)).toHaveLength(1);
  });
});

describe('an attempt', () => {
  it('shows where it went, and is copied as a command that goes there, though the webhook has moved since', async () => {
    const { organization, page, post, endpoint, webhookId } = await given();
    await post(1);
    await endedDeliveriesOf(webhookId, 1);
    const [delivery] = await deliveriesOf(webhookId);
    const after = endpointInbox();
    await platform.patch(`${organization.path}/webhooks/${webhookId}`, { url: after.url });
    const { text, html } = await page(`deliveries/${delivery!.id}`);
    expect(text).toContain(`POST ${endpoint.url}`);
    expect(text).toContain(`Endpoint now ${after.url.replace('http://', '')}`);
    expect(html).toContain(`curl --globoff -X POST &#39;${endpoint.url}&#39;`);
    expect(html).not.toContain(`&#39;${after.url}&#39;`);
  });
});

describe('the deliveries', () => {
  it('are listed newest first, page by page', async () => {
    const { page, post, webhookId } = await given({ enabled: false });
    for (let posted = 0; posted < 3; posted++) {
      vi.setSystemTime(Date.now() + 1_000);
      await post(10);
    }
    const first = await page('deliveries');
    const shown = (html: string) => [...html.matchAll(/<tr id="(dlv_\w+)"/g)].map(([, id]) => id);
    expect(shown(first.html)).toEqual((await deliveriesOf(webhookId)).slice(0, 25).map(({ id }) => id));
    const [, older = ''] = /href="([^"]*cursor[^"]*)">Older/.exec(first.html) ?? [];
    const second = await page(older.slice(older.indexOf('deliveries?')).replaceAll('&amp;', '&'));
    expect(shown(second.html)).toEqual((await deliveriesOf(webhookId)).slice(25).map(({ id }) => id));
    expect(second.text).toContain('Newest');
  });

  it('are filtered by status, event, day and part of an id', async () => {
    const { page, post, endpoint, webhookId } = await given();
    await post(2);
    await endedDeliveriesOf(webhookId, 2);
    await endpoint.script([{ status: 500 }]);
    await post(1, { session_id: 'ses_to_be_found' });
    const count = async (query: string) => (await page(`deliveries?${query}`)).html.match(/<tr id="dlv_/g)?.length ?? 0;
    expect(await count('status=delivered')).toBe(2);
    expect(await count('status=retrying')).toBe(1);
    expect(await count('event=webhook.failing')).toBe(0);
    expect(await count('q=TO_BE')).toBe(1);
    const today = new Date().toISOString().slice(0, 10);
    expect(await count(`from=${today}&to=${today}`)).toBe(3);
    expect(await count('to=2020-01-01')).toBe(0);
    expect((await page('deliveries?q=nothing')).text).toContain('No delivery matches these filters.');
  });

  it('are filtered by how they were answered, how often they were attempted, and by a range that stays relative', async () => {
    const { page, post, endpoint, webhookId } = await given();
    await post(2);
    await endedDeliveriesOf(webhookId, 2);
    await endpoint.script([{ status: 422 }]);
    await post(1);
    await untilEnded(webhookId);
    const count = async (query: string) => (await page(`deliveries?${query}`)).html.match(/<tr id="dlv_/g)?.length ?? 0;
    expect(await count('response=4xx')).toBe(1);
    expect(await count('response=422&minAttempts=2')).toBe(1);
    expect(await count('response=204')).toBe(2);
    expect(await count('range=7d')).toBe(3);
    const shown = await page('deliveries?response=418&range=1h&minAttempts=2');
    expect(shown.html).toContain('<option value="418" selected="">418</option>');
    expect(shown.html).toContain('<input type="hidden" name="range" value="1h"/>');
    expect(shown.html).toMatch(/<a href="[^"]*range=1h" aria-current="true">\s*Last hour/);
    expect(shown.html).toMatch(/<a href="[^"]*deliveries\?response=418&amp;minAttempts=2">\s*Any time/);
    const refused = await page('deliveries?response=many');
    expect(refused.status).toBe(200);
    expect(refused.text).toContain('This is neither a status such as 422');
  });

  // In one of them it is another day than in UTC, whenever that is.
  it.each(['Pacific/Kiritimati', 'Pacific/Pago_Pago'])(
    'take days as those of the reader’s zone, which the browser has told, and name it: %s',
    async (zone) => {
      const { page, post, person, webhookId } = await given({ enabled: false });
      await post(1);
      const [delivery] = await deliveriesOf(webhookId);
      const { createdAt } = delivery!;
      person.cookies.set('bullseye_zone', encodeURIComponent(zone));
      const count = async (query: string) => (await page(`deliveries?${query}`)).html.match(/<tr id="dlv_/g)?.length ?? 0;
      const day = (at: number) => localTime(at, zone).slice(0, 10);
      expect(await count(`from=${day(createdAt)}&to=${day(createdAt)}`)).toBe(1);
      expect(await count(`to=${day(createdAt - DAY_MS)}`)).toBe(0);
      expect(await count(`from=${day(createdAt + DAY_MS)}`)).toBe(0);
      const utcDay = new Date(createdAt).toISOString().slice(0, 10);
      expect(await count(`from=${utcDay}&to=${utcDay}&zone=UTC`)).toBe(1);
      const shown = await page('deliveries?from=2026-11-25T22:00&zone=UTC');
      const from = localTime(Date.parse('2026-11-25T22:00Z'), zone);
      expect(shown.html).toContain(`<input id="from" name="from" type="datetime-local" value="${from}"/>`);
      expect(shown.text).toContain(`From (${zone.replace('_', ' ')})`);
      const [, instant = '', written = ''] = /<time datetime="([^"]*)"[^>]*>([^<]*)</.exec(shown.html) ?? [];
      expect(Date.parse(instant)).toBe(createdAt);
      expect(written).toContain(localTime(createdAt, zone).slice(11));
      expect(shown.text).toContain(`Times are in the time zone ${zone.replace('_', ' ')}.`);
      person.cookies.set('bullseye_zone', encodeURIComponent('<b>Nowhere</b>'));
      expect((await page('deliveries')).text).toContain('Times are in UTC.');
    },
  );

  it('are downloaded as they are listed', async () => {
    const { page, post, endpoint, webhookId } = await given();
    await post(2);
    await endedDeliveriesOf(webhookId, 2);
    await endpoint.script([{ status: 500 }]);
    await post(1);
    const { html } = await page('deliveries?status=delivered&range=1h');
    const [, link = ''] = /href="([^"]*export[^"]*format=ndjson[^"]*)"/.exec(html) ?? [];
    const file = await page(link.slice(link.indexOf('deliveries/export')).replaceAll('&amp;', '&'));
    expect(file.headers.get('Content-Disposition')).toContain('attachment');
    expect(file.html.trim().split('\n')).toHaveLength(2);
    expect((await page('deliveries/export')).headers.get('Content-Type')).toContain('text/csv');
    expect((await page('deliveries/export?response=many')).status).toBe(422);
  });

  it('lead from one to the next, within the list that it was opened from', async () => {
    const { page, post, webhookId } = await given({ enabled: false });
    for (let posted = 0; posted < 3; posted++) {
      vi.setSystemTime(Date.now() + 1_000);
      await post(1);
    }
    const ids = (await deliveriesOf(webhookId)).map(({ id }) => id);
    const list = await page('deliveries?status=discarded');
    expect(list.html).toContain(`/deliveries/${ids[1]}?status=discarded"`);
    const { html } = await page(`deliveries/${ids[1]}?status=discarded`);
    expect(html).toMatch(new RegExp(`<a rel="prev" href="[^"]*/deliveries/${ids[0]}\\?status=discarded"`));
    expect(html).toMatch(new RegExp(`<a rel="next" href="[^"]*/deliveries/${ids[2]}\\?status=discarded"`));
    expect(html).toContain(`/deliveries?status=discarded">Deliveries`);
    const first = await page(`deliveries/${ids[0]}`);
    expect(first.html).not.toContain('rel="prev"');
    expect((await page(`deliveries/${ids[1]}?status=lost&from=someday`)).status).toBe(200);
  });

  it.each([
    ['from', 'someday'],
    ['from', '2026-02-30'],
    ['from', '+275760-09-13'],
    ['to', '+275760-09-13'],
    ['to', '2026-11-23 10:00'],
    ['to', '9999-12-31'],
    ['to', '0000-00-00'],
  ])('say beside the time “%s” that %s is none', async (name, day) => {
    const { page } = await given();
    const shown = await page(`deliveries?${new URLSearchParams({ [name]: day })}`);
    expect(shown.status).toBe(200);
    expect(shown.html).toContain(`class="error" id="${name}-error">Enter a time such as 2026-11-23T14:05, or a day such as 2026-11-23.<`);
    expect(shown.html.match(/class="error"/g)).toHaveLength(1);
    expect(shown.text).toContain('Correct the filter to see deliveries.');
  });

  it.each(['from=1000-01-01', 'from=2999-12-31', 'to=1000-01-01', 'to=2999-12-31', 'from=2026-11-24&to=2026-11-20'])(
    'take the days of %s, however far',
    async (query) => {
      const { page } = await given();
      const shown = await page(`deliveries?${query}`);
      expect(shown.status).toBe(200);
      expect(shown.text).toContain('No delivery matches these filters.');
    },
  );

  it.each(['status=lost', 'cursor=nonsense'])('say what is wrong with %s', async (query) => {
    const { page } = await given();
    const shown = await page(`deliveries?${query}`);
    expect(shown.status).toBe(200);
    expect(shown.html).toMatch(/class="error" role="alert">/);
  });

  it('come alone, and leave messages for people, where the script asks for what is new', async () => {
    const { person, webhookId } = await given();
    await person.post(`${webhookId}/pause`);
    const fresh = await person.get(`${webhookId}/deliveries`, { 'X-Live': '1' });
    expect(fresh.html).toMatch(/^<main>/);
    expect(fresh.html).toContain('id="deliveries"');
    expect((await person.get(`${webhookId}/settings`)).text).toContain('The webhook is paused.');
  });
});

describe('a delivery', () => {
  it('shows every attempt with its request and its response, and the payload', async () => {
    const { page, deliveryId } = await givenFailure();
    const { text, html } = await page(`deliveries/${deliveryId}`);
    for (const said of [
      'Failed',
      'Endpoint now 127.0.0.1',
      'Every attempt of its schedule failed.',
      'Attempt 1',
      'Attempt 4',
      'First attempt',
      'Scheduled retry',
    ]) {
      expect(text).toContain(said);
    }
    for (const said of ['"error": "no <b>room</b>"', 'x-trace', 'X-Bullseye-Signature', '"email": "ada@example.com"', 'Retry now']) {
      expect(text.toLowerCase()).toContain(said.toLowerCase());
    }
    expect(html).not.toContain('<b>room');
    expect(html).toContain('curl --globoff -X POST &#39;http://127.0.0.1');
  });

  it('says that no attempt was made where none will be, and that none has been made yet where one will', async () => {
    const { page, press, post, webhookId, organization, endpoint } = await given();
    await press('pause');
    await post();
    const [discarded] = await deliveriesOf(webhookId);
    expect((await page(`deliveries/${discarded!.id}`)).text).toContain('No attempt was made.');
    await endpoint.script([{ status: 200, delayMs: 2_000 }]);
    const waiting = await createWebhook(organization, { url: endpoint.url, events: ['*'], maxConcurrent: 1 });
    // Its organization's configuration is known for seconds.
    vi.setSystemTime(Date.now() + 5_000);
    await post(3);
    const person = await signedIn(organization);
    const [last] = (await deliveriesOf(waiting.id)).filter(({ attemptCount }) => attemptCount === 0);
    expect((await person.get(`${waiting.id}/deliveries/${last!.id}`)).text).toContain('No attempt has been made yet.');
  });

  it('is retried by a button, and delivered', async () => {
    const { press, page, endpoint, deliveryId, webhookId } = await givenFailure();
    await endpoint.script([{ status: 204 }]);
    const answer = await press(`deliveries/${deliveryId}/retry`);
    // While it runs the page says so; of an attempt that has ended already it is not said.
    expect(answer.text).toMatch(/An attempt is being made now\.|Attempt 5/);
    await endpoint.arrived(5);
    await endedDeliveriesOf(webhookId, 1);
    await vi.waitFor(async () => expect((await page(`deliveries/${deliveryId}`)).text).toMatch(/Delivered.*Attempt 5.*Retried by hand/));
    expect((await page(`deliveries/${deliveryId}`)).text).not.toContain('being made');
  });

  it('opens whatever its endpoint answers: 8,000 brackets stay as they are', async () => {
    const { press, page, endpoint, deliveryId, webhookId } = await givenFailure();
    const brackets = '['.repeat(8_000) + ']'.repeat(8_000);
    await endpoint.script([{ status: 500, body: brackets }]);
    for (let attempt = 5; attempt <= 7; attempt++) {
      await press(`deliveries/${deliveryId}/retry`);
      await endpoint.arrived(attempt);
      await endedDeliveriesOf(webhookId, 1);
      await vi.waitFor(async () => expect((await page(`deliveries/${deliveryId}`)).html.includes(`attempt-${attempt}"`)).toBe(true));
    }
    const { status, html } = await page(`deliveries/${deliveryId}`);
    expect(status).toBe(200);
    expect(html.includes(brackets)).toBe(true);
    expect(html.length).toBeLessThan(500_000);
  });

  it('that is not there is not found', async () => {
    const { page, person, webhookId } = await given();
    expect((await page('deliveries/dlv_01JDCQ7Z8W5M3KXN4R2T6V9YBA6V9YBA')).status).toBe(404);
    expect((await person.post(`${webhookId}/deliveries/dlv_01JDCQ7Z8W5M3KXN4R2T6V9YBA6V9YBA/retry`)).status).toBe(404);
  });

  it('whose payload was erased says so, and offers no retry', async () => {
    const { page, organization, deliveryId, webhookId, press } = await givenFailure();
    await organization.admin.delete(`${organization.path}/webhooks/${webhookId}/deliveries/${deliveryId}/payload`);
    const { text } = await page(`deliveries/${deliveryId}`);
    expect(text).toContain('It was erased');
    for (const gone of ['Retry now', 'Copy as curl', 'ada@example.com', 'no <b>room</b>']) expect(text).not.toContain(gone);
    expect((await press(`deliveries/${deliveryId}/retry`)).text).toContain('The payload of this delivery was erased');
  });

  it('of a paused webhook is not retried: the page says why', async () => {
    const { page, press, deliveryId } = await givenFailure();
    await press('pause');
    expect((await page(`deliveries/${deliveryId}`)).text).toContain('resume it to deliver again');
    expect((await press(`deliveries/${deliveryId}/retry`)).text).toContain('The webhook is paused or disabled. Resume it first.');
  });
});

describe('the state of a webhook', () => {
  /** What its badge says, wherever one is. */
  async function badges({ person, webhookId }: Given): Promise<Set<string>> {
    const pages = await Promise.all(
      ['', ...['', '/deliveries', '/verify', '/settings'].map((part) => `${webhookId}${part}`)].map((path) => person.get(path)),
    );
    // Badges of deliveries stand in rows and lists of their own.
    return new Set(pages.map(({ html }) => /<span class="badge [^>]*>.*?<\/svg>([^<]+)</s.exec(html)?.[1] ?? ''));
  }

  it('is not called healthy before anything has arrived', async () => {
    const setting = await given();
    expect(await badges(setting)).toEqual(new Set(['Nothing delivered']));
    await setting.endpoint.script([{ status: 422 }]);
    await setting.post();
    expect(await badges(setting)).toEqual(new Set(['Nothing delivered']));
    await setting.endpoint.script([{ status: 200 }]);
    await setting.post();
    await vi.waitFor(async () => expect(await badges(setting)).toEqual(new Set(['Healthy'])));
  });

  it('is what a test event has shown of it, too', async () => {
    const setting = await given();
    await setting.press('test');
    expect(await badges(setting)).toEqual(new Set(['Healthy']));
  });

  it.each(['growth', 'free_trial'])('is that the plan %s sends nothing', async (plan) => {
    const setting = await given();
    await setting.post();
    await endedDeliveriesOf(setting.webhookId, 1);
    await platform.put(setting.organization.path, { name: 'Test', plan });
    expect(await badges(setting)).toEqual(new Set(['Not in your plan']));
  });

  it('comes with what became of the last delivery, where it did not arrive', async () => {
    const { person, press, post, webhookId, endpoint } = await given();
    await post();
    await endedDeliveriesOf(webhookId, 1);
    expect((await person.get()).text).toMatch(/Healthy .* just now Usage/);
    await press('pause');
    await post();
    expect((await person.get()).text).toMatch(/Paused .* just now Discarded/);
    await press('resume');
    await endpoint.script([{ status: 500 }]);
    await post();
    await vi.waitFor(async () => expect((await person.get()).text).toMatch(/just now Retrying/));
  });
});

describe('a test event', () => {
  it('of a webhook whose event types are gone is refused in words', async () => {
    const { press, webhookId } = await given();
    await env.DB.prepare(`UPDATE webhooks SET events = '["gone.type"]' WHERE id = ?`).bind(webhookId).run();
    const { text } = await press('test');
    expect(text).toContain('The catalogue has no event type that this webhook subscribes to. Change its events to test it.');
    expect(text, 'which is a field of the API').not.toContain('`event`');
  });

  it('is sent by a button, and its delivery shown', async () => {
    const { press, endpoint } = await given();
    const answer = await press('test');
    expect(answer.text).toContain('The test event arrived: 204');
    expect(answer.text).toContain('Test event');
    expect((await endpoint.requests())[0]?.headers['x-bullseye-test']).toBe('true');
  });

  it('that fails shows what the endpoint answered', async () => {
    const { press, endpoint } = await given();
    await endpoint.script([{ status: 418, body: 'a teapot' }]);
    const answer = await press('test');
    expect(answer.text).toContain('The test event failed: The endpoint answered 418. Only 200 to 299 means that it received the delivery.');
    expect(answer.text).toContain('a teapot');
  });
});

describe('a secret that a page shows', () => {
  /** The cookies of a person at this moment, for a copy of their browser. */
  const copyOf = (person: Visitor) => {
    const copy = visitor();
    for (const [name, value] of person.cookies) copy.cookies.set(name, value);
    return copy;
  };

  it('is shown once: a copy of the cookies sees it no more, neither at once nor after what is shown next', async () => {
    const { person, webhookId } = await given();
    await person.post(`${webhookId}/secret/reveal`);
    const [first, again] = [copyOf(person), copyOf(person)];
    expect((await person.get(`${webhookId}/settings`)).html).toContain('>a secret<');
    expect((await first.get(`${webhookId}/settings`)).html).not.toContain('>a secret<');
    // Within the same millisecond, for all that the clock says.
    await person.post(`${webhookId}/secret/reveal`);
    expect((await person.get(webhookId)).html).toContain('>a secret<');
    expect((await again.get(`${webhookId}/settings`)).html).not.toContain('>a secret<');
  });

  it('of two copies that race is shown to one', async () => {
    const { person, webhookId } = await given();
    await person.post(`${webhookId}/secret/reveal`);
    const pages = await Promise.all([copyOf(person), copyOf(person), copyOf(person)].map((copy) => copy.get(`${webhookId}/settings`)));
    expect(pages.filter(({ html }) => html.includes('>a secret<'))).toHaveLength(1);
  });

  it('waits for its page for a minute, whatever the browser makes of the age of its cookie', async () => {
    const { person, webhookId } = await given();
    await person.post(`${webhookId}/secret/reveal`);
    const [inTime, late] = [copyOf(person), copyOf(person)];
    vi.setSystemTime(Date.now() + 60_001);
    expect((await late.get(`${webhookId}/settings`)).html).not.toContain('>a secret<');
    vi.setSystemTime(Date.now() - 2);
    expect((await inTime.get(`${webhookId}/settings`)).html).toContain('>a secret<');
  });

  it('waits on where the database does not answer, and the page is there without it', async () => {
    const { person, webhookId } = await given();
    await person.post(`${webhookId}/secret/reveal`);
    const unlucky = visitor({ vars: { DB: databaseWithout(/update "dashboard_sessions"/) } });
    for (const [name, value] of person.cookies) unlucky.cookies.set(name, value);
    const page = await unlucky.get(`${webhookId}/settings`);
    expect(page.status).toBe(200);
    expect(page.html).not.toContain('>a secret<');
    expect((await person.get(`${webhookId}/settings`)).html).toContain('>a secret<');
  });

  it('is sealed under a key of its own: what seals webhooks’ secrets does not open it', async () => {
    const { person, webhookId } = await given();
    await person.post(`${webhookId}/secret/reveal`);
    const [, keyId] = decodeURIComponent(person.cookies.get('bullseye_flash') ?? '').split(':');
    expect(keyId).toMatch(/^[0-9a-f]{8}$/);
    expect(keyId).not.toBe(await masterKeyId(env.MASTER_KEY));
  });
});

describe('the settings', () => {
  it('reveal the secret once, by a button', async () => {
    const { page, press } = await given();
    expect((await page('settings')).html).not.toContain('a secret<');
    const revealed = await press('secret/reveal');
    expect(revealed.html).toContain('>a secret<');
    // As often as one likes.
    expect(revealed.text).not.toContain('this once');
    expect((await page('settings')).html).not.toContain('>a secret<');
  });

  it('rotate the secret, count the overlap down, and end it early', async () => {
    const { page, press, organization, webhookId } = await given();
    const rotated = await press('secret/rotate', { secret: '', overlapSeconds: '3600' });
    const [secret = ''] = /whsec_[A-Za-z0-9+/=]{44}/.exec(rotated.html) ?? [];
    const stored = async () => (await organization.admin.get(`${organization.path}/webhooks/${webhookId}/secret`)).body;
    expect(await stored()).toMatchObject({ secret, previousSecretExpiresAt: expect.any(String) });
    expect(rotated.text).toContain('The old secret keeps working for another 1 h');
    vi.setSystemTime(Date.now() + 10 * 60_000);
    expect((await page('settings')).text).toContain('for another 50 min');
    expect((await page('secret/end-overlap')).text).toContain('Stop the old secret now?');
    expect((await press('secret/end-overlap')).text).toContain('The old secret stops working everywhere within 5 seconds.');
    expect(await stored()).toMatchObject({ secret, previousSecretExpiresAt: null });
    expect((await page('settings')).text).not.toContain('for another');
  });

  it('count down every overlap, say where there is no room for another, and end them all', async () => {
    const { page, press, person, organization, webhookId } = await given();
    for (const overlapSeconds of ['604800', '3600', '86400']) await press('secret/rotate', { secret: '', overlapSeconds });
    const { text } = await page('settings');
    for (const left of ['7 d', '1 h', '1 d']) expect(text).toContain(`An older secret keeps working for another ${left} , until`);
    const typed = { secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', overlapSeconds: '3600' };
    const refused = await person.post(`${webhookId}/secret/rotate`, typed);
    expect(refused.status).toBe(409);
    expect(refused.text).toContain('3 former secrets of this webhook still sign');
    expect(refused.html).toContain(`value="${typed.secret}"`);
    expect(refused.html).toContain('<option value="3600" selected="">');
    expect((await page('secret/end-overlap')).text).toContain('Stop 3 older secrets now?');
    const ended = await press('secret/end-overlap');
    expect(ended.text).toContain('The older secrets stop working everywhere within 5 seconds.');
    expect(await page('secret/end-overlap')).toMatchObject({ status: 303, location: `${PAGES}/${webhookId}/settings` });
    expect((await page('settings')).text).not.toContain('for another');
    const { body } = await organization.admin.get(`${organization.path}/webhooks/${webhookId}/secret`);
    expect(body).toEqual({ secret: expect.any(String), previousSecretExpiresAt: null, headers: null });
  });

  it('rotate to a secret of one’s own as it was meant, without what was pasted along with it, and refuse what nobody means', async () => {
    const { press, person, organization, webhookId } = await given();
    const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
    const rotated = await press('secret/rotate', { secret: `\u00A0${secret}\u200B `, overlapSeconds: '0' });
    expect(rotated.text).toContain('This is the new secret. Within 5 seconds deliveries are signed with it alone.');
    expect((await organization.admin.get(`${organization.path}/webhooks/${webhookId}/secret`)).body.secret).toBe(secret);
    const refused = await person.post(`${webhookId}/secret/rotate`, { secret: `v1,${secret}`, overlapSeconds: '0' });
    expect(refused.status).toBe(422);
    expect(refused.html).toMatch(/id="secret-error">The secret begins with `v1,`/);
    expect((await press('secret/rotate', { secret: 'a short one', overlapSeconds: '0' })).text).toContain('fewer than 24 characters');
  });

  it('say after a rotation what is so: whether anything has changed, and which secret signs what', async () => {
    const { press, person, webhookId } = await given();
    const rotate = async (secret: string, overlapSeconds: string) => (await press('secret/rotate', { secret, overlapSeconds })).text;
    const [first, second] = ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD8dzXNnb1JYw='];
    expect(await rotate(first, '0')).toContain('This is the new secret. Within 5 seconds deliveries are signed with it alone.');
    for (const overlapSeconds of ['0', '86400']) {
      const again = await rotate(first, overlapSeconds);
      expect(again).toContain('The webhook has this secret already: nothing has changed.');
      expect(again).not.toContain('new secret.');
    }
    const overlapping = await rotate(second, '3600');
    expect(overlapping).toContain('This is the new secret. The old one keeps working beside it');
    expect(overlapping).toContain('X-Bullseye-Signature is made with the oldest secret until its time is over.');
    expect(overlapping).not.toContain('Deliveries are signed with it alone');
    // One that ends at once leaves those of before to their own ends.
    expect(await rotate('', '0')).toContain('X-Bullseye-Signature is made with the oldest secret until its time is over.');
    expect((await person.get(`${webhookId}/secret/rotate`)).text).toContain(
      'Until then both work: webhook-signature has a signature of each',
    );
  });

  it.each<[string, string, Record<string, string>, string]>([
    ['secret/rotate', 'writes', { secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', overlapSeconds: '604800' }, 'RATE_LIMITER'],
    ['secret/rotate', 'database', { secret: 'correct horse battery staple', overlapSeconds: '0' }, 'DB'],
  ])('%s shows its form again as it was filled in, where the %s is what refuses it', async (part, what, fields, _binding) => {
    const { person, webhookId } = await given();
    let taken = 0;
    const refused = { allowed: false, limit: 1, remaining: 0, resetAt: Date.now() + 30_000, of: 'writes' };
    const hindered: Record<string, Partial<Env>> = {
      // The first count is that of the session.
      writes: { RATE_LIMITER: { getByName: () => ({ take: async () => ({ ...refused, allowed: taken++ === 0 }) }) } as never },
      database: { DB: databaseWithout(/update "webhooks"/) },
    };
    const unlucky = visitor({ vars: hindered[what] });
    for (const [name, value] of person.cookies) unlucky.cookies.set(name, value);
    const shown = await unlucky.post(`${webhookId}/${part}`, fields);
    expect(shown.status).toBe(what === 'writes' ? 429 : 503);
    expect(Number(shown.headers.get('Retry-After'))).toBeGreaterThan(0);
    for (const value of Object.values(fields)) expect(shown.html).toMatch(new RegExp(`value="${value}"`));
    expect(shown.html).toContain(`<option value="${fields.overlapSeconds}" selected="">`);
  });

  it('say what is wrong with a new secret', async () => {
    const { person, webhookId } = await given();
    const page = await person.post(`${webhookId}/secret/rotate`, { secret: 'x'.repeat(257), overlapSeconds: '0' });
    expect(page.status).toBe(422);
    expect(page.html).toContain('id="secret-error"');
    expect(page.html).toContain(`value="${'x'.repeat(257)}"`);
    // "No time" for a secret that leaked must not become 24 hours.
    expect(page.html.match(/<option[^>]* selected[^>]*>/g)).toEqual(['<option value="0" selected="">']);
  });

  it('stand at their own address for what is new, and lead there from addresses of before', async () => {
    const { person, webhookId, page } = await given();
    const settings = `${PAGES}/${webhookId}/settings`;
    const refused = await person.post(`${webhookId}/edit`, { url: 'ftp://x', events: ['*'] });
    expect(refused.html).toContain(`data-live-from="${settings}"`);
    expect((await page('settings')).html).not.toContain('data-live-from');
    expect(await page('edit')).toMatchObject({ status: 303, location: settings });
    expect(await page('recover')).toMatchObject({ status: 303, location: `${PAGES}/${webhookId}/deliveries?status=failed` });
  });

  it('leave the form alone while they are brought up to date', async () => {
    const { person, webhookId } = await given();
    await person.submit(`${webhookId}/secret/rotate`, { secret: '', overlapSeconds: '3600' });
    const look = await person.get(`${webhookId}/settings`, { 'X-Live': '1' });
    expect(look.text).toContain('The old secret keeps working for another');
    expect(look.html).not.toContain('name="url"');
    // A form that is tried is brought up to date itself.
    const tried = await person.post(
      `${webhookId}/edit`,
      { url: 'https://typed.example.com', events: ['*'], step: 'preview' },
      { 'X-Live': '1' },
    );
    expect(tried.html).toContain('value="https://typed.example.com"');
  });

  it('say what a pause costs before it happens', async () => {
    const { page, post, press, endpoint, webhookId } = await given();
    expect((await page('pause')).text).toContain('No delivery is waiting right now.');
    await endpoint.script([{ status: 500 }]);
    await post(3);
    await vi.waitFor(async () => expect((await page('pause')).text).toContain('3 deliveries are waiting.'), { timeout: 15_000 });
    expect((await page('pause')).text).toContain('Pause “');
    expect((await page('settings')).html).toContain(`href="${PAGES}/${webhookId}/pause"`);
    await press('pause');
    expect(await page('pause')).toMatchObject({ status: 303, location: `${PAGES}/${webhookId}/settings` });
  });

  it('delete a webhook that is in use by its name alone, and say what is lost', async () => {
    const { page, press, person, post, webhookId, organization, endpoint } = await given({ name: 'Leads  to the CRM' });
    expect((await page('delete')).html).not.toContain('name="typedName"');
    await post(2);
    await endedDeliveriesOf(webhookId, 2);
    const asked = await page('delete');
    expect(asked.text).toContain('The record of 2 deliveries of the last 30 days is erased');
    expect(asked.text).toContain('type its name: Leads to the CRM');
    for (const typedName of ['', 'Leads']) {
      const refused = await person.post(`${webhookId}/delete`, { typedName });
      expect(refused.status).toBe(422);
      expect(refused.html).toContain('id="typedName-error"');
    }
    await endpoint.script([{ status: 500 }]);
    await post(1);
    await vi.waitFor(async () => expect((await page('delete')).text).toContain('1 delivery is waiting, and is never sent.'), {
      timeout: 15_000,
    });
    expect((await press('delete', { typedName: ' leads to the crm' })).text).toContain('is deleted.');
    expect((await organization.admin.get(`${organization.path}/webhooks`)).body.webhooks).toEqual([]);
  });

  it('delete a webhook without asking for its name once it has delivered nothing for a week', async () => {
    const { page, post, webhookId, organization } = await given();
    await post(1);
    await endedDeliveriesOf(webhookId, 1);
    expect((await page('delete')).html).toContain('name="typedName"');
    vi.setSystemTime(Date.now() + 8 * 86_400_000);
    const later = await signedIn(organization);
    expect((await later.get(`${webhookId}/delete`)).html).not.toContain('name="typedName"');
    expect((await later.submit(`${webhookId}/delete`)).text).toContain('is deleted.');
  });

  it('pause and resume, and what came meanwhile is retried where it is listed', async () => {
    const { press, page, post, endpoint, webhookId } = await given();
    expect((await press('pause')).text).toContain('This webhook is paused');
    await post(3);
    expect((await page('deliveries')).text).toContain(STATUS_WORDS.discarded);
    // So far ahead of the real clock that no alarm runs by itself.
    vi.setSystemTime(Date.now() + 60_000);
    const list = await press('resume');
    for (const said of ['The webhook gets events again. It takes up to 5 seconds.', 'Retry all that match'])
      expect(list.text).toContain(said);
    expect((await press('deliveries/retry-all', { status: 'discarded' })).text).toContain('3 deliveries start over.');
    expect((await page()).text).toContain('3 waiting');
    await runAlarm(webhookId);
    await endpoint.arrived(3);
    await untilEnded(webhookId);
    const { text } = await page();
    expect(text).not.toContain('A recovery is under way');
    expect(text).toContain('Delivered 3');
  });
});
