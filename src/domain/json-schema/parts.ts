/** A JSON Schema, or a part of one. */
export type Schema = boolean | SchemaObject;
export type SchemaObject = Record<string, unknown>;

/** Keywords that say something of the very value that their schema is applied to, by holding one schema, a list or a map of them. */
const HERE = { one: ['not', 'if', 'then', 'else'], list: ['allOf', 'anyOf', 'oneOf'], map: ['dependentSchemas'] };
/** Keywords that say something of what is within the value. */
const WITHIN = {
  one: ['items', 'contains', 'propertyNames', 'additionalProperties', 'unevaluatedItems', 'unevaluatedProperties'],
  list: ['prefixItems'],
  map: ['properties', 'patternProperties'],
};
/** Keywords that hold schemas to refer to. */
const ASIDE = { one: [], list: [], map: ['$defs', 'definitions'] };

type Holders = Record<'one' | 'list' | 'map', readonly string[]>;
/** A schema within another, with the steps that lead to it (in a list a place); what should be one and is not is `null`. */
type Part = [path: (string | number)[], part: unknown];

export function isObject(value: unknown): value is SchemaObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The schemas within a schema. */
export function* partsOf(schema: SchemaObject): Generator<Part> {
  for (const holders of [HERE, WITHIN, ASIDE]) yield* heldBy(schema, holders);
}

/** The schemas within a schema that are applied to the same value; where `$ref` leads is not among them. */
export function* partsHere(schema: SchemaObject): Generator<Part> {
  yield* heldBy(schema, HERE);
}

function* heldBy(schema: SchemaObject, { one, list, map }: Holders): Generator<Part> {
  for (const name of one) if (Object.hasOwn(schema, name)) yield [[name], schema[name]];
  for (const name of list) {
    const parts = schema[name];
    if (Array.isArray(parts)) for (const [at, part] of parts.entries()) yield [[name, at], part];
    else if (parts !== undefined) yield [[name], null];
  }
  for (const name of map) {
    const parts = schema[name];
    if (isObject(parts)) for (const [key, part] of Object.entries(parts)) yield [[name, key], part];
    else if (parts !== undefined) yield [[name], null];
  }
}

/** Where the `$ref`s of a schema lead; not among them are those that lead nowhere. */
export function referencesOf(root: SchemaObject): Map<SchemaObject, Schema> {
  const targets = new Map<SchemaObject, Schema>();
  const anchors = new Map<SchemaObject, Map<string, SchemaObject>>();
  const seen = new Map<SchemaObject, SchemaObject>();
  const note = (schema: unknown, base: SchemaObject) => {
    if (!isObject(schema) || seen.has(schema)) return;
    const own = typeof schema.$id === 'string' && !schema.$id.startsWith('#') ? schema : base;
    seen.set(schema, own);
    if (!anchors.has(own)) anchors.set(own, new Map());
    if (typeof schema.$anchor === 'string') anchors.get(own)?.set(schema.$anchor, schema);
    for (const [, part] of partsOf(schema)) note(part, own);
  };
  note(root, root);
  // A place that no keyword holds can be referred to all the same, and refer on from there: the map grows while it is gone through.
  for (const [schema, base] of seen) {
    if (typeof schema.$ref !== 'string') continue;
    const target = follow(schema.$ref, base, anchors.get(base));
    if (typeof target !== 'boolean' && !isObject(target)) continue;
    targets.set(schema, target);
    note(target, base);
  }
  return targets;
}

function follow(ref: string, base: SchemaObject, anchors: ReadonlyMap<string, SchemaObject> | undefined): unknown {
  let fragment: string;
  try {
    fragment = decodeURIComponent(ref.slice(1));
  } catch {
    return undefined;
  }
  if (!ref.startsWith('#')) return undefined;
  if (fragment !== '' && !fragment.startsWith('/')) return anchors?.get(fragment);
  const steps = fragment.split('/').slice(1);
  return steps.reduce<unknown>((place, step) => {
    const name = step.replaceAll('~1', '/').replaceAll('~0', '~');
    return typeof place === 'object' && place !== null && Object.hasOwn(place, name) ? (place as SchemaObject)[name] : undefined;
  }, base);
}
