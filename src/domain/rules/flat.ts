import { type JsonPart, partsOf } from '../text/json-items.ts';
import { MAX_RENDERED_BYTES } from './choices.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * An event on one level: the keys that lead to a value are joined by `_`, and each value keeps its source text. A list of plain values becomes
 * one text, its values joined by `, `, without those that are null; other lists have their elements under numbers (`visits_0_page`). Empty
 * lists and objects are left out. Of two keys that become the same the first counts. Expects an event that ingest lets in.
 * @returns null where it would have more than MAX_RENDERED_BYTES: each value repeats the keys that lead to it, and those can be long
 */
export function flatten(source: Uint8Array): Uint8Array | null {
  const members = new Map<string, string>();
  let characters = 0;
  for (const [name, value] of leavesOf(partsOf(decoder.decode(source)), [])) {
    const key = name.join('_');
    // Of keys that are there already, too: this bounds the work.
    characters += key.length;
    if (characters > MAX_RENDERED_BYTES) return null;
    if (!members.has(key)) members.set(key, value);
  }
  const flat = encoder.encode(`{${[...members].map(([key, value]) => `${JSON.stringify(key)}:${value}`).join()}}`);
  return flat.length > MAX_RENDERED_BYTES ? null : flat;
}

/** The values in a value that are not taken apart, each with the keys that lead to it. */
function* leavesOf(part: JsonPart, keys: (string | number)[]): Generator<[keys: (string | number)[], value: string]> {
  const { text, members, items } = part;
  if (isPlain(part)) yield [keys, text];
  else if (items?.every(isPlain)) {
    if (items.length > 0) yield [keys, listed(items)];
  } else {
    for (const [key, inner] of members ?? items?.entries() ?? []) yield* leavesOf(inner, [...keys, key]);
  }
}

function isPlain({ members, items }: JsonPart): boolean {
  return members === null && items === null;
}

/** Plain values as one text, made of their source texts; null where they are nothing but null. */
function listed(items: readonly JsonPart[]): string {
  const texts = items.map(({ text }) => text).filter((text) => text !== 'null');
  if (texts.length === 0) return 'null';
  return `"${texts.map((text) => (text.startsWith('"') ? text.slice(1, -1) : text)).join(', ')}"`;
}
