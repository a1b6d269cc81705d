import { foldCase } from '../text/fold-case.ts';
import type { Once } from './choices.ts';
import { partsAt, valuesAt } from './path.ts';

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
      return Math.abs(value) > Number.MAX_SAFE_INTEGER ? (partsAt(source, per)[0]?.text ?? null) : String(value);
    case 'boolean':
      return String(value);
    default:
      return null;
  }
}

/** Whether the values that have gone out by one of these still count by the other. */
export function isSameOnce(one: Once | null, other: Once | null): boolean {
  return one?.per === other?.per && (one?.since ?? 0) === (other?.since ?? 0);
}
