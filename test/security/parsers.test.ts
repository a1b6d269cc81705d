import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ApiError } from '../../src/api/errors.ts';
import { readCursor, writeCursor } from '../../src/api/parameters.ts';
import { eventsOf } from '../../src/consumer/fan-out.ts';
import { openSecret } from '../../src/db/secret-box.ts';
import { keyKind } from '../../src/domain/access/api-key.ts';
import { clientNetwork } from '../../src/domain/access/client-address.ts';
import { keptHeaders } from '../../src/domain/delivery/outcome.ts';
import { parseRetryAfter } from '../../src/domain/delivery/retry-schedule.ts';
import { checkEndpointUrl } from '../../src/domain/endpoint/endpoint-url.ts';
import { readEvents } from '../../src/domain/event/event.ts';
import { decodeEventMessage, encodeEventMessage } from '../../src/domain/event/event-message.ts';
import { checkAgainstSchema, schemaProblem } from '../../src/domain/event/event-schema.ts';
import { deliveryId, isKeyed, mintedAt } from '../../src/domain/ids.ts';
import { matcherOf, readCondition } from '../../src/domain/rules/condition.ts';
import { selectFields } from '../../src/domain/rules/fields.ts';
import { flatten } from '../../src/domain/rules/flat.ts';
import { parseDuration, parseDurations } from '../../src/domain/text/duration.ts';
import { parseIsoTime } from '../../src/domain/text/iso-time.ts';
import { importSigningKeys } from '../../src/domain/webhook/signature.ts';
import { parseSettings } from '../../src/settings.ts';
import { VARS } from '../domain/vars.ts';
import { anyText, nearly, nearlyObject, oddJson } from '../support/fuzz.ts';

/*
 * Every parser, fed what nobody should send: about 110,000 cases here, and the routes themselves in routes-fuzz.test.ts. What a parser may do
 * is to say what is wrong; what it throws beyond that would be a 500. A failure prints its seed and its smallest case.
 */

const encoder = new TextEncoder();

const EVENT = {
  event: 'visitor.identified',
  timestamp: '2026-11-23T14:05:09.000Z',
  organization_id: 'org_acme',
  session_id: 'ses_1',
  visitor: { email: 'jane.doe@example.com', first_name: 'Jane' },
  company: null,
  session: { pages_visited: 4 },
};
const eventText = fc.constantFrom(JSON.stringify(EVENT), JSON.stringify(EVENT, null, 2), JSON.stringify([EVENT, EVENT]));

/** Feeds a parser, so many times. */
function fuzz<T>(cases: number, inputs: fc.Arbitrary<T>, parse: (input: T) => void): void {
  fc.assert(fc.property(inputs, parse), { numRuns: cases });
}

/** What a parser throws to refuse is an error of this very class: a TypeError would be a slip. */
function refusesWith(kind: new (...args: never[]) => Error, parse: () => void): void {
  try {
    parse();
  } catch (error) {
    expect((error as Error).constructor).toBe(kind);
  }
}

describe('events', () => {
  const expectRead = (bytes: Uint8Array) => {
    const read = readEvents(bytes);
    if (!read.ok) {
      expect(read.error.message).not.toBe('');
      return;
    }
    for (const { payload, value } of read.events) {
      expect(JSON.parse(new TextDecoder().decode(payload))).toEqual(value);
      // What is made of an event is JSON, whatever ingest let in.
      const made = [
        selectFields(payload, ['visitor.email', 'session', '__proto__.a']),
        flatten(payload) ?? expect.fail('it is not too large'),
      ];
      for (const bytes of made) expect(JSON.parse(new TextDecoder().decode(bytes))).toMatchObject({ event: value.event });
    }
  };

  it('are read or refused: nearly right texts', () => {
    fuzz(20_000, nearly(eventText), (text) => expectRead(encoder.encode(text)));
  });

  it('are read or refused: objects with odd fields, alone and in arrays', () => {
    const objects = nearlyObject(EVENT);
    fuzz(12_000, fc.oneof(objects, fc.array(fc.oneof(objects, oddJson), { maxLength: 4 }), oddJson), (value) =>
      expectRead(encoder.encode(JSON.stringify(value))),
    );
  });

  it('are read or refused: bytes', () => {
    fuzz(5_000, fc.uint8Array({ maxLength: 200 }), expectRead);
  });
});

describe('queue messages', () => {
  const message = fc
    .array(nearly(eventText), { minLength: 1, maxLength: 3 })
    .map((texts) => texts.filter((text) => text !== ''))
    .filter((texts) => texts.length > 0)
    .map((texts) => {
      const events = texts.map((text, index) => ({ id: `evt_${index}`, payload: encoder.encode(text) }));
      return encodeEventMessage({ acceptedAt: 1_764_000_000_000, events });
    });
  const damage = fc.array(fc.tuple(fc.nat(300), fc.nat(255)), { maxLength: 4 });

  it('are decoded or refused with an Error that says why', () => {
    fuzz(10_000, fc.tuple(message, damage, fc.nat(40)), ([bytes, changes, cut]) => {
      const damaged = bytes.slice(0, Math.max(0, bytes.length - (cut > 20 ? cut - 20 : 0)));
      for (const [at, byte] of changes) damaged[at % Math.max(1, damaged.length)] = byte;
      refusesWith(Error, () => eventsOf({ failed: false, message: decodeEventMessage(damaged) }));
    });
  });

  it('are decoded or refused: headers and whatever else can be a body', () => {
    const header = nearlyObject({ v: 1, at: 1_764_000_000_000, events: [['evt_1', 2]] }).map((value) => `${JSON.stringify(value)}\n{}`);
    const bodies = fc.oneof(
      header.map((text) => encoder.encode(text)),
      anyText,
      oddJson,
    );
    fuzz(6_000, bodies, (body) => refusesWith(Error, () => decodeEventMessage(body)));
  });
});

describe('what requests carry', () => {
  it('cursors', () => {
    const cursors = nearly(fc.tuple(fc.nat(), anyText).map(([timeMs, id]) => writeCursor(timeMs, id)));
    const forged = oddJson.map((value) => Buffer.from(JSON.stringify(value)).toString('base64url'));
    fuzz(8_000, fc.oneof(cursors, forged, anyText), (cursor) => refusesWith(ApiError, () => readCursor(cursor)));
  });

  it('times', () => {
    const times = fc.constantFrom('2026-11-23T14:00:00Z', '2026-11-23', '2026-11-23T14:00:00.123456+01:30');
    fuzz(6_000, fc.oneof(nearly(times), anyText), (text) => {
      const timeMs = parseIsoTime(text);
      if (timeMs !== null) expect(Number.isSafeInteger(timeMs)).toBe(true);
    });
  });

  it('ids', () => {
    const ids = fc.constantFrom('evt_01JDCQ7Z8W5M3KXN4R2T6V9YBA', 'evt_Z1JDCQ7Z8W5M3KXN4R2T6V9YBA', 'dlv_7ZZZZZZZZZZZZZZZZZZZZZZZZZABCDEF');
    fuzz(5_000, fc.tuple(fc.oneof(nearly(ids), anyText), anyText), ([id, webhookId]) => {
      const mintedMs = mintedAt(id);
      if (mintedMs !== null) expect(Number.isSafeInteger(mintedMs)).toBe(true);
      expect(typeof isKeyed(id)).toBe('boolean');
      expect(deliveryId(id, webhookId)).toMatch(/^dlv_/);
    });
  });

  it('keys and addresses', () => {
    fuzz(3_000, fc.oneof(nearly(fc.constant(`bsk_live_${'0'.repeat(32)}`)), anyText), (text) => {
      if (keyKind(text) !== null) expect(text).toMatch(/^bsk_(live|ingest)_[0-9a-f]{32}$/);
    });
    fuzz(3_000, fc.oneof(nearly(fc.oneof(fc.ipV4(), fc.ipV6())), anyText), (address) => {
      expect(['string', 'object']).toContain(typeof clientNetwork(address));
    });
  });

  it("webhooks' URLs", () => {
    const urls = fc.oneof(
      fc.webUrl({ validSchemes: ['https'] }),
      fc.constantFrom('https://hooks.example.com:8443/in?x=1', 'https://127.0.0.1/'),
    );
    fuzz(6_000, fc.oneof(nearly(urls), anyText), (text) => {
      const checked = checkEndpointUrl(text, { ownHosts: ['own.example.com'], allowInsecure: false });
      if (!checked.ok) return;
      expect(checked.url.protocol).toBe('https:');
      expect(checked.url.hostname).toMatch(/^[a-z0-9.-]+\.[a-z][a-z0-9-]*\.?$/);
    });
  });

  it('event schemas, and events checked against them', () => {
    const keywords = [
      'type',
      'properties',
      'required',
      'items',
      'pattern',
      '$ref',
      '$defs',
      'enum',
      'allOf',
      'not',
      'minLength',
      'format',
    ] as const;
    const values = fc.oneof(oddJson, fc.constantFrom('string', '#', '#/$defs/a', ['a'], { a: { $ref: '#' } }, '^(a+)$', '('));
    const schemas = fc.dictionary(fc.constantFrom(...keywords), values, { maxKeys: 5 });
    fuzz(4_000, fc.tuple(schemas, nearlyObject(EVENT)), ([schema, event]) => {
      if (schemaProblem(schema) === null) expect(checkAgainstSchema(schema, event, 1_000)).toBeInstanceOf(Array);
    });
  });
});

describe('what endpoints answer', () => {
  it('Retry-After', () => {
    const valid = fc.constantFrom('120', 'Wed, 25 Nov 2026 10:00:00 GMT', 'Wednesday, 25-Nov-26 10:00:00 GMT', 'Wed Nov 25 10:00:00 2026');
    fuzz(6_000, fc.oneof(nearly(valid), anyText), (header) => {
      const waitMs = parseRetryAfter(header, 1_764_000_000_000);
      if (waitMs !== null) expect(waitMs).toBeGreaterThanOrEqual(0);
    });
  });

  it('headers', () => {
    const name = fc.constantFrom('x-a', '__proto__', 'constructor', 'set-cookie', 'hasownproperty', 'retry-after');
    const value = fc.string({ maxLength: 3_000 });
    fuzz(1_000, fc.array(fc.tuple(name, value), { maxLength: 80 }), (pairs) => {
      const headers = new Headers();
      for (const [each, text] of pairs) headers.append(each, text);
      const kept = keptHeaders(headers);
      expect(Object.getPrototypeOf(kept)).toBe(Object.prototype);
      for (const text of Object.values(kept)) expect(text.length).toBeLessThanOrEqual(1_001);
    });
  });
});

describe('filters', () => {
  const LEAF = { field: 'visitor.email', operator: 'one_of', value: ['jane.doe@example.com', 1] };
  const leaves = nearlyObject(LEAF);
  const filters = fc.oneof(
    leaves,
    nearlyObject({ all: [LEAF, { not: LEAF }] }),
    fc.record({ any: fc.array(fc.oneof(leaves, oddJson)) }),
    oddJson,
  );

  it('are read or refused, and what is read can be tried on anything', () => {
    fuzz(4_000, fc.tuple(filters, oddJson), ([filter, event]) => {
      const { condition, issues } = readCondition(filter);
      expect(condition === null).toBe(issues.length > 0);
      for (const { field, message } of issues) expect([field.startsWith('filter'), message !== '']).toEqual([true, true]);
      if (condition) expect(matcherOf(condition).failed(event).length === 0).toBe(matcherOf(condition).matches(event));
    });
  });
});

describe('what operators write', () => {
  it('settings: an error names the var, and quotes no secret', () => {
    const SECRETS = { PLATFORM_API_KEY: 'bsk_platform_that_nobody_may_see', MASTER_KEY: 'a-master-key-that-nobody-may-see' };
    const changed = fc.tuple(
      fc.constantFrom(...Object.keys(VARS)),
      fc.oneof(anyText, nearly(fc.constantFrom('1m,5m,30m', '30s', '30', ',', 'a,b,c'))),
    );
    fuzz(5_000, fc.array(changed, { maxLength: 3 }), (changes) => {
      const written = { ...VARS, ...SECRETS, ...Object.fromEntries(changes) };
      try {
        parseSettings(written);
      } catch (error) {
        const { message } = error as Error;
        expect(message).toMatch(/^[A-Z_]+(: | is not set)/);
        for (const secret of Object.values(SECRETS)) expect(message).not.toContain(secret);
      }
    });
  });

  it('durations', () => {
    fuzz(2_000, fc.oneof(nearly(fc.constantFrom('30s', '1m,5m,30m', '500ms')), anyText), (text) => {
      refusesWith(RangeError, () => parseDuration(text));
      refusesWith(RangeError, () => parseDurations(text));
    });
  });
});

describe('secrets', () => {
  it('are imported, whatever their characters', async () => {
    const secrets = fc.oneof(
      nearly(fc.constant('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw')),
      anyText.filter((text) => text !== ''),
    );
    await fc.assert(
      fc.asyncProperty(secrets, async (secret) => {
        // An empty key is no key: secrets have a character at least.
        if (secret !== '') await importSigningKeys(secret);
      }),
      { numRuns: 1_500 },
    );
  });

  it('that were tampered with do not open', async () => {
    const sealed = 'v1:00000000:AAAAAAAAAAAAAAAA:AAAAAAAAAAAAAAAAAAAAAAAAAAAA';
    await fc.assert(
      fc.asyncProperty(fc.oneof(nearly(fc.constant(sealed)), anyText), async (text) => {
        await expect(openSecret(['a master key'], 'whk_1', text)).rejects.toThrow();
      }),
      { numRuns: 1_000 },
    );
  });
});
