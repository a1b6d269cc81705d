import { keepNewest } from '../newest.ts';

/** Patience with an endpoint of which nothing is known yet. */
const UNKNOWN_PATIENCE_MS = 100;
/** Patience is this many times what an endpoint usually takes, within these bounds. */
const PATIENCE_FACTOR = 4;
const LEAST_PATIENCE_MS = 20;
/**
 * An endpoint that takes longer is its outbox's: every batch with one of its events would last as long as it does. (Measured:
 * endpoints that answer after 1.5 s held the others up by 2.4 s at p50 while this was 2 s.)
 */
export const MOST_PATIENCE_MS = 500;
/** How far one answer takes what is usual towards itself: a slower one farther, and not all the way, since it may be our own stall. */
const LOWERING = 0.2;
const RAISING = 0.5;
/** How long the fast path keeps off an endpoint that did not answer in time, and off one that failed twice in a row. */
const OFF_AFTER_SLOW_MS = 60_000;
const OFF_AFTER_FAILURES_MS = 10_000;
const OFF_AFTER_FAILURES = 2;
/** Most webhooks remembered; the longest unused go first. */
const MAX_ENTRIES = 10_000;

interface Entry {
  usualMs: number | null;
  failures: number;
  offUntil: number;
}

const UNKNOWN: Entry = { usualMs: null, failures: 0, offUntil: 0 };

/**
 * What an isolate has seen of endpoints lately, so that a batch waits for an attempt only as long as that endpoint usually
 * takes: the queue's next batch may stand behind it. One that suddenly hangs costs a batch tens of milliseconds, once; from
 * then on its deliveries go to its outbox, before D1 says that it is failing.
 */
export class EndpointMemory {
  readonly #entries = new Map<string, Entry>();

  /** How long an attempt may take before it is leased, milliseconds. */
  patienceMs(webhookId: string): number {
    const { usualMs } = this.#of(webhookId);
    if (usualMs === null) return UNKNOWN_PATIENCE_MS;
    return Math.min(Math.max(usualMs * PATIENCE_FACTOR, LEAST_PATIENCE_MS), MOST_PATIENCE_MS);
  }

  /** Whether the fast path is to leave this webhook to its outbox for now. */
  isOff(webhookId: string, now: number): boolean {
    return this.#of(webhookId).offUntil > now;
  }

  /** An attempt ended, `tookMs` after it began, with the response's body read and without what the isolate itself was late by. */
  ended(webhookId: string, tookMs: number, succeeded: boolean, now: number): void {
    const entry = this.#of(webhookId);
    const { usualMs } = entry;
    const failures = succeeded ? 0 : entry.failures + 1;
    const offMs = tookMs > MOST_PATIENCE_MS ? OFF_AFTER_SLOW_MS : failures >= OFF_AFTER_FAILURES ? OFF_AFTER_FAILURES_MS : 0;
    this.#put(webhookId, {
      usualMs: usualMs === null ? tookMs : usualMs + (tookMs > usualMs ? RAISING : LOWERING) * (tookMs - usualMs),
      failures,
      offUntil: now + offMs,
    });
  }

  /** An attempt has not ended in time. */
  slow(webhookId: string, now: number): void {
    this.#put(webhookId, { ...this.#of(webhookId), offUntil: now + OFF_AFTER_SLOW_MS });
  }

  #of(webhookId: string): Entry {
    return this.#entries.get(webhookId) ?? UNKNOWN;
  }

  #put(webhookId: string, entry: Entry): void {
    this.#entries.delete(webhookId);
    this.#entries.set(webhookId, entry);
    keepNewest(this.#entries, MAX_ENTRIES);
  }
}
