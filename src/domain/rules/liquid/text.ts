import { type Emitter, type Token, TokenKind, toValue } from 'liquidjs/dist/liquid.browser.mjs';
import type { Work } from './work.ts';

/** A text that grows while a template is rendered: what goes out, or what is captured. What is written is counted before it is. */
export class Text implements Emitter {
  buffer = '';
  readonly #work: Work;
  /** Which part of the template wrote what: where its text begins in this one, and the part. */
  readonly #parts: [start: number, token: Token & { trimLeft?: number }][] = [];

  constructor(work: Work) {
    this.#work = work;
  }

  write(value: unknown): void {
    this.#work.measure(toValue(value));
    this.buffer += textOf(value);
  }

  /** Whatever is written from now on is written by this part of the template, or by what is in it. */
  begin(token: Token): void {
    this.#parts.push([this.buffer.length, token]);
  }

  /** The place in the template that wrote what is at a place in this text. */
  sourceOf(at: number): number {
    const [start, token] = this.#parts.findLast(([from]) => from <= at) ?? [0, undefined];
    if (!token) return 0;
    return token.kind === TokenKind.HTML ? token.begin + (token.trimLeft ?? 0) + at - start : token.begin;
  }
}

/** A value as liquidjs writes it. */
export function textOf(value: unknown): string {
  const plain = toValue(value);
  if (plain === undefined || plain === null) return '';
  return Array.isArray(plain) ? plain.map(textOf).join('') : String(plain);
}
