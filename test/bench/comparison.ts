import { setTimeout as wait } from 'node:timers/promises';
import { dim, say, yellow } from '../../src/commands/terminal.ts';
import { type Endpoints, startEndpoints } from './endpoints.ts';
import { eventText } from './event-text.ts';
import { saturate } from './load.ts';
import { NOISY_FROM, watchLoad } from './machine.ts';
import type { PartResult } from './part.ts';
import { median, nowMs } from './statistics.ts';
import { figure, type Table, verdict } from './table.ts';
import { type BenchOrganization, benchOrganizations, startFloor, startOurs, type Target } from './target.ts';

/*
 * Ours beside the floor, on the same machine at the same time: both are started once and measured in turn, so that what is
 * measured is code that has been compiled and optimized, and what disturbs the machine disturbs both.
 */

/** What the bench was asked for. */
export interface ComparisonOptions {
  /** How often each is measured. */
  runs: number;
  /** Length of a load that has one, seconds. */
  seconds: number;
  /** Size of a load that has one. */
  events: number;
  /** Events a second of a load that has a pace. */
  rate: number;
  /** Whether the floor is measured beside ours. */
  floor: boolean;
}

/** One target with what a load needs. */
export interface Setting {
  target: Target;
  endpoints: Endpoints;
  organizations: readonly BenchOrganization[];
  options: ComparisonOptions;
  /** 0, 1, …: the seed of what is random. */
  turn: number;
}

/** What was measured, and whether everything went as it should. */
export interface Measured<V> {
  values: V;
  /** Accepted events that did not arrive, or that the log does not have as delivered. */
  lost: number;
  refusals: string[];
}

export interface Metric<V> {
  title: string;
  of(values: V): number | null;
  goal?: { text: string; holds(ours: number, floor: number): boolean };
}

/** A part that compares: what it loads a target with and measures of it, and what of that the table shows. */
export interface ComparisonPart<V> {
  name: string;
  title(options: ComparisonOptions): string;
  organizations: number;
  metrics: readonly Metric<V>[];
  measure(setting: Setting): Promise<Measured<V>>;
}

interface Run<V> extends Measured<V> {
  target: 'ours' | 'floor';
  noisy: boolean;
}

/** Before anything is measured: code compiled, configuration read, connections open. */
const WARM_UP_EVENTS = 1_000;
const WARM_UP_CONNECTIONS = 8;
/** A target has come to rest when it has used less CPU than this in one look. */
const AT_REST_SECONDS = 0.05;
const LOOK_MS = 500;
const AT_REST_WITHIN_MS = 60_000;

export async function compare<V>(part: ComparisonPart<V>, options: ComparisonOptions): Promise<PartResult> {
  const runs: Run<V>[] = [];
  const endpoints = await startEndpoints();
  const organizations = benchOrganizations(part.organizations, () => endpoints.origin);
  const targets: [Run<V>['target'], Target][] = [];
  try {
    say(dim(`${part.name}: starting`));
    targets.push(['ours', await startOurs(organizations)]);
    if (options.floor) targets.push(['floor', await startFloor(organizations)]);
    for (const [, target] of targets) await warmUp(target, organizations);
    for (let turn = 0; turn < options.runs; turn++) {
      // Each goes first as often as the other.
      for (const [name, target] of turn % 2 === 0 ? targets : targets.toReversed()) {
        await atRest(target);
        endpoints.forgetArrivals();
        const load = watchLoad();
        const measured = await part.measure({ target, endpoints, organizations, options, turn });
        runs.push({ target: name, ...measured, noisy: (load().others ?? 0) >= NOISY_FROM });
        tell(part, turn, runs.at(-1) as Run<V>);
      }
    }
  } finally {
    for (const [, target] of targets) await target.stop();
    endpoints.stop();
  }
  const sound = runs.every(({ target, lost, refusals }) => target === 'floor' || (lost === 0 && refusals.length === 0));
  return { part: part.name, tables: [tableOf(part, options, runs)], details: { options, runs }, sound };
}

async function warmUp(target: Target, organizations: readonly BenchOrganization[]): Promise<void> {
  let sent = 0;
  const next = () => (sent < WARM_UP_EVENTS ? eventText(idAt(organizations, sent), sent++) : null);
  await saturate(target.ingestUrl, target.key, WARM_UP_CONNECTIONS, next);
}

/** The organization whose turn it is. */
export function idAt(organizations: readonly BenchOrganization[], index: number): string {
  return (organizations[index % organizations.length] as BenchOrganization).id;
}

/** Waits until a target does nothing any more, so that what one left undone does not run into the other's measurement. */
async function atRest(target: Target): Promise<void> {
  const deadline = nowMs() + AT_REST_WITHIN_MS;
  for (let before = target.cpuSeconds(); before !== null && nowMs() < deadline; ) {
    await wait(LOOK_MS);
    const now = target.cpuSeconds();
    if (now === null || now - before < AT_REST_SECONDS) return;
    before = now;
  }
}

function tell<V>(part: ComparisonPart<V>, turn: number, { target, values, lost, refusals, noisy }: Run<V>): void {
  const shown = part.metrics.map(({ title, of }) => `${title} ${figure(of(values))}`).join(', ');
  say(dim(`run ${turn + 1}, ${target}: ${shown}`));
  if (lost > 0) say(yellow(`lost: ${lost}`));
  if (refusals.length > 0) say(yellow(`not accepted: ${refusals.length} (${[...new Set(refusals)].slice(0, 3).join('; ')})`));
  if (noisy) say(yellow('Other processes kept the machine busy meanwhile: timings are off.'));
}

function tableOf<V>(part: ComparisonPart<V>, options: ComparisonOptions, runs: readonly Run<V>[]): Table {
  const rows = part.metrics.map(({ title, of, goal }) => {
    const [ours, floor] = (['ours', 'floor'] as const).map((name) =>
      runs
        .filter(({ target }) => target === name)
        .map(({ values }) => of(values))
        .filter((value) => value !== null),
    ) as [number[], number[]];
    const [middle, floors] = [median(ours), median(floor)];
    const ratio = middle === null || floors === null || floors === 0 ? null : middle / floors;
    const known = goal && middle !== null && floors !== null;
    const goalText = known ? verdict(goal.holds(middle, floors), goal.text) : (goal?.text ?? '');
    return [title, withSpread(ours), withSpread(floor), ratio === null ? '–' : `${ratio.toFixed(2)} ×`, goalText];
  });
  const lost = runs.reduce((sum, run) => sum + (run.target === 'ours' ? run.lost : 0), 0);
  const noisy = runs.filter((run) => run.noisy).length;
  return {
    title: part.title(options),
    header: ['', 'ours', 'the floor', 'ours to floor', 'goal'],
    rows,
    note: `Medians of ${options.runs} alternating runs (least to most). Lost: ${lost}.${noisy > 0 ? ` Noisy runs: ${noisy} of ${runs.length}.` : ''}`,
  };
}

function withSpread(sample: readonly number[]): string {
  if (sample.length < 2) return figure(median(sample));
  return `${figure(median(sample))} (${figure(Math.min(...sample))} to ${figure(Math.max(...sample))})`;
}
