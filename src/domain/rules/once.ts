import { foldCase } from '../fold-case.ts';
import { type JsonPart, partsOf } from '../json-items.ts';
import type { Once } from './choices.ts';
import { keysOf, valuesAt } from './path.ts';

/**
 * The value of an event that is to go out once, as two are compared: text without the white space around it and without regard to case, numbers,
 * true and false. A text is never the same as a number. Null: the event has none, and goes out. Null, blank text, lists and objects are none, and so
 * are several values, which a path through a list can lead to.
 * @param event the event, and `source`, as it is written: what ingest lets in
 */
export function onceValueOf(event: unknown, per: string, source: string): string | null {
  const [value, ...others] = valuesAt(event, per);
  if (others.length > 0) return null;
  switch (typeof value) {
    case 'string': {
      const text = value.trim();
      return text === '' ? null : JSON.stringify(foldCase(text));
    }
    case 'number':
      // Of two ids of 20 digits JSON.parse may make the same number.
      return Math.abs(value) > Number.MAX_SAFE_INTEGER ? sourceAt(source, per) : String(value);
    case 'boolean':
      return String(value);
    default:
      return null;
  }
}

/** How the only value at a path is written. */
function sourceAt(source: string, path: string): string | null {
  return partsAt(partsOf(source), keysOf(path))[0]?.text ?? null;
}

function partsAt(part: JsonPart, [key, ...further]: readonly string[]): JsonPart[] {
  if (key === undefined) return [part];
  if (part.items) return part.items.flatMap((item) => partsAt(item, [key, ...further]));
  const member = part.members?.get(key);
  return member ? partsAt(member, further) : [];
}

/** Whether the values that have gone out by one of these still count by the other. */
export function isSameOnce(one: Once | null, other: Once | null): boolean {
  return one?.per === other?.per && (one?.since ?? 0) === (other?.since ?? 0);
}
