import { decodeTime, monotonicFactory } from 'ulid';
import { sha256 } from './sha256.ts';

/*
 * Ids are a prefix and 26 characters of Crockford base32 (a delivery's has 32). A minted id is a ULID: it sorts by the millisecond it was made in,
 * and two made by one isolate in the same millisecond keep their order. A derived id is a hash, and starts with Z, which no
 * ULID does (their first character ends at 7), so that the two kinds can be told apart.
 */
export const ID_PREFIXES = { event: 'evt', delivery: 'dlv', webhook: 'whk', apiKey: 'key', request: 'req' } as const;

export type IdKind = keyof typeof ID_PREFIXES;

const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const ULID_LENGTH = 26;
/** The library's own test lets through what its decodeTime then throws at. */
const ULID = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;
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
 * The id of an event that came with an Idempotency-Key: the same for the same organization, key and place in the array, so
 * that a repeated request needs no look-up to be answered with the ids of the first.
 */
export async function keyedEventId(organizationId: string, idempotencyKey: string, index: number): Promise<string> {
  const digest = await sha256(JSON.stringify([organizationId, idempotencyKey, index]));
  return `${ID_PREFIXES.event}_${DERIVED_MARK}${base32(digest, 25)}`;
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
