import type { CostCase } from './cases.ts';
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

/** For a million GB-s of an object while anything of it is under way, whatever it uses of its memory. */
export const DURATION_MILLION_GB_S = 12.5;
export const OBJECT_GB = 0.128;

/** Not counted: for a million milliseconds of CPU. */
export const CPU_MILLION_MS = 0.02;

/**
 * Not counted: for a gigabyte of Workers Logs beyond 50 GB a month, from December 2026. Invocation logs are off (wrangler.toml), so that it
 * is for the lines alone that the Worker writes itself.
 */
export const LOGS_GB = 0.25;
/** About what a line about an attempt takes, with what the platform adds to it. */
export const LOG_LINE_BYTES = 1_000;

/** For a million times so many milliseconds of an object. */
export function dollarsPerMillionTimes(objectMs: number): number {
  return (objectMs / 1_000) * OBJECT_GB * DURATION_MILLION_GB_S;
}

export function dollarsPerMillionEvents(operations: Operations, events: number): number {
  const names = Object.keys(PER_MILLION) as (keyof Operations)[];
  return names.reduce((sum, name) => sum + (operations[name] / events) * PER_MILLION[name], 0);
}

/** Dollars for keeping what a million events store for so many days. */
export function dollarsToKeep(bytesPerEvent: number, days: number): number {
  return (bytesPerEvent * 1_000_000 * STORED_GB_MONTH * (days / 30)) / 1_000_000_000;
}

/** How long logs are kept in the tables. */
export const RETENTION_DAYS = 30;

/** What a million of a case's events cost: their operations, the time of objects, their log, and all of it. */
export function dollarsOf({ operations, events, storedBytes, objectMs }: CostCase) {
  const operated = dollarsPerMillionEvents(operations, events);
  const worked = dollarsPerMillionTimes(objectMs / events);
  const stored = dollarsToKeep(storedBytes / events, RETENTION_DAYS);
  return { operated, worked, stored, all: operated + worked + stored };
}
