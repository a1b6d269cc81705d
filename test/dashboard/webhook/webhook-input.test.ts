import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { withScheme } from '../../../src/dashboard/webhook/webhook-input.ts';

describe('a URL without https://', () => {
  it.each([
    'hooks.zapier.com/hooks/catch/1/abc',
    'hooks.example.com',
    'hooks.example.com:8443/in?x=1',
    'münchen.example/haken',
    'www.example.com#part',
  ])('is repaired where it can mean nothing else: %s', (typed) => {
    expect(withScheme(typed)).toBe(`https://${typed}`);
    expect(URL.canParse(withScheme(typed))).toBe(true);
  });

  it.each([
    'http://hooks.example.com/in',
    'HTTPS://hooks.example.com/in',
    'ftp://x',
    '//hooks.example.com/in',
    'mailto:ada@example.com',
    'ada@example.com/in',
    'javascript:alert(1.5)',
    'localhost:8080/in',
    'just words.',
    'two words.example/in',
    '/path/with.dot',
    '',
  ])('is otherwise left for the API to refuse: %j', (typed) => {
    expect(withScheme(typed)).toBe(typed);
  });

  it('is repaired once, and whatever is a URL already stays as it is', () => {
    const host = fc.domain();
    const rest = fc.oneof(
      fc.constant(''),
      fc.webPath().map((path) => `/${path}`),
      fc.webQueryParameters().map((query) => `/?${query}`),
    );
    fc.assert(
      fc.property(host, fc.option(fc.nat(65_535)), rest, (name, port, path) => {
        const typed = `${name}${port === null ? '' : `:${port}`}${path}`;
        expect(withScheme(typed)).toBe(`https://${typed}`);
        expect(withScheme(withScheme(typed))).toBe(withScheme(typed));
      }),
    );
    fc.assert(fc.property(fc.webUrl({ validSchemes: ['http', 'https', 'ftp'] }), (url) => void expect(withScheme(url)).toBe(url)));
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect([text, `https://${text}`]).toContain(withScheme(text));
      }),
    );
  });
});
