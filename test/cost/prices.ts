import type { Operations } from './operations.ts';

/*
 * Cloudflare's list prices for what is beyond a plan's included amounts, US dollars, read in November 2026 from
 * developers.cloudflare.com: workers/platform/pricing, queues/platform/pricing, d1/platform/pricing and
 * durable-objects/platform/pricing. Enterprise contracts differ.
 */

/** Dollars a million. A queue's batch is a request of the Worker like any other (queues/configuration/consumer-concurrency). */
export const PER_MILLION: Readonly<Record<keyof Operations, number>> = {
  requests: 0.3,
  queueOperations: 0.4,
  d1RowsRead: 0.001,
  d1RowsWritten: 1,
  objectRequests: 0.15,
  rowsRead: 0.001,
  // Deletes are rows written, too.
  rowsWritten: 1,
};

/** Of an outbox's database: dollars for a gigabyte (10⁹ bytes) and a month. */
export const STORED_GB_MONTH = 0.2;

/** Not counted, since they are times: dollars for a million milliseconds of CPU, and for a million GB-s of an outbox at work. */
export const CPU_MILLION_MS = 0.02;
export const DURATION_MILLION_GB_S = 12.5;
/** What an outbox is billed for while it works, whatever it uses. */
export const OBJECT_GB = 0.128;

export function dollarsPerMillionEvents(operations: Operations, events: number): number {
  const names = Object.keys(PER_MILLION) as (keyof Operations)[];
  return names.reduce((sum, name) => sum + (operations[name] / events) * PER_MILLION[name], 0);
}

/** Dollars for keeping what a million events store for so many days. */
export function dollarsToKeep(bytesPerEvent: number, days: number): number {
  return (bytesPerEvent * 1_000_000 * STORED_GB_MONTH * (days / 30)) / 1_000_000_000;
}
