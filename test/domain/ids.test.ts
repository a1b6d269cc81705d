import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  asTestEventId,
  deliveryId,
  ID_PREFIXES,
  isKeyed,
  isTestEvent,
  keyedEventIds,
  mintedAt,
  mintId,
  mintTestEventId,
} from '../../src/domain/ids.ts';

/** Ids of one isolate never sort backwards, so the tests take later and later times. */
let clock = Date.UTC(2026, 10, 23);

function later(): number {
  clock += 1_000;
  return clock;
}

const WEBHOOK = 'whk_01KANSGJE8XN3M7A4Q2T6V9YBC';

describe('a minted id', () => {
  it.each([
    ['event', 'evt'],
    ['delivery', 'dlv'],
    ['webhook', 'whk'],
    ['apiKey', 'key'],
    ['request', 'req'],
  ] as const)('of kind %s starts with %s_ and has 26 characters more', (kind, prefix) => {
    expect(mintId(kind, later())).toMatch(new RegExp(`^${prefix}_[0-7][0-9A-HJKMNP-TV-Z]{25}$`));
  });

  it('has a prefix that no other kind has', () => {
    const prefixes = Object.values(ID_PREFIXES);
    expect(new Set(prefixes).size).toBe(prefixes.length);
  });

  it('sorts after every earlier one, in the same millisecond too, and where the clock went back', () => {
    const now = later();
    const times = [...Array(500).fill(now), now + 1, ...Array(500).fill(now), now - 10_000, now + 2];
    const ids = times.map((nowMs) => mintId('event', nowMs));
    expect(ids).toEqual(ids.toSorted());
    expect(new Set(ids).size).toBe(ids.length);
    clock = now + 2;
  });

  it('tells when it was minted', () => {
    const now = later();
    expect(mintedAt(mintId('event', now))).toBe(now);
    expect(mintedAt(mintId('webhook', now))).toBe(now);
  });
});

describe('the id of an event with an Idempotency-Key', () => {
  const encoder = new TextEncoder();
  const anEvent = (organizationId: string, text: string) => ({ organizationId, payload: encoder.encode(text) });
  const idOf = async (organizationId: string, key: string, text: string) =>
    (await keyedEventIds([anEvent(organizationId, text)], key))[0] as string;

  it('has the form of an id, but can be told from a minted one', async () => {
    const keyed = await idOf('org_a', 'key-1', '{}');
    expect(keyed).toMatch(/^evt_Z[0-9A-HJKMNP-TV-Z]{25}$/);
    expect(isKeyed(keyed)).toBe(true);
    expect(isKeyed(deliveryId(keyed, WEBHOOK))).toBe(true);
    const minted = mintId('event', later());
    expect(isKeyed(minted)).toBe(false);
    expect(isKeyed(deliveryId(minted, WEBHOOK))).toBe(false);
  });

  it('carries no time', async () => {
    const keyed = await idOf('org_a', 'key-1', '{}');
    expect(mintedAt(keyed)).toBeNull();
    expect(mintedAt(deliveryId(keyed, WEBHOOK))).toBeNull();
  });

  it('stays what it is: a deploy must not let a repeated request through', async () => {
    // SHA-256 of ["org_a","key-1","<SHA-256 of {}, hex>"], in Crockford's base32, computed by other means.
    expect(await idOf('org_a', 'key-1', '{}')).toBe('evt_ZF3V6TC81827YDHFVQHX28RENN');
  });

  it('is the same for the same organization, key and bytes, and differs where one of them does', async () => {
    const part = fc.oneof(fc.string({ maxLength: 4 }), fc.constantFrom('a', 'b', 'a","b', '"', '1', '01', '{"a":1}', '{"a":1} '));
    const input = fc.tuple(part, part, part);
    await fc.assert(
      fc.asyncProperty(input, input, async (one, other) => {
        const same = JSON.stringify(one) === JSON.stringify(other);
        expect((await idOf(...one)) === (await idOf(...other))).toBe(same);
        expect(await idOf(...one)).toBe(await idOf(...one));
      }),
      { numRuns: 300 },
    );
  });

  it('is its own in an array, whatever else is in it; events that are equal to the byte are as many as there are', async () => {
    const events = fc.array(fc.constantFrom('{"n":1}', '{"n":2}', '{"n": 1}', '{"n":1}0', '{"n":1}1'), { minLength: 1, maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(events, async (texts) => {
        const ids = await keyedEventIds(
          texts.map((text) => anEvent('org_a', text)),
          'key-1',
        );
        expect(new Set(ids).size).toBe(texts.length);
        for (const [index, text] of texts.entries())
          if (texts.indexOf(text) === index) expect(ids[index]).toBe(await idOf('org_a', 'key-1', text));
        const reversed = await keyedEventIds(
          texts.toReversed().map((text) => anEvent('org_a', text)),
          'key-1',
        );
        expect(reversed.toSorted()).toEqual(ids.toSorted());
      }),
      { numRuns: 200 },
    );
  });
});

describe("a delivery's id", () => {
  const event = mintId('event', later());

  it('is derived: the same for the same event and webhook', () => {
    expect(deliveryId(event, WEBHOOK)).toBe(deliveryId(event, WEBHOOK));
    expect(deliveryId(event, WEBHOOK)).toMatch(/^dlv_[0-9A-HJKMNP-TV-Z]{32}$/);
  });

  it('differs between the webhooks of an event, also those that were made in one millisecond', () => {
    const now = later();
    const webhooks = Array.from({ length: 20 }, () => mintId('webhook', now));
    expect(new Set(webhooks.map((webhook) => deliveryId(event, webhook))).size).toBe(20);
  });

  it('differs between the events of a webhook', () => {
    expect(deliveryId(mintId('event', later()), WEBHOOK)).not.toBe(deliveryId(event, WEBHOOK));
  });

  it('sorts as its event, whatever the webhook', () => {
    const now = later();
    const events = [now, now, now, later(), later()].map((nowMs) => mintId('event', nowMs));
    const webhooks = events.map((_, index) => `whk_${String(9 - index).repeat(26)}`);
    const ids = events.map((id, index) => deliveryId(id, webhooks[index] as string));
    expect(ids.toSorted()).toEqual(ids);
  });

  it('tells when its event was accepted', () => {
    const now = later();
    expect(mintedAt(deliveryId(mintId('event', now), WEBHOOK))).toBe(now);
  });
});

describe("the id of a test's event", () => {
  it('says that it is one, and when it was minted', () => {
    const now = later();
    const id = mintTestEventId(now);
    expect(id).toMatch(/^evt_test_[0-7][0-9A-HJKMNP-TV-Z]{25}$/);
    expect([isTestEvent(id), mintedAt(id), isKeyed(id)]).toEqual([true, now, false]);
  });

  it('gives a delivery whose id has the form of any, and sorts among them', () => {
    const ids = [mintId('event', later()), mintTestEventId(later()), mintId('event', later())].map((event) => deliveryId(event, WEBHOOK));
    expect(ids.toSorted()).toEqual(ids);
    for (const id of ids) expect(id).toMatch(/^dlv_[0-9A-HJKMNP-TV-Z]{32}$/);
    expect(mintedAt(ids[1]!)).toBe(clock - 1_000);
  });

  it('is no other kind of id', async () => {
    const [keyed = ''] = await keyedEventIds([{ organizationId: 'org_a', payload: new Uint8Array() }], 'test_');
    for (const id of [mintId('event', later()), keyed, 'evt_test', 'dlv_test_01', '']) expect(isTestEvent(id)).toBe(false);
  });

  it('is made of one that was minted without the mark, once, and leads to the same delivery', () => {
    const id = mintId('event', later());
    const marked = asTestEventId(id);
    expect([isTestEvent(marked), asTestEventId(marked)]).toEqual([true, marked]);
    expect(deliveryId(marked, WEBHOOK)).toBe(deliveryId(id, WEBHOOK));
  });
});

describe('the time of what is no id', () => {
  it.each([
    '',
    'evt_',
    'evt_short',
    'dlv_../../etc',
    `evt_${'U'.repeat(26)}`,
    `evt_8${'0'.repeat(25)}`,
    `dlv_9${'Z'.repeat(31)}`,
    'x'.repeat(30),
  ])('is not known: %j', (id) => {
    expect(mintedAt(id)).toBeNull();
  });

  it('never throws', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(mintedAt(text)).toBeNull();
        expect(isKeyed(`evt_${text}`)).toBe(text[0] === 'Z');
      }),
    );
  });
});
