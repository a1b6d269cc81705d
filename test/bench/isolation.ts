import { setTimeout as wait } from 'node:timers/promises';
import { dim, say } from '../../src/commands/terminal.ts';
import { arrivalsOf } from './arrivals.ts';
import { type Endpoints, startEndpoints } from './endpoints.ts';
import type { Behaviour } from './endpoints-process.ts';
import { showRun, summaryOf } from './isolation-report.ts';
import { type Account, type Half, MOST_P99_MS, MOST_TIMES, type Run } from './isolation-run.ts';
import { type Planned, type Posted, post } from './load.ts';
import { additional, steady } from './load-plan.ts';
import { watchLoad } from './machine.ts';
import type { PartResult } from './part.ts';
import { nowMs, percentiles, seededRandom } from './statistics.ts';
import { type BenchOrganization, benchOrganizations, startFloor, startOurs, type Target } from './target.ts';

/*
 * Isolation: does one bad endpoint slow another? Organizations with a webhook each get events in an open loop. In the first half
 * every endpoint answers; in the second half some turn bad. What counts is how long the events of the others take, from half to
 * half, and that nothing is lost: neither theirs, nor those of the bad ones, which the log must account for.
 */

/** The second half: how the bad endpoints answer, and how many times its share each one's organization sends. */
interface Scenario {
  behaviour: Behaviour;
  bad: number;
  timesShare: number;
  /** What is beyond the share comes in arrays of so many; else one by one. */
  inArraysOf?: number;
  /** Whether the first half has the second's load, evenly from all: what differs is then who sends it, and not how much there is. */
  evenBefore?: boolean;
}

const BAD = 4;
const SCENARIOS: Readonly<Record<string, Scenario>> = {
  // Nothing changes: how far two halves differ by chance.
  none: { behaviour: 'answer', bad: BAD, timesShare: 1 },
  hang: { behaviour: 'hang', bad: BAD, timesShare: 1 },
  drip: { behaviour: 'drip', bad: BAD, timesShare: 1 },
  'drip-headers': { behaviour: 'drip-headers', bad: BAD, timesShare: 1 },
  reset: { behaviour: 'reset', bad: BAD, timesShare: 1 },
  fail: { behaviour: 'fail', bad: BAD, timesShare: 1 },
  slow: { behaviour: 'slow', bad: BAD, timesShare: 1 },
  busy: { behaviour: 'answer', bad: 1, timesShare: 50 },
  'busy-arrays': { behaviour: 'answer', bad: 1, timesShare: 50, inArraysOf: 50 },
  uneven: { behaviour: 'answer', bad: 1, timesShare: 10, evenBefore: true },
};

/** Where the floor runs beside ours: what isolation is worth, and what the load alone does to latency. */
const BESIDE_FLOOR = ['hang', 'busy'];

const ORGANIZATIONS = 20;
const WARM_UP_SECONDS = 10;
/** How long the log may take to account for everything. */
const LOGGED_WITHIN_MS = 30_000;
/** How many of the slowest events a run tells of: more than stand above the p99 of a half. */
const SLOWEST = 20;

export interface IsolationOptions {
  scenarios: readonly string[];
  /** Of each run, both halves together. */
  seconds: number;
  eventsPerSecond: number;
  runs: number;
  /** Whether the floor runs beside ours, in some scenarios. */
  floor: boolean;
}

export const SCENARIO_NAMES = Object.keys(SCENARIOS);

/** Runs the scenarios in turn, as often as asked. It is sound where nothing was lost and everything was accepted. */
export async function isolation(options: IsolationOptions): Promise<PartResult> {
  const runs: Run[] = [];
  for (let turn = 0; turn < options.runs; turn++) {
    for (const scenario of options.scenarios) {
      runs.push(await runOnce(scenario, 'ours', options, turn));
      showRun(runs.at(-1) as Run);
      if (!options.floor || !BESIDE_FLOOR.includes(scenario)) continue;
      runs.push(await runOnce(scenario, 'floor', options, turn));
      showRun(runs.at(-1) as Run);
    }
  }
  const ours = runs.filter(({ target }) => target === 'ours');
  const sound = ours.every(({ goals, refused }) => goals.nothingLost && refused === 0);
  return { part: 'isolation', tables: [summaryOf(runs)], details: { options, runs }, sound };
}

async function runOnce(name: string, kind: Run['target'], options: IsolationOptions, turn: number): Promise<Run> {
  const scenario = SCENARIOS[name];
  if (!scenario) throw new Error(`There is no scenario ${name}; there are ${SCENARIO_NAMES.join(', ')}.`);
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
    const { timesShare, inArraysOf } = scenario;
    const perSecond = (options.eventsPerSecond / ids.length) * (timesShare - 1);
    const beyond = additional({ ids: badIds, perSecond, inArraysOf }, halfMs);
    const extra = half === 1 ? beyond : scenario.evenBefore ? plan(halfMs, (beyond.length * 1_000) / halfMs) : [];
    if (half === 1) bad.behave(scenario.behaviour);
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
  const times = ratio(second.fromAccepted.p99, first.fromAccepted.p99);
  const withinP99 = second.fromAccepted.p99 !== null && second.fromAccepted.p99 < MOST_P99_MS;
  return {
    halves: [first, second],
    lost,
    arrivedTwice: arrivedAt.twice,
    refused: refused.length,
    refusals: [...new Set(refused.map(({ refusal }) => refusal as string))].slice(0, 5),
    bad: logged?.bad ?? null,
    goals: {
      times,
      withinTimes: times !== null && times <= MOST_TIMES,
      withinP99,
      nothingLost: lost === 0 && (logged?.bad.lost ?? 0) === 0,
    },
  };
}

/** What the log says of every accepted event; waits until it has all of them. */
async function accounted(
  log: NonNullable<Target['log']>,
  posted: readonly Posted[],
  badIds: ReadonlySet<string>,
): Promise<{ bad: Account; notDelivered: number }> {
  const deadline = nowMs() + LOGGED_WITHIN_MS;
  for (;;) {
    const byEvent = new Map<string, { status: string; attemptCount: number }>();
    for (const id of new Set(posted.map(({ organizationId }) => organizationId))) {
      for (const delivery of await log(id)) byEvent.set(delivery.eventId, delivery);
    }
    const bad: Account = { accepted: 0, delivered: 0, waiting: 0, failed: 0, lost: 0 };
    let notDelivered = 0;
    for (const { eventId, organizationId } of posted) {
      if (eventId === null) continue;
      const delivery = byEvent.get(eventId);
      if (!badIds.has(organizationId)) notDelivered += delivery?.status === 'delivered' ? 0 : 1;
      else count(bad, delivery);
    }
    if ((bad.lost === 0 && notDelivered === 0) || nowMs() > deadline) return { bad, notDelivered };
    await wait(1_000);
  }
}

function count(account: Account, delivery: { status: string; attemptCount: number } | undefined): void {
  account.accepted++;
  if (delivery?.status === 'delivered') account.delivered++;
  else if (delivery?.status === 'pending' || delivery?.status === 'retrying') account.waiting++;
  // Failed is an account of an event only where its attempts are used up.
  else if (delivery?.status === 'failed' && delivery.attemptCount >= 4) account.failed++;
  else account.lost++;
}

function halfOf(
  load: readonly Posted[],
  badIds: ReadonlySet<string>,
  arrivedAt: ReadonlyMap<string, number>,
  rest: Pick<Half, 'batches' | 'load'>,
): Half {
  const counted = load.filter(({ organizationId, acceptedAt }) => !badIds.has(organizationId) && acceptedAt !== null);
  const arrived = counted.flatMap((event) => {
    const atMs = arrivedAt.get(event.eventId as string);
    if (atMs === undefined) return [];
    return [{ plannedAtMs: event.atMs, fromSent: atMs - event.sentAt, fromAccepted: atMs - (event.acceptedAt as number) }];
  });
  const slowest = arrived.toSorted((a, b) => b.fromAccepted - a.fromAccepted).slice(0, SLOWEST);
  return {
    expected: counted.length,
    arrived: arrived.length,
    fromSent: percentiles(arrived.map(({ fromSent }) => fromSent)),
    fromAccepted: percentiles(arrived.map(({ fromAccepted }) => fromAccepted)),
    slowest: slowest.map(({ plannedAtMs, fromAccepted }) => ({ atMs: plannedAtMs, tookMs: fromAccepted })),
    latestMs: percentiles(load.map(({ lateMs }) => lateMs)).max,
    ...rest,
  };
}

/** wrangler says of every batch how long it took: `QUEUE bullseye-events 3/3 (12ms)`. Those of overflow delay nobody else. */
function batchesOf(output: string): Half['batches'] {
  const took = [...output.matchAll(/QUEUE (?!\S+-overflow )\S+ \d+\/\d+ .*?\((\d+)ms\)/g)].map(([, ms]) => Number(ms));
  return { count: took.length, ...percentiles(took) };
}

function ratio(second: number | null, first: number | null): number | null {
  return second === null || first === null || first <= 0 ? null : second / first;
}
