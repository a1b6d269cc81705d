import { describe, expect, it } from 'vitest';
import { MAX_ISSUES } from '../../../src/domain/issue.ts';
import {
  type Condition,
  MAX_LEAVES,
  MAX_PART_LENGTH,
  MAX_VALUE_LENGTH,
  MAX_VALUES,
  readCondition,
} from '../../../src/domain/rules/condition.ts';
import { MAX_PATH_LENGTH } from '../../../src/domain/rules/path.ts';

const LEAF: Condition = { field: 'company.employee_count', operator: 'at_least', value: 200 };

/** A leaf in so many groups. */
function nested(groups: number): unknown {
  return groups === 0
    ? LEAF
    : { [['all', 'any', 'not'][groups % 3] as string]: groups % 3 === 2 ? nested(groups - 1) : [nested(groups - 1)] };
}

function equal(value: unknown, operator = 'equals'): unknown {
  return { field: 'a', operator, value };
}

/** The places that are wrong. */
function placesOf(filter: unknown): string[] {
  return readCondition(filter).issues.map(({ field }) => field);
}

describe('a filter is taken', () => {
  it.each<[string, unknown]>([
    ['a leaf', LEAF],
    ['a text, also an empty one', equal('')],
    ['a negative number', equal(-1.5)],
    ['a number that a double does not hold', equal(JSON.parse('12345678901234567890'))],
    ['false', equal(false)],
    ['a list of one', equal(['US'], 'one_of')],
    ['a list of different types', equal(['US', 1, true], 'none_of')],
    ['a list of the most values', equal(Array(MAX_VALUES).fill('x'), 'one_of')],
    ['the longest text', equal('x'.repeat(MAX_VALUE_LENGTH), 'starts_with')],
    ['the longest text to look for', equal('x'.repeat(MAX_PART_LENGTH), 'not_contains')],
    ['the longest path', { field: 'x'.repeat(MAX_PATH_LENGTH), operator: 'exists' }],
    ['no value where there is none', { field: 'a.b', operator: 'not_exists' }],
    ['groups three deep', nested(3)],
    ['the most leaves', { any: [{ all: Array(MAX_LEAVES - 1).fill(LEAF) }, LEAF] }],
  ])('with %s', (_what, filter) => {
    expect(readCondition(filter)).toEqual({ condition: filter, issues: [] });
  });
});

describe('a filter is refused', () => {
  it.each<[string, unknown, string]>([
    ['null', null, 'filter'],
    ['a text', 'visitor.email', 'filter'],
    ['a list', [LEAF], 'filter'],
    ['a part that is null', { all: [LEAF, null] }, 'filter.all[1]'],
    ['a part that is a list', { any: [[LEAF]] }, 'filter.any[0]'],
    ['`not` with a list', { not: [LEAF] }, 'filter.not'],
    ['`not` with null', { not: null }, 'filter.not'],
    ['`all` that is none', { all: LEAF }, 'filter.all'],
    ['`any` that is null', { any: null }, 'filter.any'],
    ['an empty `all`', { all: [] }, 'filter.all'],
    ['an empty `any` within', { all: [LEAF, { not: { any: [] } }] }, 'filter.all[1].not.any'],
    ['groups four deep', nested(4), 'filter.any[0].all[0].not.any[0]'],
    ['more leaves than may be', { any: [{ all: Array(MAX_LEAVES).fill(LEAF) }, LEAF] }, 'filter'],
    ['an unknown key', { ...LEAF, negate: true }, 'filter.negate'],
    ['a key in another case', { Field: 'a', field: 'a', operator: 'exists' }, 'filter.Field'],
    ['`__proto__`', JSON.parse('{ "field": "a", "operator": "exists", "__proto__": {} }'), 'filter.__proto__'],
    ['two groups in one', { all: [LEAF], any: [LEAF] }, 'filter.any'],
    ['a group that is a leaf, too', { not: LEAF, field: 'a' }, 'filter.field'],
    ['no field', { operator: 'exists' }, 'filter.field'],
    ['a field that is a number', { field: 5, operator: 'exists' }, 'filter.field'],
    ['an empty path', { field: '', operator: 'exists' }, 'filter.field'],
    ['an index in a path', { all: [{ field: 'visits[0].page', operator: 'exists' }] }, 'filter.all[0].field'],
    ['too long a path', { field: 'x'.repeat(MAX_PATH_LENGTH + 1), operator: 'exists' }, 'filter.field'],
    ['no operator', { field: 'a', value: 1 }, 'filter.operator'],
    ['an operator that is null', { field: 'a', operator: null }, 'filter.operator'],
    ['an unknown operator', { all: [LEAF, equal(1, 'is')] }, 'filter.all[1].operator'],
    ['an operator in capitals', equal(1, 'EQUALS'), 'filter.operator'],
    ['an operator that every object has', equal(1, 'constructor'), 'filter.operator'],
    ['a value with `exists`', equal(true, 'exists'), 'filter.value'],
    ['null with `not_exists`', { any: [equal(null, 'not_exists')] }, 'filter.any[0].value'],
    ['no value', { field: 'a', operator: 'equals' }, 'filter.value'],
    ['null', { any: [equal(null)] }, 'filter.any[0].value'],
    ['an object', equal({}), 'filter.value'],
    ['a list for one value', equal(['a'], 'not_equals'), 'filter.value'],
    ['one value for a list', equal('a', 'one_of'), 'filter.value'],
    ['an object for a list', equal({ 0: 'a', length: 1 }, 'none_of'), 'filter.value'],
    ['an empty list', { any: [equal([], 'one_of')] }, 'filter.any[0].value'],
    ['too long a list', equal(Array(MAX_VALUES + 1).fill(1), 'none_of'), 'filter.value'],
    ['null in a list', equal(['a', null], 'one_of'), 'filter.value[1]'],
    ['a list in a list', equal([['a']], 'none_of'), 'filter.value[0]'],
    ['a number to look for', equal(5, 'contains'), 'filter.value'],
    ['true at the start', equal(true, 'starts_with'), 'filter.value'],
    ['a text to be greater than', equal('200', 'greater_than'), 'filter.value'],
    ['a number that JSON cannot keep', equal(JSON.parse('1e999'), 'at_most'), 'filter.value'],
    ['too long a text', equal('x'.repeat(MAX_VALUE_LENGTH + 1)), 'filter.value'],
    ['too long a text in a list', equal(['x', 'x'.repeat(MAX_VALUE_LENGTH + 1)], 'one_of'), 'filter.value[1]'],
    ['too long a text to look for', equal('x'.repeat(MAX_PART_LENGTH + 1), 'contains'), 'filter.value'],
    ['a text to look for that is too long without regard to case', equal('ß'.repeat(MAX_PART_LENGTH), 'not_contains'), 'filter.value'],
    ['half a character', equal('\ud83d', 'contains'), 'filter.value'],
    ['half a character in a path', { field: 'a.\ude00', operator: 'exists' }, 'filter.field'],
  ])('with %s', (_what, filter, place) => {
    const { condition, issues } = readCondition(filter);
    expect(condition).toBeNull();
    expect(issues.map(({ field }) => field)).toEqual([place]);
  });

  it('for all that is wrong at once, each in its place', () => {
    const filter = { all: [{ field: '.', operator: 'is' }, { any: [] }, { not: { x: 1 } }, equal(null)] };
    expect(placesOf(filter)).toEqual([
      ...['filter.all[0].field', 'filter.all[0].operator', 'filter.all[1].any'],
      ...['filter.all[2].not.x', 'filter.all[2].not.field', 'filter.all[2].not.operator', 'filter.all[3].value'],
    ]);
  });

  it('with so many issues at most', () => {
    expect(placesOf({ all: Array(1_000).fill({}) })).toHaveLength(MAX_ISSUES);
  });

  it.each<[unknown, string]>([
    [{ field: 'a', operator: 'at_least' }, '`value` is missing; it is a number'],
    [equal(null), '`value` is null, not a string, a number, true or false'],
    [equal(5, 'ends_with'), '`value` is a number, not a string'],
    [equal([], 'one_of'), '`value` has 0 values; it has 1 to 500'],
    [equal(1, 'exists'), 'this operator has no `value`'],
    [{ all: [] }, '`all` is empty'],
    [{ all: {} }, '`all` is an object, not an array of conditions'],
    [{ any: Array(51).fill(LEAF) }, '`filter` has 51 conditions; at most 50 are possible'],
    [nested(4), 'the condition nests deeper than 4 levels, of which a leaf is one'],
    [[], 'a condition is an array, not an object'],
  ])('%j: in words', (filter, message) => {
    expect(readCondition(filter).issues[0]?.message).toBe(message);
  });
});
