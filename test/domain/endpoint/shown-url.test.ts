import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { shortUrl, shownUrl, urlWithoutSecrets } from '../../../src/domain/endpoint/shown-url.ts';

describe('a URL without its secrets', () => {
  it.each([
    ['https://hooks.slack.com/services/T0AB/B0CD/SECRET', 'hooks.slack.com/services/…'],
    ['https://hooks.zapier.com/hooks/catch/123/SECRET/', 'hooks.zapier.com/hooks/…'],
    ['https://discord.com/api/webhooks/12345/SECRET', 'discord.com/api/…'],
    ['https://acme.webhook.office.com/webhookb2/0a1b-SECRET@0a1b/IncomingWebhook/2c3d', 'acme.webhook.office.com/webhookb2/…'],
    ['https://hook.eu1.make.com/k3v9secretq7xw2m5n8p1r4t6', 'hook.eu1.make.com/…'],
    ['https://webhook.site/0a1b2c3d-SECRET', 'webhook.site/…'],
    ['https://hook.eu1.make.com/kvsecretsecretqwmnprt', 'hook.eu1.make.com/…'],
    ['https://crm.example.com/bullseye', 'crm.example.com/bullseye'],
    ['https://crm.example.com/lead-import/', 'crm.example.com/lead-import'],
    ['https://crm.example.com:8443/?token=SECRET', 'crm.example.com:8443/…'],
    ['https://crm.example.com/in?token=SECRET', 'crm.example.com/in/…'],
    ['https://crm.example.com/in#SECRET', 'crm.example.com/in/…'],
    ['https://crm.example.com/', 'crm.example.com'],
    ['no URL', '…'],
  ])('%s is %s', (url, shown) => {
    expect(urlWithoutSecrets(url)).toBe(shown);
    expect(urlWithoutSecrets(url)).not.toContain('SECRET');
  });

  it('has nothing of the path beyond its first part, and nothing of the query', () => {
    // Of letters alone too: what is longer than a word and two digits is a token.
    const token = fc.stringMatching(/^(?:[0-9a-zA-Z]{17,40}|[a-z]{17,40}\d{0,2})$/);
    fc.assert(
      fc.property(token, token, token, (first, second, query) => {
        for (const url of [`https://a.example/${first}/${second}?k=${query}`, `https://a.example/in/${second}?${query}`]) {
          const shown = urlWithoutSecrets(url).replace('a.example', '');
          for (const part of [first, second, query]) expect(shown).not.toContain(part);
        }
      }),
    );
  });
});

describe('a short URL', () => {
  it('is whole where there is room, and cut in the middle where there is not', () => {
    expect(shortUrl('https://hooks.example.com/in/')).toBe('hooks.example.com/in');
    const long = `https://hooks.example.com/in/${'a'.repeat(2_000)}/leads`;
    expect(shortUrl(long, 40)).toMatch(/^hooks\.example\.com\/in\/a+…a+\/leads$/);
    expect(shortUrl(long, 40)).toHaveLength(40);
  });

  it('has whole characters', () => {
    for (let most = 20; most < 40; most++) expect(shortUrl(`https://a.example/${'😀'.repeat(50)}`, most).isWellFormed()).toBe(true);
  });
});

it('is whole for whoever may write, and without its secrets for whoever may not', () => {
  const url = 'https://hooks.slack.com/services/T0AB/B0CD/SECRET';
  expect(shownUrl(url, { mayWrite: true })).toBe('hooks.slack.com/services/T0AB/B0CD/SECRET');
  expect(shownUrl(url, { mayWrite: false })).toBe('hooks.slack.com/services/…');
  expect(shownUrl(url, { mayWrite: false, most: 20 })).toHaveLength(20);
});
