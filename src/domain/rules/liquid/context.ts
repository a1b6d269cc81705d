import { Context, type FilterScope, type Options, type RangeToken, Tokenizer, TokenKind } from 'liquidjs/dist/liquid.browser.mjs';
import type { Text } from './text.ts';
import { OPERATION, TemplateError, unitsOfParts, type Work } from './work.ts';

/** The largest number that a range can begin or end with. */
const MAX_RANGE_END = 1_000_000;
/** Longest text that is taken for a number, in characters. */
const MAX_NUMBER_LENGTH = 20;

/** Stands for a range, as the first key of a path. */
const RANGE = Symbol('range');

const { readGroupOrRange } = Tokenizer.prototype;

/*
 * liquidjs counts from one end of a range to the other by adding 1, for ever where 1 makes no difference: `(9007199254740992..9007199254740994)`.
 * It makes its tokenizers itself, so ranges are changed in the one place where they are read: to a path that this context follows.
 */
Tokenizer.prototype.readGroupOrRange = function (this: Tokenizer): RangeToken | undefined {
  const token = readGroupOrRange.call(this);
  if (token) Object.assign(token, { kind: TokenKind.PropertyAccess, props: [{ content: RANGE }, token.lhs, token.rhs] });
  return token;
};

/** What a template sees while it is rendered: the event's fields, and what it assigns. Each thing that it reads is counted. */
export class TemplateContext extends Context {
  readonly work: Work;
  /** What is rendered, without what is captured. */
  readonly output: Text | null;

  constructor(scope: unknown, options: Options, work: Work, output: Text | null) {
    super(scope, options, { sync: true }, { memoryLimit: work, renderLimit: work });
    this.work = work;
    this.output = output;
  }

  override spawn(scope: unknown): TemplateContext {
    return new TemplateContext(scope, this.opts, this.work, null);
  }

  override *_get([first, ...rest]: unknown[]): IterableIterator<unknown> {
    if (first === RANGE) return this.#range(rest[0], rest[1]);
    return yield super._get([this.#keyOf(first), ...rest]);
  }

  override readProperty(value: unknown, key: unknown): unknown {
    this.work.use(OPERATION);
    if (key === 'size' && typeof value === 'object' && value !== null) this.work.use(unitsOfParts(value));
    return super.readProperty(value, this.#keyOf(key));
  }

  /** A key as JavaScript takes it: a list becomes a text. */
  #keyOf(key: unknown): unknown {
    if (typeof key === 'number') return key;
    this.work.measure(key);
    return typeof key === 'object' && key !== null ? String(key) : key;
  }

  #range(low: unknown, high: unknown): number[] {
    const [first, last] = [Math.trunc(numberOf(low)), Math.trunc(numberOf(high))];
    if (!(Math.abs(first) <= MAX_RANGE_END && Math.abs(last) <= MAX_RANGE_END)) {
      throw new TemplateError(`a range goes from one number to another, each between -${MAX_RANGE_END} and ${MAX_RANGE_END}`);
    }
    this.work.use((last - first + 1) * OPERATION);
    return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => first + index);
  }
}

/** A value as a number; NaN where it is none. What is missing is 0, as Liquid has it. Long texts take long to be made numbers, and are none. */
export function numberOf(value: unknown): number {
  const isNumeric = typeof value === 'number' || (typeof value === 'string' && value.length <= MAX_NUMBER_LENGTH);
  return isNumeric ? Number(value) : value === undefined || value === null ? 0 : Number.NaN;
}

/** The context of a filter: all of them are made here. */
export function contextOf({ context }: Pick<FilterScope, 'context'>): TemplateContext {
  return context as TemplateContext;
}
