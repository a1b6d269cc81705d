import { describe, expect, it } from 'vitest';
import type { AttemptRecord } from '../../../src/domain/delivery/delivery.ts';
import { causeOf, excerptOf, lastFailureOf } from '../../../src/domain/delivery/failure.ts';
import { describeFailure } from '../../../src/domain/delivery/outcome.ts';

/** An attempt that was answered so. */
function answered(responseStatus: number | null, more: Partial<AttemptRecord> = {}): AttemptRecord {
  return {
    ...{ number: 2, trigger: 'schedule', startedAt: 5, durationMs: 7, outcome: 'failed', requestHeaders: {}, responseStatus },
    ...{ responseHeaders: {}, responseBody: null, responseBodyEncoding: null, responseBodyTruncated: false, error: null },
    ...more,
  };
}

/** One that failed as the runtime says it. */
const failed = (error: Error) => answered(null, { responseHeaders: null, error: describeFailure(error, 30_000) });

describe('why an attempt has failed', () => {
  it.each([301, 308, 400, 401, 403, 404, 405, 410, 413, 415, 422, 429])('%d: the endpoint rejects it', (status) => {
    expect(causeOf(answered(status))).toBe('rejects');
  });

  it.each([500, 501, 502, 503, 504, 599, 101])('%d: it has errors', (status) => {
    expect(causeOf(answered(status))).toBe('has_errors');
  });

  it.each([
    ['a timeout', new DOMException('No answer in time', 'TimeoutError'), 'does_not_answer'],
    ['a connection that is refused or reset', new Error('Network connection lost.'), 'unreachable'],
    ['a name that does not resolve, and a certificate that is not valid', new Error('internal error; reference = abc'), 'unreachable'],
    ['anything else without an answer', new Error('fetch failed'), 'unreachable'],
  ] as const)('%s', (_what, error, cause) => {
    expect(causeOf(failed(error))).toBe(cause);
  });

  it.each([
    [521, 'unreachable'],
    [522, 'unreachable'],
    [525, 'unreachable'],
    [526, 'unreachable'],
    [530, 'unreachable'],
    [524, 'does_not_answer'],
  ])('%d of Cloudflare, which could not reach it: %s', (status, cause) => {
    expect(causeOf(answered(status, { responseHeaders: { server: 'cloudflare' }, responseBody: `error code: ${status}` }))).toBe(cause);
  });

  it.each<[string, number, Partial<AttemptRecord>]>([
    ['a challenge of Cloudflare', 403, { responseHeaders: { 'cf-mitigated': 'challenge' } }],
    ['a rule of Cloudflare', 403, { responseHeaders: { server: 'cloudflare' }, responseBody: 'error code: 1020' }],
    ['the rate limit of Cloudflare', 429, { responseHeaders: { server: 'cloudflare' }, responseBody: 'error code: 1015' }],
    ['AWS WAF', 403, { responseHeaders: { 'x-amzn-waf-action': 'captcha' } }],
    ['Akamai', 403, { responseHeaders: { server: 'AkamaiGHost' } }],
    ['Imperva', 403, { responseBody: '<html><script src="/_Incapsula_Resource?SWJIYLWA=1"></script></html>' }],
    ['a page that asks for a browser', 503, { responseBody: '<title>Just a moment...</title><div id="cf-chl-widget">' }],
  ])('%s: a firewall blocks it', (_what, status, more) => {
    expect(causeOf(answered(status, more))).toBe('blocked');
  });

  it('an endpoint that says itself who may not is no firewall', () => {
    expect(causeOf(answered(403, { responseHeaders: { server: 'nginx' }, responseBody: '{"error":"forbidden"}' }))).toBe('rejects');
    expect(causeOf(answered(403, { responseHeaders: { server: 'cloudflare' }, responseBody: '{"error":"forbidden"}' }))).toBe('rejects');
    expect(causeOf(answered(422, { responseBody: 'captcha-delivery is not a field' }))).toBe('rejects');
  });
});

describe('the beginning of an answer', () => {
  const of = (responseBody: string | null, responseBodyEncoding: AttemptRecord['responseBodyEncoding'] = 'utf-8') =>
    excerptOf({ responseBody, responseBodyEncoding });

  it('is one line of bounded length', () => {
    expect(of('{\n  "error": "Lead rejected"\n}')).toBe('{ "error": "Lead rejected" }');
    expect(of(`${'x'.repeat(199)}😀${'y'.repeat(100)}`)).toHaveLength(201);
    expect(of(`${'x'.repeat(199)}😀${'y'.repeat(100)}`)?.isWellFormed()).toBe(true);
    expect(of('a\0b\u001b[31mc')).toBe('a b [31mc');
  });

  it('of a page is what a browser shows', () => {
    const page = '<!doctype html><html><head><title>502 Bad Gateway</title><style>p{color:red}</style></head><body><hr>nginx</body></html>';
    expect(of(page)).toBe('502 Bad Gateway nginx');
    expect(of('<script>let it = "never end')).toBeNull();
  });

  it('is nothing where there is nothing to read', () => {
    expect([of(null, null), of(''), of(' \n '), of('AAECAw==', 'base64')]).toEqual([null, null, null, null]);
  });
});

it('what pages tell of it names the delivery and the attempt', () => {
  const error = 'The endpoint answered 422; only a 2xx acknowledges a delivery';
  expect(lastFailureOf('dlv_1', answered(422, { responseBody: 'no', responseBodyEncoding: 'utf-8', error }))).toEqual({
    ...{ deliveryId: 'dlv_1', number: 2, at: 5, cause: 'rejects', status: 422, error, excerpt: 'no' },
  });
});
