import { type JsonPart, partsOf } from '../text/json-items.ts';
import { keysOf } from './path.ts';

/** What a receiver gets of every event, whatever fields its webhook has chosen. */
const ALWAYS = ['event', 'timestamp', 'organization_id'];

/** What is chosen of an object, by key; null: all of a value. */
type Choice = Map<string, Choice> | null;

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * The chosen fields of an event, where they stand in it and in its order, each value in its exact source text. A path through a list is followed
 * in each of its elements. An object or an element in which nothing is chosen is left out, and so is a list without elements then. Expects an
 * event that ingest lets in.
 */
export function selectFields(source: Uint8Array, paths: readonly string[]): Uint8Array {
  return encoder.encode(chosenOf(partsOf(decoder.decode(source)), choiceOf([...ALWAYS, ...paths].map(keysOf))) ?? '{}');
}

function choiceOf(paths: readonly (readonly string[])[]): Choice {
  if (paths.some((keys) => keys.length === 0)) return null;
  const byKey = Map.groupBy(paths, ([key]) => key as string);
  return new Map([...byKey].map(([key, through]) => [key, choiceOf(through.map((keys) => keys.slice(1)))]));
}

/** What is chosen of a value, as JSON; null where that is nothing. */
function chosenOf({ text, members, items }: JsonPart, choice: Choice): string | null {
  if (choice === null) return text;
  const chosen: string[] = [];
  for (const item of items ?? []) {
    const inner = chosenOf(item, choice);
    if (inner !== null) chosen.push(inner);
  }
  for (const [name, member] of members ?? []) {
    const within = choice.get(name);
    const inner = within === undefined ? null : chosenOf(member, within);
    if (inner !== null) chosen.push(`${JSON.stringify(name)}:${inner}`);
  }
  if (chosen.length === 0) return null;
  return members ? `{${chosen.join()}}` : `[${chosen.join()}]`;
}
