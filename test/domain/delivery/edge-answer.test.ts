import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { describeEdgeAnswer, isUnreached } from '../../../src/domain/delivery/edge-answer.ts';
import { countResponses, emptyTally } from '../../../src/domain/delivery/statistics.ts';
import { verdictOf } from '../../../src/domain/endpoint/endpoint-pace.ts';

const EDGE = { server: 'cloudflare' };

describe('an answer of Cloudflare in the stead of the endpoint', () => {
  it.each([
    [520, /closed the connection/],
    [521, /refused the connection/],
    [522, /no connection could be made within 19 seconds/],
    [523, /no route/],
    [524, /did not answer in time/],
    [525, /TLS handshake failed/],
    [526, /certificate is not valid/],
    [527, /broke/],
    [530, /does not resolve/],
  ])('%i says that the endpoint could not be reached, and why', (status, says) => {
    const error = describeEdgeAnswer(status, {}, '');
    expect(error).toMatch(/^The endpoint could not be reached/);
    expect(error).toContain(String(status));
    expect(error).toMatch(says);
  });

  it.each([
    [530, 'error code: 1016', /does not resolve/],
    [530, 'error code: 1033', /Tunnel/],
    [530, '<html><h1><span>Error</span> <span>1033</span></h1><p>Error 1033 Ray ID: 8f…</p></html>', /Tunnel/],
    [409, 'error code: 1001', /does not resolve/],
    [403, 'error code: 1003', /address instead of a host name/],
    [403, 'error code: 1002', /not allowed/],
    [403, 'error code: 1014', /another Cloudflare account/],
    [404, 'error code: 1042', /same account/],
  ])('%i with "%s" says it more exactly', (status, body, says) => {
    const error = describeEdgeAnswer(status, EDGE, body);
    expect(error).toMatch(/^The endpoint could not be reached/);
    expect(error).toMatch(says);
  });

  it('counts as no answer, for the statistics and for the pace', () => {
    const tally = emptyTally();
    for (const status of [520, 521, 522, 523, 524, 525, 526, 527, 530]) {
      countResponses(tally, status);
      expect(verdictOf(status)).toBe('silence');
    }
    expect(tally.responses).toEqual({ '2xx': 0, '3xx': 0, '4xx': 0, '5xx': 0, none: 9 });
  });
});

describe('an answer of the firewall in front of the endpoint', () => {
  it.each([403, 429, 503])('that asks for proof of a browser is named, with %i', (status) => {
    expect(describeEdgeAnswer(status, { 'cf-mitigated': 'challenge' }, '<html>Just a moment...</html>')).toMatch(/bot protection/);
  });

  it.each([
    [403, 'error code: 1010', /Browser Integrity Check/],
    [429, 'error code: 1015', /rate limit/],
    [403, 'error code: 1020', /rules/],
    [403, 'error code: 1006', /address/],
    [403, 'error code: 1009', /country/],
    [403, '<title>Access denied</title><div id="cf-error-details"><h1>Error 1020</h1>', /rules/],
  ])('%i with "%s" is named', (status, body, says) => {
    const error = describeEdgeAnswer(status, EDGE, body);
    expect(error).toMatch(/^The firewall in front of the endpoint refused the delivery/);
    expect(error).toMatch(says);
  });
});

describe('an answer of the endpoint itself', () => {
  it.each([
    [200, EDGE, 'error code: 1016'],
    [204, { 'cf-mitigated': 'challenge' }, ''],
    [302, {}, ''],
    [404, { server: 'nginx' }, 'error code: 1016'],
    [403, {}, 'error code: 1020'],
    [500, EDGE, 'error code: 4711'],
    [400, EDGE, '{"message":"Error 1020: the e-mail address is missing"}'],
    [422, EDGE, 'error code: 1016, lead without a company'],
    [502, EDGE, 'Bad gateway'],
    [503, EDGE, 'error 10161'],
    [529, {}, 'overloaded'],
    [599, {}, ''],
  ])('%i of %j with "%s" is not described here', (status, headers, body) => {
    expect(describeEdgeAnswer(status, headers, body)).toBeNull();
    expect(isUnreached(status)).toBe(false);
  });

  it('is never quoted, and what is said of it is short, whatever it is', () => {
    const body = fc.oneof(
      fc.string(),
      fc.integer({ min: 990, max: 1_050 }).map((code) => `error code: ${code}`),
      fc
        .tuple(fc.string(), fc.integer({ min: 990, max: 1_050 }), fc.string())
        .map(([a, code, b]) => `${a} Ray ID error code: ${code} ${b}`),
    );
    const headers = fc.constantFrom({}, EDGE, { server: 'Cloudflare', 'cf-mitigated': 'challenge' }, { 'cf-mitigated': 'other' });
    fc.assert(
      fc.property(fc.integer({ min: 200, max: 999 }), headers, body, (status, withHeaders, text) => {
        const error = describeEdgeAnswer(status, withHeaders, text);
        expect(error?.length ?? 0).toBeLessThan(260);
        expect(error === null || /^[\w ,.:;()-]+$/.test(error), error ?? '').toBe(true);
      }),
    );
  });
});
