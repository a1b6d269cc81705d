import { describe, expect, inject, it } from 'vitest';
import { EDGES, faultsOf } from '../platform/fault-plan.ts';
import type { FaultRun } from './fault-run.ts';
import { formOf } from './producer.ts';
import { type Outcome, runSeeds } from './runs.ts';

/** Runs of one test: a failure names its seed all the same, and the reporter shows that something is happening. */
const RUNS_OF_A_TEST = 175;

/** Mishaps that are shown of a run that failed. */
const MISHAPS = 20;

/** What runs must have come to, so that the limits could be met. */
const LIMITS = {
  'an outbox used its own five connections': (run: FaultRun) => outboxesOf(run).some(({ most }) => most.connections >= 5),
  'a courier made five attempts at a time': (run: FaultRun) => couriersOf(run).some(({ most }) => most.connections >= 5),
  'a courier vanished': (run: FaultRun) => run.mishaps.all.some(({ kind, of }) => kind === 'vanished' && of.includes(':')),
  'an outbox was loaded for the third time': (run: FaultRun) => run.webhookIds.some((id) => run.host(id).contexts.length >= 3),
  'a person’s event was repeated, and its outbox vanished': ({ skipped, mishaps }: FaultRun) =>
    skipped.repeated > 0 && mishaps.all.some(({ kind }) => kind === 'vanished'),
  'an outbox was told of filtered events': ({ skipped }: FaultRun) => skipped.filtered > 0,
  'an event of a webhook with a form of its own could not be rendered': ({ scenario, made }: FaultRun) =>
    scenario.webhooks.some(({ hasForm, enabled }) => hasForm && enabled) && made.some(({ body }) => formOf(body) === null),
  'a person was erased, and an outbox vanished before that was done': (run: FaultRun) =>
    run
      .erasures()
      .some(({ requestedAt, finishedAt, webhooks }) =>
        webhooks.some(
          ({ webhookId, deliveries }) => deliveries > 0 && run.mishaps.has(['vanished'], webhookId, requestedAt, finishedAt ?? 0, ''),
        ),
      ),
  'an endpoint was told of an erased person': (run: FaultRun) =>
    run.erasures().some(({ webhooks }) => webhooks.some(({ notified }) => notified === 'delivered')),
  'storage was full': (run: FaultRun) => run.scenario.webhooks.some(({ full }) => full !== null),
  'an answer came from the edge': (run: FaultRun) => run.endpoints.arrivals.some(({ status }) => status !== null && status >= 520),
} satisfies Record<string, (run: FaultRun) => boolean>;

/** What one in some hundred runs comes to: `npm run faults` has enough of them. */
const RARE_LIMITS = {
  'an outbox began as many attempts as it does in an invocation': (run: FaultRun) =>
    outboxesOf(run).some(({ most }) => most.subrequests >= 1_000),
} satisfies Record<string, (run: FaultRun) => boolean>;
/** Of a half. */
const ENOUGH_FOR_RARE = 1_000;

const contextsOf = (run: FaultRun) => run.objects.flatMap(({ contexts }) => contexts);
const outboxesOf = (run: FaultRun) => contextsOf(run).filter(({ name }) => !name.includes(':'));
const couriersOf = (run: FaultRun) => contextsOf(run).filter(({ name }) => name.includes(':'));

/**
 * Half of the seeds. Each run must leave balanced books, and together they must have met every fault of every edge, and come to the limits.
 * @param half the first (0) or the second (1)
 */
export function expectBalancedBooks(half: 0 | 1): void {
  const count = Math.ceil(inject('faultRuns') / 2);
  const from = half * count;
  const limits: Record<string, (run: FaultRun) => boolean> = count < ENOUGH_FOR_RARE ? LIMITS : { ...LIMITS, ...RARE_LIMITS };
  const met = new Set<string>();
  const reached = new Set<string>();
  const note = ({ seed, run, wrong, log }: Outcome): string | null => {
    for (const { edge, fault } of run.plan.met) met.add(`${edge}: ${fault}`);
    for (const [what, isSo] of Object.entries(limits)) if (isSo(run)) reached.add(what);
    return wrong.length === 0 ? null : [`SEED=${seed}`, ...wrong, ...mishapsOf(run), 'the log ends with', ...log].join('\n  ');
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
      it(`each event has ended once for each webhook (seeds ${seeds[0]} to ${seeds.at(-1)})`, { timeout: 240_000 }, async () => {
        const failures = (await runSeeds(seeds, note)).filter((failure) => failure !== null);
        expect(
          failures.slice(0, 3).join('\n\n'),
          `${failures.length} runs failed; with SEED=… in the environment one of them runs alone`,
        ).toBe('');
      });
    }

    it('the limits were come to', () => {
      expect([...reached].toSorted()).toEqual(Object.keys(limits).toSorted());
    });

    it('every fault of every edge was met', () => {
      expect([...met].toSorted()).toEqual(EDGES.flatMap((edge) => faultsOf(edge).map((fault) => `${edge}: ${fault}`)).toSorted());
    });
  });
}

/** The latest mishaps, in the log's order of time. */
function mishapsOf({ mishaps }: FaultRun): string[] {
  return mishaps.all.slice(-MISHAPS).map(({ kind, of, at }) => `${new Date(at).toISOString()} ${kind} ${of}`);
}

declare module 'vitest' {
  export interface ProvidedContext {
    /** The seed of the one fault run that is wanted, should only one be. */
    seed: number | null;
    /** How many fault runs there are otherwise. */
    faultRuns: number;
  }
}
