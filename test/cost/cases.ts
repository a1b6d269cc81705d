import type { Operations } from './operations.ts';

/** What a number of events costs, from their acceptance until their deliveries have ended and been forgotten. */
export interface CostCase {
  title: string;
  events: number;
  /** What the log of them takes for as long as the retention says. */
  storedBytes: number;
  /** Dollars per million events that it may cost, with 30 days of log. */
  goal?: number;
  operations: Operations;
}

/**
 * A database grows by this for a delivery of an event of 1 kB that arrived at the first attempt: of one that came alone, and in arrays of
 * 100. (The events of an array are alike here and compress well; real ones take up to twice as much.)
 */
export const STORED_BYTES = { alone: 1_380, inArrays: 300 };

/** What an outbox costs in a month without a delivery: it looks every 12 hours for what it need not keep any more. */
export const SWEEPS_A_MONTH = 60;
export const SWEEP: Operations = {
  requests: 0,
  queueOperations: 0,
  d1RowsRead: 0,
  d1RowsWritten: 0,
  objectRequests: 1,
  rowsRead: 8,
  rowsWritten: 2,
};

/** What an outbox costs for each day of which it archives deliveries, however many: its table is made, and that it is dropped is noted. */
export const ARCHIVED_DAY: Operations = {
  requests: 0,
  queueOperations: 0,
  d1RowsRead: 0,
  d1RowsWritten: 0,
  objectRequests: 0,
  rowsRead: 14,
  rowsWritten: 3,
};

/** The counts that test/cost/operations.test.ts finds, exactly: an operation more for any of them fails it. */
export const CASES = {
  single: {
    title: 'One by one, ten in a batch, one webhook each',
    events: 100,
    storedBytes: 100 * STORED_BYTES.alone,
    goal: 3,
    operations: {
      requests: 110,
      queueOperations: 300,
      d1RowsRead: 510,
      d1RowsWritten: 0,
      objectRequests: 100,
      rowsRead: 500,
      rowsWritten: 100,
    },
  },
  alone: {
    title: 'The same, each in a batch of its own',
    events: 10,
    storedBytes: 10 * STORED_BYTES.alone,
    operations: { requests: 20, queueOperations: 30, d1RowsRead: 60, d1RowsWritten: 0, objectRequests: 10, rowsRead: 50, rowsWritten: 10 },
  },
  threeWebhooks: {
    title: 'Ten in a batch, three webhooks each',
    events: 100,
    storedBytes: 300 * STORED_BYTES.alone,
    operations: {
      requests: 110,
      queueOperations: 300,
      d1RowsRead: 710,
      d1RowsWritten: 0,
      objectRequests: 300,
      rowsRead: 1500,
      rowsWritten: 300,
    },
  },
  unwanted: {
    title: 'Ten in a batch, no webhook wants them',
    events: 10,
    storedBytes: 0,
    goal: 0.8,
    operations: { requests: 11, queueOperations: 30, d1RowsRead: 31, d1RowsWritten: 0, objectRequests: 0, rowsRead: 0, rowsWritten: 0 },
  },
  array: {
    title: 'An array of 100, one webhook',
    events: 100,
    storedBytes: 100 * STORED_BYTES.inArrays,
    goal: 1.1,
    operations: { requests: 2, queueOperations: 6, d1RowsRead: 6, d1RowsWritten: 0, objectRequests: 1, rowsRead: 5, rowsWritten: 1 },
  },
  failing: {
    title: '20 in a batch, one of their endpoints fails until its retries are used up',
    events: 20,
    storedBytes: 20 * STORED_BYTES.alone,
    operations: {
      requests: 21,
      queueOperations: 60,
      d1RowsRead: 109,
      d1RowsWritten: 3,
      objectRequests: 23,
      rowsRead: 178,
      rowsWritten: 67,
    },
  },
  dead: {
    title: 'One every quarter of an hour to an endpoint that is dead for a day',
    events: 96,
    storedBytes: 96 * STORED_BYTES.alone,
    operations: {
      requests: 192,
      queueOperations: 288,
      d1RowsRead: 884,
      d1RowsWritten: 5,
      objectRequests: 250,
      rowsRead: 6769,
      rowsWritten: 2667,
    },
  },
} satisfies Record<string, CostCase>;

const OF_AN_EVENT: Operations = {
  requests: 2,
  queueOperations: 3,
  d1RowsRead: 6,
  d1RowsWritten: 0,
  objectRequests: 1,
  rowsRead: 5,
  rowsWritten: 1,
};

/** What test/cost/growth.test.ts finds at every size. */
export const GROWTH = {
  /** From its acceptance until its delivery is in the log. */
  event: OF_AN_EVENT,
  /** What waits is looked at: when the first of it is due. */
  eventWhileOthersWait: { ...OF_AN_EVENT, rowsRead: 7 },
  /** A first one, which also notes in D1 that deliveries wait. */
  retry: { requests: 0, queueOperations: 0, d1RowsRead: 2, d1RowsWritten: 2, objectRequests: 1, rowsRead: 20, rowsWritten: 7 },
  /** The first page of 50. */
  pageRowsRead: 42,
} satisfies Record<string, Operations | number>;
