import { foldCase } from '../text/fold-case.ts';
import { type JsonPart, partsOf } from '../text/json-items.ts';

/** Longest path, in characters. */
export const MAX_PATH_LENGTH = 256;
/** What a path is, for errors. */
export const PATH_FORM = `a path of keys such as \`visitor.email\`, without indices, of at most ${MAX_PATH_LENGTH} characters`;

/** A place in a list. A path has none: it means every element, and a key that looks like one is a mistake. */
const INDEX = /\[\d+\]/;

/** Whether a text is a path: keys from the root of the event, joined by dots. A key that has a dot in it cannot be written. */
export function isPath(text: string): boolean {
  return text.length <= MAX_PATH_LENGTH && text.isWellFormed() && !INDEX.test(text) && keysOf(text).every((key) => key !== '');
}

export function keysOf(path: string): string[] {
  return path.split('.');
}

/**
 * What is at a path: nothing where it leads nowhere, one value, or several where lists are on the way, each of whose elements it means (lists
 * in lists, too). A list at its end is one value. Only what the event itself has counts, not what every object inherits (`constructor`).
 */
export function valuesAt(event: unknown, path: string): unknown[] {
  const found: unknown[] = [];
  follow(event, keysOf(path), 0, found);
  return found;
}

function follow(value: unknown, keys: readonly string[], step: number, found: unknown[]): void {
  const key = keys[step];
  if (key === undefined) found.push(value);
  else if (Array.isArray(value)) for (const element of value) follow(element, keys, step, found);
  else if (typeof value === 'object' && value !== null && Object.hasOwn(value, key)) {
    follow((value as Record<string, unknown>)[key], keys, step + 1, found);
  }
}

/** The same as they are written. @param source the event's own text */
export function partsAt(source: string, path: string): JsonPart[] {
  const keys = keysOf(path);
  const follow = (part: JsonPart, step: number): JsonPart[] => {
    const key = keys[step];
    if (key === undefined) return [part];
    if (part.items) return part.items.flatMap((item) => follow(item, step));
    const member = part.members?.get(key);
    return member ? follow(member, step + 1) : [];
  };
  return follow(partsOf(source), 0);
}

/** The texts at a path, those of a list's elements among them; numbers, true and false as they are written. @param source the event's own text */
export function textsAt(event: unknown, path: string, source: string): string[] {
  const values = valuesAt(event, path).flat(Number.POSITIVE_INFINITY);
  // Of two ids of 20 digits JSON.parse may make the same number.
  const isExact = values.every((value) => typeof value !== 'number' || Math.abs(value) <= Number.MAX_SAFE_INTEGER);
  if (isExact) return values.filter(isScalar).map(String);
  return scalarsOf(partsAt(source, path)).map((text) => (text.startsWith('"') ? (JSON.parse(text) as string) : text));
}

function isScalar(value: unknown): value is string | number | boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}

function scalarsOf(parts: readonly JsonPart[]): string[] {
  return parts.flatMap(({ text, members, items }) => {
    if (items) return scalarsOf(items);
    return members || text === 'null' ? [] : [text];
  });
}

/** What conditions ask of a field. */
export interface Field {
  /** Whether there is a value; null is none, and a list is one, whatever is in it. */
  isThere: boolean;
  /** Its text, its number, its true or false; of lists those of each element. Texts are folded. */
  scalars: (string | number | boolean)[];
}

/** The fields of an event, each looked up and folded once, however many conditions ask for it. */
export class Fields {
  readonly #event: unknown;
  readonly #known = new Map<string, Field>();

  constructor(event: unknown) {
    this.#event = event;
  }

  at(path: string): Field {
    let field = this.#known.get(path);
    if (!field) {
      const values = valuesAt(this.#event, path);
      field = { isThere: values.some((value) => value !== null), scalars: [] };
      for (const value of values) gather(value, field.scalars);
      this.#known.set(path, field);
    }
    return field;
  }
}

function gather(value: unknown, scalars: Field['scalars']): void {
  if (typeof value === 'string') scalars.push(foldCase(value));
  else if (typeof value === 'number' || typeof value === 'boolean') scalars.push(value);
  else if (Array.isArray(value)) for (const element of value) gather(element, scalars);
}

/** The fields of the event that was last asked about. An event is tried on all its webhooks one after the other, and they share them. */
let latest = { event: null as unknown, fields: new Fields(null) };

/** An event's fields. They are kept for the same object, which must not change any more. */
export function fieldsOf(event: unknown): Fields {
  if (latest.event !== event) latest = { event, fields: new Fields(event) };
  return latest.fields;
}
