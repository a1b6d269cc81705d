import type { Load } from './machine.ts';
import type { Percentiles } from './statistics.ts';

/** The goals: how many times the first half's p99 the second half's may be, and where it stops in any case. */
export const MOST_TIMES = 1.5;
export const MOST_P99_MS = 1_500;

/** One half, as healthy endpoints saw it. Latencies in milliseconds. */
export interface Half {
  expected: number;
  arrived: number;
  /** From sending the request to its arrival at the endpoint. */
  fromSent: Percentiles;
  /** From the 202 to the arrival. Below 0 where the delivery overtook the answer. */
  fromAccepted: Percentiles;
  /** How long queue batches took, as wrangler says. */
  batches: Percentiles & { count: number };
  /** The events that took longest from the 202 to the arrival, longest first: when they were sent, from the half's start, and how long. */
  slowest: { atMs: number; tookMs: number }[];
  /** How late the load generator was at most. */
  latestMs: number | null;
  load: Load;
}

/** What the log says of the events of bad endpoints. */
export interface Account {
  accepted: number;
  delivered: number;
  waiting: number;
  failed: number;
  lost: number;
}

export interface Run {
  scenario: string;
  target: 'ours' | 'floor';
  halves: [first: Half, second: Half];
  /** Accepted events of healthy endpoints that did not arrive, or that the log does not have as delivered. */
  lost: number;
  arrivedTwice: number;
  refused: number;
  refusals: string[];
  /** Null for a target without a log. */
  bad: Account | null;
  goals: { times: number | null; withinTimes: boolean; withinP99: boolean; nothingLost: boolean };
}
