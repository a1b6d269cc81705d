import { afterEach, describe, expect, it, vi } from 'vitest';
import { Outbox } from '../../../src/outbox/outbox.ts';
import { createOrganization, createWebhook } from '../../support/api.ts';
import { driveDate } from '../../support/clock.ts';
import { PAGES, signedIn } from '../../support/dashboard.ts';
import { aMessage, anEvent, consume, endpointInbox, outboxOf, runAlarm } from '../../support/deliveries.ts';

driveDate();
afterEach(() => {
  vi.restoreAllMocks();
});

/** The names of the webhooks in the order of the table. */
const namesIn = (html: string) => [...html.matchAll(/<th scope="row" class="endpoint"><a [^>]*>([^<]*)</g)].map(([, name]) => name);
const summaryOf = (html: string) => /id="attention-said"[^>]*>([^<]*)</.exec(html)?.[1];

describe('the first page', () => {
  it('has what needs attention first, why, and what to do; then by name', async () => {
    const organization = await createOrganization();
    const endpoint = endpointInbox();
    await endpoint.script([{ status: 422, body: 'no' }]);
    await createWebhook(organization, { name: 'zebra', events: ['webhook.*'] });
    const { id } = await createWebhook(organization, { name: 'Middle', url: endpoint.url, events: ['*'] });
    await createWebhook(organization, { name: 'Webhook 10', enabled: false });
    await createWebhook(organization, { name: 'webhook 9', events: ['webhook.*'] });
    const person = await signedIn(organization);
    const before = await person.get();
    expect(summaryOf(before.html)).toBe('No webhook needs attention.');
    expect(namesIn(before.html)).toEqual(['Middle', 'webhook 9', 'Webhook 10', 'zebra']);
    for (const said of ['Paused', 'Nothing delivered']) expect(before.text).toContain(said);

    await consume([aMessage(Array.from({ length: 12 }, () => anEvent(organization.id)))]);
    const held = async () => {
      await runAlarm(id);
      expect((await outboxOf(id).status()).health).toBe('open');
    };
    await vi.waitFor(held, { timeout: 15_000, interval: 20 });
    await runAlarm(id);
    await vi.waitFor(async () =>
      expect(summaryOf((await person.get()).html)).toMatch(/^1 of 4 webhooks needs attention; 12 deliveries wait\.$/),
    );
    const { text, html } = await person.get();
    expect(namesIn(html)[0]).toBe('Middle');
    expect(text).toMatch(/Middle rejects deliveries \(422\) · since .* · 12 deliveries wait/);
    expect(text).toContain('Test again');
    expect(html).toContain('Rejects</span>');
    expect(text).toContain('–, 12 waiting');
    expect((await (await signedIn(organization, 'read')).get()).text).not.toContain('Test again');
  });

  it('points out those that share a URL', async () => {
    const organization = await createOrganization();
    for (const name of ['One', 'Two']) await createWebhook(organization, { name, url: 'https://hooks.example.com/in' });
    const { text } = await (await signedIn(organization)).get();
    expect(text).toContain('Same URL as Two');
    expect(text).toContain('Same URL as One');
  });

  it('finds by name and URL where there are more than seven', async () => {
    const organization = await createOrganization();
    const add = (name: string, url: string) => createWebhook(organization, { name, url });
    for (let n = 1; n <= 7; n++) await add(`Number ${n}`, `https://hooks.example.com/services/SECRET${n}`);
    const person = await signedIn(organization);
    expect((await person.get()).html).not.toContain('id="list-q"');
    await add('CRM', 'https://crm.example.com/in');
    expect((await person.get()).html).toContain('id="list-q"');
    expect(namesIn((await person.get(`${PAGES}?q=crm`)).html)).toEqual(['CRM']);
    expect(namesIn((await person.get(`${PAGES}?q=secret3`)).html)).toEqual(['Number 3']);
    const none = await person.get(`${PAGES}?q=${encodeURIComponent('<i>')}`);
    expect(none.text).toContain('No webhook has “<i>” in its name or URL.');
    expect(none.html).not.toContain('<i>');
    // What may not be seen is not found either.
    const reader = await signedIn(organization, 'read');
    expect(namesIn((await reader.get(`${PAGES}?q=secret3`)).html)).toEqual([]);
    expect(namesIn((await reader.get(`${PAGES}?q=hooks.example.com/services`)).html)).toHaveLength(7);
  });
});

describe('whoever may only read', () => {
  it('sees of a URL where it leads, and nothing that it takes to post there', async () => {
    const organization = await createOrganization();
    const endpoint = endpointInbox();
    const url = `${endpoint.url}/kq7x2token?token=kq7x2token`;
    const { id } = await createWebhook(organization, { name: 'Chat', url, events: ['*'] });
    await endpoint.script([{ status: 500 }]);
    await consume([aMessage([anEvent(organization.id)])]);
    await endpoint.arrived(1);
    const { body } = await organization.admin.get(`${organization.path}/webhooks/${id}/deliveries`);
    const reader = await signedIn(organization, 'read');
    for (const path of [
      '',
      id,
      `${id}/deliveries`,
      `${id}/deliveries/${body.data[0].id}`,
      `${id}/settings`,
      `${id}/verify`,
      `${id}/skipped`,
    ]) {
      const { html, text } = await reader.get(path);
      expect({ path, shown: text.includes('Chat') || text.includes('Webhook') }).toEqual({ path, shown: true });
      expect({ path, leaks: html.includes('kq7x2token') }).toEqual({ path, leaks: false });
    }
    const writer = await signedIn(organization, 'write');
    expect((await writer.get(`${id}/deliveries/${body.data[0].id}`)).html).toContain('kq7x2token');
  });

  it('does not see it in what is said of a request that failed either, wherever that is', async () => {
    const organization = await createOrganization();
    const endpoint = endpointInbox();
    const url = `${endpoint.url}/kq7x2token`;
    const { id } = await createWebhook(organization, { url, events: ['*'] });
    await endpoint.script([{ status: 500 }]);
    await consume([aMessage([anEvent(organization.id)])]);
    await endpoint.arrived(1);
    const [delivery] = (await organization.admin.get(`${organization.path}/webhooks/${id}/deliveries`)).body.data;
    const { find } = Outbox.prototype;
    vi.spyOn(Outbox.prototype, 'find').mockImplementation(function (this: Outbox, ...args) {
      const whole = find.apply(this, args);
      return whole && { ...whole, attempts: whole.attempts.map((each) => ({ ...each, error: `The request failed: ${url}` })) };
    });
    const paths = [`search?q=${delivery.eventId}`, `${id}/deliveries/${delivery.id}`];
    const reader = await signedIn(organization, 'read');
    for (const path of paths) {
      const { text } = await reader.get(path);
      expect({ path, leaks: text.includes('kq7x2token'), says: text.includes('The request failed') }).toEqual({
        path,
        leaks: false,
        says: true,
      });
    }
    const writer = await signedIn(organization, 'write');
    for (const path of paths) expect((await writer.get(path)).text).toContain('kq7x2token');
  });
});
