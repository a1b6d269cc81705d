import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { flawOf, readJsonText } from '../../../src/domain/text/json-text.ts';
import { nearly, oddJson } from '../../support/fuzz.ts';

const encoder = new TextEncoder();
const reasonOf = (text: string) => {
  const read = readJsonText(encoder.encode(text));
  return read.ok ? null : read.reason;
};

describe('what is not JSON is refused with its place, and without its text:', () => {
  it.each([
    ['{"event":"visitor.identified","visitor":{"email":jane.doe@acme.com}}', 'the mistake is at line 1, column 50'],
    ['{"visitor":{"phone":+4915112345678}}', 'the mistake is at line 1, column 21'],
    ['{\n  "a": 1,\n  "b": 01\n}', 'the mistake is at line 3, column 9'],
    ['{"a":1', 'it ends too early, at line 1, column 7'],
    ['{"a":"jane', 'it ends too early, at line 1, column 11'],
    ['', 'it ends too early, at line 1, column 1'],
    ["{'a':1}", 'the mistake is at line 1, column 2'],
    ['{"a":1,}', 'the mistake is at line 1, column 8'],
    ['[1 2]', 'the mistake is at line 1, column 4'],
    ['[1}', 'the mistake is at line 1, column 3'],
    ['"a\tb"', 'the mistake is at line 1, column 3'],
    ['"\\x41"', 'the mistake is at line 1, column 2'],
    ['{"a" 1}', 'the mistake is at line 1, column 6'],
    ['NaN', 'the mistake is at line 1, column 1'],
    ['[1,]', 'the mistake is at line 1, column 4'],
    ['{}{}', 'the mistake is at line 1, column 3'],
  ])('%j', (text, place) => {
    expect(reasonOf(text)).toBe(`The body is not JSON: ${place}.`);
  });

  it('whatever it is, by the same rules as the parser has', () => {
    const parses = (text: string) => {
      try {
        JSON.parse(text);
        return true;
      } catch {
        return false;
      }
    };
    const written = oddJson.map((value) => JSON.stringify(value, null, 1));
    fc.assert(
      fc.property(fc.oneof(nearly(written), fc.string(), written), (text) => {
        const flaw = flawOf(text);
        expect(flaw === null).toBe(parses(text));
        // All that comes before the flaw can still become JSON: it is the first one.
        if (flaw !== null) expect(flawOf(text.slice(0, flaw))).toBeOneOf([null, flaw]);
        expect(reasonOf(text)?.length ?? 0).toBeLessThan(100);
      }),
      { numRuns: 20_000 },
    );
  });

  it('a quarter of a megabyte of brackets, or of one string, as well', () => {
    for (const text of ['['.repeat(250_000), '{"a":'.repeat(50_000), `"${'\\"'.repeat(120_000)}`])
      expect(reasonOf(text)).toMatch(/ends too early/);
  });
});

describe('a byte order mark', () => {
  it('before JSON is ignored, and is no part of it', () => {
    const read = readJsonText(encoder.encode('\ufeff {"a":"\ufeff"}'));
    expect(read).toEqual({ ok: true, value: { a: '\ufeff' }, bytes: encoder.encode(' {"a":"\ufeff"}') });
  });

  it.each(['\ufeff\ufeff1', '\ufeff', '[\ufeff]', '1\ufeff'])('elsewhere is a mistake: %j', (text) => {
    expect(reasonOf(text)).toMatch(/^The body is not JSON/);
  });
});
