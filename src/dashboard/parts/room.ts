/** The beginning of a text, or all of it. */
export interface Excerpt {
  text: string;
  isCut: boolean;
}

/**
 * The room that a page has for what others wrote: payloads, answers of endpoints, headers. In bytes as they are sent, so that neither
 * markup, which grows when it is escaped, nor a long row of attempts makes a page that no browser, and no isolate, can hold.
 */
export class Room {
  #left: number;

  constructor(bytes: number) {
    this.#left = bytes;
  }

  get left(): number {
    return Math.max(0, this.#left);
  }

  /** As much of a text as there is room for, from its beginning; `atMost` leaves some to what comes after it. */
  take(text: string, atMost = Number.POSITIVE_INFINITY): Excerpt {
    const room = Math.min(this.left, atMost);
    const { length, bytes } = fitting(text, room);
    this.#left -= bytes;
    return length === text.length ? { text, isCut: false } : { text: text.slice(0, length), isCut: true };
  }

  /** A text that is of no use in part; null where there is no room for it. */
  takeWhole(text: string, atMost = Number.POSITIVE_INFINITY): string | null {
    const room = Math.min(this.left, atMost);
    // No character takes less than a byte.
    if (text.length > room) return null;
    const { length, bytes } = fitting(text, room);
    if (length < text.length) return null;
    this.#left -= bytes;
    return text;
  }

  /** For the markup around something; false where there is none left. */
  takeBytes(bytes: number): boolean {
    if (this.left < bytes) return false;
    this.#left -= bytes;
    return true;
  }
}

/** How a page writes what would be markup. */
const ESCAPED_BYTES: Readonly<Record<string, number>> = { '&': 5, '<': 4, '>': 4, '"': 6, "'": 5 };

/** How many code units of a text fit, whole characters alone, and the bytes that they take: escaped, in UTF-8. */
function fitting(text: string, room: number): { length: number; bytes: number } {
  let bytes = 0;
  let length = 0;
  for (const character of text) {
    const more = ESCAPED_BYTES[character] ?? utf8Bytes(character.codePointAt(0) as number);
    if (bytes + more > room) break;
    bytes += more;
    length += character.length;
  }
  return { length, bytes };
}

function utf8Bytes(codePoint: number): number {
  if (codePoint < 0x80) return 1;
  if (codePoint < 0x800) return 2;
  return codePoint < 0x10000 ? 3 : 4;
}
