import { fieldAt } from '../issue.ts';
import { GivenUp, type Mismatch, PreparedSchema } from '../json-schema/check.ts';
import { isObject, partsHere, partsOf, type Schema, type SchemaObject } from '../json-schema/parts.ts';
import { patternProblem } from '../json-schema/pattern.ts';
import type { EventSchema } from './event-type.ts';

/** What is wrong at a place of a schema, or of an event that a schema was applied to. */
export interface SchemaIssue extends Mismatch {
  /** Set where the event could not be checked, and why: for the log. */
  givenUp?: string;
}

/** Largest array that can be asked to hold nothing twice. */
const MAX_UNIQUE_ITEMS = 1_000;
/** Most schemas that may be applied to one and the same value: references can double with each step. */
const MAX_APPLIED = 1_000;
/** What checking an event may cost, and each of its bytes beside that: some 50 ms for the largest. One schema applied costs 20. */
const STEPS_OF_AN_EVENT = 40_000;
const STEPS_OF_A_BYTE = 20;

/** What `$schema` may say: this draft, with or without the empty fragment. */
const DRAFT_URI = /^https:\/\/json-schema\.org\/draft\/2020-12\/schema#?$/;
const TYPES: readonly unknown[] = ['array', 'boolean', 'integer', 'null', 'number', 'object', 'string'];
const COUNTS = ['minLength', 'maxLength', 'minItems', 'maxItems', 'minProperties', 'maxProperties', 'minContains', 'maxContains'];
const NUMBERS = ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'];

/** Whether a keyword's value is what the draft allows, where that can be said of the value alone. */
const KEYWORDS: Record<string, [isValid: (value: unknown) => boolean, expected: string]> = {
  type: [(value) => [value].flat().length > 0 && [value].flat().every((name) => TYPES.includes(name)), 'a type name, or a list of them'],
  required: [isNames, 'a list of names'],
  enum: [Array.isArray, 'a list'],
  $ref: [(value) => typeof value === 'string' && value.startsWith('#'), 'a reference within this schema ("#/$defs/…")'],
  $schema: [(value) => typeof value === 'string' && DRAFT_URI.test(value), '"https://json-schema.org/draft/2020-12/schema"'],
  $id: [(value) => typeof value === 'string' && URL.canParse(value, 'https://example.com/'), 'a URI'],
  $anchor: [isString, 'a string'],
  format: [isString, 'a string'],
  dependentRequired: [(value) => isObject(value) && Object.values(value).every(isNames), 'an object of lists of names'],
  uniqueItems: [(value) => typeof value === 'boolean', 'true or false'],
  ...Object.fromEntries(
    COUNTS.map((name) => [name, [(value: unknown) => Number.isSafeInteger(value) && Number(value) >= 0, 'a whole number']]),
  ),
  ...Object.fromEntries(NUMBERS.map((name) => [name, [(value: unknown) => typeof value === 'number', 'a number']])),
};

/** What is wrong with a JSON Schema (draft 2020-12), or what of it could cost too much; null where it can be used. */
export function schemaProblem(schema: EventSchema): SchemaIssue | null {
  const problem = problemAt(schema, []);
  if (problem) return problem;
  const { references } = new PreparedSchema(schema);
  const applied = new Map<Schema, number>();
  const places = [...withPlaces(schema, [])];
  const looked = new Set(places.map(([part]) => part as Schema));
  for (const [part, path] of places) {
    const field = fieldAt([...path, '$ref']);
    const target = references.get(part);
    if (Object.hasOwn(part, '$ref') && target === undefined) return { field: '', message: `\`$ref\` ${part.$ref} leads nowhere` };
    // What no keyword holds was not looked at yet.
    const beyond = target === undefined || looked.has(target) ? null : problemAt(target, []);
    if (beyond) return { field, message: '`$ref` leads to what is not a schema that can be used' };
    if (target !== undefined) looked.add(target);
    const times = appliedBy(part, references, applied);
    if (times === Number.POSITIVE_INFINITY) return { field: '', message: 'the schema refers to itself in a circle' };
    if (times > MAX_APPLIED) return { field: '', message: `the schema applies more than ${MAX_APPLIED} schemas to one value` };
  }
  return null;
}

function problemAt(schema: unknown, path: readonly (string | number)[]): SchemaIssue | null {
  if (typeof schema === 'boolean') return null;
  if (!isObject(schema)) return { field: fieldAt(path), message: 'a schema is an object, true or false' };
  const at = (...steps: (string | number)[]) => fieldAt([...path, ...steps]);
  for (const [name, [isValid, expected]] of Object.entries(KEYWORDS)) {
    if (Object.hasOwn(schema, name) && !isValid(schema[name])) return { field: at(name), message: `\`${name}\` must be ${expected}` };
  }
  if (schema.uniqueItems === true && !(Number(schema.maxItems) <= MAX_UNIQUE_ITEMS)) {
    return { field: at('uniqueItems'), message: `\`uniqueItems\` needs a \`maxItems\` of at most ${MAX_UNIQUE_ITEMS} beside it` };
  }
  if (Object.hasOwn(schema, 'pattern')) {
    const problem = typeof schema.pattern === 'string' ? patternProblem(schema.pattern) : 'must be a regular expression';
    if (problem) return { field: at('pattern'), message: `\`pattern\` ${problem}` };
  }
  for (const [steps, part] of partsOf(schema)) {
    const [name, key] = steps;
    const problem = name === 'patternProperties' && typeof key === 'string' ? patternProblem(key) : null;
    if (problem) return { field: at(...steps), message: `a name of \`patternProperties\` ${problem}` };
    const within = problemAt(part, [...path, ...steps]);
    if (within) return within;
  }
  return null;
}

function* withPlaces(schema: unknown, path: readonly (string | number)[]): Generator<[SchemaObject, readonly (string | number)[]]> {
  if (!isObject(schema)) return;
  yield [schema, path];
  for (const [steps, part] of partsOf(schema)) yield* withPlaces(part, [...path, ...steps]);
}

/** How many schemas one schema applies to the value that it is applied to, itself included; endless where it leads back to itself. */
function appliedBy(schema: Schema, references: ReadonlyMap<SchemaObject, Schema>, known: Map<Schema, number>): number {
  if (!isObject(schema)) return 1;
  const before = known.get(schema);
  if (before !== undefined) return before;
  // Until it is known: who asks meanwhile was led back.
  known.set(schema, Number.POSITIVE_INFINITY);
  const target = references.get(schema);
  let applied = target === undefined ? 1 : 1 + appliedBy(target, references, known);
  for (const [, part] of partsHere(schema)) applied += appliedBy(part as Schema, references, known);
  known.set(schema, applied);
  return applied;
}

function isString(value: unknown): boolean {
  return typeof value === 'string';
}

function isNames(value: unknown): boolean {
  return Array.isArray(value) && value.every(isString);
}

/** Prepared schemas: preparing one walks all of it. */
const prepared = new WeakMap<EventSchema, PreparedSchema>();

/**
 * What an event does not satisfy of a schema; nothing where it matches.
 * @param bytes how many it has: so much work may it be
 */
export function checkAgainstSchema(schema: EventSchema, event: unknown, bytes: number): SchemaIssue[] {
  try {
    return preparedOf(schema).mismatches(event, STEPS_OF_AN_EVENT + STEPS_OF_A_BYTE * bytes);
  } catch (error) {
    if (!(error instanceof GivenUp)) throw error;
    return [
      { field: '', message: `the event cannot be checked against its type's schema, which ${error.message}`, givenUp: error.message },
    ];
  }
}

function preparedOf(schema: EventSchema): PreparedSchema {
  let ready = prepared.get(schema);
  if (!ready) {
    ready = new PreparedSchema(schema);
    prepared.set(schema, ready);
  }
  return ready;
}
