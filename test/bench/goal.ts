import { figure } from './table.ts';

/** What a figure of ours should be. */
export interface Goal {
  text: string;
  /** Null where nobody can tell, because the floor was not measured. */
  holds(ours: number, floor: number | null): boolean | null;
  /** Whether it must hold in each run, and not only for their median: one lost event is one too many. */
  inEveryRun?: boolean;
}

export const NONE: Goal = { text: 'none', holds: (ours) => ours === 0, inEveryRun: true };

export function underMs(limitMs: number): Goal {
  return { text: `under ${figure(limitMs)} ms`, holds: (ours) => ours < limitMs };
}

export function atLeastFloorTimes(times: number): Goal {
  return besideFloor(`at least ${times} × the floor’s`, (ours, floor) => ours >= times * floor);
}

export function atMostFloorTimes(times: number): Goal {
  return besideFloor(`at most ${times} × the floor’s`, (ours, floor) => ours <= times * floor);
}

export function withinMsOfFloor(mostMs: number): Goal {
  return besideFloor(`within ${mostMs} ms of the floor’s`, (ours, floor) => ours - floor <= mostMs);
}

function besideFloor(text: string, holds: (ours: number, floor: number) => boolean): Goal {
  return { text, holds: (ours, floor) => (floor === null ? null : holds(ours, floor)) };
}
