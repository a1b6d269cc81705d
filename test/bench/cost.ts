import { ARCHIVED_DAY, CASES, type CostCase, SWEEP, SWEEPS_A_MONTH } from '../cost/cases.ts';
import type { Operations } from '../cost/operations.ts';
import {
  CPU_MILLION_MS,
  dollarsOf,
  dollarsPerMillionEvents,
  dollarsPerMillionTimes,
  LOG_LINE_BYTES,
  LOGS_GB,
  RETENTION_DAYS,
} from '../cost/prices.ts';
import type { PartResult } from './part.ts';
import { figure, type Table, verdict } from './table.ts';

/*
 * Cost: what the operations come to that test/cost counts. Nothing is run here: the counts are those that the tests hold the Worker
 * to, exactly.
 */

const COLUMNS: readonly [keyof Operations, title: string][] = [
  ['requests', 'Worker requests'],
  ['queueOperations', 'queue operations'],
  ['objectRequests', 'calls of objects, and alarms'],
  ['rowsWritten', 'rows written'],
  ['rowsRead', 'rows read'],
  ['d1RowsRead', 'D1 rows read'],
  ['d1RowsWritten', 'D1 rows written'],
];

export async function cost(): Promise<PartResult> {
  const cases = Object.values<CostCase>(CASES).map((each) => ({ ...each, dollars: dollarsOf(each) }));
  return {
    part: 'cost',
    tables: [operationsTable(), dollarsTable()],
    details: { cases, sweep: SWEEP, archivedDay: ARCHIVED_DAY },
    sound: true,
  };
}

function operationsTable(): Table {
  const rows = Object.values<CostCase>(CASES).map(({ title, events, operations, objectMs, mostRows }) => [
    title,
    ...COLUMNS.map(([name]) => figure(operations[name] / events)),
    figure(objectMs / events),
    mostRows === undefined
      ? ''
      : verdict(operations.rowsWritten / events <= mostRows, `at most ${mostRows} ${mostRows === 1 ? 'row' : 'rows'} written`),
  ]);
  return {
    title: 'Operations per event, from acceptance until the delivery is forgotten after 30 days',
    header: ['', ...COLUMNS.map(([, title]) => title), 'ms of objects', 'goal'],
    rows,
    note:
      'Counted by test/cost, exactly; ms of objects follow from how long the endpoint takes, and how many attempts share an object. ' +
      'Those that come one by one are ten seconds apart.',
  };
}

function dollarsTable(): Table {
  const rows = Object.values<CostCase>(CASES).map((each) => {
    const { operated, worked, stored, all } = dollarsOf(each);
    const goal = each.goal === undefined ? '' : verdict(all <= each.goal, `at most ${dollars(each.goal)}`);
    return [each.title, dollars(operated), dollars(worked), dollars(stored), dollars(all), goal];
  });
  const logLines = (LOG_LINE_BYTES * 1_000_000 * LOGS_GB) / 1_000_000_000;
  const day = dollarsPerMillionEvents(ARCHIVED_DAY, 1);
  const webhookMonth = dollarsPerMillionEvents(SWEEP, 1) * SWEEPS_A_MONTH;
  return {
    title: 'Dollars per million events, at list price, beyond what a plan includes',
    header: ['', 'operations', 'time of objects', `${RETENTION_DAYS} days of log`, 'together', 'goal'],
    rows,
    note:
      `Beside it: a million webhooks cost ${dollars(webhookMonth)} a month by being there, and ${dollars(day)} for each day with deliveries; each ms of CPU an event adds ` +
      `${dollars(CPU_MILLION_MS)}, each 10 ms that its outbox is at work beside waiting ${dollars(dollarsPerMillionTimes(10))}. Workers Logs cost ${dollars(LOGS_GB)} a gigabyte beyond ` +
      `50 GB a month (from December 2026). Invocation logs are off, so only the Worker's own lines count: none for what goes well, and ${dollars(logLines)} a million attempts ` +
      'that fail, or of all with `LOG_ATTEMPTS=all`.',
  };
}

function dollars(amount: number): string {
  return `$${amount.toFixed(2)}`;
}
