/**
 * Of liquidjs this is what templates use (domain/rules/liquid/). Its own types bring all of Node's into reach; and its build for browsers is named,
 * so that tests in Node and the Worker run the same code.
 */
declare module 'liquidjs/dist/liquid.browser.mjs' {
  export interface Token {
    kind: number;
    /** Places in the template, in characters: the first of the token, and the first after it. */
    begin: number;
    end: number;
    getText(): string;
  }

  export interface RangeToken extends Token {
    lhs: Token;
    rhs: Token;
    /** Read where a token is a property access. */
    props?: unknown[];
  }

  export interface TagToken extends Token {
    name: string;
  }

  export const TokenKind: { readonly PropertyAccess: number; readonly Range: number; readonly HTML: number };

  export class Tokenizer {
    readGroupOrRange(): RangeToken | undefined;
  }

  /** What limits are counted on. liquidjs gives `check` the time, and `use` what it is about to allocate. */
  export interface Limiter {
    use(count: unknown): void;
    check(count: unknown): void;
  }

  export interface Emitter {
    buffer: string;
    write(value: unknown): void;
  }

  export interface Template {
    token: Token;
    render(context: Context, emitter: Emitter): unknown;
    arguments?(): Iterable<Value | Token | undefined>;
  }

  export class Value {
    readonly initial: { readonly postfix: Token[] };
    readonly filters: { readonly args: unknown[] }[];
    value(context: Context): Generator<unknown, unknown, unknown>;
  }

  export interface Options {
    operators: Operators;
    ownPropertyOnly: boolean;
    strictFilters: boolean;
    locale: string;
    /** Minutes from UTC. */
    timezoneOffset?: number;
  }
  export const defaultOptions: Options;

  export type Operator = (...operands: unknown[]) => unknown;
  export type Operators = Record<string, Operator>;
  export const defaultOperators: Operators;

  export class Context {
    breakCalled: boolean;
    continueCalled: boolean;
    readonly opts: Options;
    constructor(scope: unknown, options: Options, renderOptions: { sync: boolean }, limits: { memoryLimit: Limiter; renderLimit: Limiter });
    _get(path: unknown[]): IterableIterator<unknown>;
    readProperty(value: unknown, key: unknown): unknown;
    spawn(scope: unknown): Context;
  }

  export interface FilterScope {
    context: Context;
  }
  export type Filter = (this: FilterScope, ...values: never[]) => unknown;
  export const filters: Record<string, Filter>;

  export interface Liquid {
    options: Options;
    renderer: { renderTemplates(templates: readonly Template[], context: Context, emitter?: Emitter): IterableIterator<unknown> };
    filters: Record<string, Filter>;
    tags: Record<string, TagClass>;
  }

  export class Parser {
    constructor(liquid: Liquid);
    parse(template: string): Template[];
    parseToken(token: Token, remaining: Token[]): Template;
  }

  export type TagClass = new (token: TagToken, remaining: Token[], liquid: Liquid, parser: Parser) => Template;

  class Tag implements Template {
    token: TagToken;
    liquid: Liquid;
    constructor(token: TagToken, remaining: Token[], liquid: Liquid, parser: Parser);
    render(context: Context, emitter: Emitter): Generator<unknown, unknown, unknown>;
  }
  export class ForTag extends Tag {
    collection: Token;
    hash: { render(context: Context): Generator<unknown, unknown, unknown> };
  }
  export class CaseTag extends Tag {
    value: Value;
    branches: { values: Token[]; templates: Template[] }[];
    elseTemplates: Template[];
  }
  export class LiquidTag extends Tag {}
  export const AssignTag: TagClass;
  export const BreakTag: TagClass;
  export const CaptureTag: TagClass;
  export const CommentTag: TagClass;
  export const ContinueTag: TagClass;
  export const EchoTag: TagClass;
  export const IfTag: TagClass;
  export const InlineCommentTag: TagClass;
  export const RawTag: TagClass;
  export const UnlessTag: TagClass;

  /** Values that compute: `forloop`, `empty`, `blank`. */
  export class Drop {
    valueOf(): unknown;
  }

  export class LiquidError extends Error {
    token: Token;
    originalError?: Error;
    static is(value: unknown): value is LiquidError;
  }
  export class AssertionError extends Error {}

  export function evalToken(token: Token, context: Context): Generator<unknown, unknown, unknown>;
  export function toValue(value: unknown): unknown;
  export function toValueSync(value: unknown): unknown;
}
