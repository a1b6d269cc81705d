import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkEndpointUrl, MAX_URL_LENGTH } from '../../../src/domain/endpoint/endpoint-url.ts';
import { ACCEPTED, REFUSED } from '../endpoint-urls.ts';

const OWN = ['hooks.bullseye.example.net', 'webhooks.bullseye.example.net:8443'];
const strict = { ownHosts: OWN, allowInsecure: false };
const local = { ownHosts: ['127.0.0.1:8787'], allowInsecure: true };

function reasonOf(url: string, options = strict): string | null {
  const check = checkEndpointUrl(url, options);
  return check.ok ? null : check.reason;
}

describe.each(REFUSED)('refuses $rule', ({ says, urls }) => {
  it.each(urls.map((url) => [JSON.stringify(url), url]))('%s', (_shown, url) => {
    expect(reasonOf(url)).toMatch(says);
    // The local exception admits one form; it must not open any other.
    expect(reasonOf(url, { ...local, ownHosts: OWN })).not.toBeNull();
  });
});

describe('accepts', () => {
  it.each(ACCEPTED)('%s', (raw, host) => {
    const check = checkEndpointUrl(raw, strict);
    expect(check).toMatchObject({ ok: true });
    if (check.ok) expect(check.url.host).toBe(host);
  });

  it('a URL of exactly the greatest length, and none longer', () => {
    const longest = `https://example.com/${'a'.repeat(MAX_URL_LENGTH - 20)}`;
    expect(longest).toHaveLength(MAX_URL_LENGTH);
    expect(reasonOf(longest)).toBeNull();
    expect(reasonOf(`${longest}a`)).toMatch(/longer than 2048/);
    expect(reasonOf(`https://example.com/${'é'.repeat(MAX_URL_LENGTH - 20)}`), 'longer once encoded').toBeNull();
  });

  it('what it accepted once, as the parser writes it', () => {
    for (const [raw] of ACCEPTED) {
      const check = checkEndpointUrl(raw, strict);
      if (check.ok) expect(reasonOf(check.url.href)).toBeNull();
    }
  });
});

describe('this service itself', () => {
  it.each([
    'https://hooks.bullseye.example.net/',
    'https://HOOKS.Bullseye.example.NET./api/v1/events',
    'https://hooks.bullseye.example.net:444/',
    'https://webhooks.bullseye.example.net/',
    'https://webhooks.bullseye.example.net:8443/',
  ])('is refused: %s', (url) => {
    expect(reasonOf(url)).toMatch(/this service itself/);
  });

  it('is compared as a whole name', () => {
    expect(reasonOf('https://a.hooks.bullseye.example.net/')).toBeNull();
    expect(reasonOf('https://hooks.bullseye.example.net.org/')).toBeNull();
    expect(reasonOf('https://ahooks.bullseye.example.net/')).toBeNull();
  });
});

describe('http://127.0.0.1', () => {
  it.each(['http://127.0.0.1', 'http://127.0.0.1/', 'http://127.0.0.1:9000/to/inbox?x=1', 'http://127.0.0.1?x', 'HTTP://127.0.0.1:1/'])(
    'is accepted where insecure endpoints are allowed: %s',
    (url) => {
      expect(reasonOf(url, local)).toBeNull();
      expect(reasonOf(url, strict)).not.toBeNull();
    },
  );

  it.each(['127.0.0.1:8787', 'localhost:8787', '[::1]:8787'])('is refused where this service listens on %s', (own) => {
    expect(reasonOf('http://127.0.0.1:8787/x', { ownHosts: [own], allowInsecure: true })).toMatch(/this service itself/);
    expect(reasonOf('http://127.0.0.1:8788/x', { ownHosts: [own], allowInsecure: true })).toBeNull();
  });

  it.each([
    'http://127.0.0.1@example.com/',
    'http://127.0.0.1:80@example.com/',
    'http://127.0.0.1.example.com/',
    'http://127.0.0.1./',
    'http://127.0.0.2/',
    'http://127.1/',
    'http://2130706433/',
    'http://0x7f.0.0.1/',
    'http://localhost:9000/',
    'http://[::1]:9000/',
    'http://0.0.0.0/',
    'http://example.com/',
    'https://127.0.0.1/',
    'ws://127.0.0.1/',
    'http:127.0.0.1/',
    'http:\\\\127.0.0.1/',
    'http://127.0.0.1#x',
  ])('does not open %s', (url) => {
    expect(reasonOf(url, local)).not.toBeNull();
  });
});

describe('an IP address', () => {
  const octet = fc.nat(255);
  const notation = fc.constantFrom(
    (value: number) => String(value),
    (value: number) => `0x${value.toString(16)}`,
    (value: number) => `0X${value.toString(16).toUpperCase()}`,
    (value: number) => `0${value.toString(8)}`,
    (value: number) => `0000${value.toString(8)}`,
  );
  /** One to four parts, the last one taking the bytes that are left: every form that inet_aton reads. */
  const ipv4 = fc
    .tuple(
      fc.array(octet, { minLength: 4, maxLength: 4 }),
      fc.integer({ min: 1, max: 4 }),
      fc.array(notation, { minLength: 4, maxLength: 4 }),
    )
    .map(([bytes, count, notations]) => {
      const rest = bytes.slice(count - 1).reduce((sum, byte) => sum * 256 + byte, 0);
      return [...bytes.slice(0, count - 1), rest].map((part, index) => notations[index]?.(part)).join('.');
    });
  const disguise = fc.constantFrom(
    (host: string) => host,
    (host: string) => `${host}.`,
    (host: string) => host.replaceAll(/\d/g, (digit) => String.fromCharCode(0xff10 + Number(digit))),
    (host: string) => host.replaceAll('.', '。'),
    (host: string) => `${host}:8443`,
  );

  it('is refused in any notation of IPv4', () => {
    fc.assert(
      fc.property(ipv4, disguise, fc.webPath(), (host, disguised, path) => {
        expect(reasonOf(`https://${disguised(host)}${path}`)).toMatch(/not an IP address|must not contain/);
      }),
      { numRuns: 1_000 },
    );
  });

  it('is refused in any notation of IPv6', () => {
    fc.assert(
      fc.property(fc.ipV6(), fc.constantFrom('', '.', ':8443', '%25eth0'), (address, after) => {
        expect(reasonOf(`https://[${address}]${after}/`)).not.toBeNull();
        expect(reasonOf(`https://${address}/`)).not.toBeNull();
      }),
      { numRuns: 500 },
    );
  });
});

/** One of these spellings of a host: letters in either case, full-width, a final dot, a port. */
const spelt = (host: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc
    .tuple(host, fc.infiniteStream(fc.nat(3)), fc.constantFrom('', '.', ':8443', '.:443'))
    .map(([name, how, after]) => Array.from(name, (character) => respelt(character, how.next().value as number)).join('') + after);

function respelt(character: string, how: number): string {
  if (how === 1) return character.toUpperCase();
  if (how === 2 && /[a-z0-9]/i.test(character)) return String.fromCharCode(character.charCodeAt(0) + 0xfee0);
  return how === 3 && character === '.' ? '。' : character;
}

const label = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?$/).filter((text) => !text.startsWith('xn--'));
const labels = fc.array(label, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('.'));

describe('a private name', () => {
  const suffix = fc.constantFrom(
    ...['localhost', 'local', 'internal', 'lan', 'home.arpa', 'corp', 'intranet', 'svc.cluster.local', 'consul', 'google.internal'],
    ...['nip.io', 'sslip.io', 'localtest.me', 'lvh.me', 'rbndr.us'],
  );

  it('is refused however it is spelt, and whatever stands before it', () => {
    fc.assert(
      fc.property(
        spelt(
          fc.oneof(
            suffix,
            fc.tuple(labels, suffix).map((parts) => parts.join('.')),
          ),
        ),
        fc.webPath(),
        (host, path) => {
          expect(reasonOf(`https://${host}${path}`)).not.toBeNull();
        },
      ),
      { numRuns: 2_000 },
    );
  });
});

describe('an IPv4 address written as IPv6', () => {
  const hex = ([a, b, c, d]: number[]) => `${((a! << 8) | b!).toString(16)}:${((c! << 8) | d!).toString(16)}`;
  const form = fc.constantFrom<(bytes: number[]) => string>(
    (bytes) => `::ffff:${bytes.join('.')}`,
    (bytes) => `::ffff:${hex(bytes)}`,
    (bytes) => `::${bytes.join('.')}`,
    (bytes) => `64:ff9b::${bytes.join('.')}`,
    (bytes) => `64:ff9b:1::${hex(bytes)}`,
    (bytes) => `2002:${hex(bytes)}::1`,
    (bytes) => `0:0:0:0:0:FFFF:${hex(bytes).toUpperCase()}`,
    (bytes) => `fe80::5efe:${bytes.join('.')}`,
  );

  it('is refused: mapped, compatible, translated, tunnelled', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(255), { minLength: 4, maxLength: 4 }), form, (bytes, write) => {
        expect(reasonOf(`https://[${write(bytes)}]/`)).toMatch(/not an IP address/);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('a public name', () => {
  it('is accepted, whatever its labels, port, path and query', () => {
    const topLevel = fc.constantFrom('com', 'org', 'io', 'dev', 'example.com', 'co.uk', 'cloud', 'xn--p1ai');
    // Such as nip.io, which are public and lead to private addresses.
    const registered = fc.tuple(labels, topLevel).map((parts) => `x-${parts.join('.')}`);
    const port = fc.option(fc.integer({ min: 1, max: 65_535 }), { nil: null });
    fc.assert(
      fc.property(registered, port, fc.webPath(), fc.webQueryParameters(), (host, at, path, query) => {
        const url = `https://${host}${at === null ? '' : `:${at}`}${path}?${query}`;
        expect(reasonOf(url)).toBeNull();
      }),
      { numRuns: 2_000 },
    );
  });
});

it('never throws, whatever the text', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ unit: 'binary' }),
        fc.webUrl(),
        fc.string().map((text) => `https://${text}`),
      ),
      (text) => {
        const check = checkEndpointUrl(text, local);
        if (!check.ok) expect(check.reason).toMatch(/^[A-Z].*\.$/);
      },
    ),
    { numRuns: 2_000 },
  );
});
