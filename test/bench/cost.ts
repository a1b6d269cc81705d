import { ARCHIVED_DAY, CASES, type CostCase, SWEEP, SWEEPS_A_MONTH } from '../cost/cases.ts';
import type { Operations } from '../cost/operations.ts';
import { CPU_MILLION_MS, DURATION_MILLION_GB_S, dollarsPerMillionEvents, dollarsToKeep, OBJECT_GB } from '../cost/prices.ts';
import type { PartResult } from './part.ts';
import { figure, type Table, verdict } from './table.ts';

/*
 * Cost: what the operations come to that test/cost counts. Nothing is run here: the counts are those that the tests hold the Worker
 * to, exactly.
 */

const RETENTION_DAYS = 30;
const COLUMNS: readonly [keyof Operations, title: string][] = [
  ['requests', 'Worker requests'],
  ['queueOperations', 'queue operations'],
  ['objectRequests', 'outbox calls and alarms'],
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

function dollarsOf({ operations, events, storedBytes }: CostCase) {
  const operated = dollarsPerMillionEvents(operations, events);
  const stored = dollarsToKeep(storedBytes / events, RETENTION_DAYS);
  return { operated, stored, all: operated + stored };
}

function operationsTable(): Table {
  const rows = Object.values<CostCase>(CASES).map(({ title, events, operations }) => [
    title,
    ...COLUMNS.map(([name]) => figure(operations[name] / events)),
  ]);
  return {
    title: 'Operations per event, from acceptance until the delivery is forgotten after 30 days',
    header: ['', ...COLUMNS.map(([, title]) => title)],
    rows,
  };
}

function dollarsTable(): Table {
  const rows = Object.values<CostCase>(CASES).map((each) => {
    const { operated, stored, all } = dollarsOf(each);
    const goal = each.goal === undefined ? '' : verdict(all <= each.goal, `at most ${dollars(each.goal)}`);
    return [each.title, dollars(operated), dollars(stored), dollars(all), goal];
  });
  const day = dollarsPerMillionEvents(ARCHIVED_DAY, 1);
  const webhookMonth = dollarsPerMillionEvents(SWEEP, 1) * SWEEPS_A_MONTH;
  return {
    title: 'Dollars per million events, at list price, beyond what a plan includes',
    header: ['', 'operations', `${RETENTION_DAYS} days of log`, 'together', 'goal'],
    rows,
    note:
      `Beside it: a million webhooks cost ${dollars(webhookMonth)} a month by being there, and ${dollars(day)} for each day with deliveries; each ms of CPU an event adds ${dollars(CPU_MILLION_MS)}, ` +
      `each 10 ms that its outbox works ${dollars(10_000 * OBJECT_GB * (DURATION_MILLION_GB_S / 1_000_000))}.`,
  };
}

function dollars(amount: number): string {
  return `$${amount.toFixed(2)}`;
}
