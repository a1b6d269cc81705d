import { MAX_EVENT_DEPTH } from '../event/event.ts';
import { layOut } from '../text/json-items.ts';
import { flawOf } from '../text/json-text.ts';
import { MAX_RENDERED_BYTES } from './choices.ts';
import { type Filled, type Flaw, fill, type Parsed, parse } from './liquid/engine.ts';
import type { Work } from './liquid/work.ts';

/*
 * Templates: Liquid that makes JSON of an event. `{{ visitor.email | json }}` writes a value as JSON, quoted and escaped, and null where there is
 * none; `"Hello {{ visitor.first_name }}"` is JSON only as long as the name has no quote in it. Nothing can be escaped by itself: whether a value
 * stands inside a text is the template's business.
 */

/** What is wrong with a template, and where: lines and columns count from 1. */
export interface TemplateFlaw {
  message: string;
  line: number;
  column: number;
}

/** The template that was read last: events are rendered one after the other for the same webhook. Read, a long one takes megabytes; no more are kept. */
let latest: { template: string; parsed: Parsed } | null = null;

const encoder = new TextEncoder();

/**
 * Tries a template, as it is saved: on the example of each type that it will meet. Examples that are no objects are passed over.
 * @returns the first flaw; null where there is none
 */
export function checkTemplate(template: string, examples: readonly unknown[]): TemplateFlaw | null {
  const { flaw } = read(template);
  if (flaw) return placed(template, flaw);
  for (const example of examples) {
    if (typeof example !== 'object' || example === null) continue;
    const { flaw } = rendered(template, example);
    if (flaw) return placed(template, { ...flaw, message: `${flaw.message} (with the example of ${typeOf(example)})` });
  }
  return null;
}

/** Renders an event. An error names the place in the template, and quotes nothing of the event. */
export function renderTemplate(
  template: string,
  event: unknown,
  work?: Work,
): { text: string; error: null } | { text: null; error: string } {
  const { text, flaw } = rendered(template, event, work);
  if (!flaw) return { text, error: null };
  const { message, line, column } = placed(template, flaw);
  return { text: null, error: `Line ${line}, column ${column} of the template: ${message}.` };
}

function rendered(template: string, event: unknown, work?: Work): { text: string; flaw: null } | { text: null; flaw: Flaw } {
  const parsed = read(template);
  if (parsed.flaw) return { text: null, flaw: parsed.flaw };
  const filled = fill(parsed.template, event, work);
  if (filled.flaw) return filled;
  const flaw = flawIn(filled);
  return flaw ? { text: null, flaw } : { text: filled.text.toWellFormed(), flaw: null };
}

function read(template: string): Parsed {
  if (latest?.template !== template) latest = { template, parsed: parse(template) };
  return latest.parsed;
}

/** What is wrong with what a template has made. */
function flawIn({ text, sourceOf }: Filled & { flaw: null }): Flaw | null {
  if (text.trim() === '') return { message: 'it makes nothing, not even an empty JSON object', at: 0 };
  const bytes = text.length > MAX_RENDERED_BYTES ? null : encoder.encode(text);
  if (!bytes || bytes.length > MAX_RENDERED_BYTES) return { message: `what it makes has more than ${MAX_RENDERED_BYTES} bytes`, at: 0 };
  if (!isJson(text)) {
    const at = flawOf(text) ?? text.length;
    const what = at === text.length ? 'ends too early' : 'goes wrong here';
    return { message: `what it makes is not JSON: it ${what}; values are written as \`{{ visitor.email | json }}\``, at: sourceOf(at) };
  }
  if (layOut(bytes).depth <= MAX_EVENT_DEPTH) return null;
  return { message: `what it makes nests deeper than ${MAX_EVENT_DEPTH} levels`, at: 0 };
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function placed(template: string, { message, at }: Flaw): TemplateFlaw {
  const before = template.slice(0, at);
  return { message, line: before.split('\n').length, column: at - before.lastIndexOf('\n') };
}

function typeOf(example: object): string {
  const { event } = example as { event?: unknown };
  return typeof event === 'string' ? `\`${event}\`` : 'an event';
}
