import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { describeFailure, describeStatus, isSuccess, keptBody, keptHeaders } from '../../../src/domain/delivery/outcome.ts';

const encoder = new TextEncoder();

describe('a status', () => {
  it.each([200, 201, 202, 204, 206, 299])('%i acknowledges the delivery', (status) => {
    expect(isSuccess(status)).toBe(true);
    expect(describeStatus(status, new Headers())).toBeNull();
  });

  it.each([
    [101, /answered 101, which is not a final answer; only a 2xx acknowledges/],
    [199, /answered 199, which is not a final answer; only a 2xx acknowledges/],
    [300, /answered 300; only a 2xx acknowledges/],
    [304, /answered 304; only a 2xx acknowledges/],
    [301, /answered 301: redirects are not followed/],
    [302, /answered 302: redirects are not followed/],
    [308, /answered 308: redirects are not followed/],
    [400, /answered 400; only a 2xx acknowledges/],
    [401, /answered 401; only a 2xx acknowledges/],
    [404, /answered 404; only a 2xx acknowledges/],
    [410, /answered 410 Gone: it wants no more deliveries/],
    [429, /answered 429; only a 2xx acknowledges/],
    [500, /answered 500; only a 2xx acknowledges/],
    [503, /answered 503; only a 2xx acknowledges/],
    [599, /answered 599; only a 2xx acknowledges/],
  ])('%i does not, and says why', (status, says) => {
    expect(isSuccess(status)).toBe(false);
    expect(describeStatus(status, new Headers({ location: 'https://elsewhere.example.com/' }))).toMatch(says);
  });

  it.each([301, 302, 303, 307, 308])('%i without a Location leads nowhere', (status) => {
    expect(describeStatus(status, new Headers())).toBe(`The endpoint answered ${status}; only a 2xx acknowledges a delivery`);
  });
});

describe('a request without response', () => {
  const refusedText = 'The connection was refused or broken off, or what came back was not valid HTTP';
  const notFound = /host name does not resolve, or its TLS certificate is not valid/;

  it.each<[string, unknown, RegExp | string]>([
    ['that took too long', new DOMException('The operation was aborted due to timeout', 'TimeoutError'), 'No response within 30 s'],
    ['that was aborted', new DOMException('The operation was aborted', 'AbortError'), 'No response within 30 s'],
    ['that the runtime lost', new Error('Network connection lost.'), refusedText],
    ['that was refused', new Error('connect: Connection refused'), refusedText],
    ['that was reset', new Error('read: Connection reset by peer'), refusedText],
    ['that was disconnected', new Error('disconnected: peer closed'), refusedText],
    ['whose host or certificate is wrong', new Error('internal error; reference = 8v2ab'), notFound],
    ['that met a redirect', new TypeError('Too many redirects.'), /redirects are not followed/],
    ['for another reason', new TypeError('Unsupported port'), 'The request failed: Unsupported port'],
    ['for a reason that is no Error', 'odd', 'The request failed: odd'],
    ['for no reason', undefined, 'The request failed: no reason is known'],
    ['for a reason that has no text', { toString: null }, 'The request failed: no reason is known'],
  ])('%s is described', (_what, error, says) => {
    expect(describeFailure(error, 30_000)).toMatch(says);
  });

  it('names the timeout as it was set', () => {
    expect(describeFailure(new DOMException('', 'TimeoutError'), 1_500)).toBe('No response within 1.5 s');
  });

  it('does not show a reference of the runtime to the owner', () => {
    expect(describeFailure(new Error('internal error; reference = 8v2ab'), 30_000)).not.toMatch(/8v2ab/);
  });

  it('is described in at most 500 characters, whatever was thrown', () => {
    expect(describeFailure(new Error('x'.repeat(10_000)), 30_000)).toHaveLength(500);
    fc.assert(
      fc.property(fc.anything(), (thrown) => {
        expect(describeFailure(thrown, 30_000).length).toBeGreaterThan(0);
        expect(describeFailure(thrown, 30_000).length).toBeLessThanOrEqual(500);
      }),
    );
  });
});

describe('response headers', () => {
  it('are kept by their lower-case names', () => {
    expect(keptHeaders(new Headers({ 'Content-Type': 'text/plain', 'X-Trace': 'a, b' }))).toEqual({
      'content-type': 'text/plain',
      'x-trace': 'a, b',
    });
  });

  it('are kept where they come more than once', () => {
    const headers = new Headers([
      ['set-cookie', 'a=1; Expires=Mon, 23 Nov 2026 14:05:09 GMT'],
      ['set-cookie', 'b=2'],
      ['vary', 'accept'],
      ['vary', 'origin'],
    ]);
    expect(keptHeaders(headers)).toEqual({
      'set-cookie': 'a=1; Expires=Mon, 23 Nov 2026 14:05:09 GMT, b=2',
      vary: 'accept, origin',
    });
  });

  it('are at most 50', () => {
    const names = Array.from({ length: 60 }, (_, index) => `x-${String(index).padStart(2, '0')}`);
    const kept = keptHeaders(new Headers(names.map((name) => [name, '1'])));
    expect(Object.keys(kept)).toEqual(names.slice(0, 50));
  });

  it('have at most 1,000 characters each, and show the cut', () => {
    const headers = new Headers({ a: 'x'.repeat(1_000), b: 'y'.repeat(1_001) });
    expect(keptHeaders(headers)).toEqual({ a: 'x'.repeat(1_000), b: `${'y'.repeat(1_000)}…` });
  });

  it('have at most 1,000 characters where they come more than once, too', () => {
    const headers = new Headers(Array.from({ length: 10 }, () => ['set-cookie', 'x'.repeat(900)] as [string, string]));
    expect(keptHeaders(headers)['set-cookie']).toMatch(/^.{1000}…$/);
  });
});

describe('a response body', () => {
  it.each(['', 'OK', '{"é":"€ 😀"}', '\u0000\t\n', '\ufeffwith a byte order mark'])('that is UTF-8 is kept as text: %j', (text) => {
    expect(keptBody(encoder.encode(text), false)).toEqual({ text, encoding: 'utf-8' });
    expect(keptBody(encoder.encode(text), true), 'cut after a whole character').toEqual({ text, encoding: 'utf-8' });
  });

  it.each([
    ['é', 1],
    ['€', 1],
    ['€', 2],
    ['😀', 1],
    ['😀', 2],
    ['😀', 3],
  ])('cut within %s, after %i of its bytes, is kept without it', (character, bytes) => {
    const cut = encoder.encode(`ab${character}`).subarray(0, 2 + bytes);
    expect(keptBody(cut, true)).toEqual({ text: 'ab', encoding: 'utf-8' });
    expect(keptBody(cut, false), 'not cut: then these bytes are what the endpoint sent').toMatchObject({ encoding: 'base64' });
  });

  it.each([
    ['an image', [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0xff, 0x00, 0x00, 0x00, 0x00]],
    ['one byte', [0xff]],
    ['a continuation without start', [0x61, 0x80]],
    ['text in Latin-1', [0x63, 0x61, 0x66, 0xe9, 0x20, 0x61, 0x75]],
    ['text in UTF-16', [0xff, 0xfe, 0x61, 0x00]],
    ['a byte at the end that starts no character', [0x61, 0x62, 0xff]],
    ['bytes at the end that are no character', [0x61, 0xe2, 0x28]],
    ['half a surrogate at the end', [0x61, 0xed, 0xa0]],
    ['an overlong encoding at the end', [0x61, 0xc0]],
  ])('that is not UTF-8 is kept whole, as base64, cut or not: %s', (_what, bytes) => {
    const expected = { text: Buffer.from(bytes).toString('base64'), encoding: 'base64' };
    expect(keptBody(Uint8Array.from(bytes), false)).toEqual(expected);
    expect(keptBody(Uint8Array.from(bytes), true)).toEqual(expected);
  });

  it('cut anywhere is the text up to the last whole character', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), fc.nat(), (text, at) => {
        const bytes = encoder.encode(text);
        const kept = keptBody(bytes.subarray(0, at % (bytes.length + 1)), true);
        expect(kept.encoding).toBe('utf-8');
        expect(text.startsWith(kept.text)).toBe(true);
        expect((at % (bytes.length + 1)) - encoder.encode(kept.text).length).toBeLessThanOrEqual(3);
      }),
    );
  });

  it('is kept whole, whatever its bytes, where it was not cut', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 50 }), (bytes) => {
        const kept = keptBody(bytes, false);
        expect(Buffer.from(kept.text, kept.encoding === 'base64' ? 'base64' : 'utf8')).toEqual(Buffer.from(bytes));
      }),
    );
  });
});
