import { keyedHash } from './access/keyed-hash.ts';
import { VISITOR_ERASED } from './event/operational-event.ts';
import { foldedValue, type Person } from './event/person.ts';
import { toHex } from './text/encoding.ts';

/**
 * What became of the `visitor.erased` that tells a webhook's endpoint of an erased person whom it had received.
 * - `not_subscribed`: its webhook does not subscribe to it.
 * - `pending`: it waits, or is retried.
 * - `delivered`, `failed`: it has ended so.
 */
export const NOTIFIED = ['not_subscribed', 'pending', 'delivered', 'failed'] as const;

export type Notified = (typeof NOTIFIED)[number];

/** An erasure as an outbox is asked for it. */
export interface ErasureRequest extends Person {
  id: string;
  /** Milliseconds since the epoch. It is of events that were accepted until then. */
  requestedAt: number;
}

/** An erasure as an outbox keeps it, with how far it has come. Times are milliseconds since the epoch. */
export interface PersonErasure {
  id: string;
  field: string;
  /** Null once nothing is looked for any more. */
  value: string | null;
  /** Of the value, by a key of the outbox's: it tells the person's events that come later, though they were accepted before. */
  hash: Uint8Array;
  requestedAt: number;
  /** Deliveries that were in memory, or ran, when they were met: each is looked at again when it has ended. */
  left: readonly string[];
  /** Deliveries of the person that were found. */
  deliveries: number;
  /** Whether an attempt was made of any of them. */
  wasReceived: boolean;
  /** When the log was through. */
  walkedAt: number | null;
  /** When nothing was left to be looked at. */
  finishedAt: number | null;
  /** The delivery that tells the endpoint. */
  notice: string | null;
  notified: Notified | null;
  /** Whether D1 knows all of that. */
  isTold: boolean;
}

/** Of the service's own event that tells an endpoint whom to forget. */
export function visitorErased(organizationId: string, { id, field, value }: ErasureRequest, now: number): Record<string, unknown> {
  const timestamp = new Date(now).toISOString();
  return { event: VISITOR_ERASED, timestamp, organization_id: organizationId, erasure_id: id, field, value };
}

/** The hash of a person's value at a field, lower-case hex, by a key of the deployment's. */
export function hashOfPerson(key: string, field: string, value: string): string {
  return toHex(keyedHash(new TextEncoder().encode(`erased person\n${key}`), `${field}\n${foldedValue(value)}`));
}
