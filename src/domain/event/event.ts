import { ORGANIZATION_ID, ORGANIZATION_ID_FORM } from '../ids.ts';
import { MAX_ISSUES, mismatch, nameOf } from '../issue.ts';
import { parseIsoTime, TIME_FORMS } from '../text/iso-time.ts';
import { type JsonLayout, layOut, namesOf } from '../text/json-items.ts';
import { readJsonText } from '../text/json-text.ts';

/** Largest single event, in bytes. */
export const MAX_EVENT_BYTES = 100_000;
/** Largest array body, in bytes: with its framing it fits one queue batch (Queues: 256 KB a batch). */
export const MAX_EVENTS_BYTES = 250_000;
/** Most events in an array (Queues: 100 messages a batch, where none can be packed with another). */
export const MAX_EVENTS = 100;
/** Deepest nesting of an event: receivers' parsers give up sooner or later (PHP's at 512), and so would our own log view. */
export const MAX_EVENT_DEPTH = 100;
/** Longest `event`, `timestamp` and `session_id`, in characters. */
const MAX_NAME_LENGTH = 256;

/** An event that may be accepted; its type is still to be looked up in the catalogue. */
export interface IncomingEvent {
  organizationId: string;
  event: string;
  sessionId: string | null;
  /** Its exact bytes: the whole body (but for a byte order mark), or the item's slice of an array. */
  payload: Uint8Array;
  value: Record<string, unknown>;
}

/** What is wrong with a field; `index` is the event's place where an array was sent. */
export interface EventIssue {
  index?: number;
  field: string;
  message: string;
}

export interface EventsError {
  code: 'malformed_json' | 'payload_too_large' | 'validation_failed';
  message: string;
  issues: EventIssue[];
}

export type ReadEvents = { ok: true; array: boolean; events: IncomingEvent[] } | { ok: false; error: EventsError };

/** The fields that a repetition must not change on the way: parsers differ in which of two they take. */
const UNIQUE_FIELDS = ['event', 'organization_id'];

/** Reads the body of an ingest request: one event, or an array of them. All or nothing: one bad event refuses the whole. */
export function readEvents(text: Uint8Array): ReadEvents {
  const json = readJsonText(text);
  if (!json.ok) return refuse('malformed_json', json.reason);
  const { value, bytes } = json;
  const layout = layOut(bytes);
  const array = Array.isArray(value);
  // An array's items nest one level less deeply than the array.
  if (layout.depth - (array ? 1 : 0) > MAX_EVENT_DEPTH) {
    const deeper = layout.items.findIndex(([start, end]) => layOut(bytes.subarray(start, end)).depth > MAX_EVENT_DEPTH);
    return invalid([{ ...(array && { index: deeper }), field: '', message: `the event nests deeper than ${MAX_EVENT_DEPTH} levels` }]);
  }
  return array ? readArray(bytes, value, layout) : readOne(bytes, value, layout);
}

function readOne(body: Uint8Array, value: unknown, { members }: JsonLayout): ReadEvents {
  if (body.length > MAX_EVENT_BYTES) return tooLarge(body.length);
  const issues = issuesOf(value, body, members[0]);
  if (issues.length > 0) return invalid(issues);
  return { ok: true, array: false, events: [toEvent(value as Record<string, unknown>, body)] };
}

function readArray(body: Uint8Array, values: unknown[], { items, members }: JsonLayout): ReadEvents {
  if (values.length === 0) return invalid([{ field: '', message: 'the array is empty' }]);
  if (values.length > MAX_EVENTS) {
    return invalid([{ field: '', message: `the array has ${values.length} events; at most ${MAX_EVENTS} are accepted at once` }]);
  }
  const events: IncomingEvent[] = [];
  const issues: EventIssue[] = [];
  for (const [index, value] of values.entries()) {
    const [start, end] = items[index] as [number, number];
    if (end - start > MAX_EVENT_BYTES) return tooLarge(end - start, index);
    const payload = body.subarray(start, end);
    issues.push(...issuesOf(value, payload, members[index]).map((issue) => ({ index, ...issue })));
    if (issues.length === 0) events.push(toEvent(value as Record<string, unknown>, payload));
    if (issues.length >= MAX_ISSUES) break;
  }
  return issues.length > 0 ? invalid(issues) : { ok: true, array: true, events };
}

function toEvent(value: Record<string, unknown>, payload: Uint8Array): IncomingEvent {
  return {
    organizationId: value.organization_id as string,
    event: value.event as string,
    sessionId: sessionIdOf(value),
    payload,
    value,
  };
}

/** The session of an event, as the log lists it with each delivery. Null: it has none, or what stands there is no text that an event may have. */
export function sessionIdOf({ session_id: sessionId }: Record<string, unknown>): string | null {
  return typeof sessionId === 'string' && sessionId.length <= MAX_NAME_LENGTH ? sessionId : null;
}

/**
 * What is wrong with one event's envelope. Fields that are not named here pass through as they are.
 * @param members how many its text has; where an object keeps fewer, some repeat
 */
function issuesOf(value: unknown, payload: Uint8Array, members = 0): EventIssue[] {
  if (!isObject(value)) return [{ field: '', message: `an event is an object, not ${nameOf(value)}` }];
  const issues = members > Object.keys(value).length ? repetitionsIn(payload) : [];
  for (const field of ['event', 'timestamp', 'organization_id']) issues.push(...checkName(value, field));
  if (value.event === 'visitor.identified') {
    issues.push(...checkName(value, 'session_id'));
    if (!isObject(value.visitor)) issues.push(misfit(value, 'visitor', 'an object'));
  } else if (typeof value.session_id === 'string') {
    // Of other types it can be anything; a text is listed with each delivery.
    issues.push(...checkText(value.session_id, 'session_id'));
  }
  for (const field of ['company', 'session']) {
    const part = value[field];
    if (part !== undefined && part !== null && !isObject(part)) issues.push(misfit(value, field, 'an object or null'));
  }
  return issues;
}

function checkName(value: Record<string, unknown>, field: string): EventIssue[] {
  const text = value[field];
  if (typeof text !== 'string') return [misfit(value, field, 'a string')];
  if (text === '') return [{ field, message: `\`${field}\` is empty` }];
  if (field === 'organization_id' && !ORGANIZATION_ID.test(text)) {
    return [{ field, message: `\`organization_id\` is not an organization id: ${ORGANIZATION_ID_FORM}` }];
  }
  if (field === 'timestamp' && parseIsoTime(text) === null) return [{ field, message: `\`timestamp\` is not ${TIME_FORMS}` }];
  return checkText(text, field);
}

/** A text that the log lists with each delivery. */
function checkText(text: string, field: string): EventIssue[] {
  if (text.length > MAX_NAME_LENGTH) return [{ field, message: `\`${field}\` is longer than ${MAX_NAME_LENGTH} characters` }];
  return text.isWellFormed() ? [] : [{ field, message: `\`${field}\` is not well-formed Unicode` }];
}

function repetitionsIn(payload: Uint8Array): EventIssue[] {
  const names = namesOf(payload);
  const repeated = UNIQUE_FIELDS.filter((field) => names.indexOf(field) !== names.lastIndexOf(field));
  return repeated.map((field) => ({ field, message: `\`${field}\` is there more than once` }));
}

function misfit(value: Record<string, unknown>, field: string, expected: string): EventIssue {
  return { field, message: mismatch(`\`${field}\``, value[field], expected) };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function tooLarge(bytes: number, index?: number): ReadEvents {
  const which = index === undefined ? 'The event' : `Event ${index}`;
  const issues = [{ index, field: '', message: `${bytes} bytes` }];
  return refuse('payload_too_large', `${which} has ${bytes} bytes; an event has at most ${MAX_EVENT_BYTES}`, issues);
}

function invalid(issues: EventIssue[]): ReadEvents {
  const [first] = issues as [EventIssue];
  const where = first.index === undefined ? '' : `Event ${first.index}: `;
  return refuse('validation_failed', `${where}${first.message}`, issues.slice(0, MAX_ISSUES));
}

function refuse(code: EventsError['code'], message: string, issues: EventIssue[] = []): ReadEvents {
  return { ok: false, error: { code, message, issues } };
}
