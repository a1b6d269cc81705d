import { setTimeout as wait } from 'node:timers/promises';
import { bold, CROSS, columns, dim, say, TICK, yellow } from '../../src/commands/terminal.ts';
import { type Endpoints, startEndpoints } from './endpoints.ts';
import type { Behaviour } from './endpoints-process.ts';
import { type Planned, type Posted, post } from './load.ts';
import { type Load, type Machine, NOISY_FROM, watchLoad } from './machine.ts';
import { median, nowMs, type Percentiles, percentiles, seededRandom } from './statistics.ts';
import { type BenchOrganization, startFloor, startOurs, type Target } from './target.ts';

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
}

const BAD = 4;
const SCENARIOS: Readonly<Record<string, Scenario>> = {
  hang: { behaviour: 'hang', bad: BAD, timesShare: 1 },
  drip: { behaviour: 'drip', bad: BAD, timesShare: 1 },
  'drip-headers': { behaviour: 'drip-headers', bad: BAD, timesShare: 1 },
  reset: { behaviour: 'reset', bad: BAD, timesShare: 1 },
  fail: { behaviour: 'fail', bad: BAD, timesShare: 1 },
  slow: { behaviour: 'slow', bad: BAD, timesShare: 1 },
  busy: { behaviour: 'answer', bad: 1, timesShare: 50 },
};

/** Where the floor runs beside ours: what isolation is worth, and what the load alone does to latency. */
const BESIDE_FLOOR = ['hang', 'busy'];

const ORGANIZATIONS = 20;
const WARM_UP_SECONDS = 10;
/** How long arrivals are waited for after the last event was sent. */
const ARRIVE_WITHIN_MS = 30_000;
/** How long the log may take to account for everything. */
const LOGGED_WITHIN_MS = 30_000;
/** The goals: how many times the first half's p99 the second half's may be, and where it stops in any case. */
const MOST_TIMES = 1.5;
const MOST_P99_MS = 1_500;

export interface IsolationOptions {
  scenarios: readonly string[];
  /** Of each run, both halves together. */
  seconds: number;
  eventsPerSecond: number;
  runs: number;
  /** Whether the floor runs beside ours, in some scenarios. */
  floor: boolean;
}

/** One half, as healthy endpoints saw it. Latencies in milliseconds. */
interface Half {
  expected: number;
  arrived: number;
  /** From sending the request to its arrival at the endpoint. */
  fromSent: Percentiles;
  /** From the 202 to the arrival. Below 0 where the delivery overtook the answer. */
  fromAccepted: Percentiles;
  /** How long queue batches took, as wrangler says. */
  batches: Percentiles & { count: number };
  /** How late the load generator was at most. */
  latestMs: number | null;
  load: Load;
}

/** What the log says of the events of bad endpoints. */
interface Account {
  accepted: number;
  delivered: number;
  waiting: number;
  failed: number;
  lost: number;
}

interface Run {
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

export interface IsolationReport {
  part: 'isolation';
  options: IsolationOptions;
  machine: Machine;
  runs: Run[];
}

export const SCENARIO_NAMES = Object.keys(SCENARIOS);

/** Runs the scenarios in turn, as often as asked. Returns the report, and whether nothing was lost and everything was accepted. */
export async function isolation(options: IsolationOptions, machine: Machine): Promise<{ report: IsolationReport; sound: boolean }> {
  const runs: Run[] = [];
  for (let turn = 0; turn < options.runs; turn++) {
    for (const scenario of options.scenarios) {
      runs.push(await runOnce(scenario, 'ours', options, turn));
      show(runs.at(-1) as Run);
      if (!options.floor || !BESIDE_FLOOR.includes(scenario)) continue;
      runs.push(await runOnce(scenario, 'floor', options, turn));
      show(runs.at(-1) as Run);
    }
  }
  summarize(runs);
  const ours = runs.filter(({ target }) => target === 'ours');
  const sound = ours.every(({ goals, refused }) => goals.nothingLost && refused === 0);
  return { report: { part: 'isolation', options, machine, runs }, sound };
}

async function runOnce(name: string, kind: Run['target'], options: IsolationOptions, turn: number): Promise<Run> {
  const scenario = SCENARIOS[name];
  if (!scenario) throw new Error(`There is no scenario ${name}; there are ${SCENARIO_NAMES.join(', ')}.`);
  say(dim(`${name}, ${kind}: starting`));
  // Apart: what the bad ones are made to do does not weigh on the healthy ones' process, which does the measuring.
  const healthy = await startEndpoints();
  const bad = await startEndpoints();
  try {
    const organizations = Array.from({ length: ORGANIZATIONS }, (_, index): BenchOrganization => {
      const id = `org_bench_${String(index + 1).padStart(2, '0')}`;
      return { id, endpointUrl: `${index < scenario.bad ? bad.origin : healthy.origin}/${id}` };
    });
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
  const plan = (durationMs: number) => steady(ids, options.eventsPerSecond, durationMs, random);

  // Code compiled, configuration read, connections open: else the first half would be measured with all of that in it.
  await send(plan(WARM_UP_SECONDS * 1_000));
  await wait(1_000);
  healthy.forgetArrivals();

  const loads: Posted[][] = [];
  const halves: Pick<Half, 'batches' | 'load'>[] = [];
  for (const half of [0, 1]) {
    const extra = half === 0 ? [] : additional(badIds, ids.length, scenario.timesShare, options.eventsPerSecond, halfMs);
    if (half === 1) bad.behave(scenario.behaviour);
    const saidBefore = target.output().length;
    const load = watchLoad();
    loads.push(await send([...plan(halfMs), ...extra].sort((a, b) => a.atMs - b.atMs)));
    halves.push({ batches: batchesOf(target.output().slice(saidBefore)), load: load() });
  }
  const posted = loads.flat();
  const counted = posted.filter(({ organizationId, acceptedAt }) => !badIds.has(organizationId) && acceptedAt !== null);
  const arrivedAt = await arrivalsOf(counted, healthy);
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

/** Evenly spaced events; each organization once in every round, in another order each time. */
function steady(ids: readonly string[], perSecond: number, durationMs: number, random: () => number): Planned[] {
  const count = Math.round((durationMs / 1_000) * perSecond);
  let round: string[] = [];
  return Array.from({ length: count }, (_, index) => {
    if (round.length === 0) round = shuffled(ids, random);
    return { atMs: (index * 1_000) / perSecond, organizationId: round.pop() as string };
  });
}

/** What some organizations send beyond their share, evenly spaced. */
function additional(ids: ReadonlySet<string>, organizations: number, timesShare: number, perSecond: number, durationMs: number): Planned[] {
  const count = Math.round((durationMs / 1_000) * (perSecond / organizations) * (timesShare - 1));
  return [...ids].flatMap((organizationId) =>
    Array.from({ length: count }, (_, index) => ({ atMs: ((index + 0.5) * durationMs) / count, organizationId })),
  );
}

function shuffled<T>(items: readonly T[], random: () => number): T[] {
  const keyed = items.map((item) => ({ item, key: random() }));
  return keyed.sort((a, b) => a.key - b.key).map(({ item }) => item);
}

/** When each event first arrived; waits for those that are still on their way. */
async function arrivalsOf(posted: readonly Posted[], healthy: Endpoints): Promise<{ first: Map<string, number>; twice: number }> {
  const deadline = nowMs() + ARRIVE_WITHIN_MS;
  for (;;) {
    const arrivals = await healthy.arrivals();
    const first = new Map<string, number>();
    for (const { eventId, atMs } of arrivals) if (!first.has(eventId)) first.set(eventId, atMs);
    const missing = posted.some(({ eventId }) => !first.has(eventId as string));
    if (!missing || nowMs() > deadline) return { first, twice: arrivals.length - first.size };
    await wait(250);
  }
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
    return atMs === undefined ? [] : [{ fromSent: atMs - event.sentAt, fromAccepted: atMs - (event.acceptedAt as number) }];
  });
  return {
    expected: counted.length,
    arrived: arrived.length,
    fromSent: percentiles(arrived.map(({ fromSent }) => fromSent)),
    fromAccepted: percentiles(arrived.map(({ fromAccepted }) => fromAccepted)),
    latestMs: percentiles(load.map(({ lateMs }) => lateMs)).max,
    ...rest,
  };
}

/** wrangler says of every batch how long it took: `QUEUE bullseye-events 3/3 (12ms)`. */
function batchesOf(output: string): Half['batches'] {
  const took = [...output.matchAll(/QUEUE \S+ \d+\/\d+ .*?\((\d+)ms\)/g)].map(([, ms]) => Number(ms));
  return { count: took.length, ...percentiles(took) };
}

function ratio(second: number | null, first: number | null): number | null {
  return second === null || first === null || first <= 0 ? null : second / first;
}

function show(run: Run): void {
  const { scenario, target, halves, lost, arrivedTwice, refused, refusals, bad, goals } = run;
  say(`\n${bold(scenario)}, ${target === 'ours' ? 'ours' : 'the floor'}`);
  const header = [
    '',
    'arrived',
    'sent→arrival p50',
    'p95',
    'p99',
    'max',
    '202→arrival p50',
    'p95',
    'p99',
    'max',
    'batches p50',
    'p99',
    'max',
    'CPUs busy',
    'others',
    'load late by',
  ];
  const rows = halves.map((half, index) => [
    index === 0 ? 'first half' : 'second half',
    `${half.arrived}/${half.expected}`,
    ...[half.fromSent, half.fromAccepted].flatMap(({ p50, p95, p99, max }) => [p50, p95, p99, max].map((value) => ms(value))),
    ...[half.batches.p50, half.batches.p99, half.batches.max].map((value) => ms(value, 0)),
    percent(half.load.all),
    percent(half.load.others),
    ms(half.latestMs),
  ]);
  say(columns([header, ...rows]));
  const verdict = (holds: boolean, text: string) => `${holds ? TICK : CROSS} ${text}`;
  say(
    [
      verdict(goals.withinTimes, `p99 ${goals.times === null ? '–' : goals.times.toFixed(2)} × the first half's (${MOST_TIMES} at most)`),
      verdict(goals.withinP99, `p99 below ${MOST_P99_MS / 1_000} s`),
      verdict(goals.nothingLost, `lost: ${lost + (bad?.lost ?? 0)}`),
    ].join('   '),
  );
  if (bad)
    say(
      dim(`the bad endpoints' ${bad.accepted}: ${bad.delivered} delivered, ${bad.waiting} waiting, ${bad.failed} failed, ${bad.lost} lost`),
    );
  if (isNoisy(run)) say(yellow('Other processes kept the machine busy meanwhile: timings are off.'));
  if (arrivedTwice > 0) say(yellow(`arrived more than once: ${arrivedTwice}`));
  if (refused > 0) say(yellow(`not accepted: ${refused} (${refusals.join('; ')})`));
}

function summarize(runs: readonly Run[]): void {
  say(`\n${bold('Healthy endpoints, 202→arrival, medians of the runs')}`);
  const header = [
    'scenario',
    'runs',
    'first p50',
    'first p99',
    'second p50',
    'second p99',
    'second max',
    'times',
    'arrived',
    'lost',
    'goals',
  ];
  const groups = Map.groupBy(runs, ({ scenario, target }) => (target === 'ours' ? scenario : `${scenario} (floor)`));
  const rows = [...groups].map(([name, of]) => {
    const middle = (pick: (run: Run) => number | null) => median(of.map(pick).filter((value) => value !== null));
    const sum = (pick: (run: Run) => number) => of.reduce((total, run) => total + pick(run), 0);
    const times = middle(({ goals }) => goals.times);
    const p99 = middle(({ halves }) => halves[1].fromAccepted.p99);
    const lost = sum((run) => run.lost + (run.bad?.lost ?? 0));
    const holds = times !== null && times <= MOST_TIMES && p99 !== null && p99 < MOST_P99_MS && lost === 0;
    return [
      name,
      String(of.length),
      String(of.filter(isNoisy).length),
      ms(middle(({ halves }) => halves[0].fromAccepted.p50)),
      ms(middle(({ halves }) => halves[0].fromAccepted.p99)),
      ms(middle(({ halves }) => halves[1].fromAccepted.p50)),
      ms(p99),
      ms(middle(({ halves }) => halves[1].fromAccepted.max)),
      times === null ? '–' : times.toFixed(2),
      `${sum(({ halves }) => halves[0].arrived + halves[1].arrived)}/${sum(({ halves }) => halves[0].expected + halves[1].expected)}`,
      String(lost),
      holds ? `${TICK} hold` : `${CROSS} do not hold`,
    ];
  });
  say(columns([header, ...rows]));
}

function percent(share: number | null): string {
  return share === null ? '–' : `${Math.round(share * 100)} %`;
}

/** Whether other processes kept the machine busy meanwhile. */
function isNoisy({ halves }: Run): boolean {
  return halves.some(({ load }) => (load.others ?? 0) >= NOISY_FROM);
}

function ms(value: number | null, digits = 1): string {
  return value === null ? '–' : `${value.toFixed(digits)} ms`;
}
