/** The byte ranges of an array's items, without the white space around them, and how deeply the text nests. */
export interface JsonLayout {
  /** Deepest nesting of arrays and objects; 0 for a scalar. */
  depth: number;
  /** Start (inclusive) and end (exclusive) of each item, where the text is an array. */
  items: [start: number, end: number][];
  /** How many members each item has, or the text itself where it is an object: a name that is repeated counts each time. */
  members: number[];
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/**
 * Finds the items of a JSON array in its source, so that each keeps its exact bytes: a parse and a new serialization would
 * change numbers beyond 2^53, escapes and white space. Expects text that JSON.parse accepts. It works on bytes because every
 * structural character of JSON is ASCII, and no byte of a multi-byte UTF-8 character is.
 */
export function layOut(json: Uint8Array): JsonLayout {
  const layout: JsonLayout = { depth: 0, items: [], members: [] };
  let depth = 0;
  let itemStart = -1;
  let itemEnd = -1;
  let inArray = false;
  let members = 0;
  const endItem = (): void => {
    if (inArray && itemStart >= 0) layout.items.push([itemStart, itemEnd]);
    if (!inArray || itemStart >= 0) layout.members.push(members);
    itemStart = -1;
    members = 0;
  };
  for (let at = 0; at < json.length; at++) {
    const byte = json[at] as number;
    if (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) continue;
    const from = at;
    if (byte === QUOTE) {
      at = endOfString(json, at);
    } else if (byte === OPEN_BRACKET || byte === OPEN_BRACE) {
      depth++;
      layout.depth = Math.max(layout.depth, depth);
      if (depth === 1) {
        inArray = byte === OPEN_BRACKET;
        continue;
      }
    } else if (byte === CLOSE_BRACKET || byte === CLOSE_BRACE) {
      depth--;
      if (depth === 0) {
        endItem();
        continue;
      }
    } else if (byte === COMMA && depth === 1) {
      if (inArray) endItem();
      continue;
    } else if (byte === COLON && depth === (inArray ? 2 : 1)) {
      members++;
    }
    if (depth === 0) continue;
    if (itemStart < 0) itemStart = from;
    itemEnd = at + 1;
  }
  return layout;
}

/** The names of a JSON object's own members, in their order and as often as they come. Expects text that JSON.parse accepts. */
export function namesOf(json: Uint8Array): string[] {
  const names: string[] = [];
  let depth = 0;
  let string: [start: number, end: number] = [0, 0];
  for (let at = 0; at < json.length; at++) {
    const byte = json[at] as number;
    if (byte === QUOTE) {
      const start = at;
      at = endOfString(json, at);
      string = [start, at + 1];
    } else if (byte === OPEN_BRACKET || byte === OPEN_BRACE) depth++;
    else if (byte === CLOSE_BRACKET || byte === CLOSE_BRACE) depth--;
    else if (byte === COLON && depth === 1) names.push(JSON.parse(decoder.decode(json.subarray(...string))));
  }
  return names;
}

/** The index of the closing quote of the string that opens at `start`. */
function endOfString(json: Uint8Array, start: number): number {
  let at = start + 1;
  while (at < json.length && json[at] !== QUOTE) at += json[at] === BACKSLASH ? 2 : 1;
  return at;
}

/** A value in its source, and the values in it. */
export interface JsonPart {
  /** Where it starts (inclusive) and ends (exclusive), without the white space around it. */
  start: number;
  end: number;
  /** An object's values by their names; of a name that is repeated the last counts, as it does to JSON.parse. Null: it is no object. */
  members: Map<string, JsonPart> | null;
  /** An array's values. Null: it is none. */
  items: JsonPart[] | null;
}

/** The parts of a JSON text, so that each can be copied as it was written. Expects text that JSON.parse accepts, and that does not nest without limit. */
export function partsOf(json: Uint8Array): JsonPart {
  let start = 0;
  while (isBetweenValues(json[start])) start++;
  return partAt(json, start);
}

function partAt(json: Uint8Array, start: number): JsonPart {
  const opening = json[start];
  const part: JsonPart = {
    start,
    end: start + 1,
    members: opening === OPEN_BRACE ? new Map() : null,
    items: opening === OPEN_BRACKET ? [] : null,
  };
  if (opening === QUOTE) part.end = endOfString(json, start) + 1;
  else if (part.members || part.items) part.end = readInto(part, json);
  else while (part.end < json.length && !isAfterPlain(json[part.end])) part.end++;
  return part;
}

/** Reads what is in an object or an array. Returns where it ends. */
function readInto({ start, members, items }: JsonPart, json: Uint8Array): number {
  let name: string | null = null;
  for (let at = start + 1; at < json.length; ) {
    const byte = json[at];
    if (isBetweenValues(byte)) at++;
    else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) return at + 1;
    else if (members && name === null) {
      const end = endOfString(json, at) + 1;
      name = JSON.parse(decoder.decode(json.subarray(at, end))) as string;
      at = end;
    } else {
      const part = partAt(json, at);
      items?.push(part);
      members?.set(name ?? '', part);
      name = null;
      at = part.end;
    }
  }
  return json.length;
}

/** White space, a comma or a colon. */
function isBetweenValues(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09 || byte === COMMA || byte === COLON;
}

/** What ends a number, `true`, `false` or `null`. */
function isAfterPlain(byte: number | undefined): boolean {
  return isBetweenValues(byte) || byte === CLOSE_BRACE || byte === CLOSE_BRACKET;
}
