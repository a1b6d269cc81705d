import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Condition,
  type Leaf,
  matcherOf,
  OPERATORS,
  type Operator,
  readCondition,
  type Scalar,
} from '../../../src/domain/rules/condition.ts';
import { naivelyMatches } from './naive-condition.ts';

/** Whether an event's field `a` meets an operator; undefined: the event has no such field. */
function meets(a: unknown, operator: Operator, value?: Scalar | Scalar[]): boolean {
  return matcherOf({ field: 'a', operator, ...(value !== undefined && { value }) }).matches(a === undefined ? {} : { a });
}

const COUNTERPARTS: [Operator, Operator][] = [
  ['equals', 'not_equals'],
  ['one_of', 'none_of'],
  ['contains', 'not_contains'],
  ['exists', 'not_exists'],
];

describe('a value in an event', () => {
  it.each<[unknown, Operator, Scalar | Scalar[]]>([
    ['US', 'equals', 'us'],
    ['', 'equals', ''],
    [200, 'equals', 200],
    [-0, 'equals', 0],
    [true, 'equals', true],
    ['STRASSE', 'equals', 'Straße'],
    ['US', 'one_of', ['de', 'us']],
    [1, 'one_of', ['1', 1]],
    ['VP of Marketing', 'contains', 'MARKET'],
    ['ΟΔΟΣ Α', 'contains', 'οδος'],
    ['anything', 'contains', ''],
    ['https://acme.com/pricing', 'starts_with', 'HTTPS://'],
    ['jane@Example.com', 'ends_with', '@example.COM'],
    [201, 'greater_than', 200],
    [200, 'at_least', 200],
    [199.5, 'less_than', 200],
    [200, 'at_most', 200],
    [JSON.parse('12345678901234567890'), 'equals', JSON.parse('12345678901234567891')],
  ])('%j meets %s %j', (a, operator, value) => {
    expect(meets(a, operator, value)).toBe(true);
  });

  it.each<[unknown, Operator, Scalar | Scalar[]]>([
    ['200', 'equals', 200],
    [200, 'equals', '200'],
    [1, 'equals', true],
    ['true', 'equals', true],
    [null, 'equals', 'null'],
    [{}, 'equals', '[object Object]'],
    ['US ', 'equals', 'US'],
    ['1', 'one_of', [1, true]],
    [12345, 'contains', '234'],
    [true, 'starts_with', 't'],
    ['200', 'at_least', 200],
    ['201', 'greater_than', 200],
    [200, 'greater_than', 200],
    [200, 'less_than', 200],
    [true, 'at_most', 1],
    [null, 'less_than', 1],
    ['', 'at_most', 1],
    [{ value: 1 }, 'at_most', 1],
  ])('%j does not meet %s %j', (a, operator, value) => {
    expect(meets(a, operator, value)).toBe(false);
  });

  it.each<[unknown]>([[5], [null], [true], [{}], [['b', 5]], [undefined]])(
    'that is not text, such as %j, is one that does not contain one',
    (a) => {
      expect(meets(a, 'not_contains', 'a')).toBe(true);
    },
  );
});

describe('a field that is', () => {
  const values: Partial<Record<Operator, Scalar | Scalar[]>> = {
    ...{ equals: 'x', not_equals: 'x', one_of: ['x'], none_of: ['x'], contains: '', not_contains: '', starts_with: '', ends_with: '' },
    ...{ greater_than: -1, at_least: 0, less_than: 1, at_most: 0 },
  };

  it.each(OPERATORS)('missing, or null: %s', (operator) => {
    const isNegative = ['not_equals', 'none_of', 'not_contains', 'not_exists'].includes(operator);
    expect(meets(undefined, operator, values[operator]), 'missing').toBe(isNegative);
    expect(meets(null, operator, values[operator]), 'null').toBe(isNegative);
    expect(matcherOf({ field: 'a.b', operator, value: values[operator] }).matches({ a: 'x' }), 'beyond a text').toBe(isNegative);
  });

  it.each<[unknown, boolean]>([
    ['', true],
    [0, true],
    [false, true],
    [[], true],
    [[null], true],
    [{}, true],
    [null, false],
    [undefined, false],
  ])('%j exists: %j', (a, exists) => {
    expect(meets(a, 'exists')).toBe(exists);
    expect(meets(a, 'not_exists')).toBe(!exists);
  });
});

describe('in a list', () => {
  const list = ['US', 'de', 7, null, ['Fr', [true]]];

  it.each<[Operator, Scalar | Scalar[], boolean]>([
    ['equals', 'DE', true],
    ['equals', 'fr', true],
    ['equals', true, true],
    ['equals', 'it', false],
    ['not_equals', 'it', true],
    ['not_equals', 'us', false],
    ['one_of', ['it', 'us'], true],
    ['none_of', ['it', 'us'], false],
    ['none_of', ['it', 'es'], true],
    ['contains', 'r', true],
    ['not_contains', 'r', false],
    ['not_contains', 'z', true],
    ['starts_with', 'd', true],
    ['greater_than', 6, true],
    ['greater_than', 7, false],
  ])('%s %j: %j', (operator, value, holds) => {
    expect(meets(list, operator, value)).toBe(holds);
  });

  it('that is empty negative operators hold, the others do not', () => {
    for (const [positive, negative] of COUNTERPARTS.slice(0, 3)) {
      const value = positive === 'one_of' ? ['a'] : 'a';
      expect([meets([], positive, value), meets([], negative, value)]).toEqual([false, true]);
    }
  });

  it('on the way each element is meant', () => {
    const event = { visits: [{ page: '/' }, { page: null }, [{ page: ['/Pricing', '/docs'] }], 'x'] };
    const holds = (operator: Operator, value?: Scalar) => matcherOf({ field: 'visits.page', operator, value }).matches(event);
    expect(holds('equals', '/pricing')).toBe(true);
    expect(holds('not_equals', '/docs')).toBe(false);
    expect(holds('not_equals', '/about')).toBe(true);
    expect(holds('exists')).toBe(true);
    expect(matcherOf({ field: 'visits.time', operator: 'exists' }).matches(event)).toBe(false);
    expect(matcherOf({ field: 'visits.0', operator: 'exists' }).matches(event)).toBe(false);
  });
});

describe("keys of an event that are every object's", () => {
  it.each(['constructor', '__proto__', 'toString', 'visitor.hasOwnProperty'])('%s does not exist until the event has it', (field) => {
    expect(matcherOf({ field, operator: 'exists' }).matches({ visitor: {} })).toBe(false);
    const event = JSON.parse('{ "constructor": 1, "__proto__": 1, "toString": 1, "visitor": { "hasOwnProperty": 1 } }');
    expect(matcherOf({ field, operator: 'exists' }).matches(event)).toBe(true);
  });
});

describe('groups', () => {
  const a: Condition = { field: 'a', operator: 'exists' };
  const b: Condition = { field: 'b', operator: 'equals', value: 1 };
  const c: Condition = { field: 'c', operator: 'not_exists' };

  it.each<[Condition, Record<string, unknown>, string[]]>([
    [a, { a: 1 }, []],
    [a, {}, ['filter']],
    [{ all: [a, b] }, { a: 1, b: 1 }, []],
    [{ all: [a, b] }, { a: 1 }, ['filter.all[1]']],
    [{ all: [a, b, c] }, { c: 1 }, ['filter.all[0]', 'filter.all[1]', 'filter.all[2]']],
    [{ any: [a, b] }, { b: 1 }, []],
    [{ any: [a, b] }, {}, ['filter']],
    [{ not: a }, {}, []],
    [{ not: a }, { a: 1 }, ['filter']],
    [{ all: [{ any: [a, b] }, c] }, { c: 1 }, ['filter.all[0]', 'filter.all[1]']],
    [{ all: [c, { all: [a, { not: c }] }] }, {}, ['filter.all[1].all[0]', 'filter.all[1].all[1]']],
    [{ any: [{ all: [a, b] }, { not: c }] }, { a: 1 }, ['filter']],
    [{ not: { all: [a, { not: b }] } }, { a: 1 }, ['filter']],
  ])('%j on %j: %j has failed', (condition, event, failed) => {
    expect(matcherOf(condition).failed(event)).toEqual(failed);
    expect(matcherOf(condition).matches(event)).toBe(failed.length === 0);
  });

  it('a condition is made ready once', () => {
    const condition = { all: [a, b] };
    expect(matcherOf(condition)).toBe(matcherOf(condition));
    expect(matcherOf({ ...condition })).not.toBe(matcherOf(condition));
  });

  it('events in turn are told apart', () => {
    const [one, other] = [{ a: 1 }, { b: 1 }];
    expect([one, other, one, other].map((event) => matcherOf(a).matches(event))).toEqual([true, false, true, false]);
  });

  it.each([[null], [undefined], [5], ['a'], [[]]])('%j, which is no event, has no fields', (event) => {
    expect(matcherOf(a).matches(event)).toBe(false);
    expect(matcherOf(c).matches(event)).toBe(true);
  });
});

/*
 * Events and filters that meet: few keys and few values, of all types, so that about every second filter matches.
 */
const keys = fc.constantFrom('a', 'b', 'c', '__proto__', 'constructor');
const text = fc.constantFrom('', 'a', 'A', 'b', 'ab', 'aB', 'Ab a', 'é', 'É', 'жЖ', 'Ж', '1', 'true', 'null');
const number = fc.constantFrom(0, -0, 1, -1, 1.5, 2, 1e21, JSON.parse('12345678901234567890'), JSON.parse('12345678901234567891'));
const scalar = fc.oneof(text, number, fc.boolean());
const field = fc.oneof(
  { weight: 3, arbitrary: keys },
  { weight: 1, arbitrary: fc.array(keys, { minLength: 2, maxLength: 3 }).map((path) => path.join('.')) },
);
const VALUES: Readonly<Record<Operator, fc.Arbitrary<Scalar | Scalar[] | undefined>>> = {
  ...{ equals: scalar, not_equals: scalar, one_of: fc.array(scalar, { minLength: 1, maxLength: 4 }) },
  ...{ none_of: fc.array(scalar, { minLength: 1, maxLength: 4 }), contains: text, not_contains: text, starts_with: text, ends_with: text },
  ...{ greater_than: number, at_least: number, less_than: number, at_most: number },
  ...{ exists: fc.constant(undefined), not_exists: fc.constant(undefined) },
};
const leaf: fc.Arbitrary<Leaf> = fc
  .constantFrom(...OPERATORS)
  .chain((operator) => fc.record({ field, operator: fc.constant(operator), value: VALUES[operator] }))
  .map(({ value, ...rest }) => (value === undefined ? rest : { ...rest, value }));

function conditions(levels: number): fc.Arbitrary<Condition> {
  if (levels === 1) return leaf;
  const part = fc.oneof({ weight: 2, arbitrary: leaf as fc.Arbitrary<Condition> }, { weight: 1, arbitrary: conditions(levels - 1) });
  const parts = fc.array(part, { minLength: 1, maxLength: 4 });
  return fc.oneof(leaf, fc.record({ all: parts }), fc.record({ any: parts }), fc.record({ not: part }));
}

const condition = conditions(4);
const { value: anyValue } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    { weight: 4, arbitrary: fc.oneof(scalar, fc.constant(null)) },
    { weight: 1, arbitrary: fc.array(tie('value'), { maxLength: 3 }) },
    { weight: 1, arbitrary: fc.array(fc.tuple(keys, tie('value')), { maxLength: 4 }).map(Object.fromEntries) },
  ),
}));
const event = fc.array(fc.tuple(keys, anyValue), { minLength: 2, maxLength: 6 }).map(Object.fromEntries);

describe('any condition, on any event,', () => {
  it('can be read, and holds if and only if the contract says so', () => {
    fc.assert(
      fc.property(condition, event, (condition, event) => {
        expect(readCondition(condition)).toEqual({ condition, issues: [] });
        expect(matcherOf(condition).matches(event)).toBe(naivelyMatches(condition, event));
      }),
      { numRuns: 2_000 },
    );
  });

  it('holds if and only if the contract says so: 10,000 events, 200 filters', { timeout: 120_000 }, () => {
    const seed = Math.trunc(Math.random() * 2 ** 31);
    const filters = fc.sample(condition, { seed, numRuns: 200 });
    const events = fc.sample(event, { seed, numRuns: 10_000 });
    let matching = 0;
    for (const event of events) {
      for (const filter of filters) {
        const matches = matcherOf(filter).matches(event);
        if (matches !== naivelyMatches(filter, event))
          expect.fail(`seed ${seed}: ${JSON.stringify(filter)} on ${JSON.stringify(event)}: ${matches}`);
        if (matches) matching++;
      }
    }
    // Filters that hardly ever, or nearly always, match would show little.
    expect(matching).toBeGreaterThan(200_000);
    expect(matching).toBeLessThan(1_800_000);
  });

  it('never both holds and fails together with its negation', () => {
    fc.assert(
      fc.property(condition, event, (condition, event) => {
        expect(matcherOf({ not: condition }).matches(event)).toBe(!matcherOf(condition).matches(event));
      }),
      { numRuns: 2_000 },
    );
  });

  it.each(COUNTERPARTS)('%s and %s are opposites', (positive, negative) => {
    fc.assert(
      fc.property(field, VALUES[positive], event, (field, value, event) => {
        const holds = (operator: Operator) => matcherOf({ field, operator, value }).matches(event);
        expect(holds(positive)).toBe(!holds(negative));
      }),
      { numRuns: 1_000 },
    );
  });

  it('has failed somewhere if and only if it does not match, and each place is one of its conditions that does not hold', () => {
    fc.assert(
      fc.property(condition, event, (condition, event) => {
        const failed = matcherOf(condition).failed(event);
        expect(failed.length === 0).toBe(matcherOf(condition).matches(event));
        for (const place of failed) expect(naivelyMatches(partAt(condition, place), event), place).toBe(false);
      }),
      { numRuns: 2_000 },
    );
  });
});

/** The part of a filter at a place such as `filter.all[1].not`. */
function partAt(filter: Condition, place: string): Condition {
  const steps = place
    .replaceAll(/\[(\d+)\]/g, '.$1')
    .split('.')
    .slice(1);
  return steps.reduce((part, step) => (part as unknown as Record<string, Condition>)[step] as Condition, filter);
}
