import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type { AttemptRecord, NewDelivery } from '../../domain/delivery.ts';
import type { DeliveryState } from '../../domain/lifecycle.ts';
import type { StoredDelivery } from '../books/delivery-row.ts';

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
 * Deliveries as one row: what a list shows of them, then their payloads and attempts one after the other, compressed: to half, so that
 * three rows of one delivery fit into a page of the database where it was one with its overflow.
 */
export interface Bundle {
  firstAt: number;
  lastAt: number;
  /** Of its deliveries, in its order. */
  ids: readonly string[];
  heads: string;
  bodies: Uint8Array;
}

/** What a list shows of a delivery, and how long its payload and its attempt are. The rest of its state is that of all of them. */
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
];

interface Part {
  head: Head;
  payload: Uint8Array;
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
    const size = part.payload.length + part.attempt.length;
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
    ([createdAt, id, eventId, event, sessionId, expiresAt, finishedAt, lastResponseStatus, lastDurationMs]) => ({
      ...{ createdAt, id, eventId, event, sessionId },
      state: {
        ...{ status: 'delivered', reason: null, attemptCount: 1, failures: 0, dueAt: null, leasedAt: null, trigger: 'event' },
        ...{ expiresAt, finishedAt, lastResponseStatus, lastDurationMs },
      },
    }),
  );
}

/** Everything that is in an open bundle. */
export function openDeliveriesOf(heads: string, bodies: ArrayBuffer): { delivery: NewDelivery; attempt: AttemptRecord | null }[] {
  return partsOf(heads, bodies).map(({ head: [acceptedAt, id, eventId, event, sessionId], payload, attempt }) => ({
    delivery: { id, eventId, event, sessionId, acceptedAt, payload },
    attempt: attempt.length === 0 ? null : JSON.parse(decoder.decode(attempt)),
  }));
}

/** The payload and the attempt of one of a bundle's deliveries. */
export function bodyOf(heads: string, bodies: ArrayBuffer, id: string): { payload: Uint8Array; attempt: AttemptRecord } {
  const part = partsOf(heads, bodies).find(({ head }) => head[1] === id);
  if (!part) throw new Error(`delivery ${id} is not in its bundle`);
  return { payload: part.payload, attempt: JSON.parse(decoder.decode(part.attempt)) };
}

/** The bundle without one of its deliveries; null where that was the only one. */
export function without(heads: string, bodies: ArrayBuffer, id: string): Bundle | null {
  const rest = partsOf(heads, bodies).filter(({ head }) => head[1] !== id);
  return rest.length === 0 ? null : bundleOf(rest);
}

function partOf({ delivery, state, attempt }: BundledDelivery): Part {
  const { id, eventId, event, sessionId, acceptedAt, payload } = delivery;
  const { expiresAt, finishedAt, lastResponseStatus, lastDurationMs } = state;
  const text = attempt ? encoder.encode(JSON.stringify(attempt)) : NOTHING;
  const head: Head = [
    ...([acceptedAt, id, eventId, event, sessionId, expiresAt, finishedAt, lastResponseStatus, lastDurationMs] as const),
    payload.length,
    text.length,
  ];
  return { head, payload, attempt: text };
}

function bundleOf(parts: readonly Part[]): Bundle {
  const bodies = new Uint8Array(parts.reduce((sum, { payload, attempt }) => sum + payload.length + attempt.length, 0));
  let at = 0;
  for (const { payload, attempt } of parts) {
    bodies.set(payload, at);
    bodies.set(attempt, at + payload.length);
    at += payload.length + attempt.length;
  }
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
  return (JSON.parse(heads) as Head[]).map((head) => {
    const [payloadBytes, attemptBytes] = [head[9], head[10]];
    const payload = bytes.slice(at, at + payloadBytes);
    const attempt = bytes.slice(at + payloadBytes, at + payloadBytes + attemptBytes);
    at += payloadBytes + attemptBytes;
    return { head, payload, attempt };
  });
}
