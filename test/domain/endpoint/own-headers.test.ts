import { describe, expect, it } from 'vitest';
import { changedHeaders, headerFlaws } from '../../../src/domain/endpoint/own-headers.ts';

describe('a header of a webhook’s own', () => {
  it.each([
    'Authorization',
    'X-API-Key',
    'x-clay-webhook-auth',
    'Accept',
    'api_key',
    'Date-Of-Birth',
    'X-CF',
    'Hostess',
    `X-${'a'.repeat(98)}`,
  ])('can be %s', (name) => {
    expect(headerFlaws({ [name]: 'value' })).toEqual([]);
  });

  it.each([
    ...['Content-Type', 'content-length', 'CONTENT-ENCODING', 'User-Agent', 'webhook-id', 'Webhook-Signature', 'webhook-anything'],
    ...[
      'X-Bullseye-Signature',
      'x-bullseye-test',
      'CF-Connecting-IP',
      'cf-worker',
      'Host',
      'Connection',
      'Keep-Alive',
      'Transfer-Encoding',
    ],
    ...[
      'Upgrade',
      'TE',
      'Trailer',
      'Proxy-Authorization',
      'Proxy-Connection',
      'Expect',
      'Date',
      'Via',
      'X-Forwarded-For',
      'X-Forwarded-Host',
    ],
    ...['Forwarded', 'X-Real-IP', 'True-Client-IP', 'Cookie', 'Set-Cookie', 'Accept-Encoding', 'Sec-Fetch-Site', 'CDN-Loop'],
  ])('cannot be %s, but can be taken away', (name) => {
    const [flaw, ...more] = headerFlaws({ [name]: 'value' });
    expect(more).toEqual([]);
    expect(flaw?.field).toBe(`headers.${name}`);
    expect(flaw?.message).toMatch(new RegExp(`^\`${name}\` is a header that each request has already`));
    expect(headerFlaws({ [name]: null })).toEqual([]);
  });

  it.each(['', 'X Y', 'X:Y', 'X\r\nY', 'Ünï', 'x.y', 'x/y', ':path', 'a'.repeat(101)])('is not called %j', (name) => {
    expect(headerFlaws({ [name]: 'value' })).toMatchObject([{ field: `headers.${name}` }]);
    expect(headerFlaws({ [name]: null })).toHaveLength(1);
  });

  it.each(['a', 'Bearer 3f9a', '"quoted", and; more', '~'.repeat(1_000)])('can say %j', (value) => {
    expect(headerFlaws({ 'X-A': value })).toEqual([]);
  });

  it.each(['', ' a', 'a ', '\ta', 'a\r\nX-B: c', 'a\0', 'é', '😀', '~'.repeat(1_001), 5, true, ['a'], { a: 1 }, undefined])(
    'cannot say %j, and the refusal has none of it',
    (value) => {
      const flaws = headerFlaws({ 'X-A': value });
      expect(flaws).toMatchObject([{ field: 'headers.X-A' }]);
      expect(flaws[0]?.message).toMatch(/^`X-A` has a value that /);
      if (typeof value === 'string' && value.trim().length > 2) expect(flaws[0]?.message).not.toContain(value.trim());
    },
  );

  it('is named once, whatever the case', () => {
    expect(headerFlaws({ 'X-A': 'a', 'x-a': 'b', 'X-B': 'c' })).toMatchObject(
      [{ field: 'headers.x-a', message: /more than once/ }].map(asMatched),
    );
    expect(headerFlaws({ 'X-A': 'a', 'x-a': null })).toHaveLength(1);
  });

  it.each([null, 'Authorization: x', ['Authorization'], 5])('is not read of %j', (value) => {
    expect(headerFlaws(value)).toMatchObject([{ field: 'headers' }]);
  });
});

const asMatched = ({ field, message }: { field: string; message: RegExp }) => ({ field, message: expect.stringMatching(message) });

describe('changes of headers', () => {
  const before = { Authorization: 'one', 'X-B': 'two' };

  it('set, add and remove those that they name, whatever the case, and leave the others', () => {
    expect(changedHeaders(before, {})).toEqual(before);
    expect(changedHeaders(before, { 'x-c': 'three' })).toEqual({ ...before, 'x-c': 'three' });
    expect(changedHeaders(before, { authorization: null, 'X-Nothing': null })).toEqual({ 'X-B': 'two' });
    const renamed = changedHeaders(before, { AUTHORIZATION: 'new' });
    expect(Object.entries(renamed)).toEqual([
      ['AUTHORIZATION', 'new'],
      ['X-B', 'two'],
    ]);
    expect(before).toEqual({ Authorization: 'one', 'X-B': 'two' });
  });

  it('take a name that objects have anyway for a name like any other', () => {
    const changes = JSON.parse('{ "__proto__": "a", "constructor": "b" }');
    expect(headerFlaws(changes)).toEqual([]);
    const changed = changedHeaders({}, changes);
    expect(JSON.stringify(changed)).toBe('{"__proto__":"a","constructor":"b"}');
    expect(JSON.stringify(changedHeaders(changed, JSON.parse('{ "__proto__": null }')))).toBe('{"constructor":"b"}');
  });
});
