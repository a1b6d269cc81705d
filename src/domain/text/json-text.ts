/** JSON as it comes from outside: its value, and its bytes without a byte order mark; or why it is none, without a word of what it says. */
export type JsonText = { ok: true; value: unknown; bytes: Uint8Array } | { ok: false; reason: string };

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const NUMBER_OR_LITERAL = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;

/** Reads a body as JSON. A byte order mark before it is ignored, as RFC 8259 (8.1) allows, and is no part of it. */
export function readJsonText(body: Uint8Array): JsonText {
  const bytes = body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf ? body.subarray(3) : body;
  let text: string;
  try {
    text = decoder.decode(bytes);
  } catch {
    return { ok: false, reason: 'The body is not UTF-8.' };
  }
  try {
    return { ok: true, value: JSON.parse(text), bytes };
  } catch {
    // The parser's own words quote the text around its mistake.
    return { ok: false, reason: `The body is not JSON: ${whereFlawed(text)}.` };
  }
}

function whereFlawed(text: string): string {
  const at = flawOf(text) ?? text.length;
  const before = text.slice(0, at);
  const place = `line ${before.split('\n').length}, column ${at - before.lastIndexOf('\n')}`;
  return at === text.length ? `it ends too early, at ${place}` : `the mistake is at ${place}`;
}

/** What can come next: a value, a name, a colon, or what stands between two values. */
type Expecting = 'value' | 'value or ]' | 'name' | 'name or }' | ':' | ', or end';

/** Where a text stops being JSON: the place of the first character that cannot be, or its end; null where the text is JSON. */
export function flawOf(text: string): number | null {
  const open: ('[' | '{')[] = [];
  let expecting: Expecting = 'value';
  for (let at = 0; at < text.length; ) {
    const character = text[at] as string;
    if (character === ' ' || character === '\n' || character === '\r' || character === '\t') {
      at++;
      continue;
    }
    if (character === '"') {
      const isName: boolean = expecting === 'name' || expecting === 'name or }';
      if (!isName && expecting !== 'value' && expecting !== 'value or ]') return at;
      const { end, flaw } = endOfString(text, at);
      if (flaw !== null) return flaw;
      at = end;
      expecting = isName ? ':' : ', or end';
      continue;
    }
    const isClosed = character === ']' ? '[' : character === '}' ? '{' : null;
    if (isClosed) {
      const isEmpty = expecting === (isClosed === '[' ? 'value or ]' : 'name or }');
      if (!(isEmpty || expecting === ', or end') || open.pop() !== isClosed) return at;
      expecting = ', or end';
    } else if (character === ',') {
      const inside = open.at(-1);
      if (expecting !== ', or end' || inside === undefined) return at;
      expecting = inside === '[' ? 'value' : 'name';
    } else if (character === ':') {
      if (expecting !== ':') return at;
      expecting = 'value';
    } else {
      if (expecting !== 'value' && expecting !== 'value or ]') return at;
      if (character === '[' || character === '{') {
        open.push(character);
        expecting = character === '[' ? 'value or ]' : 'name or }';
      } else {
        NUMBER_OR_LITERAL.lastIndex = at;
        if (!NUMBER_OR_LITERAL.test(text)) return at;
        at = NUMBER_OR_LITERAL.lastIndex - 1;
        expecting = ', or end';
      }
    }
    at++;
  }
  return open.length === 0 && expecting === ', or end' ? null : text.length;
}

/** Where the string that opens at `start` has ended, or its first flaw. */
function endOfString(text: string, start: number): { end: number; flaw: number | null } {
  let at = start + 1;
  while (at < text.length) {
    const character = text[at] as string;
    if (character === '"') return { end: at + 1, flaw: null };
    if (character < ' ') return { end: at, flaw: at };
    if (character === '\\') {
      ESCAPE.lastIndex = at;
      if (!ESCAPE.test(text)) return { end: at, flaw: at };
      at = ESCAPE.lastIndex;
    } else {
      at++;
    }
  }
  return { end: at, flaw: text.length };
}
