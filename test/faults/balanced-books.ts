import { describe, expect, inject, it } from 'vitest';
import { EDGES, faultsOf } from '../platform/fault-plan.ts';
import { type Outcome, runSeeds } from './runs.ts';

/** Runs of one test: a failure names its seed all the same, and the reporter shows that something is happening. */
const RUNS_OF_A_TEST = 175;

/** Each of these seeds' runs must leave balanced books, and together they must have met every fault of every edge. */
export function expectBalancedBooks(from: number, count: number): void {
  const met = new Set<string>();
  const note = ({ seed, run, wrong, log }: Outcome): string | null => {
    for (const { edge, fault } of run.plan.met) met.add(`${edge}: ${fault}`);
    return wrong.length === 0 ? null : [`SEED=${seed}`, ...wrong, 'the log ends with', ...log].join('\n  ');
  };
  const seed = inject('seed');
  if (seed !== null) {
    it(`the books of the run with SEED=${seed} balance`, { timeout: 60_000 }, async () => {
      expect(await runSeeds([seed], note)).toEqual([null]);
    });
    return;
  }
  describe('whatever fails at whichever edge, and then works again', () => {
    for (let first = from; first < from + count; first += RUNS_OF_A_TEST) {
      const seeds = Array.from({ length: Math.min(RUNS_OF_A_TEST, from + count - first) }, (_, index) => first + index);
      it(`each event has ended once for each webhook (seeds ${seeds[0]} to ${seeds.at(-1)})`, { timeout: 120_000 }, async () => {
        const failures = (await runSeeds(seeds, note)).filter((failure) => failure !== null);
        expect(
          failures.slice(0, 3).join('\n\n'),
          `${failures.length} runs failed; with SEED=… in the environment one of them runs alone`,
        ).toBe('');
      });
    }

    it('every fault of every edge was met', () => {
      expect([...met].toSorted()).toEqual(EDGES.flatMap((edge) => faultsOf(edge).map((fault) => `${edge}: ${fault}`)).toSorted());
    });
  });
}

declare module 'vitest' {
  export interface ProvidedContext {
    /** The seed of the one fault run that is wanted, should only one be. */
    seed: number | null;
  }
}
