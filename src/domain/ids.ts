import { decodeTime, encodeTime, monotonicFactory } from 'ulid';
import { sha256 } from './access/sha256.ts';
import { toHex } from './text/encoding.ts';

/*
 * Ids are a prefix and 26 characters of Crockford base32 (a delivery's has 32). A minted id is a ULID: it sorts by the millisecond it was made in,
 * and two made by one isolate in the same millisecond keep their order. A derived id is a hash, and starts with Z, which no
 * ULID does (their first character ends at 7), so that the two kinds can be told apart.
 */
export const ID_PREFIXES = {
  event: 'evt',
  delivery: 'dlv',
  webhook: 'whk',
  apiKey: 'key',
  request: 'req',
  auditEntry: 'aud',
  erasure: 'ers',
} as const;

/** An organization's id is chosen by who puts it. */
export const ORGANIZATION_ID = /^[A-Za-z0-9_.:-]{1,128}$/;
export const ORGANIZATION_ID_FORM = 'an organization id has 1 to 128 characters: letters, digits and _ . : -';

export type IdKind = keyof typeof ID_PREFIXES;

const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const ULID_LENGTH = 26;
/** The library's own test lets through what its decodeTime then throws at. */
const ULID = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;
/** Minted or derived; of a test it says so. */
const EVENT_ID = /^evt_(?:test_)?[0-9A-HJKMNP-TV-Z]{26}$/;
const DERIVED_MARK = 'Z';
/** What the id of a test's event begins with: it is signed with every attempt, so that nobody takes a test for an event. */
const TEST_EVENT = `${ID_PREFIXES.event}_test_`;
/** Random bytes a good many at a time: the library asks for them one by one. */
const pool = new Uint8Array(512);
let used = pool.length;

/** 0 ≤ random < 1. */
function random(): number {
  if (used === pool.length) {
    crypto.getRandomValues(pool);
    used = 0;
  }
  return (pool[used++] as number) / 256;
}

const nextUlid = monotonicFactory(random);

/** A new id that sorts after every earlier one of this isolate. */
export function mintId(kind: IdKind, nowMs: number): string {
  return `${ID_PREFIXES[kind]}_${nextUlid(nowMs)}`;
}

/** What each id of a kind that is minted at a time, or later, sorts after, and each that was minted before does not. */
export function leastIdAt(kind: IdKind, timeMs: number): string {
  return `${ID_PREFIXES[kind]}_${encodeTime(timeMs)}`;
}

/** The id of a test's event. What has it is a test for good: nothing else is asked, wherever a test differs from an event. */
export function mintTestEventId(nowMs: number): string {
  return `${TEST_EVENT}${nextUlid(nowMs)}`;
}

/** Whether an event is a test, by its id. */
export function isTestEvent(eventId: string): boolean {
  return eventId.startsWith(TEST_EVENT);
}

/** The id of a test's event, where a version that did not mark it there has minted it. */
export function asTestEventId(eventId: string): string {
  return isTestEvent(eventId) ? eventId : `${TEST_EVENT}${afterPrefix(eventId)}`;
}

/**
 * The ids of events that came with an Idempotency-Key, in their order. Each is made of the organization, the key and the event's own bytes:
 * the same request gets the same ids without a look-up, however many of it race, and another body is another event. Where events are equal to
 * the byte, each further one of a request is told apart by how many there were before it: none of them is swallowed.
 */
export async function keyedEventIds(events: readonly KeyedEvent[], idempotencyKey: string): Promise<string[]> {
  const digests = await Promise.all(events.map(({ payload }) => sha256(payload)));
  const equal = new Map<string, number>();
  return await Promise.all(
    events.map(async ({ organizationId }, index) => {
      const source = JSON.stringify([organizationId, idempotencyKey, toHex(digests[index] as Uint8Array)]);
      const before = equal.get(source) ?? 0;
      equal.set(source, before + 1);
      return `${ID_PREFIXES.event}_${DERIVED_MARK}${base32(await sha256(before === 0 ? source : `${source}${before}`), 25)}`;
    }),
  );
}

/** What of an event its id is derived from. */
interface KeyedEvent {
  organizationId: string;
  payload: Uint8Array;
}

/** Whether an event's (or its delivery's) id was derived from an Idempotency-Key: such an event may have been accepted before. */
export function isKeyed(id: string): boolean {
  return id[ID_PREFIXES.event.length + 1] === DERIVED_MARK;
}

/**
 * The id of an event's delivery to a webhook: derived, so that recording one twice is a no-op. It is the event's id with six
 * characters of the webhook's, so that deliveries sort as their events do, tests among them.
 */
export function deliveryId(eventId: string, webhookId: string): string {
  return `${ID_PREFIXES.delivery}_${afterPrefix(eventId)}${webhookId.slice(-6)}`;
}

/** Whether a text is an event's id, whole: prefix, and as many characters as one has. */
export function isEventId(text: string): boolean {
  return EVENT_ID.test(text);
}

/** The millisecond that an event's or delivery's id was minted in; null for one that carries no time, or is no id. */
export function mintedAt(id: string): number | null {
  const ulid = afterPrefix(id).slice(0, ULID_LENGTH);
  return ULID.test(ulid) ? decodeTime(ulid) : null;
}

/** An event's or delivery's id without its prefix; a test's without the mark as well. */
function afterPrefix(id: string): string {
  return id.slice(isTestEvent(id) ? TEST_EVENT.length : ID_PREFIXES.event.length + 1);
}

/** The first `length` base32 characters of some bytes. */
function base32(bytes: Uint8Array, length: number): string {
  let characters = '';
  let buffered = 0;
  let bits = 0;
  for (const byte of bytes) {
    buffered = (buffered << 8) | byte;
    bits += 8;
    while (bits >= 5 && characters.length < length) {
      bits -= 5;
      characters += ALPHABET[(buffered >>> bits) & 31];
      buffered &= (1 << bits) - 1;
    }
  }
  return characters;
}
