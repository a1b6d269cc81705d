import { joined } from '../bytes.ts';
import { type JsonPart, partsOf } from '../json-items.ts';
import { MAX_RENDERED_BYTES } from './choices.ts';

const QUOTE = 0x22;
/** The first letter of `null`. */
const NULL_START = 0x6e;
const encoder = new TextEncoder();

/**
 * An event on one level: the keys that lead to a value are joined by `_`, numbers and texts keep their source text. A list of plain values
 * becomes one text, its values joined by `, `, without those that are null; other lists have their elements under numbers (`visits_0_page`).
 * Empty lists and objects are left out. Of two names that become the same the first counts. Expects an event that ingest lets in.
 * @returns null where that would have more than MAX_RENDERED_BYTES: a long key is repeated with each value under it
 */
export function flatten(source: Uint8Array): Uint8Array | null {
  const names = new Set<string>();
  const pieces: Uint8Array[] = [];
  let characters = 0;
  for (const [name, value] of leavesOf(partsOf(source), null, source)) {
    // Of names that are there already, too, and before anything is made of them: this bounds the work.
    characters += name.length;
    if (characters > MAX_RENDERED_BYTES) return null;
    if (names.has(name)) continue;
    pieces.push(encoder.encode(`${names.size === 0 ? '{' : ','}${JSON.stringify(name)}:`), value);
    names.add(name);
  }
  pieces.push(encoder.encode(names.size === 0 ? '{}' : '}'));
  const flat = joined(pieces);
  return flat.length > MAX_RENDERED_BYTES ? null : flat;
}

/** The values in a value that are neither objects nor lists of them. */
function* leavesOf(part: JsonPart, name: string | null, source: Uint8Array): Generator<[name: string, value: Uint8Array]> {
  const { members, items } = part;
  if (isPlain(part)) {
    yield [name ?? '', source.subarray(part.start, part.end)];
  } else if (items?.every(isPlain)) {
    if (items.length > 0) yield [name ?? '', listed(items, source)];
  } else {
    for (const [key, inner] of members ?? items?.entries() ?? []) {
      yield* leavesOf(inner, name === null ? `${key}` : `${name}_${key}`, source);
    }
  }
}

function isPlain({ members, items }: JsonPart): boolean {
  return members === null && items === null;
}

/** A list of plain values as one text, of the source texts that they have; null where it has nothing but null. */
function listed(items: readonly JsonPart[], source: Uint8Array): Uint8Array {
  const pieces: Uint8Array[] = [];
  for (const { start, end } of items) {
    if (source[start] === NULL_START) continue;
    const inQuotes = source[start] === QUOTE ? 1 : 0;
    pieces.push(encoder.encode(pieces.length === 0 ? '"' : ', '), source.subarray(start + inQuotes, end - inQuotes));
  }
  pieces.push(encoder.encode(pieces.length === 0 ? 'null' : '"'));
  return joined(pieces);
}
