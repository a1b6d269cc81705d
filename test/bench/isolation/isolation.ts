import { setTimeout as wait } from 'node:timers/promises';
import { dim, say } from '../../../src/commands/terminal.ts';
import { arrivalsOf } from '../arrivals.ts';
import { type Endpoints, startEndpoints } from '../endpoints.ts';
import { type Planned, type Posted, post } from '../load.ts';
import { additional, steady } from '../load-plan.ts';
import { watchLoad } from '../machine.ts';
import type { PartResult } from '../part.ts';
import { seededRandom } from '../statistics.ts';
import { type BenchOrganization, benchOrganizations, startFloor, startOurs, type Target } from '../target.ts';
import { accounted } from './account.ts';
import { batchesOf, type Half, halfOf } from './half.ts';
import { showRun, summaryOf } from './report.ts';
import { lostIn, type Run } from './run.ts';
import { type Scenario, scenarioOf } from './scenarios.ts';

/*
 * Isolation: does one bad endpoint slow another? Organizations with a webhook each get events in an open loop. In the first half
 * every endpoint answers; in the second half some turn bad. What counts is how long the events of the others take, from half to
 * half, and that nothing is lost: neither theirs, nor those of the bad ones, which the log must account for.
 */

const ORGANIZATIONS = 20;
const WARM_UP_SECONDS = 10;

export interface IsolationOptions {
  scenarios: readonly string[];
  /**
   * Of each run, both halves together. The garbage collector stops the local runtime's one thread for 20 to 70 ms every 10 to 15 s: a half is
   * long enough that one such pause more or less does not change its p99.
   */
  seconds: number;
  eventsPerSecond: number;
  runs: number;
  /** Whether the floor runs beside ours, in some scenarios. */
  floor: boolean;
}

/** Runs the scenarios in turn, as often as asked. It is sound where nothing was lost and everything was accepted. */
export async function isolation(options: IsolationOptions): Promise<PartResult> {
  const runs: Run[] = [];
  for (let turn = 0; turn < options.runs; turn++) {
    for (const scenario of options.scenarios) {
      // The floor first: what ours is held to is then known.
      const floor = options.floor && scenarioOf(scenario).floor ? await runOnce(scenario, 'floor', options, turn) : null;
      if (floor) showRun(floor, null);
      const ours = await runOnce(scenario, 'ours', options, turn);
      showRun(ours, floor);
      runs.push(ours, ...(floor ? [floor] : []));
    }
  }
  const sound = runs.every((run) => run.target === 'floor' || (lostIn(run) === 0 && run.refused === 0));
  return { part: 'isolation', tables: [summaryOf(runs)], details: { options, runs }, sound };
}

async function runOnce(name: string, kind: Run['target'], options: IsolationOptions, turn: number): Promise<Run> {
  const scenario = scenarioOf(name);
  say(dim(`${name}, ${kind}: starting`));
  // Apart: what the bad ones are made to do does not weigh on the healthy ones' process, which does the measuring.
  const healthy = await startEndpoints();
  const bad = await startEndpoints();
  try {
    const organizations = benchOrganizations(ORGANIZATIONS, (index) => (index < scenario.bad ? bad : healthy).origin);
    const target = kind === 'ours' ? await startOurs(organizations) : await startFloor(organizations);
    try {
      const badIds = new Set(organizations.slice(0, scenario.bad).map(({ id }) => id));
      return { scenario: name, target: kind, ...(await measure({ scenario, target, organizations, badIds, healthy, bad, options, turn })) };
    } finally {
      await target.stop();
    }
  } finally {
    healthy.stop();
    bad.stop();
  }
}

interface Setting {
  scenario: Scenario;
  target: Target;
  organizations: readonly BenchOrganization[];
  badIds: ReadonlySet<string>;
  healthy: Endpoints;
  bad: Endpoints;
  options: IsolationOptions;
  turn: number;
}

async function measure(setting: Setting): Promise<Omit<Run, 'scenario' | 'target'>> {
  const { scenario, target, badIds, healthy, bad, options, turn } = setting;
  const random = seededRandom(1 + turn);
  const send = (planned: Planned[]) => post(() => target.ingestUrl, target.key, planned);
  const ids = setting.organizations.map(({ id }) => id);
  const halfMs = (options.seconds / 2) * 1_000;
  const plan = (durationMs: number, perSecond = options.eventsPerSecond) => steady(ids, perSecond, durationMs, random);

  // Code compiled, configuration read, connections open: else the first half would be measured with all of that in it.
  await send(plan(WARM_UP_SECONDS * 1_000));
  await wait(1_000);
  healthy.forgetArrivals();

  const loads: Posted[][] = [];
  const halves: Pick<Half, 'batches' | 'load'>[] = [];
  for (const half of [0, 1]) {
    const { timesShare, inArraysOf, template } = scenario;
    const perSecond = (options.eventsPerSecond / ids.length) * (timesShare - 1);
    const beyond = additional({ ids: badIds, perSecond, inArraysOf }, halfMs);
    const extra = half === 1 ? beyond : scenario.evenBefore ? plan(halfMs, (beyond.length * 1_000) / halfMs) : [];
    if (half === 1) bad.behave(scenario.behaviour);
    if (half === 1 && template) await Promise.all([...badIds].map((id) => target.change?.(id, { format: 'template', template })));
    const saidBefore = target.output().length;
    const load = watchLoad();
    loads.push(await send([...plan(halfMs), ...extra].sort((a, b) => a.atMs - b.atMs)));
    halves.push({ batches: batchesOf(target.output().slice(saidBefore)), load: load() });
  }
  const posted = loads.flat();
  const counted = posted.filter(({ organizationId, acceptedAt }) => !badIds.has(organizationId) && acceptedAt !== null);
  const arrivedAt = await arrivalsOf(
    counted.map(({ eventId }) => eventId as string),
    healthy,
  );
  const logged = target.log ? await accounted(target.log, posted, badIds) : null;
  const [first, second] = loads.map((load, half) => halfOf(load, badIds, arrivedAt.first, halves[half] as (typeof halves)[0])) as [
    Half,
    Half,
  ];
  const lost = counted.filter(({ eventId }) => !arrivedAt.first.has(eventId as string)).length + (logged?.notDelivered ?? 0);
  const refused = posted.filter(({ refusal }) => refusal !== null);
  return {
    halves: [first, second],
    lost,
    arrivedTwice: arrivedAt.twice,
    refused: refused.length,
    refusals: [...new Set(refused.map(({ refusal }) => refusal as string))].slice(0, 5),
    bad: logged?.bad ?? null,
  };
}
