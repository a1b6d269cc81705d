import {
  AssertionError,
  type Context,
  type Emitter,
  Liquid,
  LiquidError,
  Parser,
  type Template,
  type Token,
  toValueSync,
  Value,
} from 'liquidjs/dist/liquid.browser.mjs';
import { contextOf, TemplateContext } from './context.ts';
import { boundedFilters } from './filters.ts';
import { OPERATORS } from './operators.ts';
import { TAGS } from './tags.ts';
import { Text } from './text.ts';
import { SOURCE_CHARACTER, STEP, TemplateError, Work } from './work.ts';

/** How deeply blocks nest in a template. */
const MAX_DEPTH = 50;

/** Something wrong at a place in a template, in characters from its beginning. */
export interface Flaw {
  message: string;
  at: number;
}

export type Parsed = { template: readonly Template[]; flaw: null } | { template: null; flaw: Flaw };
/** `sourceOf` gives the place in the template that wrote what is at a place in the text. */
export type Filled = { text: string; sourceOf: (at: number) => number; flaw: null } | { text: null; flaw: Flaw };

/** liquidjs's own render loop stops by the time, which stands still; this one counts. */
const renderer: Liquid['renderer'] = {
  *renderTemplates(templates, context, emitter = new Text(contextOf({ context }).work)): IterableIterator<unknown> {
    const { work, output } = contextOf({ context });
    work.use(STEP);
    for (const template of templates) {
      work.use(STEP + SOURCE_CHARACTER * lengthOf(template));
      if (emitter === output) output.begin(template.token);
      yield* renderOne(template, context, emitter);
      if (context.breakCalled || context.continueCalled) break;
    }
    return emitter.buffer;
  },
};

function* renderOne(template: Template, context: Context, emitter: Emitter): Generator<unknown, void, unknown> {
  try {
    const written = yield template.render(context, emitter);
    if (written) emitter.write(written);
  } catch (error) {
    throw error instanceof PlacedError ? error : new PlacedError(flawOf(error, template.token));
  }
}

class PlacedError extends Error {
  readonly flaw: Flaw;

  constructor(flaw: Flaw) {
    super(flaw.message);
    this.flaw = flaw;
  }
}

/** Bounds how deeply blocks nest, where each is read. */
class BoundedParser extends Parser {
  #depth = 0;

  override parseToken(token: Token, remaining: Token[]): Template {
    if (this.#depth >= MAX_DEPTH) throw new PlacedError({ message: `blocks nest more than ${MAX_DEPTH} levels deep`, at: token.begin });
    this.#depth++;
    try {
      return super.parseToken(token, remaining);
    } finally {
      this.#depth--;
    }
  }
}

const engine = new Liquid({ ownPropertyOnly: true, strictFilters: true, operators: OPERATORS, locale: 'en-US', timezoneOffset: 0 });
Object.assign(engine, { renderer, filters: boundedFilters(), tags: Object.assign(Object.create(null), TAGS) });

export function parse(template: string): Parsed {
  try {
    return { template: new BoundedParser(engine).parse(template), flaw: null };
  } catch (error) {
    return { template: null, flaw: error instanceof PlacedError ? error.flaw : flawOf(error) };
  }
}

/** Fills a template with an event. Its own fields are the variables, and no more of it than that. */
export function fill(template: readonly Template[], event: unknown, work = new Work()): Filled {
  const output = new Text(work);
  try {
    toValueSync(renderer.renderTemplates(template, new TemplateContext(event, engine.options, work, output), output));
    return { text: output.buffer, sourceOf: (at) => output.sourceOf(at), flaw: null };
  } catch (error) {
    return { text: null, flaw: error instanceof PlacedError ? error.flaw : flawOf(error) };
  }
}

/** How much of the template is evaluated with one part of it, in characters: the conditions of an `if` count, what it holds does not. */
function lengthOf(template: Template): number {
  let length = lengths.get(template);
  if (length === undefined) {
    length = template.token.end - template.token.begin;
    for (const argument of template.arguments?.() ?? []) {
      for (const { begin, end } of argument instanceof Value ? tokensOf(argument) : [argument]) length += end - begin;
    }
    lengths.set(template, length);
  }
  return length;
}

const lengths = new WeakMap<Template, number>();

function tokensOf({ initial, filters }: Value): Token[] {
  const values = filters.flatMap(({ args }) => args.flatMap((argument) => (Array.isArray(argument) ? (argument[1] ?? []) : argument)));
  return [...initial.postfix, ...values];
}

/** What has gone wrong, and where; said without a word of what the event says, which liquidjs's and JavaScript's own errors quote. */
function flawOf(error: unknown, token?: Token): Flaw {
  let cause = error;
  let place = token;
  while (LiquidError.is(cause)) {
    place = cause.token;
    if (!cause.originalError) break;
    cause = cause.originalError;
  }
  return { message: wordsOf(cause), at: place?.begin ?? 0 };
}

function wordsOf(cause: unknown): string {
  if (cause instanceof PlacedError || cause instanceof TemplateError || cause instanceof AssertionError) return cause.message;
  // Of the parser, which knows the template alone. It appends the place.
  if (LiquidError.is(cause)) return cause.message.replace(/, line:\d+, col:\d+$/, '');
  if (cause instanceof RangeError && cause.message.includes('call stack')) return 'this nests too deeply';
  return 'a value does not suit what is done with it here';
}
