import type { Arrivals } from './arrivals.ts';
import type { Answered, Posted } from './load.ts';

/** An event that was accepted, and when its 202 was here. */
export interface Accepted {
  eventId: string;
  acceptedAt: number;
}

/** Those of an open loop. */
export function acceptedOf(posted: readonly Posted[]): Accepted[] {
  return posted.flatMap(({ eventId, acceptedAt }) => (eventId === null || acceptedAt === null ? [] : [{ eventId, acceptedAt }]));
}

/** Those of a closed loop. */
export function acceptedBy(answered: readonly Answered[]): Accepted[] {
  return answered.flatMap(({ eventIds, answeredAt }) => eventIds.map((eventId) => ({ eventId, acceptedAt: answeredAt })));
}

export function idsOf(accepted: readonly Accepted[]): string[] {
  return accepted.map(({ eventId }) => eventId);
}

export function lastAcceptedAt(accepted: readonly Accepted[]): number {
  return accepted.reduce((last, { acceptedAt }) => Math.max(last, acceptedAt), 0);
}

export function notArrived(accepted: readonly Accepted[], { first }: Arrivals): number {
  return accepted.filter(({ eventId }) => !first.has(eventId)).length;
}

/**
 * How long each took from its 202 to its arrival. One that did not arrive counts as if it had when the waiting ended: it took at
 * least that long, and left out it would make the others look better.
 */
export function waitsOf(accepted: readonly Accepted[], { first, until }: Arrivals): number[] {
  return accepted.map(({ eventId, acceptedAt }) => (first.get(eventId) ?? until) - acceptedAt);
}
