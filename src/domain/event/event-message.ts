/*
 * The body of a queue message: one line of JSON that says what follows, then the events' bytes one after the other.
 *
 *   {"v":1,"at":1764000000000,"events":[["evt_01…",1834],["evt_01…",977]]}\n<1834 bytes><977 bytes>
 *
 * Bytes, because a JSON string would escape its quotes (100 kB of quotes become 200 kB, and Queues take 128 KB a message) and
 * a structured clone of a string may take two bytes a character. What a delivery needs to know of an event is in the event.
 */

/** Format of the messages that this version writes. An older version's messages can be in the queue during a deploy. */
const VERSION = 1;
/**
 * Target size of a message. Queues bill each 64 KB begun of a write, a read and a delete: a fuller message costs no less, and
 * smaller ones spread an array over consumers. 100 bytes are left for the platform's metadata.
 */
const TARGET_BYTES = 63_900;
const NEWLINE = 0x0a;
/** The header line's share: 100 events at 40 characters, and some. */
const MAX_HEADER_BYTES = 8_000;

/** An event with the id it was accepted under. */
export interface QueuedEvent {
  id: string;
  payload: Uint8Array;
}

export interface EventMessage {
  /** When its events were accepted, milliseconds since the epoch. */
  acceptedAt: number;
  events: QueuedEvent[];
}

interface Header {
  v: number;
  at: number;
  events: [id: string, bytes: number][];
}

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Packs events, in their order, into as few message bodies as stay within the target size. */
export function packEvents(events: readonly QueuedEvent[], acceptedAt: number): Uint8Array[] {
  const messages: QueuedEvent[][] = [];
  let room = 0;
  for (const event of events) {
    const size = event.payload.length + event.id.length + 12;
    if (messages.length === 0 || size > room) {
      messages.push([]);
      room = TARGET_BYTES - 60;
    }
    messages.at(-1)?.push(event);
    room -= size;
  }
  return messages.map((packed) => encodeEventMessage({ acceptedAt, events: packed }));
}

export function encodeEventMessage(message: EventMessage): Uint8Array {
  const header: Header = {
    v: VERSION,
    at: message.acceptedAt,
    events: message.events.map((event) => [event.id, event.payload.length]),
  };
  const line = encoder.encode(`${JSON.stringify(header)}\n`);
  const body = new Uint8Array(message.events.reduce((total, event) => total + event.payload.length, line.length));
  body.set(line);
  let at = line.length;
  for (const event of message.events) {
    body.set(event.payload, at);
    at += event.payload.length;
  }
  return body;
}

/** Reads a message body. Throws an Error that says what is wrong: such a message is parked, not retried. */
export function decodeEventMessage(body: unknown): EventMessage {
  const bytes = bytesOf(body);
  const lineEnd = bytes.subarray(0, MAX_HEADER_BYTES).indexOf(NEWLINE);
  if (lineEnd < 0) throw new Error('the message has no header line');
  const header = headerOf(bytes.subarray(0, lineEnd));
  let at = lineEnd + 1;
  const events = header.events.map(([id, length]) => {
    const payload = bytes.subarray(at, at + length);
    at += length;
    return { id, payload };
  });
  if (at !== bytes.length) throw new Error(`the message has ${bytes.length} bytes, its header says ${at}`);
  return { acceptedAt: header.at, events };
}

function bytesOf(body: unknown): Uint8Array {
  if (body instanceof Uint8Array) return body;
  if (body instanceof ArrayBuffer) return new Uint8Array(body);
  throw new Error('the message is not bytes');
}

function headerOf(line: Uint8Array): Header {
  let header: unknown;
  try {
    header = JSON.parse(decoder.decode(line));
  } catch (error) {
    throw new Error("the message's header is not JSON", { cause: error });
  }
  if (!isHeader(header)) throw new Error(`the message's header is not one of version ${VERSION}`);
  return header;
}

function isHeader(value: unknown): value is Header {
  if (typeof value !== 'object' || value === null) return false;
  const { v, at, events } = value as Partial<Header>;
  return v === VERSION && Number.isSafeInteger(at) && Array.isArray(events) && events.length > 0 && events.every(isEntry);
}

function isEntry(value: unknown): boolean {
  if (!Array.isArray(value)) return false;
  const [id, bytes] = value;
  return typeof id === 'string' && Number.isSafeInteger(bytes) && bytes > 0;
}
