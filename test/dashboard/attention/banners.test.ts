import { describe, expect, it, vi } from 'vitest';
import { createOrganization, createWebhook } from '../../support/api.ts';
import { driveDate } from '../../support/clock.ts';
import { signedIn } from '../../support/dashboard.ts';
import { aMessage, anEvent, consume, endpointInbox, outboxOf, runAlarm, untilEnded } from '../../support/deliveries.ts';
import type { Reply } from '../../support/receiver.ts';

driveDate();

/** A webhook, and a person who looks at it. */
async function given(script: Reply[]) {
  const organization = await createOrganization();
  const endpoint = endpointInbox();
  await endpoint.script(script);
  const { id } = await createWebhook(organization, { url: endpoint.url, events: ['*'] });
  const person = await signedIn(organization);
  const reader = await signedIn(organization, 'read');
  return {
    ...{ organization, endpoint, id, person, reader },
    page: (part = '') => person.get(`${id}${part}`),
    post: (events: number) => consume([aMessage(Array.from({ length: events }, () => anEvent(organization.id)))]),
  };
}

/** So many failures of so many deliveries: what comes next is held. */
const ENOUGH = 12;

/** Waits until the webhook's deliveries are held, and the database knows it. */
async function untilHeld(id: string): Promise<void> {
  await vi.waitFor(
    async () => {
      await runAlarm(id);
      expect((await outboxOf(id).status()).health).toBe('open');
    },
    { timeout: 15_000, interval: 20 },
  );
  await runAlarm(id);
}

/** What a screen reader hears when it changes. */
const saidIn = (html: string) => /id="banners-said"[^>]*>([^<]*)</.exec(html)?.[1];

describe('a banner of an endpoint that fails', () => {
  it.each<[string, Reply, string, RegExp]>([
    [
      '422',
      { status: 422, body: '{"error":"no <b>lead</b>"}' },
      'Your endpoint rejects deliveries',
      /Last answer: 422 {"error":"no <b>lead<\/b>"} , /,
    ],
    ['500', { status: 500, body: '<h1>Oops</h1>' }, 'Your endpoint has errors', /Last answer: 500 Oops , /],
    [
      'a connection that breaks',
      { reset: true },
      'Your endpoint cannot be reached',
      /Last answer: The connection was refused or broken off/,
    ],
    ['a challenge', { status: 403, headers: { 'cf-mitigated': 'challenge' } }, 'A firewall blocks deliveries', /Last answer: 403/],
  ])('with %s says which it is, the last answer, what helps and what to do', async (_what, reply, title, answer) => {
    const { page, post, id, reader } = await given([reply]);
    await post(ENOUGH);
    await untilHeld(id);
    await vi.waitFor(async () => expect(saidIn((await page()).html)).toBe(title));
    const { text, html } = await page();
    expect(text).toContain(title);
    expect(text).toMatch(answer);
    expect(html).not.toContain('<b>lead');
    expect(text).toMatch(/Nothing has arrived since .* 12 deliveries wait\. Deliveries are held/);
    expect(text).toMatch(/We try one again (in|now|just|\d)/);
    expect(text).toContain('What usually helps:');
    expect(text).toContain('Test again');
    expect(text).not.toMatch(/circuit|probe\b|outbox/i);
    const [, attempt = ''] = /href="([^"]*#attempt-\d+)"/.exec(html) ?? [];
    const [path = '', place = ''] = attempt.split('#');
    expect((await reader.get(path)).html).toContain(`id="${place}"`);
    expect((await page('/deliveries')).text).toContain('held');
    // Who may only read sees what is wrong, and no button.
    const seen = await reader.get(id);
    expect(saidIn(seen.html)).toBe(title);
    expect(seen.text).not.toContain('Test again');
  });

  it('whose outbox tells nothing of its attempts says that they fail', async () => {
    const { post, id, organization } = await given([{ status: 500 }]);
    await post(ENOUGH);
    await untilHeld(id);
    const outbox = new Proxy({}, { get: () => () => Promise.reject(new Error('unreachable')) });
    const silent = { getByName: () => outbox };
    const person = await signedIn(organization, 'admin', { vars: { OUTBOX: silent as unknown as Env['OUTBOX'] } });
    await vi.waitFor(async () => expect(saidIn((await person.get(id)).html)).toBe('Deliveries are failing'));
  });
});

describe('a banner of an outage that is over', () => {
  it('says how many failed, and retries them with one click; then it is gone', async () => {
    const { page, person, post, endpoint, id, reader } = await given([{ status: 500 }]);
    await post(4);
    await untilEnded(id, 40 * 60_000);
    await endpoint.script([{ status: 200 }]);
    vi.setSystemTime(Date.now() + 60_000);
    await post(1);
    await untilEnded(id, 60_000);
    await runAlarm(id);
    await vi.waitFor(async () => expect(saidIn((await page()).html)).toBe('Your endpoint works again; 4 deliveries failed meanwhile'));
    expect((await reader.get(id)).text).not.toContain('Retry all that failed');
    const { text, html } = await page();
    expect(text).toContain('Retry all that failed (4)');
    const form =
      /action="[^"]*\/retry-failed"><input type="hidden" name="since" value="(\d+)"\/><input type="hidden" name="until" value="(\d+)"/;
    const [, since = '', until = ''] = form.exec(html) ?? [];
    const after = await person.submit(`${id}/retry-failed`, { since, until });
    expect(after.text).toContain('4 deliveries are retried.');
    await runAlarm(id);
    await untilEnded(id);
    expect(saidIn((await page()).html)).toBe('');
    const again = await person.submit(`${id}/retry-failed`, { since, until });
    expect(again.text).toContain('Everything that failed has been retried already.');
  });

  it('is not for whoever may only read, nor of a form that is not ours', async () => {
    const { reader, person, id } = await given([{ status: 200 }]);
    expect((await reader.post(`${id}/retry-failed`, { since: '0' })).status).toBe(403);
    for (const since of ['', 'x', '99999999999999', '-1']) {
      expect((await person.submit(`${id}/retry-failed`, { since, until: since })).text).toContain('has been retried already');
    }
  });
});

it('a banner says why the service disabled a webhook, with the last answer, and enables it again', async () => {
  const { page, person, post, id } = await given([{ status: 410, body: 'moved away' }]);
  await post(1);
  await runAlarm(id);
  const { text, html } = await page();
  expect(saidIn(html)).toBe('This webhook was disabled');
  expect(text).toContain('410 Gone');
  expect(text).toMatch(/Last answer: 410 moved away , /);
  const resumed = await person.submit(`${id}/resume`);
  expect(resumed.text).toContain('The webhook gets events again.');
  expect(saidIn(resumed.html)).not.toBe('This webhook was disabled');
});
