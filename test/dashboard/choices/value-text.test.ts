import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Kind, meaningOf, textOfValue } from '../../../src/dashboard/choices/value-text.ts';
import type { Operator } from '../../../src/domain/rules/condition.ts';

const kinds: (Kind | null)[] = ['text', 'number', 'boolean', null];

describe('a value that is typed', () => {
  it.each<[string, Operator, Kind | null, unknown]>([
    ['200', 'equals', null, 200],
    ['200', 'equals', 'number', 200],
    // A postal code is text, whatever it looks like.
    ['10115', 'equals', 'text', '10115'],
    ['"10115"', 'equals', null, '10115'],
    ['007', 'equals', null, '007'],
    ['1,000', 'at_least', null, 1_000],
    ['1,000', 'equals', 'number', 1_000],
    ['-2.5e3', 'less_than', null, -2_500],
    ['many', 'at_least', 'number', 'many'],
    ['1.000,5', 'at_least', 'number', '1.000,5'],
    ['', 'at_least', 'number', null],
    ['   ', 'contains', 'text', null],
    ['yes', 'equals', 'boolean', true],
    ['No', 'equals', 'boolean', false],
    ['yes', 'equals', null, 'yes'],
    ['True', 'equals', null, true],
    ['true', 'equals', 'text', 'true'],
    ['  Berlin ', 'equals', null, 'Berlin'],
    ['" inc"', 'ends_with', 'text', ' inc'],
    ['Austin, Texas', 'contains', 'text', 'Austin, Texas'],
    ['say ""', 'contains', 'text', 'say ""'],
    ['"say ""hi"""', 'equals', 'text', 'say "hi"'],
    ['""', 'equals', 'text', ''],
    ['US, CA,,GB', 'one_of', 'text', ['US', 'CA', 'GB']],
    ['US\r\nCA\nGB\n', 'one_of', 'text', ['US', 'CA', 'GB']],
    ['"Austin, Texas", Berlin', 'none_of', 'text', ['Austin, Texas', 'Berlin']],
    ['10, "10", ten', 'one_of', null, [10, '10', 'ten']],
    ['5" pipe, 6" pipe', 'one_of', 'text', ['5" pipe', '6" pipe']],
    ['"open, and never closed', 'one_of', 'text', ['"open, and never closed']],
    ['', 'one_of', 'text', []],
    ['left over', 'exists', 'text', undefined],
  ])('%j means, with %s of a field of kind %s, %j', (text, operator, kind, value) => {
    expect(meaningOf(text, operator, kind)).toEqual(value);
  });

  it('is written so that it means the same again, whatever it is', () => {
    const text = fc.string({
      unit: fc.constantFrom('a', ' ', '"', ',', '\n', '1', '.', '-', 'e', 'true', 'yes', 'ß', '😀'),
      maxLength: 12,
    });
    const scalar = fc.oneof(text, fc.double({ noNaN: true, noDefaultInfinity: true }), fc.integer(), fc.boolean());
    fc.assert(
      fc.property(scalar, fc.array(scalar, { minLength: 1, maxLength: 6 }), fc.constantFrom(...kinds), (value, list, kind) => {
        // As a form brings it: its line ends are those of the web.
        const again = (written: string, operator: Operator) => meaningOf(written.replaceAll('\n', '\r\n'), operator, kind);
        // What no field of the kind can hold is the one exception: a number of a field that is known to be text.
        const isPossible = (one: unknown) => kind !== 'text' || typeof one === 'string';
        const zero = (one: unknown) => (Object.is(one, -0) ? 0 : one);
        if (isPossible(value)) expect(again(textOfValue(value, 'equals', kind), 'equals')).toEqual(zero(value));
        if (list.every(isPossible)) expect(again(textOfValue(list, 'one_of', kind), 'one_of')).toEqual(list.map(zero));
        if (typeof value === 'string') expect(again(textOfValue(value, 'contains', kind), 'contains')).toBe(value);
        if (typeof value === 'number') expect(again(textOfValue(value, 'at_most', kind), 'at_most')).toBe(zero(value));
      }),
    );
  });
});
