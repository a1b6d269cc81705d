import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BLACK, type Colour, contrast, inkOn, parseColour, readableOn, WHITE, writeColour } from '../../../src/domain/text/colour.ts';

const anyPart = fc.integer({ min: 0, max: 255 });
const anyColour: fc.Arbitrary<Colour> = fc.tuple(anyPart, anyPart, anyPart);

describe('a colour', () => {
  it('is read and written as stylesheets have it', () => {
    expect(parseColour('#4F46e5')).toEqual([79, 70, 229]);
    fc.assert(
      fc.property(anyColour, (colour) => {
        expect(parseColour(writeColour(colour))).toEqual(colour);
      }),
    );
  });

  it.each(['', 'red', '#fff', '#4f46e', '#4f46e5ff', '4f46e5', 'rgb(1,2,3)', '#4f46e5;', '#gggggg'])('is not %j', (text) => {
    expect(() => parseColour(text)).toThrow(/a colour such as/);
  });
});

describe('contrast', () => {
  it('is what WCAG says of its own examples', () => {
    expect(contrast(BLACK, WHITE)).toBeCloseTo(21);
    expect(contrast(WHITE, WHITE)).toBe(1);
    // #767676 is the lightest grey that reads on white.
    expect(contrast(parseColour('#767676'), WHITE)).toBeGreaterThanOrEqual(4.5);
    expect(contrast(parseColour('#777777'), WHITE)).toBeLessThan(4.5);
  });

  it('is enough of the ink on any colour', () => {
    fc.assert(
      fc.property(anyColour, (colour) => {
        expect(contrast(inkOn(colour), colour)).toBeGreaterThanOrEqual(4.5);
      }),
    );
  });

  it.each(['#f6f7f9', '#20242c', '#000000', '#ffffff'])('is enough of any colour made readable on %s', (background) => {
    const on = parseColour(background);
    fc.assert(
      fc.property(anyColour, (colour) => {
        expect(contrast(readableOn(colour, on), on)).toBeGreaterThanOrEqual(4.5);
      }),
    );
  });

  it('leaves a colour alone that reads as it is', () => {
    expect(readableOn(parseColour('#4f46e5'), WHITE)).toEqual([79, 70, 229]);
  });
});
