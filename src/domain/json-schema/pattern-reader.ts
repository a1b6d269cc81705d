/** A part of a pattern, as it is written. */
export type Part =
  | { kind: 'character'; test(codePoint: number): boolean }
  | { kind: 'start' | 'end' | 'boundary' | 'no boundary' }
  | { kind: 'all' | 'any'; parts: Part[] }
  | { kind: 'repeat'; part: Part; min: number; max: number };

const ESCAPE =
  /\\(?:u\{[0-9a-fA-F]+\}|u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|c[A-Za-z]|[pP]\{[^}]*\}|.)/suy;
const CLASS = /\[(?:[^\]\\]|\\.)*\]/suy;
const GROUP = /\((?:\?:|\?<[^=!>][^>]*>|(?!\?))/uy;
const QUANTIFIER = /(?:[*+?]|\{(\d+)(?:(,)(\d*))?\})\??/uy;

/** Whether the runtime takes a text for a regular expression. */
export function isExpression(source: string): boolean {
  try {
    return Boolean(new RegExp(source, 'u'));
  } catch {
    return false;
  }
}

/** What a pattern is made of; null where it is none, or has what cannot be matched without trying one way after the other. */
export function readPattern(source: string): Part | null {
  if (!isExpression(source)) return null;
  const parser = new Parser(source);
  const part = parser.alternatives();
  return parser.isAtEnd ? part : null;
}

/** Reads a pattern that the runtime takes for one: only what its parts are is to be found. What it cannot read makes it null. */
class Parser {
  readonly #source: string;
  #at = 0;

  constructor(source: string) {
    this.#source = source;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#source.length;
  }

  alternatives(): Part | null {
    const parts: Part[] = [];
    do {
      const part = this.#sequence();
      if (!part) return null;
      parts.push(part);
    } while (this.#take('|'));
    return parts.length === 1 ? (parts[0] as Part) : { kind: 'any', parts };
  }

  #sequence(): Part | null {
    const parts: Part[] = [];
    while (!this.isAtEnd && !this.#isNext('|') && !this.#isNext(')')) {
      const part = this.#term();
      if (!part) return null;
      parts.push(this.#quantified(part));
    }
    return { kind: 'all', parts };
  }

  #term(): Part | null {
    if (this.#take('^')) return { kind: 'start' };
    if (this.#take('$')) return { kind: 'end' };
    if (this.#take('\\b')) return { kind: 'boundary' };
    if (this.#take('\\B')) return { kind: 'no boundary' };
    if (this.#isNext('(')) {
      if (this.#match(GROUP) === null) return null;
      const part = this.alternatives();
      return part && this.#take(')') ? part : null;
    }
    const text = this.#isNext('[') ? this.#match(CLASS) : this.#isNext('\\') ? this.#match(ESCAPE) : this.#character();
    if (text === null || /^\\[1-9k]/.test(text)) return null;
    return { kind: 'character', test: testOf(text) };
  }

  #quantified(part: Part): Part {
    const start = this.#at;
    const text = this.#match(QUANTIFIER);
    if (text === null) return part;
    QUANTIFIER.lastIndex = start;
    const [, least, comma, most] = QUANTIFIER.exec(this.#source) ?? [];
    if (least === undefined)
      return { kind: 'repeat', part, min: text[0] === '+' ? 1 : 0, max: text[0] === '?' ? 1 : Number.POSITIVE_INFINITY };
    const min = Number(least);
    const max = comma === undefined ? min : most === '' ? Number.POSITIVE_INFINITY : Number(most);
    return { kind: 'repeat', part, min, max };
  }

  #character(): string {
    const character = String.fromCodePoint(this.#source.codePointAt(this.#at) as number);
    this.#at += character.length;
    return character;
  }

  #isNext(text: string): boolean {
    return this.#source.startsWith(text, this.#at);
  }

  #take(text: string): boolean {
    if (!this.#isNext(text)) return false;
    this.#at += text.length;
    return true;
  }

  #match(expression: RegExp): string | null {
    expression.lastIndex = this.#at;
    const [text] = expression.exec(this.#source) ?? [];
    if (text === undefined) return null;
    this.#at += text.length;
    return text;
  }
}

/** Whether a character is one of those that a class, an escape, a dot or a character stands for: the runtime's engine knows, one at a time. */
function testOf(source: string): (codePoint: number) => boolean {
  if (!/^[.[\\]/.test(source)) {
    const only = source.codePointAt(0);
    return (codePoint) => codePoint === only;
  }
  const expression = new RegExp(`^${source}$`, 'u');
  const ascii: (boolean | undefined)[] = [];
  return (codePoint) => {
    if (codePoint >= 128) return expression.test(String.fromCodePoint(codePoint));
    ascii[codePoint] ??= expression.test(String.fromCodePoint(codePoint));
    return ascii[codePoint];
  };
}

/** Whether a part can match nothing. */
function canBeEmpty(part: Part): boolean {
  switch (part.kind) {
    case 'character':
      return false;
    case 'all':
      return part.parts.every(canBeEmpty);
    case 'any':
      return part.parts.some(canBeEmpty);
    case 'repeat':
      return part.min === 0 || canBeEmpty(part.part);
    default:
      return true;
  }
}

export function isEndless({ max }: { max: number }): boolean {
  return max === Number.POSITIVE_INFINITY;
}

/** Whether a part can be nothing but something that repeats without end: what else it has can match nothing. */
function canBeEndless(part: Part): boolean {
  switch (part.kind) {
    case 'repeat':
      return isEndless(part) || canBeEndless(part.part);
    case 'any':
      return part.parts.some(canBeEndless);
    case 'all':
      return part.parts.some((each, index) => canBeEndless(each) && part.parts.every((other, at) => at === index || canBeEmpty(other)));
    default:
      return false;
  }
}

/** Whether something repeats without end that does so by itself: this engine does not mind, those of others who read the schema do. */
export function repeatsWhatRepeats(part: Part): boolean {
  if (part.kind === 'all' || part.kind === 'any') return part.parts.some(repeatsWhatRepeats);
  if (part.kind !== 'repeat') return false;
  return (isEndless(part) && canBeEndless(part.part)) || repeatsWhatRepeats(part.part);
}
