import type { Condition, Leaf, Operator, Scalar } from '../../domain/rules/condition.ts';
import { fieldInSentence } from './field-words.ts';

/** Operators as people say them, in the order in which they are offered. */
export const OPERATOR_GROUPS: readonly [name: string, operators: readonly Operator[]][] = [
  ['Any value', ['equals', 'not_equals', 'one_of', 'none_of', 'exists', 'not_exists']],
  ['Text', ['contains', 'not_contains', 'starts_with', 'ends_with']],
  ['Number', ['greater_than', 'at_least', 'less_than', 'at_most']],
];

export const OPERATOR_WORDS: Readonly<Record<Operator, string>> = {
  equals: 'is',
  not_equals: 'is not',
  one_of: 'is one of',
  none_of: 'is none of',
  contains: 'contains',
  not_contains: 'does not contain',
  starts_with: 'starts with',
  ends_with: 'ends with',
  greater_than: 'is more than',
  at_least: 'is at least',
  less_than: 'is less than',
  at_most: 'is at most',
  exists: 'is known',
  not_exists: 'is not known',
};

/** Values of a list, and characters of a text, that a sentence has room for. */
const SHOWN_VALUES = 5;
const SHOWN_LENGTH = 60;

const numbers = new Intl.NumberFormat('en-US', { maximumFractionDigits: 20 });

/** A condition as a sentence has it behind “where”: `company size is at least 200 and (industry is “Law” or device is “mobile”)`. */
export function conditionWords(condition: Condition): string {
  if ('all' in condition) return joined(condition.all, ' and ');
  if ('any' in condition) return joined(condition.any, ' or ');
  if ('not' in condition) return `not (${conditionWords(condition.not)})`;
  return leafWords(condition);
}

/** The part of a filter at a place such as `filter.all[1]`; null where there is none. */
export function partAt(filter: Condition, place: string): Condition | null {
  let part: unknown = filter;
  for (const key of place.match(/[^.[\]]+/g)?.slice(1) ?? []) {
    if (typeof part !== 'object' || part === null || !Object.hasOwn(part, key)) return null;
    part = (part as Record<string, unknown>)[key];
  }
  return typeof part === 'object' && !Array.isArray(part) ? (part as Condition) : null;
}

function joined(parts: readonly Condition[], word: string): string {
  return parts.map((part) => (parts.length > 1 && isMixed(part) ? `(${conditionWords(part)})` : conditionWords(part))).join(word);
}

/** Whether a part joins several of its own. */
function isMixed(part: Condition): boolean {
  if ('all' in part) return part.all.length > 1 || part.all.some(isMixed);
  return 'any' in part && (part.any.length > 1 || part.any.some(isMixed));
}

function leafWords({ field, operator, value }: Leaf): string {
  const said = `${fieldInSentence(field)} ${OPERATOR_WORDS[operator]}`;
  return value === undefined ? said : `${said} ${Array.isArray(value) ? listWords(value) : valueWords(value)}`;
}

function listWords(values: readonly Scalar[]): string {
  const shown = values.slice(0, SHOWN_VALUES).map(valueWords);
  const more = values.length - shown.length;
  if (more > 0) shown.push(`${numbers.format(more)} more`);
  const last = shown.pop();
  return shown.length === 0 ? `${last}` : `${shown.join(', ')} or ${last}`;
}

function valueWords(value: Scalar): string {
  if (typeof value === 'number') return numbers.format(value);
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  return `“${value.length > SHOWN_LENGTH ? `${value.slice(0, SHOWN_LENGTH).toWellFormed()}…` : value}”`;
}
