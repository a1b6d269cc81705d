/** Longest, in characters. */
export const MAX_SUBJECT_LENGTH = 200;

/**
 * Whom an event is about, as a list shows it: of `visitor.identified` the visitor's name, or else their e-mail, and the company
 * ("Jane Doe, Example Corp"). Null: nobody is named.
 */
export function subjectOf(event: string, value: unknown): string | null {
  if (event !== 'visitor.identified') return null;
  const visitor = fieldOf(value, 'visitor');
  const name = [textOf(visitor, 'first_name'), textOf(visitor, 'last_name')].filter(isSaid).join(' ');
  const company = textOf(fieldOf(value, 'company'), 'name');
  const subject = [name || textOf(visitor, 'email'), company].filter(isSaid).join(', ');
  return subject === '' ? null : [...subject].slice(0, MAX_SUBJECT_LENGTH).join('').trimEnd();
}

/** A field of an event's object, whatever that is. Only what the event itself has counts, not what every object inherits. */
function fieldOf(object: unknown, name: string): unknown {
  if (typeof object !== 'object' || object === null || !Object.hasOwn(object, name)) return undefined;
  return (object as Record<string, unknown>)[name];
}

/** A text as one line; cut before it is looked through, since a producer's can have 100 kB. Empty where it is none. */
function textOf(object: unknown, name: string): string {
  const text = fieldOf(object, name);
  if (typeof text !== 'string') return '';
  return text
    .slice(0, 4 * MAX_SUBJECT_LENGTH)
    .toWellFormed()
    .replaceAll(/[\s\p{Cc}]+/gu, ' ')
    .trim();
}

function isSaid(text: string): boolean {
  return text !== '';
}
