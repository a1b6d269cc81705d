import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_EVENT_BYTES, MAX_EVENTS, MAX_EVENTS_BYTES, readEvents } from '../../../src/domain/event/event.ts';
import { decodeEventMessage, type EventMessage, encodeEventMessage, packEvents } from '../../../src/domain/event/event-message.ts';
import { keyedEventIds } from '../../../src/domain/ids.ts';

/** Limits of Queues: a message, a batch of a producer, and what the platform's metadata adds to each message. */
const QUEUE_MESSAGE_BYTES = 128_000;
const QUEUE_BATCH_BYTES = 256_000;
const QUEUE_BATCH_MESSAGES = 100;
const METADATA_BYTES = 100;

const AT = Date.UTC(2026, 10, 23, 14, 5, 9);
const ID = 'evt_01KANSGJE8XN3M7A4Q2T6V9YBC';
const encoder = new TextEncoder();
const decoder = new TextDecoder();

const eventIds = fc
  .array(fc.constantFrom(...'0123456789ABCDEFGHJKMNPQRSTVWXYZ'), { minLength: 26, maxLength: 26 })
  .map((characters) => `evt_${characters.join('')}`);
const queuedEvents = fc.record({ id: eventIds, payload: fc.uint8Array({ minLength: 1, maxLength: 300 }) });
const messages: fc.Arbitrary<EventMessage> = fc.record({
  acceptedAt: fc.nat(8.64e15),
  events: fc.array(queuedEvents, { minLength: 1, maxLength: MAX_EVENTS }),
});

function sizes(...bytes: number[]): { id: string; payload: Uint8Array }[] {
  return bytes.map((length, index) => ({ id: ID, payload: new Uint8Array(length).fill(65 + (index % 26)) }));
}

/** A message of a header and some bytes behind it. */
function written(header: unknown, bytes = 'xyz'): Uint8Array {
  return encoder.encode(`${typeof header === 'string' ? header : JSON.stringify(header)}\n${bytes}`);
}

describe('a message', () => {
  it('is read as it was written, whatever its events hold', () => {
    fc.assert(
      fc.property(messages, (message) => {
        expect(decodeEventMessage(encodeEventMessage(message))).toEqual(message);
      }),
    );
  });

  it('is one line of JSON, and the bytes of its events', () => {
    const message = { acceptedAt: AT, events: [{ id: ID, payload: encoder.encode('{"é":"\n"}') }] };
    expect(decoder.decode(encodeEventMessage(message))).toBe(`{"v":1,"at":${AT},"events":[["${ID}",10]]}\n{"é":"\n"}`);
  });

  it('may arrive as an ArrayBuffer, as the queue hands it over, or as a view of a larger one', () => {
    const message = { acceptedAt: AT, events: sizes(3, 5) };
    const bytes = encodeEventMessage(message);
    expect(decodeEventMessage(bytes.buffer)).toEqual(message);
    const larger = new Uint8Array(bytes.length + 10).fill(0x0a);
    larger.set(bytes, 5);
    expect(decodeEventMessage(larger.subarray(5, 5 + bytes.length))).toEqual(message);
  });
});

describe('packing', () => {
  const unpack = (bodies: Uint8Array[]) => bodies.flatMap((body) => decodeEventMessage(body).events);

  it('keeps every event, in order, in messages that Queues take', () => {
    const size = fc.oneof(fc.integer({ min: 1, max: 3_000 }), fc.integer({ min: 1, max: MAX_EVENT_BYTES }));
    fc.assert(
      fc.property(fc.array(size, { minLength: 1, maxLength: 30 }), (bytes) => {
        const events = sizes(...bytes);
        const bodies = packEvents(events, AT);
        // Compared as text: bytes one by one would take seconds.
        expect(
          unpack(bodies)
            .map(({ id, payload }) => id + decoder.decode(payload))
            .join(),
        ).toBe(events.map(({ id, payload }) => id + decoder.decode(payload)).join());
        for (const body of bodies) {
          expect(body.length).toBeLessThanOrEqual(QUEUE_MESSAGE_BYTES - METADATA_BYTES);
          expect(decodeEventMessage(body)).toMatchObject({ acceptedAt: AT });
        }
      }),
      { numRuns: 50 },
    );
  });

  it('opens a message only for an event that the one before has no room for', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 70_000 }), { minLength: 2, maxLength: 20 }), (bytes) => {
        const bodies = packEvents(sizes(...bytes), AT);
        for (const [index, body] of bodies.entries()) {
          const next = bodies[index + 1];
          const first = next && decodeEventMessage(next).events[0];
          // 64,000 bytes are what Queues bill as one operation; 120 are framing and metadata.
          if (first) expect(body.length + first.payload.length).toBeGreaterThan(64_000 - 2 * METADATA_BYTES - 120);
        }
      }),
      { numRuns: 50 },
    );
  });

  it('puts small events into one message that is billed as one', () => {
    const bodies = packEvents(sizes(...Array(100).fill(590)), AT);
    expect(bodies).toHaveLength(1);
    expect((bodies[0]?.length ?? Number.NaN) + METADATA_BYTES).toBeLessThanOrEqual(64_000);
  });

  it('fills a message to what is billed as one, and no further', () => {
    const some = Array.from({ length: 400 }, (_, more) => Array<number>(100).fill(500 + more));
    const two = Array.from({ length: 200 }, (_, more) => [31_000, 32_700 + more]);
    for (const bytes of [...some, ...two]) {
      const [body] = packEvents(sizes(...bytes), AT);
      expect((body?.length ?? Number.NaN) + METADATA_BYTES).toBeLessThanOrEqual(64_000);
    }
  });

  it('gives an event of 100,000 bytes a message of its own', () => {
    const bodies = packEvents(sizes(10, MAX_EVENT_BYTES, 10), AT);
    expect(bodies.map((body) => decodeEventMessage(body).events.length)).toEqual([1, 1, 1]);
    expect(bodies[1]?.length).toBeLessThanOrEqual(QUEUE_MESSAGE_BYTES - METADATA_BYTES);
  });

  it('makes nothing of nothing', () => {
    expect(packEvents([], AT)).toEqual([]);
  });
});

describe('an array of exactly 250,000 bytes', () => {
  const around = JSON.stringify({ event: 'a.b', timestamp: '2026-11-23', organization_id: 'o', pad: '' }).length;

  /** A body of that size, of events whose paddings have these shares of what is left to fill it. */
  function bodyOf(shares: number[]): Uint8Array {
    const free = MAX_EVENTS_BYTES - 2 - (shares.length - 1) - around * shares.length;
    const whole = shares.reduce((sum, share) => sum + share, 0);
    const pads = shares.map((share) => Math.floor((free * share) / whole));
    pads[0] = (pads[0] as number) + free - pads.reduce((sum, pad) => sum + pad, 0);
    const events = pads.map((pad) => ({ event: 'a.b', timestamp: '2026-11-23', organization_id: 'o', pad: 'x'.repeat(pad) }));
    return encoder.encode(JSON.stringify(events));
  }

  async function batchOf(body: Uint8Array): Promise<Uint8Array[]> {
    expect(body).toHaveLength(MAX_EVENTS_BYTES);
    const result = readEvents(body);
    if (!result.ok) throw new Error(result.error.message);
    const ids = await keyedEventIds(result.events, 'k');
    const events = result.events.map(({ payload }, index) => ({ id: ids[index] as string, payload }));
    return packEvents(events, AT);
  }

  it.each([
    ['100 equal events', Array(100).fill(1)],
    ['100 events, of which every other is small', Array.from({ length: 100 }, (_, index) => (index % 2 ? 1 : 50))],
    ['100 events, of which few fill half a message', Array.from({ length: 100 }, (_, index) => (index % 14 ? 0 : 1))],
    ['4 events, none of which shares a message', [1, 1, 1, 1]],
    ['3 events', [1, 1, 1]],
  ])('is one queue batch: %s', async (_what, shares) => {
    const bodies = await batchOf(bodyOf(shares));
    const bytes = bodies.reduce((total, body) => total + body.length + METADATA_BYTES, 0);
    expect(bytes).toBeLessThanOrEqual(QUEUE_BATCH_BYTES);
    expect(bodies.length).toBeLessThanOrEqual(QUEUE_BATCH_MESSAGES);
  });

  it('is one queue batch, however its bytes are spread over its events', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 1_000 }), { minLength: 50, maxLength: MAX_EVENTS }), async (shares) => {
        fc.pre(Math.max(...shares) > 0 && shares.every((share, _, all) => share * 3 < all.reduce((sum, other) => sum + other, 0)));
        const bodies = await batchOf(bodyOf(shares));
        expect(bodies.reduce((total, body) => total + body.length + METADATA_BYTES, 0)).toBeLessThanOrEqual(QUEUE_BATCH_BYTES);
      }),
      { numRuns: 50 },
    );
  });
});

describe('a message is refused', () => {
  const whole = encodeEventMessage({ acceptedAt: AT, events: sizes(20, 30) });

  it('wherever it was cut', () => {
    for (let length = 0; length < whole.length; length++) {
      expect(() => decodeEventMessage(whole.subarray(0, length)), `${length} bytes`).toThrow(/^the message has /);
    }
    expect(decodeEventMessage(whole).events).toHaveLength(2);
  });

  it('with bytes that its header does not tell of', () => {
    expect(() => decodeEventMessage(Uint8Array.from([...whole, 0x20]))).toThrow(
      `the message has ${whole.length + 1} bytes, its header says ${whole.length}`,
    );
  });

  it.each<[string, unknown, RegExp]>([
    ['that is text', decoder.decode(whole), /is not bytes/],
    ['that is an object', { v: 1, at: AT, events: [] }, /is not bytes/],
    ['that is nothing', undefined, /is not bytes/],
    ['that is null', null, /is not bytes/],
    ['without bytes', new Uint8Array(), /has no header line/],
    ['whose header has no end', new Uint8Array(100_000).fill(0x20), /has no header line/],
    ['whose header is over-long', written(`${' '.repeat(8_000)}{}`), /has no header line/],
    ['whose header is not UTF-8', Uint8Array.of(0x22, 0xff, 0x22, 0x0a), /header is not JSON/],
    ['whose header is empty', written(''), /header is not JSON/],
    ['whose header is not JSON', written('{"v":1,'), /header is not JSON/],
    ['whose header is null', written('null'), /header is not one of version 1/],
    ['whose header is a list', written([]), /header is not one of version 1/],
    ['of a later version', written({ v: 2, at: AT, events: [[ID, 3]] }), /header is not one of version 1/],
    ['of no version', written({ at: AT, events: [[ID, 3]] }), /header is not one of version 1/],
    ['without a time', written({ v: 1, events: [[ID, 3]] }), /header is not one of version 1/],
    ['whose time is text', written({ v: 1, at: 'now', events: [[ID, 3]] }), /header is not one of version 1/],
    ['whose time is a fraction', written({ v: 1, at: 0.5, events: [[ID, 3]] }), /header is not one of version 1/],
    ['without a list of events', written({ v: 1, at: AT }), /header is not one of version 1/],
    ['whose list is empty', written({ v: 1, at: AT, events: [] }, ''), /header is not one of version 1/],
    ['with an event that is no pair', written({ v: 1, at: AT, events: [ID] }), /header is not one of version 1/],
    ['with an event that is null', written({ v: 1, at: AT, events: [null] }), /header is not one of version 1/],
    ['with an event without id', written({ v: 1, at: AT, events: [[7, 3]] }), /header is not one of version 1/],
    ['with an event without length', written({ v: 1, at: AT, events: [[ID]] }), /header is not one of version 1/],
    ['with an event of no bytes', written({ v: 1, at: AT, events: [[ID, 0]] }, ''), /header is not one of version 1/],
    [
      'with a negative length',
      written({
        v: 1,
        at: AT,
        events: [
          [ID, 5],
          [ID, -2],
        ],
      }),
      /header is not one of version 1/,
    ],
    ['with a length that is a fraction', written({ v: 1, at: AT, events: [[ID, 1.5]] }), /header is not one of version 1/],
    ['with a length that is text', written({ v: 1, at: AT, events: [[ID, '3']] }), /header is not one of version 1/],
    ['with a length beyond its bytes', written({ v: 1, at: AT, events: [[ID, 4]] }), /has \d+ bytes, its header says \d+/],
    ['with a length beyond all bytes', written({ v: 1, at: AT, events: [[ID, 2 ** 53 - 1]] }), /has \d+ bytes, its header says \d+/],
    ['with a length short of its bytes', written({ v: 1, at: AT, events: [[ID, 2]] }), /has \d+ bytes, its header says \d+/],
  ])('%s', (_what, body, says) => {
    expect(() => decodeEventMessage(body)).toThrow(says);
    expect(() => decodeEventMessage(body)).toThrow(Error);
  });

  it('or read as events that its bytes hold, whatever is done to it', () => {
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.nat(255), fc.nat(5), (at, byte, removed) => {
        const damaged = Uint8Array.from([...whole].toSpliced(at, removed, byte));
        try {
          const { events } = decodeEventMessage(damaged);
          const lineEnd = damaged.indexOf(0x0a);
          expect(events.reduce((sum, event) => sum + event.payload.length, lineEnd + 1)).toBe(damaged.length);
        } catch (error) {
          if (!(error instanceof Error) || error.name === 'AssertionError') throw error;
          expect(error.message).toMatch(/^the message/);
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
