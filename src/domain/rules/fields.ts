import { joined } from '../bytes.ts';
import { type JsonPart, partsOf } from '../json-items.ts';
import { keysOf } from './path.ts';

/** What a receiver gets of every event, whatever fields its webhook has chosen. */
const ALWAYS = ['event', 'timestamp', 'organization_id'];

/** What is chosen of an object, by key; null: all of a value. */
type Choice = Map<string, Choice> | null;

const encoder = new TextEncoder();

/**
 * The chosen fields of an event, where they stand in it and in its order, each value in its exact source text. A path through a list is followed
 * in each of its elements. An object or an element in which nothing is chosen is left out, and so is a list without elements then. Expects an
 * event that ingest lets in.
 */
export function selectFields(source: Uint8Array, paths: readonly string[]): Uint8Array {
  const pieces: Uint8Array[] = [];
  select(partsOf(source), choiceOf([...ALWAYS, ...paths].map(keysOf)), source, pieces);
  return joined(pieces);
}

function choiceOf(paths: readonly (readonly string[])[]): Choice {
  if (paths.some((keys) => keys.length === 0)) return null;
  const byKey = Map.groupBy(paths, ([key]) => key as string);
  return new Map([...byKey].map(([key, through]) => [key, choiceOf(through.map((keys) => keys.slice(1)))]));
}

/** Adds what is chosen of a value. Returns whether anything is. */
function select(part: JsonPart, choice: Choice, source: Uint8Array, pieces: Uint8Array[]): boolean {
  if (choice === null) {
    pieces.push(source.subarray(part.start, part.end));
    return true;
  }
  const before = pieces.length;
  for (const [name, inner, chosen] of followed(part, choice)) {
    const mark = pieces.length;
    const opening = part.members ? '{' : '[';
    pieces.push(encoder.encode(`${mark === before ? opening : ','}${name}`));
    if (!select(inner, chosen, source, pieces)) pieces.length = mark;
  }
  if (pieces.length === before) return false;
  pieces.push(encoder.encode(part.members ? '}' : ']'));
  return true;
}

/** The values in a value that paths lead to or through, with their names as they are written. */
function* followed({ members, items }: JsonPart, choice: NonNullable<Choice>): Generator<[name: string, part: JsonPart, choice: Choice]> {
  for (const item of items ?? []) yield ['', item, choice];
  for (const [name, member] of members ?? []) {
    const chosen = choice.get(name);
    if (chosen !== undefined) yield [`${JSON.stringify(name)}:`, member, chosen];
  }
}
