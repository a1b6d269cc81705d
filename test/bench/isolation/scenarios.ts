import type { Behaviour } from '../endpoints-process.ts';

/** The second half: how the bad endpoints answer, and how many times its share each one's organization sends. */
export interface Scenario {
  behaviour: Behaviour;
  bad: number;
  timesShare: number;
  /** What is beyond the share comes in arrays of so many; else one by one. */
  inArraysOf?: number;
  /** What the bad endpoints' webhooks render from the second half on, as soon as that is in force. */
  template?: string;
  /** Whether the first half has the second's load, evenly from all: what differs is then who sends it, and not how much there is. */
  evenBefore?: boolean;
  /**
   * Whether the floor runs as well. Beside bad endpoints it shows what isolation is worth. `yardstick`: the halves differ in how much
   * there is to do, and the floor says what that alone does to latency.
   */
  floor?: 'beside' | 'yardstick';
}

const BAD = 4;
/** Does as much as it is allowed to with each event of the bench, and nothing with the example that it is tried on when it is saved. */
const ENDLESS =
  '{% if visitor.email contains "visitor-" %}{% for a in (1..9999) %}{% for b in (1..9999) %}{% endfor %}{% endfor %}{% endif %}{}';
const SCENARIOS: Readonly<Record<string, Scenario>> = {
  // Nothing changes: how far two halves differ by chance.
  none: { behaviour: 'answer', bad: BAD, timesShare: 1 },
  hang: { behaviour: 'hang', bad: BAD, timesShare: 1, floor: 'beside' },
  drip: { behaviour: 'drip', bad: BAD, timesShare: 1 },
  'drip-headers': { behaviour: 'drip-headers', bad: BAD, timesShare: 1 },
  reset: { behaviour: 'reset', bad: BAD, timesShare: 1 },
  fail: { behaviour: 'fail', bad: BAD, timesShare: 1 },
  slow: { behaviour: 'slow', bad: BAD, timesShare: 1 },
  template: { behaviour: 'answer', bad: BAD, timesShare: 1, template: ENDLESS },
  busy: { behaviour: 'answer', bad: 1, timesShare: 50, floor: 'yardstick' },
  'busy-arrays': { behaviour: 'answer', bad: 1, timesShare: 50, inArraysOf: 50, floor: 'yardstick' },
  uneven: { behaviour: 'answer', bad: 1, timesShare: 10, evenBefore: true },
};

export const SCENARIO_NAMES = Object.keys(SCENARIOS);

export function scenarioOf(name: string): Scenario {
  const scenario = SCENARIOS[name];
  if (!scenario) throw new Error(`There is no scenario ${name}; there are ${SCENARIO_NAMES.join(', ')}.`);
  return scenario;
}
