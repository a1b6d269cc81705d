import { describe, expect, it } from 'vitest';
import { isSameOnce, onceValueOf } from '../../../src/domain/rules/once.ts';

/** The value at `x.y` of an event that is written so. */
const valueIn = (written: string, per = 'x.y') => onceValueOf(JSON.parse(written), per, written);
const of = (value: string) => valueIn(`{"x": {"y": ${value}}}`);

describe('the value that is to go out once', () => {
  it.each([
    ['text without regard to case', '"Ada@Example.com"', '"ADA@EXAMPLE.COM"'],
    ['text without the white space around it', '" a b\\t\\u00a0"', '"a b"'],
    ['text however it is escaped', '"\\u0061b"', '"ab"'],
    ['letters that have no capital of their own', '"Straße"', '"STRASSE"'],
    ['numbers however they are written', '10', '1.0e1'],
    ['zero', '0', '-0'],
    ['true', 'true', ' true'],
  ])('is the same for %s', (_what, one, other) => {
    expect(of(one)).not.toBeNull();
    expect(of(one)).toBe(of(other));
  });

  it.each([
    ['a text and a number', '"5"', '5'],
    ['a text and true', '"true"', 'true'],
    ['true and false', 'true', 'false'],
    ['inner white space', '"a b"', '"a  b"'],
    ['numbers that a double cannot tell apart', '12345678901234567890', '12345678901234567891'],
    ['numbers beyond any double', '1e999', '2e999'],
  ])('is another one for %s', (_what, one, other) => {
    expect(of(one)).not.toBeNull();
    expect(of(other)).not.toBeNull();
    expect(of(one)).not.toBe(of(other));
  });

  it.each(['null', '""', '" \\n "', '[]', '["a"]', '{}', '{"a": 1}'])('is none where there is %s', (value) => {
    expect(of(value)).toBeNull();
  });

  it('is none where the path leads nowhere', () => {
    for (const written of ['{}', '{"x": 5}', '{"x": "y"}', '{"x": null}']) expect(valueIn(written)).toBeNull();
    expect(valueIn('{}', 'constructor.name')).toBeNull();
  });

  it('is that of the only element where the path leads through a list, and none where there are several', () => {
    expect(valueIn('{"x": [{"y": "a"}, {"z": 1}]}')).toBe(of('"a"'));
    expect(valueIn('{"x": [{"y": 12345678901234567890}]}')).toBe(of('12345678901234567890'));
    expect(valueIn('{"x": [{"y": "a"}, {"y": "a"}]}')).toBeNull();
  });

  it('is the last where a name is repeated, as JSON.parse takes it', () => {
    expect(valueIn('{"x": {"y": 1, "y": 12345678901234567890}}')).toBe(of('12345678901234567890'));
  });
});

it('values start afresh with another path, and with the same one when it was chosen anew', () => {
  const once = { per: 'visitor.email', days: 30 };
  expect(isSameOnce(once, { ...once, days: 1 })).toBe(true);
  expect(isSameOnce(null, null)).toBe(true);
  expect(isSameOnce(once, { ...once, per: 'visitor.id' })).toBe(false);
  expect(isSameOnce(once, null)).toBe(false);
  expect(isSameOnce({ ...once, since: 1 }, { ...once, since: 2 })).toBe(false);
  expect(isSameOnce({ ...once, since: 1 }, { ...once, since: 1 })).toBe(true);
});
