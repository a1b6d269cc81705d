import { describe, expect, it, vi } from 'vitest';
import { createOrganization, createWebhook } from '../support/api.ts';
import { driveDate } from '../support/clock.ts';
import { signedIn, visitor } from '../support/dashboard.ts';
import { aMessage, anEvent, consume, endedDeliveriesOf, endpointInbox } from '../support/deliveries.ts';

const DAY = 86_400_000;

driveDate(Math.floor(Date.now() / DAY) * DAY + DAY / 2);

const isoDay = (daysAgo = 0) => new Date(Date.now() - daysAgo * DAY).toISOString().slice(0, 10);

async function given(events: number) {
  const organization = await createOrganization();
  const { id } = await createWebhook(organization, { url: endpointInbox().url });
  vi.setSystemTime(Date.now() + 5_000);
  if (events > 0) {
    await consume([aMessage(Array.from({ length: events }, () => anEvent(organization.id)))]);
    await endedDeliveriesOf(id, events);
  }
  return organization;
}

const vars = { QUOTAS: '{"scale":{"webhooks":5,"eventsPerDay":10}}' };

describe('the page Usage', () => {
  it('shows what was used today and on each of the last 30 days, to whoever may read', async () => {
    const reader = await signedIn(await given(3), 'read');
    const { status, html, text } = await reader.get('usage');
    expect(status).toBe(200);
    expect(text).toContain('Events today 3');
    expect(text).toContain('Webhooks 1 of 20');
    expect(text).toContain('Deliveries are kept for 30 days');
    for (const day of [isoDay(), isoDay(29)]) expect(html).toContain(`<time datetime="${day}">`);
    expect(html).not.toContain(`<time datetime="${isoDay(30)}">`);
    expect(html).toContain('aria-label="3 events in 30 days, at most 3 in a day."');
    expect((await reader.get()).html).toContain('/usage"');
  });

  it('says so where there was nothing', async () => {
    const { text } = await (await signedIn(await given(0))).get('usage');
    expect(text).toContain('No events yet');
  });

  it('can be downloaded, 400 days of it', async () => {
    const { html, headers } = await (await signedIn(await given(2))).get('usage/export');
    expect(headers.get('Content-Type')).toContain('text/csv');
    const lines = html.replace('\uFEFF', '').trim().split('\r\n');
    expect(lines).toHaveLength(401);
    expect(lines[0]).toBe('Day (UTC),Events,Deliveries,Attempts');
    expect(lines.at(-1)).toBe(`${isoDay()},2,2,2`);
  });

  it('is for who is signed in', async () => {
    for (const path of ['usage', 'usage/export']) expect((await visitor().get(path)).location).toContain('sign-in?next=');
  });
});

describe('what is near its quota', () => {
  it.each([
    [7, null],
    [8, '8 of the 10 events that your plan is meant for have come today. Every event is still delivered.'],
    [12, '12 events have come today. Your plan is meant for 10. Every event is still delivered.'],
  ])('is told on the list and on the page Usage: %i events of 10', async (events, told) => {
    const person = await signedIn(await given(events), 'admin', { vars });
    for (const path of ['', 'usage']) {
      const { text } = await person.get(path);
      if (told) expect(text).toContain(told);
      else expect(text).not.toContain('Every event is still delivered');
    }
    expect((await person.get('usage')).text).toContain('of 10');
  });

  it('is told of webhooks, and the form for a new one says so', async () => {
    const organization = await given(0);
    for (let more = 0; more < 3; more++) await createWebhook(organization);
    const person = await signedIn(organization, 'admin', { vars });
    expect((await person.get()).text).toContain('4 of the 5 webhooks that your plan includes are in use.');
    expect((await person.get('new')).html).toContain('name="url"');
    await createWebhook(organization);
    expect((await person.get()).text).toContain('Your plan includes 5 webhooks, and you have 5. You cannot add another.');
    expect((await person.get('new')).text).toContain('All 5 webhooks are in use.');
  });
});
