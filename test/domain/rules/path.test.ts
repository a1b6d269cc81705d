import { describe, expect, it } from 'vitest';
import { isPath, MAX_PATH_LENGTH, valuesAt } from '../../../src/domain/rules/path.ts';

describe('a path', () => {
  it.each([
    'event',
    'visitor.email',
    'a.b.c.d',
    'utm source',
    'é.ü',
    '0',
    'visits.0',
    'fields[email]',
    '__proto__',
    'x'.repeat(MAX_PATH_LENGTH),
  ])('is %j', (text) => {
    expect(isPath(text)).toBe(true);
  });

  it.each(['', '.', 'a.', '.a', 'a..b', 'visits[0]', 'visits[0].page', 'a[12][3].b', '\ud800', 'x'.repeat(MAX_PATH_LENGTH + 1)])(
    'is not %j',
    (text) => {
      expect(isPath(text)).toBe(false);
    },
  );
});

describe('a path is followed', () => {
  const event = JSON.parse(`{
    "event": "visitor.identified", "empty": {}, "nothing": null, "list": [1, [2, null], "x"], "none": [],
    "visitor": { "email": "a@example.com", "a.b": 5, "location": { "country": "US" } },
    "visits": [{ "page": "/", "tags": ["a", "b"] }, { "other": 1 }, 7, null, [[{ "page": "/pricing" }], { "page": null }]],
    "twice": { "a": 1 }, "twice": { "b": 2 },
    "constructor": { "name": "own" }, "__proto__": { "polluted": true }
  }`);

  it.each<[string, unknown[]]>([
    ['event', ['visitor.identified']],
    ['visitor.location.country', ['US']],
    ['visitor.location', [{ country: 'US' }]],
    ['nothing', [null]],
    ['missing', []],
    ['visitor.missing.country', []],
    ['event.length', []],
    ['nothing.at', []],
    ['empty.at', []],
    ['list', [[1, [2, null], 'x']]],
    ['none', [[]]],
    ['none.at', []],
    ['visits.page', ['/', '/pricing', null]],
    ['visits.tags', [['a', 'b']]],
    ['visits.0', []],
    ['visits.length', []],
    ['visitor.a.b', []],
    ['twice.a', []],
    ['twice.b', [2]],
    ['constructor.name', ['own']],
    ['__proto__.polluted', [true]],
    ['visitor.constructor', []],
    ['visitor.__proto__', []],
    ['visitor.toString', []],
    ['hasOwnProperty', []],
  ])('%s', (path, values) => {
    expect(valuesAt(event, path)).toEqual(values);
  });

  it.each([[null], [5], ['text'], [true], [undefined], [[]]])('nowhere in %j', (event) => {
    expect(valuesAt(event, 'a')).toEqual([]);
  });

  it('through as many lists as an event can have', () => {
    const deep = JSON.parse(`${'['.repeat(99)}{"a":1}${']'.repeat(99)}`);
    expect(valuesAt({ deep }, 'deep.a')).toEqual([1]);
  });
});
