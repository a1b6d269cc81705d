import { describe, expect, it } from 'vitest';
import { conditionWords, OPERATOR_GROUPS, partAt } from '../../../src/dashboard/choices/condition-words.ts';
import { fieldHeading, fieldName } from '../../../src/dashboard/choices/field-words.ts';
import { type Chosen, chosenWords } from '../../../src/dashboard/choices/webhook-words.ts';
import { type Condition, type Leaf, OPERATORS } from '../../../src/domain/rules/condition.ts';

const SIZE: Leaf = { field: 'company.employee_count', operator: 'at_least', value: 1_200 };
const PLACE: Leaf = { field: 'company.location', operator: 'ends_with', value: 'United States' };
const KNOWN: Leaf = { field: 'visitor.linkedin_url', operator: 'exists' };

describe('a condition in words', () => {
  it.each<[Condition, string]>([
    [SIZE, 'company size is at least 1,200'],
    [KNOWN, 'LinkedIn profile is known'],
    [{ all: [SIZE, PLACE] }, 'company size is at least 1,200 and company location ends with “United States”'],
    [
      { all: [KNOWN, { any: [SIZE, KNOWN] }] },
      'LinkedIn profile is known and (company size is at least 1,200 or LinkedIn profile is known)',
    ],
    [{ all: [KNOWN, { any: [SIZE] }] }, 'LinkedIn profile is known and company size is at least 1,200'],
    [{ not: { any: [KNOWN, SIZE] } }, 'not (LinkedIn profile is known or company size is at least 1,200)'],
    [{ field: 'visitor.is_customer', operator: 'not_equals', value: true }, 'visitor is customer is not yes'],
    [{ field: 'x', operator: 'one_of', value: ['a', 2, false] }, 'x is one of “a”, 2 or no'],
    [{ field: 'x', operator: 'none_of', value: ['a', 'b', 'c', 'd', 'e', 'f', 'g'] }, 'x is none of “a”, “b”, “c”, “d”, “e” or 2 more'],
    [{ field: 'x', operator: 'contains', value: 'w'.repeat(90) }, `x contains “${'w'.repeat(60)}…”`],
  ])('%j is “%s”', (condition, words) => {
    expect(conditionWords(condition)).toBe(words);
  });

  it('every operator is offered, once', () => {
    expect(OPERATOR_GROUPS.flatMap(([, operators]) => operators).toSorted()).toEqual([...OPERATORS].toSorted());
  });

  it('a part is found by its place', () => {
    const filter: Condition = { all: [KNOWN, { any: [SIZE, { not: PLACE }] }] };
    expect(partAt(filter, 'filter')).toBe(filter);
    expect(partAt(filter, 'filter.all[0]')).toEqual(KNOWN);
    expect(partAt(filter, 'filter.all[1].any[1].not')).toEqual(PLACE);
    for (const place of ['filter.all[2]', 'filter.any[0]', 'filter.all', 'filter.constructor', 'filter.all[1].any[0].value']) {
      expect([place, partAt(filter, place)]).toEqual([place, null]);
    }
  });
});

describe('a field', () => {
  it.each([
    ['company.employee_count', 'Company size', 'Company'],
    ['company.lead_score', 'Company lead score', 'Company'],
    ['session_id', 'Visit (session)', 'The event itself'],
    ['crm-data.owner.first_name', 'Crm data owner first name', 'Crm data'],
    ['constructor', 'Constructor', 'The event itself'],
    ['__', '__', 'The event itself'],
  ])('%s is called “%s”, under “%s”', (path, name, heading) => {
    expect([fieldName(path), fieldHeading(path)]).toEqual([name, heading]);
  });
});

describe('what is chosen of a webhook', () => {
  const NOTHING: Chosen = {
    ...{ events: ['visitor.identified'], filter: null, once: null, fields: null, format: 'event', headerNames: null, retrySchedule: null },
  };

  it.each<[Partial<Chosen>, string]>([
    [{}, ''],
    [
      { filter: SIZE, once: { per: 'visitor.email', days: 30 }, format: 'slack' },
      'Only visitors where company size is at least 1,200 · each e-mail address once in 30 days · as a Slack message',
    ],
    [{ events: ['*'], filter: KNOWN }, 'Only events where LinkedIn profile is known'],
    [{ once: { per: 'company.domain', days: 1 } }, 'Each company once a day'],
    [
      { once: { per: 'company.lead_owner', days: 7 }, fields: ['a'], format: 'flat' },
      'Each company lead owner once in 7 days · only 1 of its fields · as flat JSON',
    ],
    [{ headerNames: ['Authorization'], retrySchedule: ['30s', '2h'] }, 'With the header Authorization · retried 2 times within 2 h'],
    [{ headerNames: ['A', 'B', 'C', 'D'] }, 'With 4 of your own headers'],
    [{ retrySchedule: ['1m', '5m', '30m', '2h', '6h', '12h', '24h', '24h'] }, 'Retried for up to 3 days'],
  ])('%j is “%s”', (chosen, words) => {
    expect(chosenWords({ ...NOTHING, ...chosen })).toBe(words);
  });

  it('is not longer than a head has room for', () => {
    const filter: Condition = { any: Array.from({ length: 50 }, () => PLACE) };
    expect(chosenWords({ ...NOTHING, filter }).length).toBeLessThan(450);
  });
});
