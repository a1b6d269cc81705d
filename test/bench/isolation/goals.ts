import { median } from '../statistics.ts';
import { SETTLED_AFTER_MS } from './half.ts';
import { lostIn, type Run } from './run.ts';
import { scenarioOf } from './scenarios.ts';

/*
 * The goals of isolation. Where endpoints turn bad, the others' p99 stays short over the whole half, its start included, in which nobody
 * knows the bad ones yet; once the half has settled it is what it was before. Where the load grows instead, latency grows with it on any
 * platform, and the floor is the measure.
 */

/** How long the second half's p99 may be in any case. */
const MOST_P99_MS = 250;
/** How many times the first half's p99 the settled second half's may be. */
const MOST_TIMES = 1.5;
/** How many times the floor's second half's p99 ours may be. */
const MOST_FLOOR_TIMES = 1.5;

/** A goal, and whether it holds: null where nobody can tell. */
export interface Held {
  text: string;
  holds: boolean | null;
}

/** The runs of a scenario: the medians of what the goals ask for. */
export interface Figures {
  secondP99: number | null;
  settledP99: number | null;
  /** The settled second half's p99 to the first half's, of each run. */
  times: number | null;
  /** The second half's p99 to the floor's, where the floor is the measure. */
  floorTimes: number | null;
  lost: number;
}

export function figuresOf(runs: readonly Run[], floors: readonly Run[]): Figures {
  const middle = (of: readonly Run[], pick: (run: Run) => number | null) => median(of.map(pick).filter((value) => value !== null));
  const secondP99 = middle(runs, ({ halves }) => halves[1].fromAccepted.p99);
  return {
    secondP99,
    settledP99: middle(runs, ({ halves }) => halves[1].settledP99),
    times: middle(runs, ({ halves: [first, second] }) => ratio(second.settledP99, first.fromAccepted.p99)),
    floorTimes: ratio(
      secondP99,
      middle(floors, ({ halves }) => halves[1].fromAccepted.p99),
    ),
    lost: runs.reduce((sum, run) => sum + lostIn(run), 0),
  };
}

export function goalsOf(scenario: string, { secondP99, times, floorTimes, lost }: Figures): Held[] {
  const within = (value: number | null, most: number) => (value === null ? null : value <= most);
  const nothingLost = { text: 'none lost', holds: lost === 0 };
  if (scenarioOf(scenario).floor === 'yardstick') {
    return [{ text: `p99 at most ${MOST_FLOOR_TIMES} × the floor’s`, holds: within(floorTimes, MOST_FLOOR_TIMES) }, nothingLost];
  }
  return [
    { text: `p99 under ${MOST_P99_MS} ms`, holds: secondP99 === null ? null : secondP99 < MOST_P99_MS },
    { text: `after ${SETTLED_AFTER_MS / 1_000} s at most ${MOST_TIMES} × the first half’s`, holds: within(times, MOST_TIMES) },
    nothingLost,
  ];
}

function ratio(value: number | null, to: number | null): number | null {
  return value === null || to === null || to <= 0 ? null : value / to;
}
