import type { Database } from '../../db/client.ts';
import { listEventTypes } from '../../db/event-types.ts';
import { MAX_EVENT_BYTES, readEvents, sessionIdOf } from '../../domain/event/event.ts';
import { type EventType, sampleEvent } from '../../domain/event/event-type.ts';
import { partsOf } from '../../domain/text/json-items.ts';
import { MAX_CONFIG_BODY_BYTES } from '../body.ts';
import { invalid, refusal } from '../errors.ts';
import { isoTime } from '../parameters.ts';

/** Largest body of a request that brings an event: the event, and what else there is. */
export const MAX_OWN_EVENT_BODY_BYTES = MAX_EVENT_BYTES + MAX_CONFIG_BODY_BYTES;

/** An event of nobody's website, for a test or a preview. */
export interface OwnEvent {
  event: string;
  sessionId: string | null;
  payload: Uint8Array;
  value: unknown;
}

/** A request that has an event of one's own in a field of its body. */
interface Bringing {
  /** The body's bytes; none where a page asks. */
  bytes: Uint8Array;
  field: string;
  organizationId: string;
  nowMs: number;
  db: Database;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** The example of an event type, as an event of this organization and this moment. */
export function sampleOf(type: EventType, organizationId: string, nowMs: number): OwnEvent {
  const text = sampleEvent(type, organizationId, nowMs);
  const value = JSON.parse(text);
  return { event: type.name, sessionId: sessionIdOf(value), payload: encoder.encode(text), value };
}

/**
 * An event that a person has written, in its own source text. It is what ingest would let in, of this organization and of a type of the catalogue;
 * where it has no `timestamp` or no `organization_id`, these are put in front. 422 for anything else, with the place in it.
 */
export async function ownEventOf(given: object, { bytes, field, organizationId, nowMs, db }: Bringing): Promise<OwnEvent> {
  const written = bytes.length > 0 ? partsOf(decoder.decode(bytes)).members?.get(field)?.text : undefined;
  const text = written ?? JSON.stringify(given);
  const missing = Object.entries({ timestamp: isoTime(nowMs), organization_id: organizationId }).filter(
    ([name]) => !Object.hasOwn(given, name),
  );
  const before = missing.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join();
  const isEmpty = Object.keys(given).length === 0;
  const read = readEvents(encoder.encode(before === '' ? text : `{${before}${isEmpty ? '' : ','}${text.slice(1)}`));
  const place = (within: string) => (within === '' ? field : `${field}.${within}`);
  if (!read.ok) {
    const { code, message, issues } = read.error;
    throw refusal(
      code,
      message,
      issues.map((issue) => ({ ...issue, field: place(issue.field) })),
    );
  }
  const [event] = read.events as [(typeof read.events)[number]];
  if (event.organizationId !== organizationId) {
    const message = `it is not this organization, \`${organizationId}\`; left out, it is put in`;
    throw invalid([{ field: place('organization_id'), message }]);
  }
  const types = await listEventTypes(db);
  if (!types.some(({ name }) => name === event.event)) {
    throw invalid([{ field: place('event'), message: 'The catalogue has no such event type.' }], 'unknown_event_type');
  }
  return { event: event.event, sessionId: event.sessionId, payload: event.payload, value: event.value };
}
