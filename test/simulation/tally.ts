import type { DeliveryState } from '../../src/domain/delivery/lifecycle.ts';
import { Durations } from './durations.ts';

const HOUR = 3_600_000;

/** What became of deliveries, in numbers. Each is counted once, where it ends or where the month finds it. */
interface Counts {
  webhooks: number;
  /** Accepted. */
  deliveries: number;
  delivered: number;
  exhausted: number;
  expired: number;
  gone: number;
  discarded: number;
  /** Still in the queue, held, scheduled or running when the month was over. */
  waiting: number;
  attempts: number;
  failedAttempts: number;
  /** The most attempts of one delivery. */
  mostAttempts: number;
  /** The most attempts at a time. */
  mostAtOnce: number;
  /** From acceptance to the beginning of the first attempt. */
  longestStartMs: number;
  /** From acceptance to the arrival of what was acknowledged. */
  longestArrivalMs: number;
  /** From acceptance to delivery. */
  longestDeliveryMs: number;
  /** Times that a circuit opened. */
  openings: number;
  /** Endpoints that are down for good: hours, attempts in them, and the most attempts in one hour after the first day. */
  deadHours: number;
  deadAttempts: number;
  mostInDeadHour: number;
}

export interface Tally extends Counts {
  /** From acceptance to the arrival of what was acknowledged. */
  arrivals: Durations;
}

export function emptyTally(): Tally {
  return {
    webhooks: 0,
    deliveries: 0,
    delivered: 0,
    exhausted: 0,
    expired: 0,
    gone: 0,
    discarded: 0,
    waiting: 0,
    attempts: 0,
    failedAttempts: 0,
    mostAttempts: 0,
    mostAtOnce: 0,
    longestStartMs: 0,
    longestArrivalMs: 0,
    longestDeliveryMs: 0,
    openings: 0,
    deadHours: 0,
    deadAttempts: 0,
    mostInDeadHour: 0,
    arrivals: new Durations(),
  };
}

/** Adds some deliveries to others: numbers add up, extremes are the greater one. */
export function addTo(sum: Tally, { arrivals, ...counts }: Tally): void {
  for (const [key, count] of Object.entries(counts) as [keyof Counts, number][]) {
    sum[key] = key.startsWith('most') || key.startsWith('longest') ? Math.max(sum[key], count) : sum[key] + count;
  }
  sum.arrivals.add(arrivals);
}

/** Deliveries that were accepted and are neither ended nor waiting. */
export function lost({ deliveries, delivered, exhausted, expired, gone, discarded, waiting }: Tally): number {
  return deliveries - delivered - exhausted - expired - gone - discarded - waiting;
}

/** Counts a delivery that has come to its end. */
export function countEnd(tally: Tally, { status, reason, attemptCount, finishedAt }: DeliveryState, acceptedAt: number): void {
  if (status === 'delivered') {
    tally.delivered++;
    tally.longestDeliveryMs = Math.max(tally.longestDeliveryMs, (finishedAt ?? acceptedAt) - acceptedAt);
  } else if (status === 'discarded') tally.discarded++;
  else if (reason === 'attempts_exhausted') tally.exhausted++;
  else if (reason === 'endpoint_gone') tally.gone++;
  else if (reason === 'expired') tally.expired++;
  else throw new Error(`a delivery ended as ${status}, ${reason}`);
  tally.mostAttempts = Math.max(tally.mostAttempts, attemptCount);
}

/** Counts how long a delivery took to arrive. */
export function countArrival(tally: Tally, ms: number): void {
  tally.arrivals.count(ms);
  tally.longestArrivalMs = Math.max(tally.longestArrivalMs, ms);
}

/** Attempts on an endpoint in each hour since it died. */
export class DeadHours {
  readonly #from: number;
  readonly #hours: Uint32Array;

  constructor(from: number, until: number) {
    this.#from = from;
    this.#hours = new Uint32Array(Math.ceil((until - from) / HOUR));
  }

  count(at: number): void {
    if (at >= this.#from) this.#hours[Math.floor((at - this.#from) / HOUR)]!++;
  }

  addTo(tally: Tally): void {
    tally.deadHours += this.#hours.length;
    tally.deadAttempts += this.#hours.reduce((sum, count) => sum + count, 0);
    tally.mostInDeadHour = Math.max(tally.mostInDeadHour, ...this.#hours.subarray(24));
  }
}
