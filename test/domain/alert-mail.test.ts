import { describe, expect, it } from 'vitest';
import { alertMail, confirmationMail, trialMail } from '../../src/domain/alert-mail.ts';
import { aFailing, TOLD } from '../support/notices.ts';

const NOW = Date.UTC(2026, 10, 23, 15, 0);
const SINCE = Date.UTC(2026, 10, 23, 14, 5);
const PARTIES = { product: 'Bullseye', organization: 'Acme' };
const END = 'https://webhooks.example.com/settings/integrations/webhooks/alerts/end/abc';
const LINK = 'https://webhooks.example.com/settings/integrations/webhooks/whk_1';
const told = { ...TOLD, description: 'CRM', waiting: 12, link: LINK };
const mail = (...notices: Parameters<typeof aFailing>[0][]) =>
  alertMail(
    PARTIES,
    notices.map((extra) => aFailing({ since: SINCE, at: NOW, ...extra })),
    told,
    END,
    NOW,
  );

describe('a mail about a webhook', () => {
  it('says what happened, since when, how many wait, the last answer, where there is more, and how it ends', () => {
    const { subject, text, html } = mail({});
    expect(subject).toBe('Bullseye: webhook CRM has failed since 14:05 UTC');
    for (const said of [
      'Webhook CRM (hooks.example.com):',
      '15:00 UTC: A delivery to “CRM” has failed for good, though its endpoint had worked before.',
      'Failing since: 14:05 UTC',
      'Deliveries that wait: 12',
      'Last answer: The endpoint answered 500; only a 2xx acknowledges a delivery',
      'alerts of Acme',
    ]) {
      expect(text).toContain(said);
      expect(html).toContain(said);
    }
    expect(text).toContain(`Open the webhook: ${LINK}`);
    expect(text).toContain(`End these mails: ${END}`);
    expect(html).toContain(`<a href="${LINK}">Open the webhook</a>`);
    expect(html).toContain(`<a href="${END}">End these mails</a>`);
  });

  it('calls it by its name, or else its description, or its host', () => {
    const subjectOf = (names: Partial<typeof TOLD>) => alertMail(PARTIES, [aFailing()], { ...TOLD, ...names }, END, NOW).subject;
    expect(subjectOf({ name: 'Leads', description: 'CRM' })).toContain('webhook Leads has failed');
    expect(subjectOf({ description: 'CRM' })).toContain('webhook CRM has failed');
    expect(subjectOf({})).toContain('webhook hooks.example.com has failed');
  });

  it.each([
    [{ since: SINCE - 86_400_000 }, 'has failed since 2026-11-22 14:05 UTC'],
    [{ isFull: true }, 'takes too few deliveries'],
    [{ event: 'webhook.disable_warning', disableAt: SINCE + 5 * 86_400_000 }, 'will be disabled at 2026-11-28 14:05 UTC'],
    [{ event: 'webhook.disabled', disabledReason: 'endpoint_gone' }, 'was disabled'],
    [{ event: 'webhook.recovered' }, 'works again'],
  ] as const)('of %j has a subject that says so', (extra, headline) => {
    expect(mail(extra).subject).toBe(`Bullseye: webhook CRM ${headline}`);
  });

  it('tells of everything since the last one, and has the newest in its subject', () => {
    const { subject, text } = mail({ at: NOW - 60_000 }, { event: 'webhook.recovered' });
    expect(subject).toBe('Bullseye: webhook CRM works again');
    expect(text.indexOf('14:59 UTC: A delivery to “CRM” has failed')).toBeLessThan(text.indexOf('15:00 UTC: The endpoint of “CRM” takes'));
    expect(text).toContain('14:59 UTC: A delivery');
  });

  it('says that so many wait or more', () => {
    expect(alertMail(PARTIES, [aFailing()], { ...told, waiting: 10_000 }, END, NOW).text).toContain('Deliveries that wait: 10000 or more');
  });

  it('escapes what others wrote, in one line of bounded length', () => {
    const description = `<img src=x onerror=alert(1)>\r\nBcc: eve@example.com ${'x'.repeat(500)}`;
    const { subject, html } = alertMail(
      { product: 'A & B', organization: '<b>Acme</b>' },
      [aFailing()],
      { ...told, description },
      END,
      NOW,
    );
    expect(subject).not.toMatch(/[\r\n]/);
    expect(subject.length).toBeLessThan(300);
    expect(html).not.toMatch(/<img|<b>/);
    expect(html).toContain('&lt;');
  });
});

it('the mail that asks says who wants it, and has the link to confirm and nothing to end', () => {
  const { subject, text } = confirmationMail(PARTIES, 'https://x.example/confirm');
  expect(subject).toBe('Bullseye: confirm this address for alerts');
  expect(text).toContain('Somebody at Acme');
  expect(text).toContain('Confirm the address: https://x.example/confirm');
});

it('a trial says that it is one, and how the mails end', () => {
  const { text } = trialMail(PARTIES, END);
  expect(text).toContain('This is a trial.');
  expect(text).toContain(END);
});
