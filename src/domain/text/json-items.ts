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

/** A value as it was written, and the values in it. */
export interface JsonPart {
  /** Its source, without the white space around it. */
  text: string;
  /** An object's values by their names; of a name that is repeated the last counts, as it does to JSON.parse. Null: it is no object. */
  members: Map<string, JsonPart> | null;
  /** An array's values. Null: it is none. */
  items: JsonPart[] | null;
}

/**
 * A JSON text in its parts, so that each can be copied as it was written. Expects text that JSON.parse accepts and that nests no deeper than an
 * event may. It works on text, not on bytes, because a slice of a text costs next to nothing, and an event can have 50,000 values.
 */
export function partsOf(json: string): JsonPart {
  let start = 0;
  while (isBetweenValues(json.charCodeAt(start))) start++;
  return partAt(json, start);
}

function partAt(json: string, start: number): JsonPart {
  const opening = json.charCodeAt(start);
  const part: JsonPart = { text: '', members: opening === OPEN_BRACE ? new Map() : null, items: opening === OPEN_BRACKET ? [] : null };
  let end = start + 1;
  if (part.members || part.items) end = readInto(part, json, end);
  else if (opening === QUOTE) end = afterString(json, end);
  else while (end < json.length && !isBetweenValues(json.charCodeAt(end)) && !isClosing(json.charCodeAt(end))) end++;
  part.text = json.slice(start, end);
  return part;
}

/** Reads what is in an object or an array. Returns where that has ended. */
function readInto({ members, items }: JsonPart, json: string, start: number): number {
  let at = start;
  let name: string | null = null;
  while (at < json.length && !isClosing(json.charCodeAt(at))) {
    if (isBetweenValues(json.charCodeAt(at))) {
      at++;
      continue;
    }
    const part = partAt(json, at);
    at += part.text.length;
    if (items) items.push(part);
    else if (name === null) name = JSON.parse(part.text) as string;
    else {
      members?.set(name, part);
      name = null;
    }
  }
  return at + 1;
}

function afterString(json: string, start: number): number {
  let at = start;
  while (at < json.length && json.charCodeAt(at) !== QUOTE) at += json.charCodeAt(at) === BACKSLASH ? 2 : 1;
  return at + 1;
}

/** White space, a comma or a colon. */
function isBetweenValues(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09 || code === COMMA || code === COLON;
}

function isClosing(code: number): boolean {
  return code === CLOSE_BRACE || code === CLOSE_BRACKET;
}
