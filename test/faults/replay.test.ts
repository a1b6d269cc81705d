import { expect, it } from 'vitest';
import { type Outcome, runSeeds } from './runs.ts';

/** Everything that a run shows to the outside, but for its ids and its date. */
function story({ run, wrong }: Outcome) {
  const webhookOf = (id: string) => run.webhookIds.indexOf(id);
  return {
    faults: run.plan.met,
    arrivals: run.endpoints.arrivals.map(({ webhookId, attempt, body, status }) => [webhookOf(webhookId), attempt, body, status]),
    promised: run.promised.map(({ event }) => event),
    redelivered: run.queue.redelivered,
    tookMs: run.tookMs,
    wrong,
  };
}

it('a seed gives the same run each time, to the millisecond, and another seed another one', { timeout: 60_000 }, async () => {
  const seeds = [11, 16, 29];
  const [first, second] = [await runSeeds(seeds, story), await runSeeds([...seeds].reverse(), story)];
  expect(second.reverse()).toEqual(first);
  expect(first[0]).not.toEqual(first[1]);
  expect(first.every(({ faults }) => faults.length > 0)).toBe(true);
});
