import { NOTHING, type Operations, sum } from './operations.ts';

/** What a number of events costs, from their acceptance until their deliveries have ended and been forgotten. */
export interface CostCase {
  title: string;
  /** How many events; or of what else the title names. */
  events: number;
  /** What the log of them takes for as long as the retention says. */
  storedBytes: number;
  /** Dollars per million events that it may cost, with 30 days of log. */
  goal?: number;
  /** Rows that may be written for each event. */
  mostRows?: number;
  operations: Operations;
  /** Requests to endpoints. */
  attempts: number;
  /** For how long objects are billed in all: see atWork. */
  objectMs: number;
}

/** How long endpoints take. */
const CLOSE_BY_MS = 50;
export const QUICK_MS = 200;
export const SLOW_MS = 1_000;
export const VERY_SLOW_MS = 10_000;

/** Attempts that share the time of one object: an outbox's own connections, or a courier's (attempt/connections.ts). */
const SHARED = 5;

/**
 * How long objects are at work on attempts. An object is billed while a call, a request or a timer of it is pending, so for as long as
 * the endpoint takes; attempts at a time share it. What the object does itself takes a millisecond or two and is left out, as CPU is.
 */
const atWork = (attempts: number, latencyMs: number, atATime = 1) => ({ attempts, objectMs: (attempts * latencyMs) / atATime });

/**
 * A database grows by this for a delivery of an event of 1 kB that arrived at the first attempt: of one that came alone, and in arrays of
 * 100. (The events of an array are alike here and compress well; real ones take up to twice as much.)
 */
export const STORED_BYTES = { alone: 1_380, inArrays: 380 };

/** And for a value that has gone out, or an event that repeated one. */
export const SKIPPED_BYTES = { value: 68, repeated: 85 };

/** What an outbox costs in a month without a delivery: it looks every 12 hours for what it need not keep any more. */
export const SWEEPS_A_MONTH = 60;
export const SWEEP: Operations = {
  requests: 0,
  queueOperations: 0,
  d1RowsRead: 0,
  d1RowsWritten: 0,
  objectRequests: 1,
  rowsRead: 3,
  rowsWritten: 2,
};

/** What an outbox costs for each day of which it archives deliveries, however many: its table is made, and that it is dropped is noted. */
export const ARCHIVED_DAY: Operations = {
  requests: 0,
  queueOperations: 0,
  d1RowsRead: 0,
  d1RowsWritten: 0,
  objectRequests: 0,
  rowsRead: 13,
  rowsWritten: 3,
};

/** What it costs for each day of which values are kept, where each goes out once: their table is made. A table can be of several days. */
export const DAY_OF_VALUES: Operations = { ...ARCHIVED_DAY, rowsRead: 13, rowsWritten: 2 };

/** And for each day of which events repeated some. */
export const DAY_OF_REPEATED: Operations = { ...ARCHIVED_DAY, rowsRead: 3, rowsWritten: 3 };

/** And for each day of which consumers have told of filtered events: their row is deleted. */
export const DAY_OF_FILTERED: Operations = { ...ARCHIVED_DAY, rowsRead: 1, rowsWritten: 1 };

/** What comes one by one; every ten seconds. */
const ONE_BY_ONE = {
  single: {
    title: 'One by one, ten in a batch, one webhook each; the endpoint is close by (50 ms)',
    events: 100,
    storedBytes: 100 * STORED_BYTES.alone,
    ...atWork(100, CLOSE_BY_MS),
    operations: {
      requests: 110,
      queueOperations: 300,
      d1RowsRead: 510,
      d1RowsWritten: 0,
      objectRequests: 100,
      rowsRead: 110,
      rowsWritten: 100,
    },
  },
  alone: {
    title: 'The same, each in a batch of its own',
    events: 10,
    storedBytes: 10 * STORED_BYTES.alone,
    ...atWork(10, CLOSE_BY_MS),
    operations: { requests: 20, queueOperations: 30, d1RowsRead: 60, d1RowsWritten: 0, objectRequests: 10, rowsRead: 11, rowsWritten: 10 },
  },
  threeWebhooks: {
    title: 'Ten in a batch, three webhooks each',
    events: 100,
    storedBytes: 300 * STORED_BYTES.alone,
    ...atWork(300, CLOSE_BY_MS),
    operations: {
      requests: 110,
      queueOperations: 300,
      d1RowsRead: 710,
      d1RowsWritten: 0,
      objectRequests: 300,
      rowsRead: 330,
      rowsWritten: 300,
    },
  },
  quick: {
    title: 'One by one, ten in a batch, one webhook each; the endpoint takes 200 ms',
    events: 100,
    storedBytes: 100 * STORED_BYTES.alone,
    goal: 3.3,
    ...atWork(100, QUICK_MS),
    operations: {
      requests: 110,
      queueOperations: 300,
      d1RowsRead: 510,
      d1RowsWritten: 0,
      objectRequests: 100,
      rowsRead: 110,
      rowsWritten: 100,
    },
  },
  slow: {
    title: 'The same; the endpoint takes 1 s',
    events: 100,
    storedBytes: 100 * STORED_BYTES.alone,
    goal: 6.5,
    ...atWork(100, SLOW_MS),
    operations: {
      requests: 110,
      queueOperations: 300,
      d1RowsRead: 510,
      d1RowsWritten: 0,
      objectRequests: 120,
      rowsRead: 410,
      rowsWritten: 240,
    },
  },
  verySlow: {
    title: 'The same; the endpoint takes 10 s',
    events: 100,
    storedBytes: 100 * STORED_BYTES.alone,
    ...atWork(100, VERY_SLOW_MS),
    operations: {
      requests: 110,
      queueOperations: 300,
      d1RowsRead: 510,
      d1RowsWritten: 0,
      objectRequests: 120,
      rowsRead: 410,
      rowsWritten: 240,
    },
  },
} satisfies Record<string, CostCase>;

/** Endpoints as they are met: so many of a hundred take so long, at the median. */
const MIX: readonly { percent: number; latencyMs: number; as: CostCase }[] = [
  { percent: 60, latencyMs: 150, as: ONE_BY_ONE.quick },
  { percent: 25, latencyMs: 600, as: ONE_BY_ONE.slow },
  { percent: 12, latencyMs: 2_500, as: ONE_BY_ONE.slow },
  { percent: 3, latencyMs: 10_000, as: ONE_BY_ONE.verySlow },
];

const mix: CostCase = {
  title: 'A mix: 60 % to endpoints that take 50 to 300 ms, 25 % to 1 s, 12 % to 5 s, 3 % to 20 s',
  events: 100,
  storedBytes: 100 * STORED_BYTES.alone,
  goal: 5,
  attempts: 100,
  objectMs: MIX.reduce((total, { percent, latencyMs }) => total + percent * latencyMs, 0),
  // Each of these is counted for a hundred events.
  operations: MIX.reduce((total, { percent, as }) => sum(total, as.operations, percent / 100), NOTHING),
};

/** The counts that test/cost/operations.test.ts finds, exactly: an operation more for any of them fails it. */
export const CASES = {
  ...ONE_BY_ONE,
  mix,
  array: {
    title: 'An array of 100, the first of its webhook; the endpoint takes 200 ms',
    events: 100,
    storedBytes: 100 * STORED_BYTES.inArrays,
    goal: 1.1,
    ...atWork(100, QUICK_MS, SHARED),
    operations: { requests: 2, queueOperations: 6, d1RowsRead: 6, d1RowsWritten: 0, objectRequests: 81, rowsRead: 2, rowsWritten: 1 },
  },
  arrays: {
    title: 'Arrays of 100, one webhook; the endpoint takes 200 ms',
    events: 100,
    storedBytes: 100 * STORED_BYTES.inArrays,
    goal: 0.6,
    ...atWork(100, QUICK_MS, SHARED),
    operations: { requests: 2, queueOperations: 6, d1RowsRead: 6, d1RowsWritten: 0, objectRequests: 96, rowsRead: 2, rowsWritten: 1 },
  },
  unwanted: {
    title: 'One by one, no webhook wants them',
    events: 100,
    storedBytes: 0,
    goal: 0.8,
    ...atWork(0, 0),
    operations: { requests: 100, queueOperations: 0, d1RowsRead: 310, d1RowsWritten: 0, objectRequests: 0, rowsRead: 0, rowsWritten: 0 },
  },
  filtered: {
    title: 'One by one, one a second to a webhook whose filter keeps them back',
    events: 96,
    storedBytes: 0,
    goal: 0.35,
    ...atWork(0, 0),
    operations: { requests: 96, queueOperations: 0, d1RowsRead: 152, d1RowsWritten: 0, objectRequests: 4, rowsRead: 7, rowsWritten: 4 },
  },
  seldomFiltered: {
    title: 'The same, one every ten seconds',
    events: 120,
    storedBytes: 0,
    ...atWork(0, 0),
    operations: { requests: 120, queueOperations: 0, d1RowsRead: 612, d1RowsWritten: 0, objectRequests: 40, rowsRead: 70, rowsWritten: 40 },
  },
  firstOfValue: {
    title: 'One by one, ten in a batch, each with a value that is to go out once; the endpoint takes 200 ms',
    events: 100,
    storedBytes: 100 * (STORED_BYTES.alone + SKIPPED_BYTES.value),
    mostRows: 2,
    ...atWork(100, QUICK_MS),
    operations: {
      requests: 110,
      queueOperations: 300,
      d1RowsRead: 510,
      d1RowsWritten: 0,
      objectRequests: 100,
      rowsRead: 210,
      rowsWritten: 200,
    },
  },
  repeated: {
    title: 'The same, of values that have gone out',
    events: 100,
    storedBytes: 100 * SKIPPED_BYTES.repeated,
    mostRows: 1,
    ...atWork(0, 0),
    operations: {
      requests: 110,
      queueOperations: 300,
      d1RowsRead: 510,
      d1RowsWritten: 0,
      objectRequests: 100,
      rowsRead: 100,
      rowsWritten: 100,
    },
  },
  failing: {
    title: '20 in a batch, one of their endpoints fails until its retries are used up',
    events: 20,
    storedBytes: 20 * STORED_BYTES.alone,
    ...atWork(23, CLOSE_BY_MS),
    operations: { requests: 21, queueOperations: 60, d1RowsRead: 109, d1RowsWritten: 3, objectRequests: 26, rowsRead: 74, rowsWritten: 44 },
  },
  failedAttempt: {
    title: 'A failed attempt, of the four of a delivery',
    events: 4,
    storedBytes: STORED_BYTES.alone,
    mostRows: 5,
    ...atWork(4, CLOSE_BY_MS),
    operations: { requests: 2, queueOperations: 3, d1RowsRead: 12, d1RowsWritten: 0, objectRequests: 7, rowsRead: 35, rowsWritten: 20 },
  },
  dead: {
    title: 'One every quarter of an hour to an endpoint that is dead for a day',
    events: 96,
    storedBytes: 96 * STORED_BYTES.alone,
    ...atWork(246, CLOSE_BY_MS),
    operations: {
      requests: 192,
      queueOperations: 288,
      d1RowsRead: 884,
      d1RowsWritten: 5,
      objectRequests: 398,
      rowsRead: 33623,
      rowsWritten: 1246,
    },
  },
  held: {
    title: 'Held by an open circuit and delivered when the endpoint is back; it takes 200 ms',
    events: 16,
    storedBytes: 16 * STORED_BYTES.alone,
    // The probe; then one at a time, two, four, eight.
    ...atWork(16, QUICK_MS, 16 / (1 + 1 + 1 + 1 + 2)),
    operations: {
      requests: 32,
      queueOperations: 48,
      d1RowsRead: 100,
      d1RowsWritten: 1,
      objectRequests: 21,
      rowsRead: 462,
      rowsWritten: 92,
    },
  },
  recovery: {
    title: 'A delivery that is recovered',
    events: 63,
    storedBytes: 0,
    // One at a time, two, four, eight, sixteen, thirty-two.
    ...atWork(63, QUICK_MS, 63 / (1 + 1 + 1 + 2 + 4 + 7)),
    operations: { requests: 0, queueOperations: 0, d1RowsRead: 2, d1RowsWritten: 2, objectRequests: 44, rowsRead: 3833, rowsWritten: 259 },
  },
} satisfies Record<string, CostCase>;

const OF_AN_EVENT: Operations = {
  requests: 2,
  queueOperations: 3,
  d1RowsRead: 6,
  d1RowsWritten: 0,
  objectRequests: 1,
  rowsRead: 1,
  rowsWritten: 1,
};

/** What test/cost/growth.test.ts finds at every size. */
export const GROWTH = {
  /** From its acceptance until its delivery is in the log. */
  event: OF_AN_EVENT,
  /** What waits is looked at: when the first of it is due. */
  eventWhileOthersWait: { ...OF_AN_EVENT, rowsRead: 2 },
  /** A first one, which also notes in D1 that deliveries wait. */
  retry: { requests: 0, queueOperations: 0, d1RowsRead: 2, d1RowsWritten: 2, objectRequests: 2, rowsRead: 38, rowsWritten: 6 },
  /** The first page of 50. */
  pageRowsRead: 32,
} satisfies Record<string, Operations | number>;
