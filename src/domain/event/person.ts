import { textsAt } from '../rules/path.ts';
import { foldCase } from '../text/fold-case.ts';
import { VISITOR_ERASED } from './operational-event.ts';

/** A person, as an erasure names them: by the value of a field of their events. */
export interface Person {
  /** A path such as `visitor.email`. */
  field: string;
  value: string;
}

const decoder = new TextDecoder('utf-8', { fatal: false, ignoreBOM: true });

/** A value as two are compared: text without the white space around it and without regard to case. */
export function foldedValue(value: string): string {
  return foldCase(value.trim());
}

/** Tells which of some people an event is of. Numbers, true and false are compared as they are written. */
export class PersonMatcher<T extends Person> {
  /** By field, and by folded value. */
  readonly #byField: Map<string, Map<string, T[]>>;

  constructor(people: readonly T[]) {
    const fields = Map.groupBy(people, ({ field }) => field);
    this.#byField = new Map([...fields].map(([field, each]) => [field, Map.groupBy(each, ({ value }) => foldedValue(value))]));
  }

  /** The people that an event is of. @param accepted its bytes as it was accepted */
  matching(eventType: string, accepted: Uint8Array): T[] {
    // What tells an endpoint of an erasure loses its payload when it has ended, and is needed until then.
    if (accepted.length === 0 || eventType === VISITOR_ERASED) return [];
    const source = decoder.decode(accepted);
    const event = parsed(source);
    return [...this.#byField].flatMap(([field, byValue]) => {
      const found = new Set(textsAt(event, field, source).map(foldedValue));
      return [...found].flatMap((value) => byValue.get(value) ?? []);
    });
  }
}

/** What cannot be read is of nobody: one such event must not hold up the search for others. */
function parsed(source: string): unknown {
  try {
    return JSON.parse(source);
  } catch {
    return null;
  }
}

/** Whether a text has a person's value in it. */
export function mentions(text: string | null, { value }: Person): boolean {
  const folded = foldedValue(value);
  return text !== null && folded !== '' && foldCase(text).includes(folded);
}
