import { fromBinary, toBinary } from '../text/encoding.ts';

/** What stands in the place of a value that is not to be read. */
export const MASKED = '•••';
/** The same as bytes, one to a character. */
const MASKED_BYTES = toBinary(new TextEncoder().encode(MASKED));
/** Shorter values are no secrets: hiding them would take pieces out of ordinary words. */
const LEAST_LENGTH = 4;

/** A character as JSON may write it. Values are printable ASCII: no others of its escapes can stand for one. */
const WRITTEN = /\\u[\da-f]{4}|\\["\\/]|./gis;
/** One that was cut off. */
const UNFINISHED = /\\(?:u[\da-f]{0,3})?$/i;

/** A text's characters as JSON reads them, and where each begins in the text; at last, where the text ends. */
interface Characters {
  read: readonly string[];
  places: readonly number[];
}

/** A value to look for. */
interface Secret {
  value: string;
  /** For each of its beginnings, how long the longest shorter one is that this ends with. */
  borders: readonly number[];
}

type Span = [from: number, to: number];

/**
 * Hides values in what others may repeat of them: as they are, and as JSON writes them. It takes some steps for each character and value,
 * however much of them is alike.
 */
export class Mask {
  readonly #secrets: readonly Secret[];

  /** @param values of printable ASCII */
  constructor(values: Iterable<string>) {
    const secrets = [...new Set(values)].filter((value) => value.length >= LEAST_LENGTH);
    this.#secrets = secrets.map((value) => ({ value, borders: bordersOf(value) }));
  }

  /** @param isCut whether a value at its end can have been cut off */
  text(text: string, isCut = false): string {
    return this.#masked(text, isCut, MASKED);
  }

  /** The same of bytes, whatever they are. */
  bytes(bytes: Uint8Array, isCut = false): Uint8Array {
    return this.#secrets.length === 0 ? bytes : fromBinary(this.#masked(toBinary(bytes), isCut, MASKED_BYTES));
  }

  #masked(text: string, isCut: boolean, mask: string): string {
    let masked = '';
    let at = 0;
    for (const [from, to] of this.#spansIn(text, isCut)) {
      // Those that overlap are one.
      if (from >= at) masked += text.slice(at, from) + mask;
      at = Math.max(at, to);
    }
    return masked + text.slice(at);
  }

  /** Where values stand, in order. */
  #spansIn(text: string, isCut: boolean): Span[] {
    const forms = [plain(text), ...(text.includes('\\') ? [unescaped(text, isCut)] : [])];
    const spans = forms.flatMap((characters) => this.#secrets.flatMap((secret) => occurrencesOf(secret, characters, isCut)));
    return spans.sort((a, b) => a[0] - b[0]);
  }
}

function plain(text: string): Characters {
  return { read: text.split(''), places: Array.from({ length: text.length + 1 }, (_, index) => index) };
}

function unescaped(text: string, isCut: boolean): Characters {
  const written = [...(isCut ? text.replace(UNFINISHED, '') : text).matchAll(WRITTEN)];
  const read = written.map(([form]) => {
    if (form.length === 1) return form;
    return form.length === 2 ? form.charAt(1) : String.fromCharCode(Number.parseInt(form.slice(2), 16));
  });
  return { read, places: [...written.map(({ index }) => index), text.length] };
}

/** For Knuth, Morris and Pratt's search, which never goes back in the text. */
function bordersOf(value: string): number[] {
  const borders = [0];
  for (let at = 1, length = 0; at < value.length; at++) {
    while (length > 0 && value[at] !== value[length]) length = borders[length - 1] as number;
    if (value[at] === value[length]) length++;
    borders.push(length);
  }
  return borders;
}

/** Where a value stands; at the end of a text that was cut off, also a part of it. */
function occurrencesOf({ value, borders }: Secret, { read, places }: Characters, isCut: boolean): Span[] {
  const found: Span[] = [];
  const add = (end: number, length: number) => found.push([places[end - length] as number, places[end] as number]);
  let length = 0;
  for (const [index, character] of read.entries()) {
    while (length > 0 && character !== value[length]) length = borders[length - 1] as number;
    if (character === value[length]) length++;
    if (length < value.length) continue;
    add(index + 1, length);
    length = borders[length - 1] as number;
  }
  if (isCut && length >= LEAST_LENGTH) add(read.length, length);
  return found;
}
