import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Outbox } from '../../src/outbox/outbox.ts';
import { createOrganization, createWebhook, type TestOrganization } from '../support/api.ts';
import { driveDate } from '../support/clock.ts';
import { PAGES, type Page, signedIn, type Visitor } from '../support/dashboard.ts';
import { aMessage, anEvent, consume, deliveriesOf, endedDeliveriesOf, endpointInbox, untilEnded } from '../support/deliveries.ts';
import type { Reply } from '../support/receiver.ts';
import { tellAtOnce } from '../support/telling.ts';

driveDate();
beforeEach(() => tellAtOnce());
afterEach(() => {
  vi.restoreAllMocks();
});

const JANE = {
  visitor: { email: 'jane.doe@example.com', first_name: 'Jane', last_name: 'Doe' },
  company: { name: 'Example <Corp>', domain: 'example.com', employee_count: 12 },
};

interface Given {
  organization: TestOrganization;
  person: Visitor;
  search(q: string, more?: string): Promise<Page>;
  webhook(reply: Reply, input?: Record<string, unknown>): Promise<string>;
  post(extra?: Record<string, unknown>): Promise<string>;
}

async function given(scope = 'admin'): Promise<Given> {
  const organization = await createOrganization();
  const person = await signedIn(organization, scope);
  return {
    organization,
    person,
    search: (q, more = '') => person.get(`search?q=${encodeURIComponent(q)}${more}`),
    webhook: async (reply, input = {}) => {
      const endpoint = endpointInbox();
      await endpoint.script([reply]);
      return (await createWebhook(organization, { url: endpoint.url, ...input })).id;
    },
    post: async (extra = JANE) => {
      const event = anEvent(organization.id, extra);
      await consume([aMessage([event])]);
      return event.id;
    },
  };
}

const REJECTED: Reply = { status: 422, body: 'Lead rejected: <b>personal</b> e-mail domains are blocked' };

describe('a search across all webhooks', () => {
  it('is offered on the first page, and on each webhook’s list', async () => {
    const { person, webhook } = await given();
    expect((await person.get()).html).not.toContain(`action="${PAGES}/search"`);
    const id = await webhook({ status: 200 });
    const first = await person.get();
    expect(first.html).toContain(`action="${PAGES}/search"`);
    expect(first.html).toContain('E-mail, name, company, domain, session or id');
    const list = await person.get(`${id}/deliveries?q=jane`);
    expect(list.html).toContain(`href="${PAGES}/search?q=jane"`);
    expect((await person.get('search')).text).toContain('a part of it is enough');
  });

  it('says of each delivery whom it is about, to which webhook, and what became of it, with the endpoint’s answer', async () => {
    const { webhook, post, search } = await given();
    const [bad, good] = [await webhook(REJECTED), await webhook({ status: 204 })];
    await post();
    await untilEnded(bad);
    await endedDeliveriesOf(good, 1);
    const { html, text } = await search('JANE.doe@');
    expect(html.match(/<tr id="dlv_/g)).toHaveLength(2);
    for (const id of [bad, good]) expect(html).toContain(`href="${PAGES}/${id}"`);
    expect(text).toContain('Jane Doe, Example <Corp>');
    expect(text).toContain('Lead rejected: <b>personal</b> e-mail domains are blocked');
    expect(text).toContain('The endpoint answered 204.');
    expect(text).toContain('That is everything that is kept.');
    const [delivery] = await deliveriesOf(bad);
    const retry = `${PAGES}/${bad}/deliveries/${delivery?.id}/retry`;
    expect(html.match(/action="[^"]*\/retry"/g)).toEqual([`action="${retry}"`]);
  });

  it('retries a failed one, and shows how that ends', async () => {
    const { webhook, post, person } = await given();
    const id = await webhook(REJECTED);
    await post();
    await untilEnded(id);
    const [delivery] = await deliveriesOf(id);
    const { status, text } = await person.submit(`${id}/deliveries/${delivery?.id}/retry`);
    expect(status).toBe(200);
    expect(text).toContain('Jane Doe, Example <Corp>');
  });

  it('offers no retry to who may only read', async () => {
    const { webhook, post, search } = await given('read');
    const id = await webhook(REJECTED);
    await post();
    await untilEnded(id);
    const { html } = await search('jane');
    expect(html).toContain('<tr id="dlv_');
    expect(html).not.toContain('/retry"');
  });

  it('finds what a filter kept back, by e-mail, and says why in words', async () => {
    const { webhook, post, search } = await given();
    const filter = { field: 'company.employee_count', operator: 'at_least', value: 200 };
    await webhook({ status: 200 }, { filter });
    const eventId = await post();
    for (const q of ['jane.doe@example.com', 'example.com', 'jane doe', eventId]) {
      const { text, html } = await search(q);
      expect(text, q).toContain('This visitor was filtered out by: company size is at least 200.');
      expect(html).toContain(`href="${PAGES}/search?q=${eventId}"`);
      expect(text).not.toContain('Nothing was found');
    }
    expect((await search('john')).text).toContain('Nothing was found for “john”');
  });

  it('says what it can mean that nothing is known of somebody', async () => {
    const { webhook, post, search } = await given();
    await webhook({ status: 200 });
    await post();
    const { text } = await search('"john" <doe>');
    expect(text).toContain('Nothing was found for “"john" <doe>”');
    for (const said of [
      'The visitor was not identified.',
      'No webhook wanted that event.',
      'Deliveries are kept for 30 days',
      'never reached us',
    ]) {
      expect(text).toContain(said);
    }
  });

  it('refuses what the API refuses, at the form', async () => {
    const { search, webhook } = await given();
    await webhook({ status: 200 });
    expect((await search('x'.repeat(201))).text).toContain('Search for 200 characters at most.');
    expect((await search('jane', '&cursor=x')).text).toContain('not a cursor');
  });

  it('names the webhooks that could not be asked, and shows what the others have', async () => {
    const { webhook, post, search } = await given();
    const [away, there] = [await webhook({ status: 200 }, { url: 'https://away.example.com/in' }), await webhook({ status: 200 })];
    await post();
    await endedDeliveriesOf(there, 1);
    const { list } = Outbox.prototype;
    vi.spyOn(Outbox.prototype, 'list').mockImplementation(function (this: Outbox, ...args) {
      if ((this as unknown as { ctx: DurableObjectState }).ctx.id.name === away) throw new Error('not now');
      return list.apply(this, args);
    });
    const { text, html } = await search('jane');
    expect(text).toContain('could not be searched right now: away.example.com');
    expect(text).not.toContain('That is everything that is kept.');
    expect(html.match(/<tr id="dlv_/g)).toHaveLength(1);
    expect((await search('john')).text).not.toContain('Nothing was found');
  });
});

describe('a search that takes long', () => {
  /** An outbox that gets through a log of so many pages, one at a call, each a second of which takes. */
  const longLog = (pages: number) => {
    const oldest = Date.now() - 100_000;
    return vi.spyOn(Outbox.prototype, 'list').mockImplementation((_filter, _limit, after) => {
      const at = after ? after.createdAt - 1_000 : Date.now();
      vi.setSystemTime(Date.now() + 500);
      return { deliveries: [], next: at <= oldest + (100 - pages) * 1_000 ? null : { createdAt: at, id: '' }, keptSince: null };
    });
  };

  const furtherOf = ({ html }: Page) => /href="([^"]*)" data-further="Looking further…"/.exec(html)?.[1]?.replaceAll('&amp;', '&');

  it('answers at once with what is near, and says how far back it has looked; then each page looks for a while, to the end', async () => {
    const { webhook, search, person } = await given();
    await webhook({ status: 200 });
    const calls = longLog(20);
    let page = await search('nobody');
    expect(calls.mock.calls.map(([, , , effort]) => effort)).toEqual(['brief']);
    expect(page.text).toContain('No delivery so far. Looked back to');
    expect(page.text).not.toContain('Nothing was found');
    page = await person.get(furtherOf(page)!);
    expect(calls.mock.calls.slice(1).map(([, , , effort]) => effort)).toEqual(Array(6).fill('usual'));
    for (let href = furtherOf(page); href; href = furtherOf(page)) page = await person.get(href);
    expect(calls.mock.calls.length).toBeGreaterThan(15);
    expect(page.text).toContain('Nothing was found for “nobody”');
    expect(page.text).toContain('Back to the newest');
  });

  it('stops where nothing can be asked any more, with a link to go on from there', async () => {
    const { webhook, search, person } = await given();
    await webhook({ status: 200 });
    longLog(3);
    const first = await search('nobody');
    vi.spyOn(Outbox.prototype, 'list').mockImplementation(() => {
      throw new Error('not now');
    });
    const stuck = await person.get(furtherOf(first)!);
    expect(stuck.text).toContain('Some webhooks could not be searched right now.');
    expect(stuck.text).not.toMatch(/Nothing was found|That is everything/);
    expect(furtherOf(stuck)).toBeUndefined();
    const [, again = ''] = /href="([^"]*)">Look further/.exec(stuck.html) ?? [];
    longLog(3);
    expect((await person.get(again.replaceAll('&amp;', '&'))).text).toContain('Nothing was found for “nobody”');
  });
});

describe('a delivery’s page', () => {
  it('has whom it is about as heading and in the title, and what became of the event at other webhooks', async () => {
    const { webhook, post, person } = await given();
    const [bad, good] = [await webhook(REJECTED), await webhook({ status: 204 })];
    await post();
    await untilEnded(bad);
    const [[delivery], [other]] = [await deliveriesOf(bad), await endedDeliveriesOf(good, 1)];
    const { html, text } = await person.get(`${bad}/deliveries/${delivery?.id}`);
    expect(html).toContain('<title>Jane Doe, Example &lt;Corp&gt;, visitor.identified delivery ·');
    expect(/<h1>(.*?)<\/h1>/s.exec(html)?.[1]).toContain('Jane Doe, Example &lt;Corp&gt;');
    expect(text).toContain('This event at other webhooks Delivered');
    expect(html).toContain(`href="${PAGES}/${good}/deliveries/${other?.id}"`);
    expect((await person.get(`${bad}/deliveries`)).text).toContain('Jane Doe, Example <Corp>');
  });

  it('says nothing of other webhooks where the event went to one alone', async () => {
    const { webhook, post, person } = await given();
    const id = await webhook({ status: 204 });
    await webhook({ status: 204 }, { events: ['webhook.failing'] });
    await post();
    const [delivery] = await endedDeliveriesOf(id, 1);
    expect((await person.get(`${id}/deliveries/${delivery?.id}`)).text).not.toContain('at other webhooks');
  });
});
