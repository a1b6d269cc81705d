import type { Condition, Leaf } from '../../../src/domain/rules/condition.ts';

/*
 * The contract on conditions once more, as it is written and without a thought for what it costs: what the compiled ones are compared with.
 * Nothing of src/ is used. Its texts are compared in lower case, so it is asked about texts alone for which that is enough.
 */

/** Whether an event matches. */
export function naivelyMatches(condition: Condition, event: unknown): boolean {
  if ('all' in condition) return !condition.all.some((part) => !naivelyMatches(part, event));
  if ('any' in condition) return condition.any.some((part) => naivelyMatches(part, event));
  if ('not' in condition) return !naivelyMatches(condition.not, event);
  const values = at(event, condition.field).filter((value) => value !== null);
  // "A missing field: negative operators and `not_exists` hold, the others do not."
  if (values.length === 0) return isNegative(condition);
  if (condition.operator === 'exists') return true;
  if (condition.operator === 'not_exists') return false;
  // "Where the value is an array, a positive operator holds if it holds for one element, a negative one if it holds for all."
  const elements = values.flat(Number.POSITIVE_INFINITY);
  return isNegative(condition) ? elements.every((value) => holds(condition, value)) : elements.some((value) => holds(condition, value));
}

/** "A path of keys from the root of the event"; "a path through a list means each of its elements". */
function at(value: unknown, path: string): unknown[] {
  if (Array.isArray(value)) return value.flatMap((element) => at(element, path));
  if (typeof value !== 'object' || value === null) return [];
  const [key, ...rest] = path.split('.');
  const found = Object.entries(value).filter(([name]) => name === key);
  return found.flatMap(([, inner]) => (rest.length === 0 ? [inner] : at(inner, rest.join('.'))));
}

function isNegative({ operator }: Leaf): boolean {
  return ['not_equals', 'none_of', 'not_contains', 'not_exists'].includes(operator);
}

/** Whether an operator holds for one value that is not a list. */
function holds({ operator, value: wanted }: Leaf, value: unknown): boolean {
  const list = Array.isArray(wanted) ? wanted : [wanted];
  const text = typeof value === 'string' ? value.toLowerCase() : null;
  const part = String(wanted).toLowerCase();
  switch (operator) {
    case 'equals':
    case 'one_of':
      return list.some((one) => isSame(one, value));
    case 'not_equals':
    case 'none_of':
      return list.every((one) => !isSame(one, value));
    case 'contains':
      return text !== null && isWithin(part, text);
    case 'not_contains':
      // "`not_contains` holds for what is not text."
      return text === null || !isWithin(part, text);
    case 'starts_with':
      return text !== null && text.slice(0, part.length) === part;
    case 'ends_with':
      return text !== null && text.slice(text.length - part.length) === part;
    // "Anything that is not a JSON number does not match."
    case 'greater_than':
      return typeof value === 'number' && value > Number(wanted);
    case 'at_least':
      return typeof value === 'number' && !(value < Number(wanted));
    case 'less_than':
      return typeof value === 'number' && value < Number(wanted);
    case 'at_most':
      return typeof value === 'number' && !(value > Number(wanted));
    default:
      throw new Error(`the evaluator knows no ${operator}`);
  }
}

function isWithin(part: string, text: string): boolean {
  return Array.from({ length: text.length + 1 }, (_, from) => text.slice(from, from + part.length)).includes(part);
}

/** "No coercion"; "text is compared without regard to case". */
function isSame(one: unknown, other: unknown): boolean {
  if (typeof one === 'string' && typeof other === 'string') return one.toLowerCase() === other.toLowerCase();
  return one === other;
}
