import { dereference, type Schema, Validator } from '@cfworker/json-schema';
import type { EventSchema } from './event-type.ts';
import { MAX_ISSUES } from './issue.ts';

/** What is wrong at a place of a schema, or of an event that a schema was applied to. */
export interface SchemaIssue {
  /** The place, its steps joined by dots; empty for the whole. */
  field: string;
  message: string;
  /** What the validator threw, for the log alone. */
  cause?: unknown;
}

const DRAFT = '2020-12';
/** What `$schema` may say: this draft, with or without the empty fragment. */
const DRAFT_URI = /^https:\/\/json-schema\.org\/draft\/2020-12\/schema#?$/;

const TYPES: readonly unknown[] = ['array', 'boolean', 'integer', 'null', 'number', 'object', 'string'];
const WITH_ONE = [
  'not',
  'if',
  'then',
  'else',
  'items',
  'contains',
  'propertyNames',
  'additionalProperties',
  'unevaluatedItems',
  'unevaluatedProperties',
];
const WITH_LIST = ['allOf', 'anyOf', 'oneOf', 'prefixItems'];
const WITH_MAP = ['properties', 'patternProperties', '$defs', 'dependentSchemas'];
const COUNTS = ['minLength', 'maxLength', 'minItems', 'maxItems', 'minProperties', 'maxProperties', 'minContains', 'maxContains'];
const NUMBERS = ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'];

/** Whether a keyword's value is what the draft allows, where that can be said of the value alone. */
const KEYWORDS: Record<string, [isValid: (value: unknown) => boolean, expected: string]> = {
  type: [(value) => [value].flat().length > 0 && [value].flat().every((name) => TYPES.includes(name)), 'a type name, or a list of them'],
  required: [isNames, 'a list of names'],
  enum: [Array.isArray, 'a list'],
  pattern: [isPattern, 'a regular expression'],
  $ref: [(value) => typeof value === 'string' && value.startsWith('#'), 'a reference within this schema ("#/$defs/…")'],
  $schema: [(value) => typeof value === 'string' && DRAFT_URI.test(value), '"https://json-schema.org/draft/2020-12/schema"'],
  $id: [isString, 'a string'],
  $anchor: [isString, 'a string'],
  format: [isString, 'a string'],
  dependentRequired: [(value) => isObject(value) && Object.values(value).every(isNames), 'an object of lists of names'],
  uniqueItems: [(value) => typeof value === 'boolean', 'true or false'],
  ...Object.fromEntries(
    COUNTS.map((name) => [name, [(value: unknown) => Number.isSafeInteger(value) && Number(value) >= 0, 'a whole number']]),
  ),
  ...Object.fromEntries(NUMBERS.map((name) => [name, [(value: unknown) => typeof value === 'number', 'a number']])),
};

/** What is wrong with a JSON Schema (draft 2020-12); null where it can be used. */
export function schemaProblem(schema: EventSchema): SchemaIssue | null {
  const problem = problemAt(schema, []);
  if (problem) return problem;
  try {
    // A reference that leads nowhere shows when it is followed, a circle of them when it is walked.
    const known = dereference(structuredClone(schema) as Schema);
    for (const part of Object.values(known)) {
      if (typeof part === 'boolean' || part.__absolute_ref__ === undefined) continue;
      if (known[part.__absolute_ref__] === undefined) return { field: '', message: `\`$ref\` ${part.$ref} leads nowhere` };
    }
    new Validator(structuredClone(schema) as Schema, DRAFT).validate({});
  } catch (error) {
    const message = isEndless(error)
      ? 'the schema refers to itself in a circle'
      : 'the schema has an `$id` or a `$ref` that cannot be used';
    return { field: '', message, cause: error };
  }
  return null;
}

function problemAt(schema: unknown, path: readonly string[]): SchemaIssue | null {
  if (typeof schema === 'boolean') return null;
  const field = path.join('.');
  if (!isObject(schema)) return { field, message: 'a schema is an object, true or false' };
  for (const [name, [isValid, expected]] of Object.entries(KEYWORDS)) {
    if (Object.hasOwn(schema, name) && !isValid(schema[name]))
      return { field: [...path, name].join('.'), message: `\`${name}\` must be ${expected}` };
  }
  for (const [at, part] of partsOf(schema)) {
    const problem = problemAt(part, [...path, ...at]);
    if (problem) return problem;
  }
  return null;
}

/** The schemas within a schema, with their places; what should hold some and does not is passed on to be refused. */
function* partsOf(schema: Record<string, unknown>): Generator<[string[], unknown]> {
  for (const name of WITH_ONE) if (Object.hasOwn(schema, name)) yield [[name], schema[name]];
  for (const name of WITH_LIST) {
    const list = schema[name];
    if (Array.isArray(list)) yield* list.map((part, at): [string[], unknown] => [[name, String(at)], part]);
    else if (list !== undefined) yield [[name], null];
  }
  for (const name of WITH_MAP) {
    const map = schema[name];
    if (isObject(map)) {
      for (const [key, part] of Object.entries(map)) yield [[name, key], name === 'patternProperties' && !isPattern(key) ? null : part];
    } else if (map !== undefined) yield [[name], null];
  }
}

/** Stack overflows are how the validator shows a reference that leads back to itself. */
function isEndless(error: unknown): boolean {
  return error instanceof RangeError;
}

function isString(value: unknown): boolean {
  return typeof value === 'string';
}

function isNames(value: unknown): boolean {
  return Array.isArray(value) && value.every(isString);
}

function isPattern(value: unknown): boolean {
  try {
    return typeof value === 'string' && Boolean(new RegExp(value, 'u'));
  } catch {
    return false;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Prepared schemas: preparing one walks all of it. */
const validators = new WeakMap<EventSchema, Validator>();

/** Keywords whose error only says that something beneath them failed, which has an error of its own. */
const OUTER_KEYWORDS: ReadonlySet<string> = new Set([
  'properties',
  'items',
  'prefixItems',
  'allOf',
  '$ref',
  'additionalProperties',
  'patternProperties',
]);

/** What an event does not satisfy of a schema; nothing where it matches. */
export function checkAgainstSchema(schema: EventSchema, event: unknown): SchemaIssue[] {
  let result: ReturnType<Validator['validate']>;
  try {
    result = validatorOf(schema).validate(event);
  } catch (error) {
    // A schema that runs in circles over this event, or a name that is half a surrogate pair: the event is refused, not the service broken.
    const why = isEndless(error) ? 'which refers to itself in a circle' : 'which cannot be applied to it';
    return [{ field: '', message: `the event cannot be checked against its type's schema, ${why}`, cause: error }];
  }
  if (result.valid) return [];
  const inner = result.errors.filter(({ keyword }) => !OUTER_KEYWORDS.has(keyword));
  return (inner.length > 0 ? inner : result.errors).slice(0, MAX_ISSUES).map(({ instanceLocation, error }) => ({
    field: fieldOf(instanceLocation, error),
    message: error,
  }));
}

function validatorOf(schema: EventSchema): Validator {
  let validator = validators.get(schema);
  if (!validator) {
    validator = new Validator(schema as Schema, DRAFT, false);
    validators.set(schema, validator);
  }
  return validator;
}

/** A JSON pointer such as `#/visitor/email` as `visitor.email`; for a missing property the place where it should be. */
function fieldOf(pointer: string, error: string): string {
  const steps = pointer
    .split('/')
    .slice(1)
    .map((step) => decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~'));
  const missing = /^Instance does not have required property "(.+)"\.$/.exec(error)?.[1];
  return (missing === undefined ? steps : [...steps, missing]).join('.');
}
