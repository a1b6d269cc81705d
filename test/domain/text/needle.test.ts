import { expect, it } from 'vitest';
import { Needle, plainParts } from '../../../src/domain/text/needle.ts';

const WHO = { name: 'Jane Doe', email: 'jane.doe@example.com', company: 'Straße & Söhne', domain: 'example.com' };

it.each([
  ['a part of the name', 'ne d', true],
  ['the e-mail in capitals', 'JANE.DOE@EXAMPLE.COM', true],
  ['a part of the e-mail', 'doe@ex', true],
  ['the company, in other letters of the same', 'STRASSE', true],
  ['the domain', 'example.c', true],
  ['the line that a list shows', 'Jane Doe, Straße', true],
  ['white space as it comes', '  jane\n doe ', true],
  ['words in another order', 'Doe Jane', false],
  ['nothing of it', 'john', false],
])('%s', (_what, q, expected) => {
  expect(new Needle(q).isInWho('visitor.identified', WHO)).toBe(expected);
});

it('is not a part of what nobody has said', () => {
  expect(new Needle('a').isInWho('visitor.identified', null)).toBe(false);
  expect(new Needle('a').isIn(null)).toBe(false);
  expect(new Needle(' ').isIn('')).toBe(false);
});

it.each([
  ['words, the longest first', ['JANE', 'EXAMPLE.COM'], ['EXAMPLE.COM', 'JANE']],
  ['of what has letters that SQLite knows no case of, the longest between them', ['MÜLLER', 'É'], ['LLER']],
  ['of what JSON escapes, the longest between it', ['AB"ABC\\A'], ['ABC']],
  ['letters without case', ['山田太郎'], ['山田太郎']],
  ['at most 40 bytes', ['A'.repeat(60), '山'.repeat(20)], ['A'.repeat(40), '山'.repeat(10)]],
])('what a database looks for: %s', (_what, words, expected) => {
  expect(plainParts(words)).toEqual(expected);
});
