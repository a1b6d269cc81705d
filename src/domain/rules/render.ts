import { isOperational } from '../event/operational-event.ts';
import { MAX_RENDERED_BYTES, type Rendering } from './choices.ts';
import { discordMessage } from './discord.ts';
import { selectFields } from './fields.ts';
import { flatten } from './flat.ts';
import { MAX_WORK, Work } from './liquid/work.ts';
import { messageOf } from './message.ts';
import { slackMessage } from './slack.ts';
import { teamsMessage } from './teams.ts';
import { renderTemplate } from './template.ts';

/** What a receiver gets of an event: always JSON; or why that could not be made of it, in words. */
type Made = { payload: Uint8Array; error: null } | { payload: null; error: string };

/** With the work that it took, about, in units of 25 ns on a slow core (liquid/work.ts), and whether a template wanted more than it may. */
export type Rendered = Made & { work: number; isExceeded: boolean };

/** Work of each mark in the event's JSON that a value or a key goes with, of each of its bytes, and of the form that it gets. */
const MARK = 40;
const BYTE = 0.2;
const FORM = 1_000;
const [BRACE, BRACKET, COLON, COMMA] = [...'{[:,'].map((mark) => mark.charCodeAt(0));

const MESSAGES = { slack: slackMessage, teams: teamsMessage, discord: discordMessage };

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Whether what is sent is what was accepted, whatever the event. */
export function isAsAccepted({ fields, format }: Pick<Rendering, 'fields' | 'format'>): boolean {
  return fields === null && format === 'event';
}

/**
 * Renders an event as its webhook wants it: first its fields, then its form. The service's own events keep all their fields.
 * @param accepted an event that ingest let in, or one of the service's own
 * @param mostWork what a template may take, in the same units
 * @returns the very same bytes where the webhook has chosen nothing, or nothing that changes them
 */
export function render(rendering: Rendering, accepted: Uint8Array, mostWork = MAX_WORK): Rendered {
  if (isAsAccepted(rendering)) return { payload: accepted, error: null, work: 0, isExceeded: false };
  const work = new Work(mostWork);
  const made = make(rendering, accepted, work);
  const { done, isExceeded } = work;
  if (made.payload && isSame(made.payload, accepted)) made.payload = accepted;
  return { ...made, work: FORM + BYTE * accepted.length + MARK * marksIn(accepted) + done, isExceeded };
}

function make({ fields, format, template, name }: Rendering, accepted: Uint8Array, work: Work): Made {
  const source = chosen(accepted, fields);
  if (format === 'event') return { payload: source.bytes, error: null };
  if (format === 'flat') return bounded(flatten(source.bytes));
  if (format === 'template') return encoded(renderTemplate(template ?? '', source.event(), work));
  return { payload: encoder.encode(JSON.stringify(MESSAGES[format](messageOf(source.event(), name)))), error: null };
}

/** The event as it is rendered: its chosen fields; of the service's own events all. */
export function chosenEvent(accepted: Uint8Array, fields: readonly string[] | null): Record<string, unknown> {
  return chosen(accepted, fields).event();
}

/** An event's text, which is parsed when it is asked for, and once. */
interface Source {
  bytes: Uint8Array;
  event: () => Record<string, unknown>;
}

function chosen(accepted: Uint8Array, fields: readonly string[] | null): Source {
  const all = sourceOf(accepted);
  if (fields === null) return all;
  // The type of the event is always among what is chosen.
  const part = sourceOf(selectFields(accepted, fields));
  return isOperational(String(part.event().event)) ? all : part;
}

function sourceOf(bytes: Uint8Array): Source {
  let event: Record<string, unknown> | undefined;
  return {
    bytes,
    event: () => {
      event ??= JSON.parse(decoder.decode(bytes)) as Record<string, unknown>;
      return event;
    },
  };
}

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, at) => byte === other[at]);
}

function encoded({ text, error }: ReturnType<typeof renderTemplate>): Made {
  return text === null ? { payload: null, error } : { payload: encoder.encode(text), error: null };
}

function bounded(payload: Uint8Array | null): Made {
  if (payload) return { payload, error: null };
  return { payload: null, error: `On one level the event would have more than ${MAX_RENDERED_BYTES} bytes.` };
}

function marksIn(json: Uint8Array): number {
  let marks = 0;
  for (const byte of json) if (byte === COMMA || byte === COLON || byte === BRACE || byte === BRACKET) marks++;
  return marks;
}
