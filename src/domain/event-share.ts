import { keepNewest } from '../newest.ts';
import { MAX_EVENTS } from './event.ts';

/** Most organizations remembered; the longest unheard go first. */
const MAX_ENTRIES = 10_000;

/** What an organization may send at once: so many seconds of its share, and an array of events in any case. */
const BURST_SECONDS = 2;

interface Entry {
  /** What is left of the share, in events. */
  left: number;
  at: number;
  beyond: boolean;
}

/**
 * Who sends more than a share of events: `perSecond` for each organization, and two seconds of it or an array at once. One that has
 * gone beyond is so until half of what it may send at once has come back, so that its events do not change between two ways all
 * the time.
 */
export class EventShares {
  readonly #perSecond: number;
  readonly #atOnce: number;
  readonly #entries = new Map<string, Entry>();

  /** @param perSecond events a second that are an organization's share */
  constructor(perSecond: number) {
    this.#perSecond = perSecond;
    this.#atOnce = Math.max(perSecond * BURST_SECONDS, MAX_EVENTS);
  }

  /** Counts events of an organization. Returns whether it is beyond its share with them. */
  isBeyond(organizationId: string, events: number, now: number): boolean {
    const most = this.#atOnce;
    const { left, at, beyond } = this.#entries.get(organizationId) ?? { left: most, at: now, beyond: false };
    const remaining = Math.min(most, left + (Math.max(0, now - at) / 1_000) * this.#perSecond) - events;
    const isBeyond = remaining < 0 || (beyond && remaining < most / 2);
    // Moved to the end: the first is the longest unheard.
    this.#entries.delete(organizationId);
    this.#entries.set(organizationId, { left: Math.max(0, remaining), at: now, beyond: isBeyond });
    keepNewest(this.#entries, MAX_ENTRIES);
    return isBeyond;
  }
}
