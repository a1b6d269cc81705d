import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type EventsError,
  type IncomingEvent,
  MAX_EVENT_BYTES,
  MAX_EVENT_DEPTH,
  MAX_EVENTS,
  type ReadEvents,
  readEvents,
} from '../../../src/domain/event/event.ts';
import { BUILT_IN_EVENT_TYPES } from '../../../src/domain/event/event-type.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

const VISITOR = {
  event: 'visitor.identified',
  timestamp: '2026-11-23T14:05:09.000Z',
  organization_id: 'org_acme',
  session_id: 'ses_1',
  visitor: { email: 'jane@example.com' },
};
const ORDER = { event: 'order.placed', timestamp: '2026-11-23T14:05:09Z', organization_id: 'org_acme' };

function read(body: unknown): ReadEvents {
  return readEvents(encoder.encode(typeof body === 'string' ? body : JSON.stringify(body)));
}

function accepted(result: ReadEvents): IncomingEvent[] {
  if (!result.ok) throw new Error(`refused: ${result.error.message}`);
  return result.events;
}

function refused(result: ReadEvents): EventsError {
  if (result.ok) throw new Error('accepted');
  return result.error;
}

function textOf(event: IncomingEvent | undefined): string {
  return decoder.decode(event?.payload);
}

/** An event of exactly so many bytes. */
function eventOfBytes(bytes: number): string {
  const around = JSON.stringify({ ...ORDER, padding: '' }).length;
  return JSON.stringify({ ...ORDER, padding: 'x'.repeat(bytes - around) });
}

/** An event that nests so many levels deep, itself the first. */
function eventOfDepth(depth: number): string {
  return JSON.stringify({ ...ORDER, deep: 0 }).replace('"deep":0', `"deep":${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}`);
}

describe('one event', () => {
  it('is read with what its delivery needs to know', () => {
    const result = read(VISITOR);
    expect(result).toMatchObject({ ok: true, array: false });
    expect(accepted(result)).toEqual([
      {
        organizationId: 'org_acme',
        event: 'visitor.identified',
        sessionId: 'ses_1',
        payload: encoder.encode(JSON.stringify(VISITOR)),
        value: VISITOR,
      },
    ]);
  });

  it('keeps the bytes of its body, white space around it included', () => {
    const body = `\n { "event":"order.placed", "timestamp":"2026-11-23T14:05:09Z","organization_id":"\\u006frg", "n":12345678901234567890 }\t`;
    const [event] = accepted(read(body));
    expect(textOf(event)).toBe(body);
    expect(event?.organizationId).toBe('org');
  });

  it('may have fields that nobody knows, inside and beside the known ones', () => {
    const body = { ...VISITOR, extra: [1], visitor: { shoe_size: 42 }, company: { x: null }, session: { y: {} }, __v: 1 };
    expect(textOf(accepted(read(body))[0])).toBe(JSON.stringify(body));
  });

  it('may have `company` and `session` that are null or missing', () => {
    expect(accepted(read({ ...VISITOR, company: null, session: null }))).toHaveLength(1);
    expect(accepted(read({ ...VISITOR, company: {}, session: {} }))).toHaveLength(1);
  });

  it('has no session id where the type does not ask for one', () => {
    expect(accepted(read(ORDER))[0]?.sessionId).toBeNull();
    expect(accepted(read({ ...ORDER, session_id: 5 }))[0]?.sessionId).toBeNull();
    expect(accepted(read({ ...ORDER, session_id: 'ses_2' }))[0]?.sessionId).toBe('ses_2');
  });

  it('of the catalogue, as its example shows it, is accepted', () => {
    for (const type of BUILT_IN_EVENT_TYPES) expect(accepted(read(type.example))[0]?.event).toBe(type.name);
  });

  it('has at most 100,000 bytes', () => {
    expect(accepted(read(eventOfBytes(MAX_EVENT_BYTES)))[0]?.payload).toHaveLength(100_000);
    const error = refused(read(eventOfBytes(MAX_EVENT_BYTES + 1)));
    expect(error.code).toBe('payload_too_large');
    expect(error.message).toMatch(/100001 bytes.*at most 100000/);
  });

  it('may begin with a byte order mark, which is not part of it', () => {
    const text = JSON.stringify(ORDER);
    for (const body of [text, ` ${text}`, `[${text}]`]) {
      const [event] = accepted(read(`\ufeff${body}`));
      expect(textOf(event)).toBe(body.replace(/^\[|\]$/g, ''));
    }
    expect(accepted(read(`\ufeff${eventOfBytes(MAX_EVENT_BYTES)}`))[0]?.payload).toHaveLength(100_000);
  });

  it('may repeat other members, and names within its members: they pass as they are', () => {
    for (const more of [
      '"n":1,"n":2',
      '"visitor":{"event":1,"event":2},"list":[{"organization_id":1,"organization_id":2}]',
      '"__proto__":1',
    ]) {
      const body = `${JSON.stringify(ORDER).slice(0, -1)},${more}}`;
      expect(textOf(accepted(read(body))[0])).toBe(body);
      expect(textOf(accepted(read(`[${body}]`))[0])).toBe(body);
    }
  });

  it('may have half a surrogate pair, as an escape, in what passes through: its bytes are UTF-8 all the same', () => {
    const body = `${JSON.stringify(ORDER).slice(0, -1)},"first_name":"Zo\\ud83d","\\udc00":1}`;
    expect(textOf(accepted(read(body))[0])).toBe(body);
  });

  it('is measured in bytes, not in characters', () => {
    const wide = JSON.stringify({ ...ORDER, padding: '€'.repeat(33_400) });
    expect(wide.length).toBeLessThan(MAX_EVENT_BYTES);
    expect(refused(read(wide)).code).toBe('payload_too_large');
  });

  it('nests at most 100 levels deep', () => {
    expect(accepted(read(eventOfDepth(MAX_EVENT_DEPTH)))).toHaveLength(1);
    const error = refused(read(eventOfDepth(MAX_EVENT_DEPTH + 1)));
    expect(error).toMatchObject({ code: 'validation_failed', issues: [{ field: '' }] });
    expect(error.message).toMatch(/deeper than 100 levels/);
    expect(error.issues[0]).not.toHaveProperty('index');
  });
});

describe('an array', () => {
  it('keeps the order and the exact bytes of its events', () => {
    const first = JSON.stringify(VISITOR);
    const second = `{ "event" : "order.placed","timestamp":"2026-11-23T14:05:09Z","organization_id":"org_b","total":1.10,"text":"\\u00e9 ] , é" }`;
    const result = read(` [ ${first}\n ,\t${second} ] `);
    expect(result).toMatchObject({ ok: true, array: true });
    expect(accepted(result).map(textOf)).toEqual([first, second]);
    expect(accepted(result).map((event) => event.organizationId)).toEqual(['org_acme', 'org_b']);
  });

  it('of one event is an array', () => {
    expect(read([ORDER])).toMatchObject({ ok: true, array: true });
  });

  it('holds up to 100 events', () => {
    expect(accepted(read(Array(MAX_EVENTS).fill(ORDER)))).toHaveLength(100);
    const error = refused(read(Array(MAX_EVENTS + 1).fill(ORDER)));
    expect(error.code).toBe('validation_failed');
    expect(error.message).toMatch(/has 101 events; at most 100/);
  });

  it('is not empty', () => {
    expect(refused(read([]))).toMatchObject({ code: 'validation_failed', message: 'the array is empty' });
  });

  it('is refused whole for one bad event, whose place is named', () => {
    expect(refused(read([ORDER, VISITOR, { ...ORDER, event: 5 }]))).toMatchObject({
      code: 'validation_failed',
      message: 'Event 2: `event` is a number, not a string',
      issues: [{ index: 2, field: 'event' }],
    });
  });

  it('names every bad event and field, in order', () => {
    const error = refused(read([{ ...ORDER, event: '' }, ORDER, 7, { ...VISITOR, visitor: [], company: 'x' }]));
    expect(error.issues.map(({ index, field }) => [index, field])).toEqual([
      [0, 'event'],
      [2, ''],
      [3, 'visitor'],
      [3, 'company'],
    ]);
  });

  it('names no more than 20 issues, so that the answer stays smaller than the request', () => {
    expect(refused(read(Array(MAX_EVENTS).fill({}))).issues).toHaveLength(20);
  });

  it('has events of at most 100,000 bytes each, and names the one that is larger', () => {
    expect(accepted(read(`[${eventOfBytes(MAX_EVENT_BYTES)},${eventOfBytes(MAX_EVENT_BYTES)}]`))).toHaveLength(2);
    const error = refused(read(`[${JSON.stringify(ORDER)},${eventOfBytes(MAX_EVENT_BYTES + 1)}]`));
    expect(error).toMatchObject({ code: 'payload_too_large', issues: [{ index: 1 }] });
    expect(error.message).toMatch(/^Event 1 has 100001 bytes/);
  });

  it('has events that nest at most 100 levels deep each, and names the first that is deeper', () => {
    expect(accepted(read(`[${eventOfDepth(MAX_EVENT_DEPTH)}]`))).toHaveLength(1);
    const error = refused(read(`[${JSON.stringify(ORDER)},${eventOfDepth(MAX_EVENT_DEPTH + 1)}]`));
    expect(error).toMatchObject({ code: 'validation_failed', issues: [{ index: 1, field: '' }] });
    expect(error.message).toMatch(/^Event 1: .*deeper than 100 levels/);
  });
});

describe('a body is refused as malformed', () => {
  const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);
  const json = encoder.encode(JSON.stringify(ORDER));

  it.each<[string, Uint8Array, RegExp]>([
    ['that is empty', bytes(), /not JSON/],
    ['of white space', encoder.encode(' \n'), /not JSON/],
    ['that ends early', json.subarray(0, -1), /not JSON/],
    ['with something after the event', encoder.encode(`${JSON.stringify(ORDER)}x`), /not JSON/],
    ['of two events that no array holds', encoder.encode(`${JSON.stringify(ORDER)}\n${JSON.stringify(ORDER)}`), /not JSON/],
    ['with a trailing comma', encoder.encode(`[${JSON.stringify(ORDER)},]`), /not JSON/],
    ['with two byte order marks', bytes(0xef, 0xbb, 0xbf, 0xef, 0xbb, 0xbf, ...json), /not JSON/],
    ['of a byte order mark', bytes(0xef, 0xbb, 0xbf), /not JSON/],
    ['with a byte order mark within', encoder.encode(`[${JSON.stringify(ORDER)},\ufeff${JSON.stringify(ORDER)}]`), /not JSON/],
    ['with a byte order mark of UTF-16', bytes(0xff, 0xfe, ...[...json].flatMap((byte) => [byte, 0])), /not UTF-8/],
    ['in UTF-16', bytes(...[...json].flatMap((byte) => [byte, 0])), /not JSON/],
    ['with a byte that UTF-8 does not have', bytes(...json.subarray(0, -2), 0xff, 0x22, 0x7d), /not UTF-8/],
    ['with a character cut in half', bytes(...json.subarray(0, -2), 0xe2, 0x82, 0x22, 0x7d), /not UTF-8/],
    ['with an overlong encoding', bytes(...json.subarray(0, -2), 0xc0, 0xaf, 0x22, 0x7d), /not UTF-8/],
    ['with an encoded surrogate', bytes(...json.subarray(0, -2), 0xed, 0xa0, 0x80, 0x22, 0x7d), /not UTF-8/],
    ['that only opens brackets', new Uint8Array(250_000).fill(0x5b), /not JSON/],
  ])('%s', (_what, body, says) => {
    const error = refused(readEvents(body));
    expect(error.code).toBe('malformed_json');
    expect(error.message).toMatch(says);
    expect(error.message.length, 'the answer does not repeat the request').toBeLessThan(200);
  });
});

describe('an event is refused', () => {
  it.each<[string, unknown, string, RegExp]>([
    ['that is null', null, '', /not null/],
    ['that is a number', 5, '', /not a number/],
    ['that is a string', '"x"', '', /not a string/],
    ['that is a literal', true, '', /not a boolean/],
    ['without `event`', { ...ORDER, event: undefined }, 'event', /`event` is missing; it is a string/],
    ['whose `event` is null', { ...ORDER, event: null }, 'event', /`event` is null, not a string/],
    ['whose `event` is empty', { ...ORDER, event: '' }, 'event', /`event` is empty/],
    ['whose `event` is over-long', { ...ORDER, event: 'e'.repeat(257) }, 'event', /`event` is longer than 256 characters/],
    ['without `timestamp`', { ...ORDER, timestamp: undefined }, 'timestamp', /`timestamp` is missing/],
    ['whose `timestamp` is a number', { ...ORDER, timestamp: 1_764_000_000 }, 'timestamp', /is a number, not a string/],
    ['whose `timestamp` is no time', { ...ORDER, timestamp: 'yesterday' }, 'timestamp', /is not an ISO 8601 time/],
    ['whose `timestamp` is in no month', { ...ORDER, timestamp: '2026-13-01T00:00:00Z' }, 'timestamp', /is not an ISO 8601 time/],
    [
      'whose `timestamp` is a day that no month has',
      { ...ORDER, timestamp: '2026-02-31T00:00:00Z' },
      'timestamp',
      /is not an ISO 8601 time/,
    ],
    ['whose `timestamp` goes on', { ...ORDER, timestamp: '2026-11-23T14:05:09Z or so' }, 'timestamp', /is not an ISO 8601 time/],
    ['whose `timestamp` is words and a number', { ...ORDER, timestamp: 'week 5' }, 'timestamp', /is not an ISO 8601 time/],
    ['whose `timestamp` is an HTTP date', { ...ORDER, timestamp: 'Mon, 23 Nov 2026 14:05:09 GMT' }, 'timestamp', /is not an ISO 8601 time/],
    ['whose `timestamp` is seconds in a string', { ...ORDER, timestamp: '1764' }, 'timestamp', /is not an ISO 8601 time/],
    ['without `organization_id`', { ...ORDER, organization_id: undefined }, 'organization_id', /`organization_id` is missing/],
    ['whose `organization_id` is an object', { ...ORDER, organization_id: {} }, 'organization_id', /is an object, not a string/],
    ['whose `organization_id` is empty', { ...ORDER, organization_id: '' }, 'organization_id', /is empty/],
    ...[' ', 'a/b', ' org_acme', 'org_acme\n', 'orgé', 'o'.repeat(129), 'o\u0000', '\ud800'].map(
      (id): [string, unknown, string, RegExp] => [
        `whose \`organization_id\` can be none: ${JSON.stringify(id).slice(0, 20)}`,
        { ...ORDER, organization_id: id },
        'organization_id',
        /is not an organization id: an organization id has 1 to 128 characters/,
      ],
    ),
    ['whose `event` is not well-formed', { ...ORDER, event: 'order.\ud83d' }, 'event', /`event` is not well-formed Unicode/],
    ['whose `session_id` is not well-formed', { ...ORDER, session_id: '\udc00x' }, 'session_id', /`session_id` is not well-formed Unicode/],
    ['visitor.identified whose `session_id` is not well-formed', { ...VISITOR, session_id: 'a\ud800' }, 'session_id', /not well-formed/],
    ['that has `event` twice', '{"event":"a.b",'.concat(JSON.stringify(ORDER).slice(1)), 'event', /`event` is there more than once/],
    [
      'that has `event` twice, once in disguise',
      `${JSON.stringify(ORDER).slice(0, -1)},"\\u0065vent":"order.placed"}`,
      'event',
      /more than once/,
    ],
    [
      'that has `organization_id` twice, with other members between',
      `{"organization_id":"org_b","x":{"organization_id":1,"event":2},"y":[{}],${JSON.stringify(ORDER).slice(1)}`,
      'organization_id',
      /`organization_id` is there more than once/,
    ],
    ['whose `company` is a string', { ...ORDER, company: 'Acme' }, 'company', /is a string, not an object or null/],
    ['whose `session` is an array', { ...ORDER, session: [] }, 'session', /is an array, not an object or null/],
    ['whose `session_id` is over-long, whatever its type', { ...ORDER, session_id: 's'.repeat(257) }, 'session_id', /longer than 256/],
    ['visitor.identified without `session_id`', { ...VISITOR, session_id: undefined }, 'session_id', /`session_id` is missing/],
    ['visitor.identified whose `session_id` is a number', { ...VISITOR, session_id: 1 }, 'session_id', /is a number, not a string/],
    ['visitor.identified without `visitor`', { ...VISITOR, visitor: undefined }, 'visitor', /`visitor` is missing; it is an object/],
    ['visitor.identified whose `visitor` is null', { ...VISITOR, visitor: null }, 'visitor', /is null, not an object/],
    ['visitor.identified whose `visitor` is an array', { ...VISITOR, visitor: [] }, 'visitor', /is an array, not an object/],
  ])('%s', (_what, event, field, says) => {
    const alone = refused(read(event));
    expect(alone).toMatchObject({ code: 'validation_failed', issues: [{ field, message: expect.stringMatching(says) }] });
    expect(alone.issues[0]).not.toHaveProperty('index');
    expect(alone.message).toMatch(says);

    const source = typeof event === 'string' ? event : JSON.stringify(event);
    const second = refused(read(`[${JSON.stringify(ORDER)},${source}]`));
    expect(second).toMatchObject({ code: 'validation_failed', issues: [{ index: 1, field, message: expect.stringMatching(says) }] });
    expect(second.message).toMatch(/^Event 1: /);
  });

  it('that has nothing, with every field that it lacks', () => {
    expect(refused(read({})).issues.map(({ field }) => field)).toEqual(['event', 'timestamp', 'organization_id']);
  });

  it.each(['2026-11-23T14:05:09Z', '2026-11-23T14:05:09.123456Z', '2026-11-23T14:05:09+05:30', '2026-11-23T14:05Z', '2026-11-23'])(
    'but not for its timestamp where that is %s',
    (timestamp) => {
      expect(accepted(read({ ...ORDER, timestamp }))).toHaveLength(1);
    },
  );
});

describe('whatever the bytes', () => {
  /** Reads, and checks what every answer has. */
  function check(body: Uint8Array): void {
    const result = readEvents(body);
    if (!result.ok) {
      expect(result.error.message).not.toBe('');
      if (result.error.code === 'validation_failed') expect(result.error.issues).not.toHaveLength(0);
      return;
    }
    for (const event of result.events) {
      expect(JSON.parse(textOf(event)), 'the payload is the event').toEqual(event.value);
      expect(event.value).toMatchObject({ event: event.event, organization_id: event.organizationId });
    }
  }

  it('arbitrary ones do not throw', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array({ maxLength: 200 }),
          fc.json().map((text) => encoder.encode(text)),
        ),
        check,
      ),
      { numRuns: 2_000 },
    );
  });

  const mutation = fc.record({
    at: fc.nat(),
    remove: fc.nat(5),
    insert: fc.oneof(
      fc.uint8Array({ maxLength: 3 }),
      fc.constantFrom('"', '\\', ',', '[', ']', '{', '}', ':', 'null', '[]', '{}', '""').map((text) => encoder.encode(text)),
    ),
  });

  it('nor do valid events that were tampered with', () => {
    const bodies = [VISITOR, ORDER, [VISITOR, ORDER], [ORDER]].map((body) => encoder.encode(JSON.stringify(body)));
    fc.assert(
      fc.property(fc.constantFrom(...bodies), fc.array(mutation, { minLength: 1, maxLength: 4 }), (body, mutations) => {
        let bytes = [...body];
        for (const { at, remove, insert } of mutations) bytes = bytes.toSpliced(at % (bytes.length + 1), remove, ...insert);
        check(Uint8Array.from(bytes));
      }),
      { numRuns: 3_000 },
    );
  });

  it('nor do values of any type in the place of a field', () => {
    const field = fc.constantFrom(
      'event',
      'timestamp',
      'organization_id',
      'session_id',
      'visitor',
      'company',
      'session',
      '__proto__',
      'toString',
    );
    fc.assert(
      fc.property(field, fc.jsonValue(), (name, value) => {
        const { [name]: _, ...rest } = VISITOR as Record<string, unknown>;
        check(encoder.encode(`{${JSON.stringify(name)}:${JSON.stringify(value)},${JSON.stringify(rest).slice(1)}`));
      }),
      { numRuns: 1_000 },
    );
  });
});
