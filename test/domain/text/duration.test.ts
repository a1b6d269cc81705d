import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseDuration, parseDurations } from '../../../src/domain/text/duration.ts';

describe('a duration', () => {
  it.each([
    ['0s', 0],
    ['500ms', 500],
    ['30s', 30_000],
    ['1m', 60_000],
    ['90m', 5_400_000],
    ['1h', 3_600_000],
    ['3d', 259_200_000],
    [' 5m\n', 300_000],
    ['007s', 7_000],
  ])('%j is %i milliseconds', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  it.each(['', ' ', '5', 's', '-5s', '+5s', '1.5s', '5 s', '5sec', '5M', '5S', '1h30m', '1e3s', '5w', '１s', '5s;', 'NaN', '1234567890s'])(
    'is not %j, and the error quotes it',
    (text) => {
      expect(() => parseDuration(text)).toThrow(RangeError);
      expect(() => parseDuration(text)).toThrow(`"${text}" is not a duration`);
    },
  );

  it('is read or refused with a RangeError, whatever the text', () => {
    const text = fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom('0', '5', 'm', 's', 'h', 'd', ' ', '-', '.', ',') }));
    fc.assert(
      fc.property(text, (written) => {
        try {
          expect(Number.isSafeInteger(parseDuration(written))).toBe(true);
        } catch (error) {
          if (!(error instanceof RangeError)) throw error;
        }
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('a list of durations', () => {
  it('is separated by commas, with or without white space', () => {
    expect(parseDurations('1m,5m,30m')).toEqual([60_000, 300_000, 1_800_000]);
    expect(parseDurations(' 1m , 5m ')).toEqual([60_000, 300_000]);
    expect(parseDurations('3d')).toEqual([259_200_000]);
  });

  it.each([
    ['', '""'],
    ['1m,', '""'],
    [',1m', '""'],
    ['1m,,5m', '""'],
    ['1m;5m', '"1m;5m"'],
    ['1m,5', '"5"'],
  ])('is not %j, and the error quotes the part that cannot be read', (text, quoted) => {
    expect(() => parseDurations(text)).toThrow(`${quoted} is not a duration`);
  });
});
