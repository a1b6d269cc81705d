import { describe, expect, it } from 'vitest';
import { BUILT_IN_EVENT_TYPES } from '../../../src/domain/event/event-type.ts';
import { messageOf } from '../../../src/domain/rules/message.ts';
import { VISITOR } from './events.ts';

const factsOf = (event: Record<string, unknown>) => messageOf(event, 'Sales').facts.map(({ label, text }) => `${label}: ${text}`);
const envelope = { timestamp: '2026-11-23T14:05:09.000Z', organization_id: 'org_acme' };

describe('what a chat shows of a visitor', () => {
  it('is who it is and their company first, then what a sales person wants, then where it comes from', () => {
    const { title, sentence, footer } = messageOf(VISITOR, 'Sales leads');
    expect(title).toBe('Jane Doe · Example Corp');
    expect(sentence).toBe('A visitor of your website was identified.');
    expect(factsOf(VISITOR)).toEqual([
      'Job title: VP of Marketing',
      'E-mail: jane.doe@example.com',
      'LinkedIn: linkedin.com/in/janedoe',
      'Location: Austin, Texas, United States',
      'Company size: 250 employees',
      'Industry: Computer Software',
      'Company location: Austin, Texas, United States',
      'Website: example.com',
      'Landing page: acme.com/pricing',
      'Pages visited: 4',
      'Source: google / cpc',
      'Referrer: google.com',
      'Device: desktop',
    ]);
    expect(footer).toBe('Bullseye · Sales leads · visitor.identified · 2026-11-23 14:05 UTC');
  });

  it('is what is known: an address for a name, a domain for a company, somebody at a company, a visitor', () => {
    const titleOf = (visitor: object, company: object | null) => messageOf({ ...VISITOR, visitor, company }, 'x').title;
    expect(titleOf({ email: 'jane@example.com' }, { domain: 'example.com' })).toBe('jane@example.com · example.com');
    expect(titleOf({ last_name: 'Doe' }, null)).toBe('Doe');
    expect(titleOf({}, { name: 'Example Corp' })).toBe('Somebody at Example Corp');
    expect(titleOf({}, null)).toBe('A visitor');
  });

  it('has further fields after those that are known, and parts and lists in a line', () => {
    const event = {
      ...VISITOR,
      visitor: { phone: '+1 512 555 0100', location: { city: 'Austin', country: 'US', geo: { lat: 1 } } },
      company: { employee_count: '51-200', tags: ['saas', null, 'b2b'] },
      session: { pages_visited: [{ url: '/a' }, { url: '/b' }], is_new: true },
    };
    expect(factsOf(event)).toEqual([
      'Location: Austin, US',
      'Company size: 51-200 employees',
      'Pages visited: 2',
      'Visitor phone: +1 512 555 0100',
      'Visitor location city: Austin',
      'Visitor location country: US',
      'Visitor location geo lat: 1',
      'Company tags: saas, b2b',
      'Session is new: yes',
    ]);
  });
});

describe('what a chat shows of another event', () => {
  it('is what it is, and its plain fields', () => {
    const event = {
      event: 'order.line_items-changed',
      ...envelope,
      total: 12.5,
      paid: false,
      note: null,
      empty: '',
      customer: { name: 'Jane' },
    };
    expect(messageOf(event, 'x')).toMatchObject({ title: 'Order line items changed', sentence: null });
    expect(factsOf(event)).toEqual(['Total: 12.5', 'Paid: no', 'Customer name: Jane']);
  });

  it('is twenty fields at most, each in one line and cut', () => {
    const fields = Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`field_${index}`, `a\n\t b${'c'.repeat(5_000)}`]));
    const { facts } = messageOf({ event: 'a', ...envelope, ...fields }, 'x');
    expect(facts).toHaveLength(20);
    expect(facts.every(({ text }) => text.length === 300 && text.startsWith('a bccc') && text.endsWith('c…'))).toBe(true);
  });

  it('links web addresses alone, and none with credentials', () => {
    const linksOf = (...values: unknown[]) => messageOf({ event: 'a', ...envelope, ...values }, 'x').facts.map(({ link }) => link);
    expect(linksOf('https://a.example/b?c=d', 'http://a.example', 'HTTPS://A.example')).toEqual([
      'https://a.example/b?c=d',
      'http://a.example/',
      'https://a.example/',
    ]);
    expect(
      linksOf('javascript:alert(1)', 'ftp://a.example', 'mailto:a@b.example', 'https://a:b@c.example', 'see https://a.example'),
    ).toEqual(Array(5).fill(null));
    expect(linksOf('https://a.example/(b)|c>@d<e')).toEqual(['https://a.example/%28b%29%7Cc%3E%40d%3Ce']);
  });

  it.each(['@channel', '@here', '@everyone', '@HERE'])('does not call %s', (mention) => {
    const event = { event: 'visitor.identified', ...envelope, visitor: { first_name: mention, job_title: `x ${mention}` } };
    const { title, facts } = messageOf(event, mention);
    expect([title, ...facts.map(({ text }) => text)]).toEqual([`@\u200b${mention.slice(1)}`, `x @\u200b${mention.slice(1)}`]);
    expect(messageOf(event, mention).footer).not.toContain(mention);
  });

  it('does not call anybody, and leaves addresses as they are', () => {
    const event = { event: 'a', ...envelope, one: '@channel <!here> <@U1> </at>', two: 'jane@here.com, a<b, 2 < 3' };
    expect(factsOf(event)).toEqual(['One: @\u200bchannel <!here> <@U1> </at>', 'Two: jane@here.com, a<b, 2 < 3']);
  });
});

describe("what a chat shows of the service's own events", () => {
  const webhook = { id: 'whk_1', name: 'hooks.example.com', host: 'hooks.example.com' };
  const shown = (event: string, more: object = {}) => messageOf({ event, ...envelope, ...more }, 'The webhook that brings it');

  it.each([
    ['webhook.failing', {}, 'A delivery to hooks.example.com has failed for good, though its endpoint had worked before.'],
    ['webhook.recovered', {}, 'The endpoint of hooks.example.com takes deliveries again.'],
    [
      'webhook.disable_warning',
      {},
      'hooks.example.com will be disabled if its endpoint goes on failing: nothing has been delivered for days.',
    ],
    ['webhook.disabled', { disabled_reason: 'endpoint_gone' }, 'hooks.example.com was disabled: its endpoint answered 410 Gone.'],
    [
      'webhook.disabled',
      { disabled_reason: 'endpoint_failing' },
      'hooks.example.com was disabled: its endpoint has done nothing but fail for days.',
    ],
    ['webhook.disabled', { disabled_reason: 'of another version' }, 'hooks.example.com was disabled.'],
  ])('%s says what happened to which webhook, with %j', (type, more, sentence) => {
    const message = shown(type, { webhook: { ...webhook, ...more }, delivery: { id: 'dlv_1' } });
    expect(message.sentence).toBe(sentence);
    expect(message.facts.map(({ label, text }) => `${label}: ${text}`)).toEqual(['Webhook id: whk_1', 'Delivery id: dlv_1']);
  });

  it('is said of the webhook by its description where it has one; the host is shown beside it', () => {
    const message = shown('webhook.failing', { webhook: { ...webhook, name: 'Leads to CRM', description: 'Leads to CRM' } });
    expect(message.sentence).toBe('A delivery to “Leads to CRM” has failed for good, though its endpoint had worked before.');
    expect(message.facts.map(({ label, text }) => `${label}: ${text}`)).toEqual(['Webhook id: whk_1', 'Webhook host: hooks.example.com']);
    expect(shown('webhook.failing', { webhook: null }).sentence).toMatch(/^A delivery to one of your webhooks has failed/);
  });

  it('says that a person was erased, and which', () => {
    const message = shown('visitor.erased', { erasure_id: 'era_1', field: 'visitor.email', value: 'jane@example.com' });
    expect(message.sentence).toContain('Erase what you have of the person, too.');
    expect(message.facts.map(({ text }) => text)).toEqual(['era_1', 'visitor.email', 'jane@example.com']);
  });

  it('has words of its own for each of them', () => {
    const own = BUILT_IN_EVENT_TYPES.filter(({ name }) => name.startsWith('webhook.'));
    for (const { example } of own) {
      const message = messageOf(example as Record<string, unknown>, 'x');
      expect(message.sentence).toBe((example as { message: string }).message);
      expect(message.facts.at(-1)).toMatchObject({ label: 'Dashboard', link: (example as { url: string }).url });
      expect(message.facts.find(({ label }) => label === 'Failing since')?.text).toBe('2026-11-23 13:29 UTC');
      expect(message.facts.map(({ label }) => label)).toEqual(
        expect.arrayContaining(['Failing since', 'Deliveries waiting', 'Last answer']),
      );
    }
  });
});
