import { describe, expect, it } from 'vitest';
import { fieldAt } from '../../src/domain/issue.ts';

describe('a field', () => {
  it.each<[(string | number)[], string]>([
    [[], ''],
    [['url'], 'url'],
    [['once', 'per'], 'once.per'],
    [['events', 1], 'events[1]'],
    [['filter', 'all', 0, 'value', 12], 'filter.all[0].value[12]'],
    [['lists', 0, 1], 'lists[0][1]'],
    [[2, 'event'], '[2].event'],
    // What the domain names itself has its brackets already; a key can be a number, too.
    [['filter', 'all[0]', '[1]'], 'filter.all[0][1]'],
    [['headers', '7'], 'headers.7'],
  ])('at %j is called %s', (path, field) => {
    expect(fieldAt(path)).toBe(field);
  });

  it('keeps a key that has brackets or dots as it is', () => {
    expect(fieldAt(['headers', 'a.b'])).toBe('headers.a.b');
    expect(fieldAt(['headers', '.x'])).toBe('headers..x');
  });
});
