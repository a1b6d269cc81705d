import { type Issue, MAX_ISSUES, mismatch } from '../issue.ts';
import { isObject } from '../json-schema/parts.ts';
import { foldCase } from '../text/fold-case.ts';
import { type Fields, fieldsOf, isPath, PATH_FORM } from './path.ts';

/** Most levels of a condition; a leaf is one, so that groups nest one less deeply. */
export const MAX_LEVELS = 4;
/** Most leaves of a condition, in all its groups. */
export const MAX_LEAVES = 50;
/** Most values of a list. */
export const MAX_VALUES = 500;
/** Longest text that a field is compared with, in characters; folded, as below. */
export const MAX_VALUE_LENGTH = 1_000;
/** Longest text that is looked for within others. Beyond it a search can cost the product of both lengths (V8 looks at so much of the end). */
export const MAX_PART_LENGTH = 250;

/** What a leaf of a condition says of a field. */
export const OPERATORS = [
  ...(['equals', 'not_equals', 'one_of', 'none_of', 'contains', 'not_contains', 'starts_with', 'ends_with'] as const),
  ...(['greater_than', 'at_least', 'less_than', 'at_most', 'exists', 'not_exists'] as const),
] as const;

export type Operator = (typeof OPERATORS)[number];

export type Scalar = string | number | boolean;

/** What one field must be. */
export interface Leaf {
  /** A path of keys from the root of the event. */
  field: string;
  operator: Operator;
  /** Absent with `exists` and `not_exists`; a list with `one_of` and `none_of`. */
  value?: Scalar | Scalar[];
}

/** Which events a webhook wants. */
export type Condition = Leaf | { all: Condition[] } | { any: Condition[] } | { not: Condition };

const GROUPS = ['all', 'any', 'not'] as const;
const LEAF = ['field', 'operator', 'value'];
const FORMS = '`field`, `operator` and `value`, or one of `all`, `any` and `not`';

/** What an operator compares a field with. */
export type ValueKind = 'scalar' | 'list' | 'text' | 'number' | 'none';

export const VALUE_KINDS: Readonly<Record<Operator, ValueKind>> = {
  equals: 'scalar',
  not_equals: 'scalar',
  one_of: 'list',
  none_of: 'list',
  contains: 'text',
  not_contains: 'text',
  starts_with: 'text',
  ends_with: 'text',
  greater_than: 'number',
  at_least: 'number',
  less_than: 'number',
  at_most: 'number',
  exists: 'none',
  not_exists: 'none',
};

/** What a value of each kind must be. */
const EXPECTED: Readonly<Record<Exclude<ValueKind, 'none'>, [isMet: (value: unknown) => boolean, words: string]>> = {
  scalar: [(value) => ['string', 'number', 'boolean'].includes(typeof value), 'a string, a number, true or false'],
  list: [Array.isArray, 'an array'],
  text: [(value) => typeof value === 'string', 'a string'],
  number: [(value) => typeof value === 'number', 'a number'],
};

export type ReadCondition = { condition: Condition; issues: [] } | { condition: null; issues: Issue[] };

/** Reads a webhook's `filter`. An issue names its place, such as `filter.all[0].value`. */
export function readCondition(value: unknown): ReadCondition {
  const issues: Issue[] = [];
  const leaves = check(value, 'filter', 1, issues);
  if (leaves > MAX_LEAVES) {
    issues.push({ field: 'filter', message: `\`filter\` has ${leaves} conditions; at most ${MAX_LEAVES} are possible` });
  }
  if (issues.length > 0) return { condition: null, issues: issues.slice(0, MAX_ISSUES) };
  return { condition: value as Condition, issues: [] };
}

/** Adds what is wrong at a place and within it. Returns how many leaves there are. */
function check(value: unknown, place: string, level: number, issues: Issue[]): number {
  const flaw = (field: string, message: string) => issues.push({ field, message });
  if (level > MAX_LEVELS) flaw(place, `the condition nests deeper than ${MAX_LEVELS} levels, of which a leaf is one`);
  else if (!isObject(value)) flaw(place, mismatch('a condition', value, 'an object'));
  else {
    const group = GROUPS.find((name) => Object.hasOwn(value, name));
    const known: readonly string[] = group ? [group] : LEAF;
    for (const key of Object.keys(value).filter((name) => !known.includes(name))) {
      flaw(`${place}.${key}`, group ? `beside \`${group}\` a condition has nothing else` : `a condition has ${FORMS}, nothing else`);
    }
    if (group === undefined) return checkLeaf(value, place, issues);
    const within = value[group];
    if (group === 'not') return check(within, `${place}.not`, level + 1, issues);
    if (Array.isArray(within) && within.length > 0) {
      const leaves = within.map((part, index) => check(part, `${place}.${group}[${index}]`, level + 1, issues));
      return leaves.reduce((sum, count) => sum + count);
    }
    flaw(`${place}.${group}`, Array.isArray(within) ? `\`${group}\` is empty` : mismatch(`\`${group}\``, within, 'an array of conditions'));
  }
  return 0;
}

function checkLeaf({ field, operator, value }: Record<string, unknown>, place: string, issues: Issue[]): number {
  const flaw = (at: string, message: string) => issues.push({ field: `${place}.${at}`, message });
  if (typeof field !== 'string') flaw('field', mismatch('`field`', field, PATH_FORM));
  else if (!isPath(field)) flaw('field', `\`field\` is not ${PATH_FORM}`);
  if (!isOperator(operator)) {
    const expected = `one of ${OPERATORS.join(', ')}`;
    flaw('operator', typeof operator === 'string' ? `\`operator\` is not ${expected}` : mismatch('`operator`', operator, expected));
    return 1;
  }
  const message = flawOf(value, VALUE_KINDS[operator], operator.endsWith('contains') ? MAX_PART_LENGTH : MAX_VALUE_LENGTH);
  if (message) flaw('value', message);
  else if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) {
      const flawed = flawOf(item, 'scalar', MAX_VALUE_LENGTH);
      if (flawed) flaw(`value[${index}]`, flawed);
    }
  }
  return 1;
}

/** What is wrong with a value of a kind; null where nothing is. */
function flawOf(value: unknown, kind: ValueKind, maxLength: number): string | null {
  if (kind === 'none') return value === undefined ? null : 'this operator has no `value`';
  const [isMet, words] = EXPECTED[kind];
  if (!isMet(value)) return mismatch('`value`', value, words);
  if (Array.isArray(value) && (value.length === 0 || value.length > MAX_VALUES)) {
    return `\`value\` has ${value.length} values; it has 1 to ${MAX_VALUES}`;
  }
  // JSON can write what no double holds (1e999); it would be stored as null.
  if (typeof value === 'number' && !Number.isFinite(value)) return '`value` is too large a number';
  if (typeof value !== 'string') return null;
  if (!value.isWellFormed()) return '`value` is not well-formed Unicode';
  return foldCase(value).length > maxLength ? `\`value\` is longer than ${maxLength} characters` : null;
}

function isOperator(operator: unknown): operator is Operator {
  return OPERATORS.some((name) => name === operator);
}

export interface Matcher {
  /** Whether the event is one that the condition is about. */
  matches(event: unknown): boolean;
  /**
   * The places in the filter that keep the event back, such as `filter.all[1]`: of leaves, and of groups where no single leaf decides (`any`,
   * `not`). None where the event matches.
   */
  failed(event: unknown): string[];
}

/** A condition, or a part of it, made ready. */
interface Compiled {
  holds(fields: Fields): boolean;
  failed(fields: Fields): string[];
}

const matchers = new WeakMap<Condition, Matcher>();

/**
 * What tries events on a condition; made ready once for the object, which must not change any more, nor may the events. The service's own events
 * pass every filter: whoever asks sees to it.
 *
 * Types are never converted: the text "200" is not the number 200. Texts are compared as foldCase makes them. Numbers are compared as JSON.parse
 * gives them: beyond 2^53 two that are written differently can be the same.
 */
export function matcherOf(condition: Condition): Matcher {
  let matcher = matchers.get(condition);
  if (!matcher) {
    const { holds, failed } = compile(condition, 'filter');
    matcher = { matches: (event) => holds(fieldsOf(event)), failed: (event) => failed(fieldsOf(event)) };
    matchers.set(condition, matcher);
  }
  return matcher;
}

function compile(condition: Condition, place: string): Compiled {
  if ('all' in condition) {
    const parts = condition.all.map((part, index) => compile(part, `${place}.all[${index}]`));
    return {
      holds: (fields) => parts.every((part) => part.holds(fields)),
      failed: (fields) => parts.flatMap((part) => part.failed(fields)),
    };
  }
  const holds = holdsOf(condition);
  return { holds, failed: (fields) => (holds(fields) ? [] : [place]) };
}

function holdsOf(condition: Exclude<Condition, { all: unknown }>): Compiled['holds'] {
  if ('any' in condition) {
    const parts = condition.any.map((part) => compile(part, ''));
    return (fields) => parts.some((part) => part.holds(fields));
  }
  if ('not' in condition) {
    const part = compile(condition.not, '');
    return (fields) => !part.holds(fields);
  }
  // A negative operator is the exact opposite of its counterpart: it holds where the other does for no value, and so where there is none.
  const { field, operator } = condition;
  const isNegative = operator === 'none_of' || operator.startsWith('not_');
  if (VALUE_KINDS[operator] === 'none') return (fields) => fields.at(field).isThere !== isNegative;
  const isMet = testOf(condition);
  return (fields) => fields.at(field).scalars.some(isMet) !== isNegative;
}

/** What a scalar of an event must be to meet a leaf's operator, or the counterpart of a negative one. */
function testOf({ operator, value }: Leaf): (scalar: Scalar) => boolean {
  const wanted = [value ?? []].flat().map((one) => (typeof one === 'string' ? foldCase(one) : one));
  const ofText = (test: (text: string, part: string) => boolean) => {
    const part = String(wanted[0]);
    return (scalar: Scalar) => typeof scalar === 'string' && test(scalar, part);
  };
  const ofNumber = (test: (number: number, bound: number) => boolean) => {
    const bound = Number(wanted[0]);
    return (scalar: Scalar) => typeof scalar === 'number' && test(scalar, bound);
  };
  switch (operator) {
    case 'contains':
    case 'not_contains':
      return ofText((text, part) => text.includes(part));
    case 'starts_with':
      return ofText((text, part) => text.startsWith(part));
    case 'ends_with':
      return ofText((text, part) => text.endsWith(part));
    case 'greater_than':
      return ofNumber((number, bound) => number > bound);
    case 'at_least':
      return ofNumber((number, bound) => number >= bound);
    case 'less_than':
      return ofNumber((number, bound) => number < bound);
    case 'at_most':
      return ofNumber((number, bound) => number <= bound);
    default: {
      const equal = new Set(wanted);
      return (scalar) => equal.has(scalar);
    }
  }
}
