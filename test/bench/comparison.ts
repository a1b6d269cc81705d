import { setTimeout as wait } from 'node:timers/promises';
import { dim, say } from '../../src/commands/terminal.ts';
import { showRun, tableOf } from './comparison-report.ts';
import { type Endpoints, startEndpoints } from './endpoints.ts';
import { arrayText, eventText } from './event-text.ts';
import type { Goal } from './goal.ts';
import { saturate } from './load.ts';
import { NOISY_FROM, watchLoad } from './machine.ts';
import type { PartResult } from './part.ts';
import { nowMs } from './statistics.ts';
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
  goal?: Goal;
}

/** A part that compares: what it loads a target with and measures of it, and what of that the table shows. */
export interface ComparisonPart<V> {
  name: string;
  title(options: ComparisonOptions): string;
  /** How many are loaded, with a webhook each. */
  organizations: number;
  /** Who gets the events that warm a target up, where it is not those that are loaded. */
  warmUp?: { organizations: number /** What they get beside single events. */; inArraysOf?: number };
  metrics: readonly Metric<V>[];
  measure(setting: Setting): Promise<Measured<V>>;
}

export interface ComparisonRun<V> extends Measured<V> {
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
  const runs: ComparisonRun<V>[] = [];
  const endpoints = await startEndpoints();
  const all = benchOrganizations(part.organizations + (part.warmUp?.organizations ?? 0), () => endpoints.origin);
  const organizations = all.slice(0, part.organizations);
  const warming = part.warmUp ? all.slice(part.organizations) : organizations;
  const targets: [ComparisonRun<V>['target'], Target][] = [];
  try {
    say(dim(`${part.name}: starting`));
    targets.push(['ours', await startOurs(all)]);
    if (options.floor) targets.push(['floor', await startFloor(all)]);
    for (const [, target] of targets) await warmUp(target, warming, part.warmUp?.inArraysOf);
    for (let turn = 0; turn < options.runs; turn++) {
      // Each goes first as often as the other.
      for (const [name, target] of turn % 2 === 0 ? targets : targets.toReversed()) {
        await atRest(target);
        endpoints.forgetArrivals();
        const load = watchLoad();
        const measured = await part.measure({ target, endpoints, organizations, options, turn });
        runs.push({ target: name, ...measured, noisy: (load().others ?? 0) >= NOISY_FROM });
        showRun(part, turn, runs.at(-1) as ComparisonRun<V>);
      }
    }
  } finally {
    for (const [, target] of targets) await target.stop();
    endpoints.stop();
  }
  const sound = runs.every(({ target, lost, refusals }) => target === 'floor' || (lost === 0 && refusals.length === 0));
  return { part: part.name, tables: [tableOf(part, options, runs)], details: { options, runs }, sound };
}

async function warmUp(target: Target, organizations: readonly BenchOrganization[], inArraysOf?: number): Promise<void> {
  let sent = 0;
  const next = () => (sent < WARM_UP_EVENTS ? eventText(idAt(organizations, sent), sent++) : null);
  await saturate(target.ingestUrl, target.key, WARM_UP_CONNECTIONS, next);
  if (inArraysOf === undefined) return;
  let left = Math.ceil(WARM_UP_EVENTS / inArraysOf);
  const nextArray = () => (left-- > 0 ? arrayText(idAt(organizations, left), 0, inArraysOf) : null);
  await saturate(target.ingestUrl, target.key, WARM_UP_CONNECTIONS, nextArray);
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
