import { asLine, subjectFrom, type Who } from '../event/subject.ts';
import { foldCase } from './fold-case.ts';

/** A text that is looked for as a part of others, without regard to case. */
export class Needle {
  readonly #folded: string;

  constructor(q: string) {
    // Texts are looked through as one line each.
    this.#folded = foldCase(asLine(q) || q);
  }

  isIn(text: string | null): boolean {
    return text !== null && foldCase(text).includes(this.#folded);
  }

  /** Whether it is a part of what tells whom an event is about: of one of the texts, or of the line that a list shows. */
  isInWho(event: string, who: Who | null): boolean {
    return who !== null && (Object.values(who).some((text) => this.isIn(text)) || this.isIn(subjectFrom(event, who)));
  }
}

/** Longest part that a database looks for, in bytes. Durable Objects: 50 bytes for a pattern. */
const MAX_PART_BYTES = 40;
/** What has no case, or one that SQLite knows: ASCII, and letters of scripts without case. Not what JSON escapes. */
const PLAIN = /[ !#-[\]-~\p{Lo}]+/gu;

/**
 * Parts of words that a text has wherever it has the words, also as SQLite's LIKE compares: without regard to the case of ASCII alone. The text
 * must not have characters of FOLDED_TO_ASCII. The longest first; none where nothing can be told.
 * @param words folded (foldCase)
 */
export function plainParts(words: readonly string[]): string[] {
  const longest = words.map((word) => (word.match(PLAIN) ?? []).map(cut).sort(longestFirst)[0] ?? '');
  return longest.filter((part) => part !== '').sort(longestFirst);
}

function cut(text: string): string {
  const characters = [...text];
  let bytes = 0;
  const end = characters.findIndex((character) => {
    bytes += character <= '~' ? 1 : 4;
    return bytes > MAX_PART_BYTES;
  });
  return end === -1 ? text : characters.slice(0, end).join('');
}

function longestFirst(a: string, b: string): number {
  return b.length - a.length;
}
