import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { conditionOf, isSameCondition, MAX_ROWS, rowsOf } from '../../../src/dashboard/choices/condition-rows.ts';
import {
  type FilterValues,
  filterOf,
  filterOfForm,
  filterSaid,
  NO_FILTER,
  stepFilter,
} from '../../../src/dashboard/choices/filter-values.ts';
import type { Kind } from '../../../src/dashboard/choices/value-text.ts';
import { type Condition, matcherOf, OPERATORS, readCondition, VALUE_KINDS } from '../../../src/domain/rules/condition.ts';

const KINDS = new Map<string, Kind>([
  ['company.employee_count', 'number'],
  ['company.location', 'text'],
]);
const SIZE: Condition = { field: 'company.employee_count', operator: 'at_least', value: 200 };
const PLACE: Condition = { field: 'company.location', operator: 'one_of', value: ['Austin, Texas', 'Berlin'] };

const scalar = fc.oneof(fc.string({ maxLength: 8 }), fc.integer(), fc.boolean());
const leaf = fc.constantFrom(...OPERATORS).chain((operator): fc.Arbitrary<Condition> => {
  const field = fc.constantFrom('company.employee_count', 'company.location', 'visitor.x y', 'session.pages');
  const values = {
    ...{ scalar, text: fc.string({ maxLength: 8 }), number: fc.integer() },
    ...{ list: fc.array(scalar, { minLength: 1, maxLength: 4 }), none: fc.constant(undefined) },
  };
  return fc.record({ field, operator: fc.constant(operator), value: values[VALUE_KINDS[operator]] as fc.Arbitrary<undefined> });
});
const group = (part: fc.Arbitrary<Condition>): fc.Arbitrary<Condition> => {
  const parts = fc.array(part, { minLength: 1, maxLength: 4 });
  return fc.oneof(
    parts.map((all) => ({ all })),
    parts.map((any) => ({ any })),
    part.map((not) => ({ not })),
  );
};
const withGroups = fc.oneof(leaf, group(leaf));
const condition = fc
  .oneof(leaf, group(withGroups), group(fc.oneof(withGroups, group(leaf))))
  .map((one) => JSON.parse(JSON.stringify(one)) as Condition);

/** What a browser would post of a filter as it is shown. */
function posted({ mode, rows, json }: FilterValues): URLSearchParams {
  const form = new URLSearchParams({ filterMode: mode, filterJson: json.replaceAll('\n', '\r\n'), match: rows.match });
  const offered = ['company.employee_count', 'company.location'];
  const add = (row: { field: string; operator: string; value: string }) => {
    const isOffered = row.field === '' || offered.includes(row.field);
    form.append('conditionField', isOffered ? row.field : '.');
    form.append('conditionOther', isOffered || row.field === '.' ? '' : row.field);
    form.append('conditionOperator', row.operator);
    form.append('conditionValue', row.value.replaceAll(/\r?\n/g, '\r\n'));
  };
  for (const item of rows.items) {
    if (!('rows' in item)) add(item);
    else {
      form.append('groupMatch', item.match);
      for (const row of item.rows) add(row);
      form.append('groupEnd', '');
    }
  }
  return new URLSearchParams(form.toString());
}

describe('a filter', () => {
  it.each<[string, Condition]>([
    ['a single condition', SIZE],
    ['all of some', { all: [SIZE, PLACE] }],
    ['any of some', { any: [SIZE, PLACE] }],
    ['a group before a condition, and one after', { all: [{ any: [SIZE, PLACE] }, SIZE, { all: [PLACE, SIZE] }] }],
  ])('of %s is shown as rows, and saved as it is', (_what, filter) => {
    const shown = filterOf(filter, KINDS);
    expect(shown.mode).toBe('rows');
    expect(isSameCondition(filterSaid(filterOfForm(posted(shown)), KINDS).condition, filter)).toBe(true);
  });

  it.each<[string, Condition]>([
    ['not', { not: SIZE }],
    ['a group in a group', { all: [SIZE, { any: [SIZE, { all: [SIZE, PLACE] }] }] }],
    ['a number of a field that is text', { field: 'company.location', operator: 'equals', value: 5 }],
    ['more conditions than there is room for', { all: Array.from({ length: MAX_ROWS + 1 }, () => SIZE) }],
  ])('with %s is shown as JSON, and saved as it is', (_what, filter) => {
    const shown = filterOf(filter, KINDS);
    expect(shown.mode).toBe('json');
    expect(filterSaid(filterOfForm(posted(shown)), KINDS).condition).toEqual(filter);
  });

  it('whatever it is, says the same after a form that nobody has touched', () => {
    let asRows = 0;
    fc.assert(
      fc.property(condition, (filter) => {
        fc.pre(readCondition(filter).condition !== null);
        const shown = filterOf(filter, KINDS);
        if (shown.mode === 'rows') asRows++;
        const { condition: saved } = filterSaid(filterOfForm(posted(shown)), KINDS);
        expect(isSameCondition(saved, filter)).toBe(true);
        expect(readCondition(saved).condition).not.toBeNull();
      }),
      { numRuns: 500 },
    );
    expect(asRows).toBeGreaterThan(100);
  });

  it('that says the same lets the same events through', () => {
    const events = fc.record({
      company: fc.record({ employee_count: fc.oneof(fc.integer(), fc.string()), location: fc.string({ maxLength: 3 }) }),
      session: fc.option(fc.record({ pages: fc.array(scalar, { maxLength: 3 }) })),
    });
    fc.assert(
      fc.property(condition, events, (filter, event) => {
        fc.pre(readCondition(filter).condition !== null);
        const rows = rowsOf(filter, KINDS);
        fc.pre(rows !== null);
        const again = conditionOf(rows!, KINDS).condition as Condition;
        expect(matcherOf(again).matches(event)).toBe(matcherOf(filter).matches(event));
      }),
    );
  });
});

describe('rows', () => {
  const row = (field: string, value: string) => ({ field, operator: 'equals' as const, value });

  it('that nobody has filled in are passed over, and the others know their places', () => {
    const items = [
      row('', ''),
      row('a', '1'),
      { match: 'any' as const, rows: [row('', ' '), row('b', '2')] },
      { match: 'any' as const, rows: [row('', '')] },
    ];
    const { condition: said, rows } = conditionOf({ match: 'all', items }, new Map());
    expect(said).toEqual({
      all: [{ field: 'a', operator: 'equals', value: 1 }, { any: [{ field: 'b', operator: 'equals', value: 2 }] }],
    });
    expect([...rows]).toEqual([
      ['filter.all[0]', '1'],
      ['filter.all[1].any[0]', '2-1'],
    ]);
    expect(conditionOf({ match: 'all', items: [row('', '')] }, new Map()).condition).toBeNull();
  });

  it('with a value and no field, or a field and no value, are left for the API to refuse', () => {
    for (const one of [row('', 'x'), row('a', ''), row('.', 'x')]) {
      expect(readCondition(conditionOf({ match: 'all', items: [one] }, new Map()).condition).condition).toBeNull();
    }
  });
});

describe('a button of the filter', () => {
  const step = (values: FilterValues, name: string) => stepFilter(values, name, KINDS)!;
  const rowsIn = ({ rows }: FilterValues) => rows.items.map((item) => ('rows' in item ? item.rows.map(({ field }) => field) : item.field));

  it('adds conditions and groups, and says where to go on', () => {
    const first = step(NO_FILTER, 'condition.add');
    // The empty row that was shown is one of them.
    expect([rowsIn(first.values), first.focus]).toEqual([['', ''], 'condition-1-field']);
    const second = step(first.values, 'condition.add');
    expect([rowsIn(second.values), second.focus]).toEqual([['', '', ''], 'condition-2-field']);
    const group = step(first.values, 'group.add');
    expect([rowsIn(group.values), group.focus]).toEqual([['', '', ['', '']], 'condition-2-0-field']);
    const within = step(group.values, 'condition.add.2');
    expect([rowsIn(within.values), within.focus]).toEqual([['', '', ['', '', '']], 'condition-2-2-field']);
  });

  it('removes conditions and groups; a group that is empty goes', () => {
    const named = (field: string) => ({ field, operator: 'equals' as const, value: 'x' });
    const items = [named('a'), { match: 'any' as const, rows: [named('b'), named('c')] }];
    const values: FilterValues = { ...NO_FILTER, rows: { match: 'all', items } };
    expect(rowsIn(step(values, 'condition.remove.1-0').values)).toEqual(['a', ['c']]);
    expect(rowsIn(step(step(values, 'condition.remove.1-0').values, 'condition.remove.1-0').values)).toEqual(['a']);
    expect(rowsIn(step(values, 'group.remove.1').values)).toEqual(['a']);
    expect(rowsIn(step(values, 'condition.remove.0').values)).toEqual([['b', 'c']]);
    // What is not there, or no button, changes nothing.
    expect(rowsIn(step(values, 'condition.remove.9').values)).toEqual(['a', ['b', 'c']]);
    for (const name of ['header.add', 'preview.filter', '', 'condition.explode.0']) expect(stepFilter(values, name, KINDS)).toBeNull();
  });

  it('turns rows into JSON and back, and leaves what rows cannot say as it is', () => {
    const shown = filterOf({ all: [SIZE, { any: [PLACE, SIZE] }] }, KINDS);
    const json = step(shown, 'filter.json');
    expect(JSON.parse(json.values.json)).toEqual({ all: [SIZE, { any: [PLACE, SIZE] }] });
    expect(step(json.values, 'filter.rows').values.rows).toEqual(shown.rows);
    for (const [text, problem] of [
      ['{"not":{"field":"a","operator":"exists"}}', 'Rows cannot show this'],
      ['{"all":[]}', 'filter.all'],
      ['{"all":', 'This is not JSON: it ends too early, at line 1, column 8.'],
      ['['.repeat(50_000) + ']'.repeat(50_000), 'nests deeper'],
    ] as const) {
      const refused = step({ ...NO_FILTER, mode: 'json', json: text }, 'filter.rows');
      expect(refused.problem).toContain(problem);
      expect(refused.values).toEqual({ ...NO_FILTER, mode: 'json', json: text });
    }
    expect(step({ ...NO_FILTER, mode: 'json', json: ' ' }, 'filter.rows').values).toEqual(NO_FILTER);
  });
});
