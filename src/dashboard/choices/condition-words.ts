import type { Condition, Leaf, Operator, Scalar } from '../../domain/rules/condition.ts';
import { list, numberFormat } from '../words/formats.ts';
import { t } from '../words/words.tsx';
import { fieldInSentence } from './field-words.ts';

/** The operators in the order in which they are offered, by the name of their group. */
export const OPERATOR_GROUPS = [
  ['any', ['equals', 'not_equals', 'one_of', 'none_of', 'exists', 'not_exists']],
  ['text', ['contains', 'not_contains', 'starts_with', 'ends_with']],
  ['number', ['greater_than', 'at_least', 'less_than', 'at_most']],
] as const satisfies readonly [name: string, operators: readonly Operator[]][];

/** Values of a list, and characters of a text, that a sentence has room for. */
const SHOWN_VALUES = 5;
const SHOWN_LENGTH = 60;

/** A condition as a sentence has it behind “where”: `company size is at least 200 and (industry is “Law” or device is “mobile”)`. */
export function conditionWords(condition: Condition): string {
  if ('all' in condition) return joined(condition.all, 'condition.and');
  if ('any' in condition) return joined(condition.any, 'condition.or');
  if ('not' in condition) return t('condition.not', { condition: conditionWords(condition.not) });
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

function joined(parts: readonly Condition[], key: 'condition.and' | 'condition.or'): string {
  const said = parts.map((part) => {
    const words = conditionWords(part);
    return parts.length > 1 && isMixed(part) ? t('condition.group', { condition: words }) : words;
  });
  return said.reduce((left, right) => t(key, { left, right }));
}

/** Whether a part joins several of its own. */
function isMixed(part: Condition): boolean {
  if ('all' in part) return part.all.length > 1 || part.all.some(isMixed);
  return 'any' in part && (part.any.length > 1 || part.any.some(isMixed));
}

function leafWords({ field, operator, value }: Leaf): string {
  const name = fieldInSentence(field);
  if (operator === 'exists' || operator === 'not_exists') return t(`condition.${operator}`, { field: name });
  const said = value === undefined ? '' : Array.isArray(value) ? listWords(value) : valueWords(value as Scalar);
  return t(`condition.${operator}`, { field: name, value: said });
}

function listWords(values: readonly Scalar[]): string {
  const shown = values.slice(0, SHOWN_VALUES).map(valueWords);
  const count = values.length - shown.length;
  return list(count > 0 ? [...shown, t('condition.moreValues', { count })] : shown, 'disjunction');
}

function valueWords(value: Scalar): string {
  if (typeof value === 'number') return numberFormat({ maximumFractionDigits: 20 }).format(value);
  if (typeof value === 'boolean') return value ? t('condition.yes') : t('condition.no');
  return t('condition.text', { text: value.length > SHOWN_LENGTH ? `${value.slice(0, SHOWN_LENGTH).toWellFormed()}…` : value });
}
