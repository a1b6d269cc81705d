import { describe, expect, it } from 'vitest';
import { describeFailure } from '../../../src/domain/delivery/outcome.ts';
import { answeredSo, parseResponse, RESPONSE_KINDS } from '../../../src/domain/delivery/response-filter.ts';

const timedOut = () => describeFailure(new DOMException('No answer in time', 'TimeoutError'), 30_000);
const refused = () => describeFailure(new Error('Network connection lost.'), 30_000);
const never = () => {
  throw new Error('asked for nothing');
};

describe('what is written of a response', () => {
  it.each([...RESPONSE_KINDS])('can be %s', (kind) => {
    expect(parseResponse(kind)).toBe(kind);
  });

  it('can be one status', () => {
    expect([parseResponse('422'), parseResponse('999')]).toEqual([422, 999]);
  });

  it.each(['', '42', '4222', '042', '6xx', '2XX', 'none', '4xx,5xx', ' 422'])('is nothing else: %j', (text) => {
    expect(parseResponse(text)).toBeNull();
  });
});

describe('the last attempt of a delivery', () => {
  it.each([
    [200, '2xx'],
    [308, '3xx'],
    [422, '4xx'],
    [500, '5xx'],
    [519, '5xx'],
    [700, '5xx'],
    [522, 'timeout'],
    [524, 'timeout'],
    [521, 'unreachable'],
    [530, 'unreachable'],
  ] as const)('that was answered %d is one of %s, and of no other kind', (status, kind) => {
    expect(RESPONSE_KINDS.filter((each) => answeredSo(each, status, never))).toEqual([kind]);
    expect(answeredSo(status, status, never)).toBe(true);
    expect(answeredSo(status + 1, status, never)).toBe(false);
  });

  it('that was not answered in time, or did not get there, is told by its words', () => {
    expect(RESPONSE_KINDS.filter((each) => answeredSo(each, null, timedOut))).toEqual(['timeout']);
    expect(RESPONSE_KINDS.filter((each) => answeredSo(each, null, refused))).toEqual(['unreachable']);
    expect(answeredSo(422, null, never)).toBe(false);
  });

  it('of which nobody knows is none of them', () => {
    expect(RESPONSE_KINDS.filter((each) => answeredSo(each, null, () => null))).toEqual([]);
  });
});
