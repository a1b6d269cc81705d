import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mentions, PersonMatcher } from '../../../src/domain/event/person.ts';

const encode = (event: unknown) => new TextEncoder().encode(typeof event === 'string' ? event : JSON.stringify(event));
const isOf = (event: unknown, field: string, value: string) =>
  new PersonMatcher([{ field, value }]).matching('visitor.identified', encode(event)).length > 0;

describe('an event is of a person', () => {
  it('whose value it has, whatever its case and the white space around it', () => {
    expect(isOf({ visitor: { email: ' Ada@Example.COM ' } }, 'visitor.email', 'ada@example.com')).toBe(true);
    expect(isOf({ visitor: { email: 'ada@example.com' } }, 'visitor.email', '\tADA@example.com\n')).toBe(true);
    expect(isOf({ visitor: { name: 'Straße' } }, 'visitor.name', 'STRASSE')).toBe(true);
    expect(isOf('{"visitor":{"email":"\\u0061da@example.com"}}', 'visitor.email', 'ada@example.com')).toBe(true);
  });

  it('not for a part of a value, nor for the same value elsewhere', () => {
    expect(isOf({ visitor: { email: 'ada@example.com.au' } }, 'visitor.email', 'ada@example.com')).toBe(false);
    expect(isOf({ contact: { email: 'ada@example.com' } }, 'visitor.email', 'ada@example.com')).toBe(false);
    expect(isOf({ visitor: 'ada@example.com' }, 'visitor.email', 'ada@example.com')).toBe(false);
  });

  it('for each element of lists on the way and at the end', () => {
    const event = { visitors: [{ emails: ['a@example.com'] }, { emails: [['b@example.com']] }] };
    expect(isOf(event, 'visitors.emails', 'B@example.com')).toBe(true);
    expect(isOf(event, 'visitors.emails', 'c@example.com')).toBe(false);
  });

  it('by numbers, true and false as they are written', () => {
    expect(isOf('{"visitor":{"id":12345678901234567890}}', 'visitor.id', '12345678901234567890')).toBe(true);
    expect(isOf('{"visitor":{"id":12345678901234567890}}', 'visitor.id', '12345678901234567000')).toBe(false);
    expect(isOf({ visitor: { id: 42 } }, 'visitor.id', '42')).toBe(true);
    expect(isOf({ visitor: { id: '42' } }, 'visitor.id', '42')).toBe(true);
    expect(isOf({ visitor: { known: true } }, 'visitor.known', 'TRUE')).toBe(true);
    expect(isOf({ visitor: { known: null } }, 'visitor.known', 'null')).toBe(false);
  });

  it('not by what every object inherits, nor where it carries nothing any more', () => {
    expect(isOf({ visitor: {} }, 'visitor.constructor', 'x')).toBe(false);
    expect(new PersonMatcher([{ field: 'a', value: 'b' }]).matching('visitor.identified', new Uint8Array())).toEqual([]);
  });

  it('not where it cannot be read', () => {
    expect(isOf('{"visitor":', 'visitor.email', 'ada@example.com')).toBe(false);
    expect(isOf('null', 'visitor.email', 'ada@example.com')).toBe(false);
  });

  it('not where it is the event that tells of an erasure: that has its value until it has ended', () => {
    const told = encode({ event: 'visitor.erased', field: 'value', value: 'ada' });
    expect(new PersonMatcher([{ field: 'value', value: 'ada' }]).matching('visitor.erased', told)).toEqual([]);
  });
});

it('of several people all are told whose event it is', () => {
  const people = [
    { field: 'visitor.email', value: 'ada@example.com' },
    { field: 'visitor.email', value: 'bob@example.com' },
    { field: 'session_id', value: 'ses_1' },
    { field: 'visitor.email', value: 'ADA@example.com' },
  ];
  const found = new PersonMatcher(people).matching(
    'visitor.identified',
    encode({ session_id: 'ses_1', visitor: { email: 'ada@example.com' } }),
  );
  expect(new Set(found)).toEqual(new Set([people[0], people[2], people[3]]));
});

it('any text at any path names its person', () => {
  const key = fc.string({ minLength: 1, maxLength: 8 }).filter((text) => !text.includes('.') && text.isWellFormed());
  const value = fc.string({ minLength: 1, maxLength: 20, unit: 'grapheme' }).filter((text) => text.trim() !== '' && text.isWellFormed());
  fc.assert(
    fc.property(fc.array(key, { minLength: 1, maxLength: 4 }), value, (keys, text) => {
      const event = keys.reduceRight<unknown>((inner, each) => ({ [each]: inner }), text);
      // `__proto__` sets what is inherited, in a literal alone.
      fc.pre(!keys.includes('__proto__'));
      expect(isOf(event, keys.join('.'), text.toUpperCase())).toBe(true);
    }),
  );
});

it('a text mentions a person whose value is in it', () => {
  const person = { field: 'visitor.email', value: 'ada@example.com' };
  expect(mentions('ses_ADA@example.com_1', person)).toBe(true);
  expect(mentions('ses_1', person)).toBe(false);
  expect(mentions(null, person)).toBe(false);
});
