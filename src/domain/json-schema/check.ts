import { fieldAt, MAX_ISSUES, nameOf } from '../issue.ts';
import { hasFormat } from './formats.ts';
import { isObject, partsOf, referencesOf, type Schema, type SchemaObject } from './parts.ts';
import { compilePattern, matches, type Pattern } from './pattern.ts';
import { isMultipleOf, isOfType, textOf, typeName } from './values.ts';

/** What a value does not satisfy of a schema. */
export interface Mismatch {
  /** The place in the value, as fieldAt writes it; empty for the whole. */
  field: string;
  message: string;
}

/** A check was given up. The value may match or not: nobody knows. */
export class GivenUp extends Error {
  override name = 'GivenUp';
}

/** Deepest nesting of schemas that are applied one within the other: a schema can refer to itself. */
const MAX_DEPTH = 500;
/** What applying a schema costs, as against looking at a character: both are steps of about 20 ns. */
const STEPS_OF_A_SCHEMA = 20;
/** What dividing decimals costs: they can have 600 digits. */
const STEPS_OF_DECIMALS = 100;
/** Longest place that is told, in characters: its names are the value's own. */
const MAX_FIELD_LENGTH = 150;

/** What the keywords of a schema have said something about: names of members, or places of items. */
type Seen = Set<string | number>;

/** A schema, made ready to check values with. */
export class PreparedSchema {
  readonly #schema: Schema;
  readonly references: ReadonlyMap<SchemaObject, Schema>;
  /** Whether it asks what else was said of a value: only then that is kept. */
  readonly tracks: boolean;
  readonly #patterns = new Map<string, Pattern | null>();
  readonly #texts = new WeakMap<object, Set<string>>();

  constructor(schema: SchemaObject) {
    this.#schema = schema;
    this.references = referencesOf(schema);
    this.tracks = [schema, ...this.references.values()].some(usesUnevaluated);
  }

  /**
   * What a value does not satisfy, at most MAX_ISSUES; throws GivenUp.
   * @param maxSteps how much work it may be
   */
  mismatches(value: unknown, maxSteps: number): Mismatch[] {
    const check = new Check(this, maxSteps);
    check.applies(this.#schema, value);
    return check.mismatches;
  }

  /** Null for one that is not bounded, which only earlier versions took: it is not asked for. */
  pattern(source: string): Pattern | null {
    let pattern = this.#patterns.get(source);
    if (pattern === undefined) {
      pattern = compilePattern(source);
      this.#patterns.set(source, pattern);
    }
    return pattern;
  }

  /** The values of an `enum`, or of a schema's `const`, each as one text. */
  textsOf(owner: object, values: readonly unknown[]): ReadonlySet<string> {
    let texts = this.#texts.get(owner);
    if (!texts) {
      texts = new Set(values.map((value) => textOf(value, () => {})));
      this.#texts.set(owner, texts);
    }
    return texts;
  }
}

function usesUnevaluated(schema: unknown): boolean {
  if (!isObject(schema)) return false;
  if ('unevaluatedProperties' in schema || 'unevaluatedItems' in schema) return true;
  return [...partsOf(schema)].some(([, part]) => usesUnevaluated(part));
}

/** One value being checked. */
class Check {
  readonly mismatches: Mismatch[] = [];
  readonly #prepared: PreparedSchema;
  #stepsLeft: number;
  #depth = 0;
  /** How many checks go on whose outcome is only a condition of others: they report nothing, and end with the first mismatch. */
  #quiet = 0;
  readonly #path: (string | number)[] = [];
  readonly #spend = (steps: number): void => {
    this.#stepsLeft -= steps;
    if (this.#stepsLeft < 0) throw new GivenUp('takes more work than an event may');
  };

  constructor(prepared: PreparedSchema, maxSteps: number) {
    this.#prepared = prepared;
    this.#stepsLeft = maxSteps;
  }

  /** Whether a value satisfies a schema. What was said about it is added to `seen`. */
  applies(schema: Schema, value: unknown, seen: Seen | null = null): boolean {
    this.#spend(STEPS_OF_A_SCHEMA);
    if (schema === true) return true;
    if (schema === false) return this.#fail('must not be there');
    if (this.#depth === MAX_DEPTH) throw new GivenUp('refers to itself in a circle');
    this.#depth++;
    const own: Seen | null = this.#prepared.tracks ? new Set() : null;
    const isValid = this.#check(schema, value, own);
    this.#depth--;
    if (isValid && own && seen) for (const each of own) seen.add(each);
    return isValid;
  }

  /** All that a schema says, one thing after the other; a quiet check ends where one does not hold. */
  #check(schema: SchemaObject, value: unknown, seen: Seen | null): boolean {
    let isValid = this.#checkValue(schema, value);
    if (this.#isOver(isValid)) return isValid;
    isValid = this.#checkHere(schema, value, seen) && isValid;
    if (this.#isOver(isValid)) return isValid;
    if (typeof value === 'string') return this.#checkText(schema, value) && isValid;
    if (typeof value === 'number') return this.#checkNumber(schema, value) && isValid;
    if (Array.isArray(value)) return this.#checkItems(schema, value, seen) && isValid;
    return isObject(value) ? this.#checkMembers(schema, value, seen) && isValid : isValid;
  }

  #isOver(isValid: boolean): boolean {
    return this.#quiet > 0 ? !isValid : this.mismatches.length >= MAX_ISSUES;
  }

  #fail(what: string, name?: string | number): false {
    if (this.#quiet > 0 || this.mismatches.length >= MAX_ISSUES) return false;
    const whole = fieldAt([...this.#path, ...(name === undefined ? [] : [name])]);
    const field = whole.length > MAX_FIELD_LENGTH ? `${whole.slice(0, MAX_FIELD_LENGTH)}…` : whole;
    this.mismatches.push({ field: field.toWellFormed(), message: `${field === '' ? 'the event' : `\`${field.toWellFormed()}\``} ${what}` });
    return false;
  }

  #applyWithin(schema: Schema, value: unknown, step: string | number): boolean {
    this.#path.push(step);
    const applies = this.applies(schema, value);
    this.#path.pop();
    return applies;
  }

  /** Whether a schema applies, where that alone is no mismatch. */
  #would(schema: Schema, value: unknown, seen: Seen | null = null): boolean {
    this.#quiet++;
    const would = this.applies(schema, value, seen);
    this.#quiet--;
    return would;
  }

  #checkValue(schema: SchemaObject, value: unknown): boolean {
    const { type, enum: values } = schema;
    let isValid = true;
    if (type !== undefined && ![type].flat().some((name) => isOfType(value, name))) {
      isValid = this.#fail(`is ${nameOf(value)}, not ${[type].flat().map(typeName).join(' or ')}`);
    }
    if (Array.isArray(values) && !this.#isAmong(values, values, value)) isValid = this.#fail('is not one of the values that it can have');
    if (Object.hasOwn(schema, 'const') && !this.#isAmong(schema, [schema.const], value))
      isValid = this.#fail('is not the value that it must have');
    return isValid;
  }

  #isAmong(owner: object, values: readonly unknown[], value: unknown): boolean {
    return this.#prepared.textsOf(owner, values).has(textOf(value, this.#spend));
  }

  #checkHere(schema: SchemaObject, value: unknown, seen: Seen | null): boolean {
    let isValid = true;
    const reference = this.#prepared.references.get(schema);
    if (reference !== undefined) isValid = this.applies(reference, value, seen) && isValid;
    for (const part of listOf(schema.allOf)) isValid = this.applies(part, value, seen) && isValid;
    if (schema.anyOf !== undefined) {
      const parts = listOf(schema.anyOf);
      // Where it matters what each says of the value, each is tried.
      const found = seen
        ? parts.filter((part) => this.#would(part, value, seen)).length > 0
        : parts.some((part) => this.#would(part, value));
      if (!found) isValid = this.#fail('matches none of the schemas of its `anyOf`');
    }
    if (schema.oneOf !== undefined) {
      const found = listOf(schema.oneOf).filter((part) => this.#would(part, value, seen)).length;
      if (found !== 1) isValid = this.#fail(`matches ${found === 0 ? 'none' : 'more than one'} of the schemas of its \`oneOf\``);
    }
    if (isSchema(schema.not) && this.#would(schema.not, value)) isValid = this.#fail('matches the schema of its `not`');
    if (isSchema(schema.if)) {
      const then = this.#would(schema.if, value, seen) ? schema.then : schema.else;
      if (isSchema(then)) isValid = this.applies(then, value, seen) && isValid;
    }
    if (isObject(schema.dependentSchemas) && isObject(value)) {
      for (const [name, part] of Object.entries(schema.dependentSchemas)) {
        this.#spend(1);
        if (Object.hasOwn(value, name)) isValid = this.applies(part as Schema, value, seen) && isValid;
      }
    }
    return isValid;
  }

  #checkText({ minLength, maxLength, pattern, format }: SchemaObject, text: string): boolean {
    let isValid = true;
    if (minLength !== undefined || maxLength !== undefined) {
      const length = this.#lengthOf(text);
      if (isCount(minLength) && length < minLength) isValid = this.#fail(`has fewer than ${minLength} characters`);
      if (isCount(maxLength) && length > maxLength) isValid = this.#fail(`has more than ${maxLength} characters`);
    }
    if (typeof pattern === 'string' && !this.#fits(pattern, text))
      isValid = this.#fail('does not have the form that its `pattern` asks for');
    if (typeof format === 'string') {
      this.#spend(text.length);
      if (!hasFormat(format, text)) isValid = this.#fail(`does not have the format \`${format.slice(0, 50)}\``);
    }
    return isValid;
  }

  /** In code points, as JSON Schema counts. */
  #lengthOf(text: string): number {
    this.#spend(text.length);
    let length = 0;
    for (const _ of text) length++;
    return length;
  }

  #fits(source: string, text: string): boolean {
    const pattern = this.#prepared.pattern(source);
    return pattern === null || matches(pattern, text, this.#spend);
  }

  #checkNumber({ minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf }: SchemaObject, number: number): boolean {
    let isValid = true;
    if (typeof minimum === 'number' && number < minimum) isValid = this.#fail(`is less than ${minimum}`);
    if (typeof maximum === 'number' && number > maximum) isValid = this.#fail(`is more than ${maximum}`);
    if (typeof exclusiveMinimum === 'number' && number <= exclusiveMinimum) isValid = this.#fail(`is not more than ${exclusiveMinimum}`);
    if (typeof exclusiveMaximum === 'number' && number >= exclusiveMaximum) isValid = this.#fail(`is not less than ${exclusiveMaximum}`);
    if (typeof multipleOf === 'number' && !this.#isMultipleOf(number, multipleOf))
      isValid = this.#fail(`is not a multiple of ${multipleOf}`);
    return isValid;
  }

  #isMultipleOf(number: number, divisor: number): boolean {
    if (Number.isSafeInteger(number) && Number.isSafeInteger(divisor) && divisor > 0) return number % divisor === 0;
    this.#spend(STEPS_OF_DECIMALS);
    return isMultipleOf(number, divisor);
  }

  #checkItems(schema: SchemaObject, items: readonly unknown[], seen: Seen | null): boolean {
    const { minItems, maxItems, items: rest, uniqueItems, contains, unevaluatedItems } = schema;
    let isValid = true;
    if (isCount(minItems) && items.length < minItems) isValid = this.#fail(`has fewer than ${minItems} entries`);
    if (isCount(maxItems) && items.length > maxItems) return this.#fail(`has more than ${maxItems} entries`);
    const first = listOf(schema.prefixItems);
    for (const [at, item] of items.entries()) {
      const part = at < first.length ? first[at] : rest;
      if (!isSchema(part)) break;
      seen?.add(at);
      if (!this.#applyWithin(part, item, at)) isValid = false;
      if (this.#isOver(isValid)) return isValid;
    }
    if (uniqueItems === true && new Set(items.map((item) => textOf(item, this.#spend))).size < items.length)
      isValid = this.#fail('has an entry twice');
    if (isSchema(contains)) isValid = this.#checkContained(schema, contains, items, seen) && isValid;
    if (isSchema(unevaluatedItems)) {
      for (const [at, item] of items.entries()) {
        if (seen?.has(at)) continue;
        seen?.add(at);
        if (!this.#applyWithin(unevaluatedItems, item, at)) isValid = false;
        if (this.#isOver(isValid)) return isValid;
      }
    }
    return isValid;
  }

  #checkContained({ minContains, maxContains }: SchemaObject, contains: Schema, items: readonly unknown[], seen: Seen | null): boolean {
    let found = 0;
    for (const [at, item] of items.entries()) {
      if (!this.#would(contains, item)) continue;
      seen?.add(at);
      found++;
    }
    const least = isCount(minContains) ? minContains : 1;
    if (found < least) return this.#fail(`has fewer than ${least} entries that match its \`contains\``);
    if (isCount(maxContains) && found > maxContains) return this.#fail(`has more than ${maxContains} entries that match its \`contains\``);
    return true;
  }

  #checkMembers(schema: SchemaObject, value: SchemaObject, seen: Seen | null): boolean {
    const { minProperties, maxProperties, required, dependentRequired } = schema;
    const names = Object.keys(value);
    this.#spend(names.length);
    let isValid = true;
    if (isCount(minProperties) && names.length < minProperties) isValid = this.#fail(`has fewer than ${minProperties} members`);
    if (isCount(maxProperties) && names.length > maxProperties) isValid = this.#fail(`has more than ${maxProperties} members`);
    if (Array.isArray(required)) isValid = this.#checkRequired(required, value) && isValid;
    if (isObject(dependentRequired)) {
      for (const [name, others] of Object.entries(dependentRequired)) {
        this.#spend(1);
        if (Object.hasOwn(value, name) && Array.isArray(others)) isValid = this.#checkRequired(others, value) && isValid;
      }
    }
    for (const name of names) {
      if (!this.#checkMember(schema, name, value[name], seen)) isValid = false;
      if (this.#isOver(isValid)) return isValid;
    }
    if (isSchema(schema.unevaluatedProperties)) {
      for (const name of names) {
        if (seen?.has(name)) continue;
        seen?.add(name);
        if (!this.#applyWithin(schema.unevaluatedProperties, value[name], name)) isValid = false;
        if (this.#isOver(isValid)) return isValid;
      }
    }
    return isValid;
  }

  #checkRequired(names: readonly string[], value: SchemaObject): boolean {
    this.#spend(names.length);
    let isValid = true;
    for (const name of names) if (!Object.hasOwn(value, name)) isValid = this.#fail('is missing', name);
    return isValid;
  }

  #checkMember(schema: SchemaObject, name: string, value: unknown, seen: Seen | null): boolean {
    const { properties, patternProperties, additionalProperties, propertyNames } = schema;
    let isValid = true;
    let isKnown = false;
    if (isSchema(propertyNames) && !this.#would(propertyNames, name)) isValid = this.#fail('has a name that it must not have', name);
    if (isObject(properties) && Object.hasOwn(properties, name)) {
      isKnown = true;
      isValid = this.#applyWithin(properties[name] as Schema, value, name) && isValid;
    }
    if (isObject(patternProperties)) {
      for (const [source, part] of Object.entries(patternProperties)) {
        if (!this.#fits(source, name)) continue;
        isKnown = true;
        isValid = this.#applyWithin(part as Schema, value, name) && isValid;
      }
    }
    if (!isKnown && isSchema(additionalProperties)) {
      isKnown = true;
      isValid = this.#applyWithin(additionalProperties, value, name) && isValid;
    }
    if (isKnown) seen?.add(name);
    return isValid;
  }
}

function isSchema(part: unknown): part is Schema {
  return typeof part === 'boolean' || isObject(part);
}

function listOf(parts: unknown): readonly Schema[] {
  return Array.isArray(parts) ? parts : [];
}

function isCount(value: unknown): value is number {
  return typeof value === 'number';
}
