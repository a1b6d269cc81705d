/*
 * What Cloudflare takes, as its documentation had it in November 2026 (queues/platform/limits, d1/platform/limits,
 * durable-objects/platform/limits), and what is taken for it where there is no number. Nothing of it could be tried here.
 */

/** Messages that a queue takes a second, and consumers that it runs at a time. */
export const QUEUE_MESSAGES = 5_000;
export const QUEUE_CONSUMERS = 250;
/** Bytes that a queue holds. */
export const QUEUE_BYTES = 25_000_000_000;

/** Requests a second that an object takes: a soft limit. */
export const OBJECT_CALLS = 1_000;
/** An outbox's log stops here (src/outbox/books/admission.ts). */
export const OUTBOX_BYTES = 8_000_000_000;

/** D1 is one thread. Assumed: what a read takes of it, by itself and for each organization; and the way there and back. */
export const D1_READ_MS = 0.5;
export const D1_ORGANIZATION_MS = 0.02;
export const D1_WAY_MS = 20;

/** Assumed: from a consumer to an outbox and back, beside what the outbox waits for. */
export const OBJECT_WAY_MS = 10;

/** Attempts at a time of one webhook (`MAX_CONCURRENCY`). */
export const MAX_CONCURRENCY = 100;

/** From this much of a limit on it is told: what is fuller has no room for a busy hour. */
export const FULL = 0.8;
