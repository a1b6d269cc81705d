/*
 * How many attempts at a time an endpoint takes, and how soon it usually answers. Additive increase and multiplicative decrease, as
 * TCP does it: the outbox finds out what an endpoint can take without being told.
 */

import { isUnreached } from '../delivery/edge-answer.ts';

/** Attempts at a time of an endpoint of which nothing is known yet: an outbox's own connections. */
export const FIRST_LIMIT = 5;
/** While an endpoint comes back from an outage it gets this many, and one more with each success. */
const GENTLE_LIMIT = 1;

/** How long a call waits for an endpoint of which nothing is known: DNS, TCP, TLS and an answer across an ocean. */
const UNKNOWN_PATIENCE_MS = 500;
/** Patience is this many times the usual latency, within these bounds. A new TLS connection alone takes three round trips. */
const PATIENCE_FACTOR = 4;
const LEAST_PATIENCE_MS = 200;
const MOST_PATIENCE_MS = 1_000;
/** Nobody waits for an endpoint that usually takes longer. */
const SLOW_FROM_MS = 500;
/** The usual latency of an endpoint that has just outlasted the patience with it, until its answers say otherwise. */
const LATE_MS = 1_000;

/** How far one answer moves the usual latency: a slower one farther than a faster one. */
const RAISING = 0.5;
const LOWERING = 0.2;
/** Latency holds while an answer takes no longer than this many times the best one, and this much more. */
const HOLDS_FACTOR = 3;
const HOLDS_MS = 100;
/** What one attempt adds to the share of silent ones, and how large it is when the endpoint has too much to do: two of about ten. */
const SILENCE_WEIGHT = 0.1;
const SILENT_FROM = 0.15;
/** What begins within this is not worth more connections: beyond an outbox's own each needs a courier's call, which is billed. */
const SOON_MS = 250;
/** The best latency is forgotten by so much with each answer, so that an endpoint that has moved is measured anew. */
const FORGETTING = 1.01;

/**
 * What an attempt's end says about how much the endpoint can take.
 * - `good`: it acknowledged.
 * - `pushback`: it asked for less (429, 503).
 * - `silence`: it did not answer in time, or at all. One alone among many answers says nothing: endpoints that take seconds now and then
 *   take too many, however little they have to do.
 * - `neither`: it answered something else.
 */
export type Verdict = 'good' | 'pushback' | 'silence' | 'neither';

/** What an attempt's response says. @param status null where there was none */
export function verdictOf(status: number | null): Verdict {
  if (status === null || isUnreached(status)) return 'silence';
  if (status === 429 || status === 503) return 'pushback';
  return status >= 200 && status < 300 ? 'good' : 'neither';
}

/** An endpoint's pace as its outbox has learned it. Times are milliseconds; the clock is an argument. */
export class EndpointPace {
  #limit: number;
  /** From here on the limit grows by one a round, no more by one a success. */
  #threshold = Number.POSITIVE_INFINITY;
  /** Attempts that began before this say nothing new about a limit that has shrunk since. */
  #shrunkAt = Number.NEGATIVE_INFINITY;
  #usualMs: number | null = null;
  #bestMs = Number.POSITIVE_INFINITY;
  /** The share of attempts that were not answered, of the latest ten or so. */
  #silent = 0;

  /** @param gently whether the endpoint was out of order when it was last seen */
  constructor(gently = false) {
    this.#limit = gently ? GENTLE_LIMIT : FIRST_LIMIT;
  }

  /** Attempts at a time. @param most what the deployment, or the webhook's owner, permits */
  limit(most: number): number {
    return Math.min(Math.floor(this.#limit), most);
  }

  /** How long a call may wait for attempts that have just begun; 0: the endpoint is known to be slow. */
  patienceMs(): number {
    if (this.#usualMs === null) return UNKNOWN_PATIENCE_MS;
    if (this.#usualMs > SLOW_FROM_MS) return 0;
    return Math.min(Math.max(this.#usualMs * PATIENCE_FACTOR, LEAST_PATIENCE_MS), MOST_PATIENCE_MS);
  }

  /** An attempt has outlasted the patience with it. */
  late(): void {
    this.#usualMs = Math.max(this.#usualMs ?? 0, LATE_MS);
  }

  /** Much is about to go out to an endpoint that may have just come back. */
  gently(now: number): void {
    this.#limit = GENTLE_LIMIT;
    this.#threshold = Number.POSITIVE_INFINITY;
    this.#shrunkAt = now;
  }

  /**
   * An attempt has ended.
   * @param attempt `tookMs`: until its response's headers. It ends when the body is here, or nobody waits for more of it.
   * @param most what the limit may grow to
   * @param waiting how many more would have run, had the limit been higher: a limit that is not reached says nothing
   */
  ended(attempt: { startedAt: number; tookMs: number; verdict: Verdict }, now: number, most: number, waiting: number): void {
    const { startedAt, tookMs, verdict } = attempt;
    this.#silent += SILENCE_WEIGHT * ((verdict === 'silence' ? 1 : 0) - this.#silent);
    const isTooMuch = verdict === 'pushback' || (verdict === 'silence' && this.#silent > SILENT_FROM);
    if (isTooMuch && startedAt > this.#shrunkAt) this.#shrink(now);
    if (verdict !== 'good') return;
    // A call waits for the whole of an attempt: an endpoint whose body dribbles is slow, however soon its headers come.
    const wholeMs = Math.max(tookMs, now - startedAt);
    const usualMs = this.#usualMs ?? wholeMs;
    this.#usualMs = usualMs + (wholeMs > usualMs ? RAISING : LOWERING) * (wholeMs - usualMs);
    // Where the clock stands still an answer takes no time at all, which nothing could be measured by.
    this.#bestMs = Math.max(1, Math.min(this.#bestMs * FORGETTING, tookMs));
    const holds = tookMs <= this.#bestMs * HOLDS_FACTOR + HOLDS_MS;
    if (!holds || !this.#isTooLow(waiting)) return;
    this.#limit = Math.min(most, this.#limit + (this.#limit < this.#threshold ? 1 : 1 / this.#limit));
  }

  /** Whether what waits would wait for long at this limit. */
  #isTooLow(waiting: number): boolean {
    if (this.#limit < FIRST_LIMIT) return waiting > 0;
    return (waiting * (this.#usualMs ?? 0)) / this.#limit > SOON_MS;
  }

  #shrink(now: number): void {
    this.#limit = Math.max(1, this.#limit / 2);
    this.#threshold = this.#limit;
    this.#shrunkAt = now;
  }
}
