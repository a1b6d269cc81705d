/** How many issues an answer lists: enough to mend a request, not enough to make the answer larger than the request. */
export const MAX_ISSUES = 20;

/** What is wrong with a field of a request; `index` is the event's place where an array of them was sent. */
export interface Issue {
  field: string;
  message: string;
  index?: number;
}

/** A field by the way that leads to it: `filter.any[0].value`. Places in lists have brackets, everywhere. */
export function fieldAt(path: readonly PropertyKey[]): string {
  return path
    .map((step) => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`))
    .join('')
    .replaceAll('.[', '[')
    .replace(/^\./, '');
}

/** "`url` is missing; it is a string", "`url` is a number, not a string". */
export function mismatch(what: string, value: unknown, expected: string): string {
  return value === undefined ? `${what} is missing; it is ${expected}` : `${what} is ${nameOf(value)}, not ${expected}`;
}

/** What a JSON value is, in words. */
export function nameOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
