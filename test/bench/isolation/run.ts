import type { Account } from './account.ts';
import type { Half } from './half.ts';

/** One run of a scenario. */
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
}

/** All that is lost, the bad endpoints' events included. */
export function lostIn({ lost, bad }: Run): number {
  return lost + (bad?.lost ?? 0);
}
