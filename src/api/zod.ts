import { z } from '@hono/zod-openapi';
import { fieldAt, mismatch } from '../domain/issue.ts';

/** What a schema expects, in words. */
const EXPECTED: Record<string, string> = {
  string: 'a string',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'an array',
  tuple: 'an array',
  object: 'an object',
  record: 'an object',
};

/** What things have that are too small or too large; numbers are so themselves. */
const UNITS: Record<string, string> = { string: 'characters', array: 'entries' };

/** What is wrong with a field, in sentences like those that refuse events; nothing where a schema has no sentence of its own here. */
function sentenceOf(issue: z.core.$ZodRawIssue): string | undefined {
  const field = fieldAt(issue.path ?? []);
  const named = field === '' ? 'the body' : `\`${field}\``;
  switch (issue.code) {
    case 'invalid_type':
      if (issue.expected === 'int' && typeof issue.input === 'number') return `${named} is not a whole number`;
      return mismatch(named, issue.input, EXPECTED[issue.expected] ?? issue.expected);
    case 'invalid_value': {
      const values = issue.values.map((value) => `\`${String(value)}\``).join(', ');
      const expected = issue.values.length === 1 ? values : `one of ${values}`;
      return issue.input === undefined ? `${named} is missing; it is ${expected}` : `${named} is not ${expected}`;
    }
    case 'too_small': {
      const unit = UNITS[issue.origin];
      if (unit === undefined) return `${named} is less than ${issue.minimum}`;
      return issue.minimum === 1 ? `${named} is empty` : `${named} has fewer than ${issue.minimum} ${unit}`;
    }
    case 'too_big': {
      const unit = UNITS[issue.origin];
      return unit === undefined ? `${named} is more than ${issue.maximum}` : `${named} has more than ${issue.maximum} ${unit}`;
    }
    default:
      return undefined;
  }
}

z.config({
  // zod compiles validators with eval where it can; Workers forbid eval, and trying it logs a violation.
  jitless: true,
  customError: sentenceOf,
});

/**
 * A schema or null. Not `nullable()`: in the description that would make a schema that has a name of its own nullable wherever it is used, and
 * give it the words of this one use.
 */
export function orNull<T extends z.ZodType>(schema: T): z.ZodUnion<[T, z.ZodNull]> {
  return z.union([schema, z.null()]);
}

export { z };
