import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { type AttemptRecord, acceptedOf, type Contents, type NewDelivery, sizeOf } from '../../domain/delivery/delivery.ts';
import type { DeliveryState } from '../../domain/delivery/lifecycle.ts';
import { type Who, whoOfBytes } from '../../domain/event/subject.ts';
import { countUse } from '../../domain/usage.ts';
import type { StoredDelivery } from '../books/delivery-row.ts';
import type { UseByDay } from '../books/kept-use.ts';

/** Between the acceptance of a bundle's first and last event: a delivery is looked for in the bundles of so long before it. */
export const MAX_SPAN_MS = 1_000;
/** Before compression. Durable Objects: 2 MB a row. */
const MAX_BYTES = 1_000_000;

/** A delivery with all that the log has of it. */
export interface BundledDelivery {
  delivery: NewDelivery;
  state: DeliveryState;
  /** In an open bundle: what is to be said of the attempt that runs, should nobody learn how it ended; null where none does. */
  attempt: AttemptRecord | null;
}

/** One that was delivered at its first attempt. */
export interface ArchivedDelivery extends BundledDelivery {
  attempt: AttemptRecord;
}

/**
 * Deliveries as one row: what a list shows of them, then their payloads and attempts one after the other, and after all of these what was
 * accepted of those that were rendered, where versions before do not look; compressed: to half, so that three rows of one delivery fit into a
 * page of the database where it was one with its overflow.
 */
export interface Bundle {
  firstAt: number;
  lastAt: number;
  /** Of its deliveries, in its order. */
  ids: readonly string[];
  heads: string;
  bodies: Uint8Array;
}

/**
 * What a list shows of a delivery, and how long its payload, its attempt and what was accepted are; then whom it is about, which a search reads
 * without opening the bundle. Versions before have left that out, and also the length of what was accepted where that is the payload. Last, where
 * another webhook counts its event, that it does. The rest of its state is that of all of them.
 */
type Head = [
  createdAt: number,
  id: string,
  eventId: string,
  event: string,
  sessionId: string | null,
  expiresAt: number,
  finishedAt: number | null,
  lastResponseStatus: number | null,
  lastDurationMs: number | null,
  payloadBytes: number,
  attemptBytes: number,
  acceptedBytes?: number,
  who?: WhoParts | null,
  isCountedElsewhere?: true,
];
type WhoParts = [name: string, email: string, company: string, domain: string];

/**
 * Said for the length of what was accepted where that is the payload. A version that is rolled back to finds no such length in the bundle, and
 * takes what follows it from the head: as it does where a version before it has left out what was accepted.
 */
const AS_SENT = 1e21;
/** What the heads end with where the last does not say whom it is about. */
const ENDS_UNTOLD = /\d\]\]$/;
/** A head of which a version that was rolled back to has taken that. */
const UNTOLD = `,${JSON.stringify(AS_SENT)}]`;

interface Part extends Pick<Contents, 'payload' | 'accepted'> {
  head: Head;
  attempt: Uint8Array;
}

const NOTHING = new Uint8Array();
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Packs deliveries into as few bundles as their day, their time and their size permit. */
export function bundlesOf(deliveries: readonly BundledDelivery[], dayOf: (at: number) => number): Bundle[] {
  const bundles: Part[][] = [];
  let bytes = 0;
  for (const part of deliveries.map(partOf).sort((a, b) => a.head[0] - b.head[0])) {
    const first = bundles.at(-1)?.[0]?.head[0];
    const [at] = part.head;
    const size = sizeOf(part) + part.attempt.length + encoder.encode(JSON.stringify(part.head)).length;
    const fits = first !== undefined && at - first <= MAX_SPAN_MS && dayOf(at) === dayOf(first) && bytes + size <= MAX_BYTES;
    if (!fits) bundles.push([]);
    bundles.at(-1)?.push(part);
    bytes = fits ? bytes + size : size;
  }
  return bundles.map(bundleOf);
}

/** Deliveries of which it is known that they fit into one bundle. */
export function bundleOfAll(deliveries: readonly BundledDelivery[]): Bundle {
  return bundleOf(deliveries.map(partOf).sort((a, b) => a.head[0] - b.head[0]));
}

/** A bundle's deliveries, without their payloads. */
export function headsOf(heads: string): StoredDelivery[] {
  return (JSON.parse(heads) as Head[]).map(
    ([createdAt, id, eventId, event, sessionId, expiresAt, finishedAt, lastResponseStatus, lastDurationMs, , , , who]) => ({
      ...{ createdAt, id, eventId, event, sessionId, who: who && toWho(who) },
      state: {
        ...{ status: 'delivered', reason: null, attemptCount: 1, failures: 0, dueAt: null, leasedAt: null, trigger: 'event' },
        ...{ expiresAt, finishedAt, lastResponseStatus, lastDurationMs },
      },
    }),
  );
}

/** Whether the heads of a bundle say of all of its deliveries whom they are about. It can say no where they do. */
export function areTold(heads: string): boolean {
  return !ENDS_UNTOLD.test(heads) && !heads.includes(UNTOLD);
}

/** A bundle's deliveries with whom they are about, whatever version has made it. @param read is told how many bytes were read for that */
export function toldHeadsOf(heads: string, bodies: ArrayBuffer, read: (bytes: number) => void): StoredDelivery[] {
  const contents = allContentsOf(heads, bodies);
  for (const each of contents.values()) read(sizeOf(each));
  return headsOf(heads).map((delivery) => {
    const carried = contents.get(delivery.id);
    return delivery.who !== undefined || !carried ? delivery : { ...delivery, who: whoOfBytes(acceptedOf(carried)) };
  });
}

function toWho([name, email, company, domain]: WhoParts): Who {
  return { name, email, company, domain };
}

/** Everything that is in an open bundle. */
export function openDeliveriesOf(heads: string, bodies: ArrayBuffer): { delivery: NewDelivery; attempt: AttemptRecord | null }[] {
  return partsOf(heads, bodies).map(({ head, payload, accepted, attempt }) => {
    const [acceptedAt, id, eventId, event, sessionId] = head;
    return {
      delivery: { id, eventId, event, sessionId, acceptedAt, payload, accepted, ...markOf(head) },
      attempt: attempt.length === 0 ? null : JSON.parse(decoder.decode(attempt)),
    };
  });
}

/** Counts the use of those of a bundle's deliveries that were accepted from a time to before another one. */
export function countHeads(uses: UseByDay, heads: string, from: number, to: number): void {
  for (const [at, , eventId, event, , , , , , , , , , isCountedElsewhere = false] of JSON.parse(heads) as Head[]) {
    // All of them took one attempt.
    if (at >= from && at < to) countUse(uses.of(at), { eventId, event, attemptCount: 1, isCountedElsewhere });
  }
}

/** What one of a bundle's deliveries carries, and its attempt. */
export function bodyOf(heads: string, bodies: ArrayBuffer, id: string): { contents: Contents; attempt: AttemptRecord } {
  const part = partsOf(heads, bodies).find(({ head }) => head[1] === id);
  if (!part) throw new Error(`delivery ${id} is not in its bundle`);
  return { contents: contentsOf(part), attempt: attemptOf(part) };
}

/** What each of a bundle's deliveries carries, by id. */
export function allContentsOf(heads: string, bodies: ArrayBuffer): Map<string, Contents> {
  return new Map(partsOf(heads, bodies).map((part) => [part.head[1], contentsOf(part)]));
}

function attemptOf({ attempt }: Part): AttemptRecord {
  return JSON.parse(decoder.decode(attempt));
}

function contentsOf({ payload, accepted }: Part): Contents {
  return accepted ? { payload, accepted } : { payload };
}

/** Some of a bundle's deliveries, and the bundle without them; null where these were all. */
export function split(heads: string, bodies: ArrayBuffer, ids: ReadonlySet<string>): { taken: ArchivedDelivery[]; rest: Bundle | null } {
  const parts = partsOf(heads, bodies);
  const stored = new Map(headsOf(heads).map((each) => [each.id, each]));
  const taken = parts.flatMap((part) => {
    const found = ids.has(part.head[1]) ? stored.get(part.head[1]) : undefined;
    if (!found) return [];
    const { id, eventId, event, sessionId, createdAt: acceptedAt, state } = found;
    const delivery = { id, eventId, event, sessionId, acceptedAt, ...contentsOf(part), ...markOf(part.head) };
    return { delivery, state, attempt: attemptOf(part) };
  });
  const rest = parts.filter(({ head }) => !ids.has(head[1]));
  return { taken, rest: rest.length === 0 ? null : bundleOf(rest) };
}

function partOf({ delivery, state, attempt }: BundledDelivery): Part {
  const { id, eventId, event, sessionId, acceptedAt, payload, accepted } = delivery;
  const { expiresAt, finishedAt, lastResponseStatus, lastDurationMs } = state;
  const text = attempt ? encoder.encode(JSON.stringify(attempt)) : NOTHING;
  const who = whoOfBytes(acceptedOf(delivery));
  const head: Head = [
    ...([acceptedAt, id, eventId, event, sessionId, expiresAt, finishedAt, lastResponseStatus, lastDurationMs] as const),
    payload.length,
    text.length,
    accepted?.length ?? AS_SENT,
    who && [who.name, who.email, who.company, who.domain],
  ];
  if (delivery.isCountedElsewhere) head.push(true);
  return { head, payload, accepted, attempt: text };
}

function markOf(head: Head): Pick<NewDelivery, 'isCountedElsewhere'> {
  return head[13] ? { isCountedElsewhere: true } : {};
}

function bundleOf(parts: readonly Part[]): Bundle {
  const bodies = new Uint8Array(parts.reduce((sum, part) => sum + sizeOf(part) + part.attempt.length, 0));
  let at = 0;
  const add = (bytes: Uint8Array) => {
    bodies.set(bytes, at);
    at += bytes.length;
  };
  for (const { payload, attempt } of parts) {
    add(payload);
    add(attempt);
  }
  for (const { accepted = NOTHING } of parts) add(accepted);
  const heads = parts.map(({ head }) => head);
  return {
    firstAt: Math.min(...heads.map(([at]) => at)),
    lastAt: Math.max(...heads.map(([at]) => at)),
    ids: heads.map(([, id]) => id),
    heads: JSON.stringify(heads),
    bodies: deflateRawSync(bodies),
  };
}

function partsOf(heads: string, bodies: ArrayBuffer): Part[] {
  const { buffer, byteOffset, byteLength } = inflateRawSync(new Uint8Array(bodies));
  // Not as Node's Buffer: a slice of one is a view, which holds all of it and takes it along in a call.
  const bytes = new Uint8Array(buffer, byteOffset, byteLength);
  let at = 0;
  const take = (length: number) => {
    at += length;
    return bytes.slice(at - length, at);
  };
  const parts: Part[] = (JSON.parse(heads) as Head[]).map((head) => ({ head, payload: take(head[9]), attempt: take(head[10]) }));
  for (const part of parts) {
    const acceptedBytes = part.head[11];
    if (acceptedBytes === undefined || acceptedBytes === AS_SENT) continue;
    // A version before that has taken another delivery out of the bundle has left these out, and their lengths in.
    if (at + acceptedBytes > bytes.length) part.head[11] = AS_SENT;
    else part.accepted = take(acceptedBytes);
  }
  return parts;
}
