/** Longest of each text, in characters. */
export const MAX_SUBJECT_LENGTH = 200;

/**
 * Whom an event is about, as far as it says: what a list shows of it, and what it is found by. Each is one line; empty where the event does not
 * say it, or says something else than a text.
 */
export interface Who {
  /** The visitor's first and last name. */
  name: string;
  email: string;
  /** The company's name. */
  company: string;
  domain: string;
}

/** Whom an event is about, of any type. Null: nobody is named. */
export function whoOf(value: unknown): Who | null {
  const visitor = fieldOf(value, 'visitor');
  const company = fieldOf(value, 'company');
  const name = [textOf(visitor, 'first_name'), textOf(visitor, 'last_name')].filter(isSaid).join(' ');
  const who = { name: cut(name), email: textOf(visitor, 'email'), company: textOf(company, 'name'), domain: textOf(company, 'domain') };
  return Object.values(who).some(isSaid) ? who : null;
}

/** The same of an event's bytes. What cannot be read, or was erased, names nobody. */
export function whoOfBytes(accepted: Uint8Array): Who | null {
  return accepted.length === 0 ? null : whoOfText(decoder.decode(accepted));
}

/** The same of an event's text. */
export function whoOfText(accepted: string): Who | null {
  try {
    return whoOf(JSON.parse(accepted));
  } catch {
    return null;
  }
}

/**
 * Whom an event is about, as a list shows it: of `visitor.identified` the visitor's name, or else their e-mail, and the company
 * ("Jane Doe, Example Corp"). Null: nobody is named, or it is another type.
 */
export function subjectFrom(event: string, who: Who | null): string | null {
  if (event !== 'visitor.identified' || who === null) return null;
  const subject = [who.name || who.email, who.company].filter(isSaid).join(', ');
  return subject === '' ? null : cut(subject);
}

/** The same of an event's content. */
export function subjectOf(event: string, value: unknown): string | null {
  return event === 'visitor.identified' ? subjectFrom(event, whoOf(value)) : null;
}

const decoder = new TextDecoder('utf-8', { fatal: false, ignoreBOM: true });

/** A field of an event's object, whatever that is. Only what the event itself has counts, not what every object inherits. */
function fieldOf(object: unknown, name: string): unknown {
  if (typeof object !== 'object' || object === null || !Object.hasOwn(object, name)) return undefined;
  return (object as Record<string, unknown>)[name];
}

/** A text as one line; cut before it is looked through, since a producer's can have 100 kB. Empty where it is none. */
function textOf(object: unknown, name: string): string {
  const text = fieldOf(object, name);
  if (typeof text !== 'string') return '';
  return cut(asLine(text.slice(0, 4 * MAX_SUBJECT_LENGTH).toWellFormed()));
}

/** A text without line breaks and other characters that cannot be seen, each run of white space as one space. */
export function asLine(text: string): string {
  return text.replaceAll(/[\s\p{Cc}]+/gu, ' ').trim();
}

function cut(text: string): string {
  return text.length <= MAX_SUBJECT_LENGTH ? text : [...text].slice(0, MAX_SUBJECT_LENGTH).join('').trimEnd();
}

function isSaid(text: string): boolean {
  return text !== '';
}
