import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MASKED, Mask } from '../../../src/domain/access/mask.ts';

const SECRET = 'Bearer a"b\\c/d+e=';
const TOKEN = 'a"b\\c/d+e=';
const mask = new Mask([SECRET, TOKEN]);
const encoder = new TextEncoder();

/** A text as JSON may write it: each character as it is, or as some escape. */
const escaped = (text: string, how: (index: number) => number) =>
  [...text]
    .map((character, index) => {
      const unicode = `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
      const forms = [
        JSON.stringify(character).slice(1, -1),
        unicode,
        unicode.toUpperCase().replace('\\U', '\\u'),
        character === '/' ? '\\/' : unicode,
      ];
      return forms[how(index) % forms.length];
    })
    .join('');

describe('a value that is repeated', () => {
  it.each([
    ['as it is', `you sent ${SECRET}.`, `you sent ${MASKED}.`],
    ['without its scheme', `token=${TOKEN};`, `token=${MASKED};`],
    ['in JSON', JSON.stringify({ authorization: SECRET }), `{"authorization":"${MASKED}"}`],
    ['in JSON that escapes slashes', `{"a":"Bearer a\\"b\\\\c\\/d+e="}`, `{"a":"${MASKED}"}`],
    ['in JSON that escapes whatever HTML gives a meaning', `{"a":"Bearer a\\u0022b\\\\c/d\\u002Be\\u003d"}`, `{"a":"${MASKED}"}`],
    ['several times', `${SECRET}, ${TOKEN}${TOKEN}`, `${MASKED}, ${MASKED}${MASKED}`],
    ['alone', SECRET, MASKED],
  ])('%s is masked', (_how, text, expected) => {
    expect(mask.text(text)).toBe(expected);
    expect(new TextDecoder().decode(mask.bytes(encoder.encode(text)))).toBe(expected);
  });

  it('in part, where the rest was cut off, is masked', () => {
    expect(mask.text('{"a":"Bearer a', true)).toBe(`{"a":"${MASKED}`);
    expect(mask.text('{"a":"Bearer a\\"b', true)).toBe(`{"a":"${MASKED}`);
    // In the middle of an escape.
    for (const end of ['\\', '\\u', '\\u002', '\\u0022', '\\"'])
      expect(mask.text(`{"a":"Bearer a${end}`, true), end).toBe(`{"a":"${MASKED}`);
    expect(mask.text('{"a":"Bearer a', false)).toBe('{"a":"Bearer a');
    // Too little of it to be of use.
    expect(mask.text('a Bea', true)).toBe('a Bea');
  });

  it('among bytes that are no text is masked, and nothing else changes', () => {
    const bytes = Uint8Array.from([0xff, 0xfe, ...encoder.encode(TOKEN), 0x80]);
    expect(mask.bytes(bytes)).toEqual(Uint8Array.from([0xff, 0xfe, ...encoder.encode(MASKED), 0x80]));
  });

  it('of fewer than four characters is left: it is no secret', () => {
    expect(new Mask(['yes', '1']).text('yes, 1 of yes')).toBe('yes, 1 of yes');
    expect(new Mask(['four']).text('four')).toBe(MASKED);
  });

  it('is masked as a whole where it overlaps itself, or another', () => {
    expect(new Mask(['abab']).text('xababab')).toBe(`x${MASKED}`);
    expect(new Mask(['abcdef', 'defghi']).text('xabcdefghix')).toBe(`x${MASKED}x`);
  });
});

it('whatever is around a value, and however JSON writes it, none of it is left', () => {
  const around = fc.string({ maxLength: 20, unit: fc.constantFrom('B', 'e', 'a', ' ', '"', '\\', 'u', '0', 'é', '😀', '{') });
  fc.assert(
    fc.property(around, around, fc.array(fc.nat(3), { minLength: SECRET.length, maxLength: SECRET.length }), (before, after, forms) => {
      // A backslash before it would make another text of it.
      const start = before.endsWith('\\') ? `${before} ` : before;
      const written = escaped(SECRET, (index) => forms[index] as number);
      const masked = mask.text(`${start}${written}${after}`);
      expect(masked).toContain(MASKED);
      expect(masked).not.toContain(written);
      expect(masked.startsWith(start.slice(0, Math.max(0, start.length - SECRET.length)))).toBe(true);
    }),
  );
});

it('a text without it stays as it is', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 200 }), (text) => {
      fc.pre(!text.includes(TOKEN));
      expect(new Mask(['no such value']).text(text)).toBe(text);
      expect(new Mask(['no such value']).bytes(encoder.encode(text))).toEqual(encoder.encode(text));
    }),
  );
});
