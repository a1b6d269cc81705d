import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FOLDED_TO_ASCII, foldCase } from '../../../src/domain/text/fold-case.ts';

describe('without regard to case', () => {
  it.each([
    ['Acme', 'aCME'],
    ['ÉCOLE', 'école'],
    ['Straße', 'STRASSE'],
    ['STRAẞE', 'strasse'],
    ['ΟΔΟΣ', 'οδος'],
    ['οδος', 'οδοσ'],
    ['Ǆ', 'ǅ'],
    ['\u212a', 'k'],
    ['ﬁne', 'FINE'],
    ['𐐀', '𐐨'],
  ])('%j and %j are the same', (one, other) => {
    expect(foldCase(one)).toBe(foldCase(other));
  });

  it.each([
    ['e', 'é'],
    ['é', 'e\u0301'],
    ['a', 'ａ'],
    ['a', 'a '],
    ['ss', 's'],
    ['1', '١'],
  ])('%j and %j are not the same', (one, other) => {
    expect(foldCase(one)).not.toBe(foldCase(other));
  });

  it('no character differs from its own upper or lower case', () => {
    const differing: string[] = [];
    for (let code = 0; code <= 0x10ffff; code++) {
      const character = String.fromCodePoint(code);
      const folded = foldCase(character);
      const variants = [character.toUpperCase(), character.toLowerCase(), folded];
      if (variants.some((variant) => foldCase(variant) !== folded)) differing.push(character);
    }
    expect(differing).toEqual([]);
  });

  it('what becomes ASCII, and has not been, is known; and nothing becomes a letter without case', () => {
    const known = new RegExp(`^[${FOLDED_TO_ASCII}]$`, 'u');
    const wrong: string[] = [];
    for (let code = 0x80; code <= 0x10ffff; code++) {
      const character = String.fromCodePoint(code);
      const folded = foldCase(character);
      const becomesAscii = [...folded].some((each) => each < '\x80');
      const becomesCaseless = folded !== character && /\p{Lo}/u.test(folded);
      if (becomesAscii !== known.test(character) || becomesCaseless) wrong.push(character);
    }
    expect(wrong).toEqual([]);
  });

  it('a part of a text is a part of the folded text', () => {
    const text = fc.string({
      unit: fc.oneof(fc.constantFrom('Σ', 'σ', 'ς', 'ß', 'İ', 'ı', '\u0307', '.', ' ', 'A'), fc.string({ unit: 'binary' })),
    });
    fc.assert(
      fc.property(text, text, text, (before, part, after) => {
        expect(foldCase(before + part + after)).toBe(foldCase(before) + foldCase(part) + foldCase(after));
      }),
      { numRuns: 2_000 },
    );
  });
});
