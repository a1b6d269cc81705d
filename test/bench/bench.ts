import { arrays } from './arrays.ts';
import { type ComparisonOptions, type ComparisonPart, compare } from './comparison.ts';
import { cost } from './cost.ts';
import { figures } from './figures.ts';
import { growth } from './growth.ts';
import { ingestArrays, ingestSingle } from './ingest.ts';
import { isolation } from './isolation/isolation.ts';
import { cpu, latency } from './latency.ts';
import type { PartResult } from './part.ts';
import { search } from './search.ts';
import { size } from './size.ts';
import { slowEndpoint } from './slow-endpoint.ts';
import { throughput, throughput20 } from './throughput.ts';

/** What was asked for; what is undefined is as each part has it. */
export interface BenchOptions {
  runs: number | undefined;
  seconds: number | undefined;
  rate: number | undefined;
  events: number | undefined;
  floor: boolean;
  /** Of the isolation part. */
  scenarios: readonly string[];
}

const RUNS = 5;

/** The parts, in the order in which they run. */
const PARTS = {
  ingest: comparing(ingestSingle, { seconds: 8 }),
  'ingest-arrays': comparing(ingestArrays, { seconds: 8 }),
  'throughput-20': comparing(throughput20, { events: 5_000 }),
  throughput: comparing(throughput, { events: 20_000 }),
  latency: comparing(latency, { seconds: 60, rate: 50 }),
  cpu: comparing(cpu, { seconds: 20, rate: 100 }),
  'slow-endpoint': comparing(slowEndpoint, { seconds: 30, rate: 20 }),
  arrays: comparing(arrays, { events: 1_000 }),
  cost,
  growth,
  search: ({ events, runs }: BenchOptions) => search({ events, runs }),
  figures: ({ runs = RUNS }: BenchOptions) => figures({ runs }),
  size: ({ runs = RUNS }: BenchOptions) => size({ runs }),
  isolation: ({ scenarios, seconds = 120, rate = 50, runs = 1, floor }: BenchOptions) =>
    isolation({ scenarios, seconds, eventsPerSecond: rate, runs, floor }),
} satisfies Record<string, (options: BenchOptions) => Promise<PartResult>>;

export type PartName = keyof typeof PARTS;

export const PART_NAMES = Object.keys(PARTS) as PartName[];

export async function runPart(name: PartName, options: BenchOptions): Promise<PartResult> {
  return await PARTS[name](options);
}

function comparing<V>(part: ComparisonPart<V>, usual: Partial<ComparisonOptions>): (options: BenchOptions) => Promise<PartResult> {
  return ({ runs, seconds, rate, events, floor }) =>
    compare(part, {
      runs: runs ?? RUNS,
      seconds: seconds ?? usual.seconds ?? 0,
      rate: rate ?? usual.rate ?? 0,
      events: events ?? usual.events ?? 0,
      floor,
    });
}
