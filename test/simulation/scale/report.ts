import { CASES, STORED_BYTES } from '../../cost/cases.ts';
import { dollarsOf } from '../../cost/prices.ts';
import { FULL, MAX_CONCURRENCY, OBJECT_CALLS, OUTBOX_BYTES, QUEUE_BYTES, QUEUE_CONSUMERS, QUEUE_MESSAGES } from './limits.ts';
import { IN_ARRAYS, ONE_BY_ONE, type Scenario } from './scenario.ts';
import { type Second, simulateSecond } from './second.ts';

const DAY_S = 86_400;
const RETENTION_S = 30 * DAY_S;
/** What a message of one event takes in the queue, and one of an array. */
export const MESSAGE_BYTES = { [ONE_BY_ONE]: 1_100, [IN_ARRAYS]: 55_000 };
/** What the busiest webhook's endpoint is taken to need for an attempt. */
const QUICK_S = 0.2;
/** Outages of an hour have been seen. */
const LEAST_HELD_S = 3_600;

/** What the table shows. A queue more than ships is where one would be too full. */
export const SCENARIOS: readonly Scenario[] = [
  { eventsPerSecond: 100, eventsPerMessage: ONE_BY_ONE, queues: 1 },
  { eventsPerSecond: 5_000, eventsPerMessage: ONE_BY_ONE, queues: 2 },
  { eventsPerSecond: 5_000, eventsPerMessage: IN_ARRAYS, queues: 1 },
  { eventsPerSecond: 50_000, eventsPerMessage: ONE_BY_ONE, queues: 16 },
  { eventsPerSecond: 50_000, eventsPerMessage: IN_ARRAYS, queues: 1 },
];

export interface ScaleRow {
  scenario: Scenario;
  second: Second;
  dollarsADay: number;
}

export function simulateScale(scenarios = SCENARIOS): ScaleRow[] {
  return scenarios.map((scenario) => {
    const second = simulateSecond(scenario);
    return { scenario, second, dollarsADay: dollarsADay(scenario, second) };
  });
}

/** By what the tests of cost have counted for an event, and how large the batches are here. CPU time is left out, as there. */
function dollarsADay({ eventsPerSecond, eventsPerMessage }: Scenario, { batches, d1Organizations }: Second): number {
  const isOneByOne = eventsPerMessage === ONE_BY_ONE;
  const counted = isOneByOne ? CASES.mix : CASES.arrays;
  const events = counted.events;
  const batchesOf = (batches / eventsPerSecond) * events;
  const posts = isOneByOne ? events : events / 100;
  const operations = { ...counted.operations, requests: posts + batchesOf, d1RowsRead: (2 * d1Organizations * events) / eventsPerSecond };
  // Endpoints are the same mix in both; five attempts of an array share an object's time.
  const objectMs = isOneByOne ? counted.objectMs : CASES.mix.objectMs / 5;
  return (dollarsOf({ ...counted, operations, objectMs }).all * eventsPerSecond * DAY_S) / 1_000_000;
}

/** The limits that a scenario comes near, and what to change. */
function remediesOf({ scenario, second }: ScaleRow): string[] {
  const { eventsPerMessage, queues } = scenario;
  const remedies: string[] = [];
  if (queues > 1) remedies.push(`\`EVENT_QUEUES\` = ${queues}${eventsPerMessage === ONE_BY_ONE ? ', or arrays' : ''}`);
  if (second.messagesOfBusiestQueue > QUEUE_MESSAGES * FULL) remedies.push('more queues');
  if (second.consumersOfBusiestQueue > QUEUE_CONSUMERS * FULL) remedies.push('more queues, for their consumers');
  if (second.d1Busy > FULL) remedies.push('D1 is too slow: read replicas, or configuration elsewhere (not built)');
  if (second.callsOfBusiestOutbox > OBJECT_CALLS * FULL) remedies.push('the busiest outbox is called too often: producers post arrays');
  if (second.eventsOfBusiestWebhook * QUICK_S > MAX_CONCURRENCY * FULL)
    remedies.push('the busiest webhook needs more than 100 attempts at a time: two webhooks with disjoint filters');
  if (heldForS({ scenario, second }) < LEAST_HELD_S) remedies.push('more queues, to hold an outage of an hour');
  const bytes = eventsPerMessage === ONE_BY_ONE ? STORED_BYTES.alone : STORED_BYTES.inArrays;
  if (second.eventsOfBusiestWebhook * bytes * RETENTION_S > OUTBOX_BYTES) {
    const days = OUTBOX_BYTES / (second.eventsOfBusiestWebhook * bytes * DAY_S);
    remedies.push(`the busiest webhook's log reaches back ${days < 1 ? `${Math.round(days * 24)} h` : `${Math.round(days)} d`}, not 30 d`);
  }
  return remedies.length === 0 ? ['nothing'] : remedies;
}

/** What docs/scaling.md has: the table, and below it what to change. */
export function scaleReport(rows: readonly ScaleRow[]): string {
  const remedies = rows.map((row) => `- **${titleOf(row.scenario)}**: ${remediesOf(row).join('; ')}.`);
  return `${scaleTable(rows)}\n\nWhat to change:\n\n${remedies.join('\n')}`;
}

function scaleTable(rows: readonly ScaleRow[]): string {
  const columns = rows.map((row) => columnOf(row));
  const names = Object.keys(columns[0] ?? {});
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [
    line(['a second', ...rows.map(({ scenario }) => titleOf(scenario))]),
    line(['---', ...rows.map(() => '---:')]),
    ...names.map((name) => line([name, ...columns.map((column) => column[name] ?? '')])),
  ].join('\n');
}

function titleOf({ eventsPerSecond, eventsPerMessage }: Scenario): string {
  return `${whole(eventsPerSecond)} events, ${eventsPerMessage === ONE_BY_ONE ? 'one by one' : 'in arrays of 100'}`;
}

function columnOf(row: ScaleRow): Record<string, string> {
  const { scenario, second } = row;
  return {
    queues: whole(scenario.queues),
    'messages of the busiest queue': `${whole(second.messagesOfBusiestQueue)} of ${whole(QUEUE_MESSAGES)}`,
    'an outage that the queues hold': duration(heldForS(row)),
    batches: whole(second.batches),
    'messages in a batch': (second.messages / second.batches).toFixed(1),
    'consumers at a time, of the busiest queue': `${whole(second.consumersOfBusiestQueue)} of ${QUEUE_CONSUMERS}`,
    'queries of D1': whole(second.d1Queries),
    'organizations that they ask for': whole(second.d1Organizations),
    'D1 works': percent(second.d1Busy),
    'calls of outboxes': whole(second.outboxCalls),
    'calls of the busiest outbox': `${whole(second.callsOfBusiestOutbox)} of ${whole(OBJECT_CALLS)}`,
    'events of the busiest webhook': whole(second.eventsOfBusiestWebhook),
    'attempts at a time': whole(second.attemptsAtATime),
    'attempts at a time of the busiest webhook (200 ms)': `${whole(second.eventsOfBusiestWebhook * QUICK_S)} of ${MAX_CONCURRENCY}`,
    'dollars a day': whole(row.dollarsADay),
  };
}

/** For how long the queues hold what comes while nothing is delivered. */
function heldForS({ scenario, second }: Pick<ScaleRow, 'scenario' | 'second'>): number {
  const bytes = MESSAGE_BYTES[scenario.eventsPerMessage as typeof ONE_BY_ONE];
  return (QUEUE_BYTES * scenario.queues) / (second.messages * bytes);
}

/** Two figures: more would pretend to know. */
function whole(value: number): string {
  return Number(value.toPrecision(2)).toLocaleString('en-US');
}

function percent(part: number): string {
  return `${whole(part * 100)} %`;
}

function duration(seconds: number): string {
  const kept = Math.min(seconds, 4 * DAY_S);
  if (kept === 4 * DAY_S) return '4 days';
  return kept > 2 * 3_600 ? `${whole(kept / 3_600)} h` : `${whole(kept / 60)} min`;
}
