import {
  AssertionError,
  type Context,
  defaultOptions,
  type Emitter,
  type Liquid,
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
import { OPERATION, STEP, TemplateError, Work } from './work.ts';

/** How deeply blocks nest in a template. */
const MAX_DEPTH = 50;
/** Longest message, in characters. */
const MAX_WORDS_LENGTH = 200;

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
      work.use(STEP + unitsOf(template));
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
    throw error instanceof PlacedError ? error : new PlacedError(flawOf(error, wordsOfRendering, template.token));
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

/** What liquidjs's own class would be, without all that it brings along: half of the library, and an inquiry for the language of the machine. */
const engine: Liquid = {
  options: { ...defaultOptions, ownPropertyOnly: true, strictFilters: true, operators: OPERATORS, locale: 'en-US', timezoneOffset: 0 },
  renderer,
  filters: boundedFilters(),
  tags: Object.assign(Object.create(null), TAGS),
};

export function parse(template: string): Parsed {
  try {
    return { template: new BoundedParser(engine).parse(template), flaw: null };
  } catch (error) {
    return { template: null, flaw: flawOf(error, wordsOfReading) };
  }
}

/** Fills a template with an event. Its own fields are the variables, and no more of it than that. */
export function fill(template: readonly Template[], event: unknown, work = new Work()): Filled {
  const output = new Text(work);
  try {
    toValueSync(renderer.renderTemplates(template, new TemplateContext(event, engine.options, work, output), output));
    return { text: output.buffer, sourceOf: (at) => output.sourceOf(at), flaw: null };
  } catch (error) {
    return { text: null, flaw: flawOf(error, wordsOfRendering) };
  }
}

/** What it takes to evaluate one part of a template, without what it reads, compares and holds: all conditions of an `if`, all arguments of a filter. */
function unitsOf(template: Template): number {
  let units = known.get(template);
  if (units === undefined) {
    units = template.token.end - template.token.begin;
    for (const argument of template.arguments?.() ?? []) units += OPERATION * (argument instanceof Value ? operandsOf(argument) : 1);
    known.set(template, units);
  }
  return units;
}

const known = new WeakMap<Template, number>();

function operandsOf({ initial, filters }: Value): number {
  return filters.reduce((operands, { args }) => operands + args.length, 1 + initial.postfix.length);
}

/** What has gone wrong, and where. liquidjs wraps an error in one of its own for each place that it knows. */
function flawOf(error: unknown, wordsOf: (cause: unknown) => string, token?: Token): Flaw {
  if (error instanceof PlacedError) return error.flaw;
  let cause = error;
  let place = token;
  while (LiquidError.is(cause)) {
    place = cause.token;
    if (!cause.originalError) break;
    cause = cause.originalError;
  }
  if (cause instanceof PlacedError) return cause.flaw;
  const isTooDeep = cause instanceof RangeError && cause.message.includes('call stack');
  return { message: isTooDeep ? 'this nests too deeply' : wordsOf(cause), at: place?.begin ?? 0 };
}

/** What the parser says, which knows the template alone. It adds the place, and quotes whole tags. */
function wordsOfReading(cause: unknown): string {
  const words = cause instanceof Error ? cause.message.replace(/, line:\d+, col:\d+$/, '') : '';
  return words.length > MAX_WORDS_LENGTH ? `${words.slice(0, MAX_WORDS_LENGTH).toWellFormed()}…` : words;
}

/** Here liquidjs's and JavaScript's own errors quote the event: a time zone that is none, a number that is a text. */
function wordsOfRendering(cause: unknown): string {
  if (cause instanceof TemplateError || cause instanceof AssertionError) return cause.message;
  return 'a value does not suit what is done with it here';
}
