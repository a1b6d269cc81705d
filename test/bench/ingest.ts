import type { ComparisonPart, Measured, Setting } from './comparison.ts';
import { arrayText, eventText } from './event-text.ts';
import { atLeastFloorTimes, type Goal } from './goal.ts';
import { type Answered, saturate } from './load.ts';
import { nowMs, percentiles } from './statistics.ts';

/*
 * Ingest: how many events are accepted at most, by a closed loop, one by one and in arrays. They are an organization's that has
 * no webhook, so that what is measured is accepting; the queue's consumer takes them off meanwhile and drops them.
 */

/** Requests at a time. */
const CONNECTIONS = 16;
const ARRAY_EVENTS = 100;
const NOBODY = 'org_bench_nobody';

interface Values {
  requestsPerSecond: number;
  p50: number | null;
  p99: number | null;
}

function ingestPart(name: string, what: string, body: (index: number) => string, goal?: Goal) {
  const part: ComparisonPart<Values> = {
    name,
    title: ({ seconds }) => `Ingest, ${what}: ${CONNECTIONS} requests at a time for ${seconds} s`,
    organizations: 1,
    metrics: [
      { title: 'accepted requests/s', of: ({ requestsPerSecond }) => requestsPerSecond, ...(goal && { goal }) },
      { title: 'answer p50, ms', of: ({ p50 }) => p50 },
      { title: 'answer p99, ms', of: ({ p99 }) => p99 },
    ],
    measure: (setting) => measure(setting, body),
  };
  return part;
}

export const ingestSingle = ingestPart('ingest', 'single events', (index) => eventText(NOBODY, index), atLeastFloorTimes(0.8));

export const ingestArrays = ingestPart('ingest-arrays', `arrays of ${ARRAY_EVENTS}`, (index) =>
  arrayText(NOBODY, index * ARRAY_EVENTS, ARRAY_EVENTS),
);

async function measure({ target, options }: Setting, body: (index: number) => string): Promise<Measured<Values>> {
  const until = nowMs() + options.seconds * 1_000;
  let index = 0;
  const startedAt = nowMs();
  const answered = await saturate(target.ingestUrl, target.key, CONNECTIONS, () => (nowMs() < until ? body(index++) : null));
  const accepted = answered.filter(({ refusal }) => refusal === null);
  const { p50, p99 } = percentiles(accepted.map(({ sentAt, answeredAt }) => answeredAt - sentAt));
  const tookSeconds = (lastAnswer(answered) - startedAt) / 1_000;
  return {
    values: { requestsPerSecond: accepted.length / tookSeconds, p50, p99 },
    lost: 0,
    refusals: answered.map(({ refusal }) => refusal).filter((refusal) => refusal !== null),
  };
}

function lastAnswer(answered: readonly Answered[]): number {
  return answered.reduce((last, { answeredAt }) => Math.max(last, answeredAt), 0);
}
