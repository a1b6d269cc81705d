/** What Cloudflare bills of what the Worker does. CPU time is left out, and the objects' time is not counted but derived (cases.ts). */
export interface Operations {
  /** Invocations of the Worker: requests, and the queue's batches. */
  requests: number;
  /** Writes, reads and deletes of queue messages, in units of 64 kB. */
  queueOperations: number;
  d1RowsRead: number;
  d1RowsWritten: number;
  /** Calls of outboxes and of their couriers, the outboxes' alarms, and their calls of the Meter. */
  objectRequests: number;
  /** Of the outboxes' SQLite: rows and index entries, keys, and each alarm that is set. */
  rowsRead: number;
  rowsWritten: number;
}

export const NOTHING: Readonly<Operations> = {
  requests: 0,
  queueOperations: 0,
  d1RowsRead: 0,
  d1RowsWritten: 0,
  objectRequests: 0,
  rowsRead: 0,
  rowsWritten: 0,
};

/** Queues: operations are billed by 64 kB begun (kB = 1,000), and each message has about 100 bytes of the platform's own. */
const UNIT_BYTES = 64_000;
const METADATA_BYTES = 100;

export function queueUnits(bytes: number): number {
  return Math.ceil((bytes + METADATA_BYTES) / UNIT_BYTES);
}

/** `a + times × b`. */
export function sum(a: Operations, b: Operations, times = 1): Operations {
  const names = Object.keys(NOTHING) as (keyof Operations)[];
  return Object.fromEntries(names.map((name) => [name, a[name] + times * b[name]])) as unknown as Operations;
}
