import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { dim, say } from '../../src/commands/terminal.ts';
import { PROJECT_ROOT } from '../../src/commands/wrangler.ts';
import { GROWTH } from '../cost/cases.ts';
import type { PartResult } from './part.ts';
import { figure, type Table } from './table.ts';

/*
 * Growth: whether an event costs more operations the more there is. It runs test/cost/growth.test.ts with more rows than the tests
 * take, and shows the counts that this holds the Worker to.
 */

/** Past deliveries of one webhook. */
const ROWS = 500_000;

export async function growth(): Promise<PartResult> {
  say(dim('growth: counting'));
  const vitest = join(PROJECT_ROOT, 'node_modules', 'vitest', 'vitest.mjs');
  const args = [vitest, 'run', '--project', 'worker', '--testTimeout', '120000', '--silent=true', 'test/cost/growth.test.ts'];
  const env = { ...process.env, GROWTH_ROWS: String(ROWS) };
  const run = spawnSync(process.execPath, args, { cwd: PROJECT_ROOT, env, encoding: 'utf8' });
  if (run.status !== 0) say(`${run.stdout}${run.stderr}`);
  const held = run.status === 0;
  const note = held ? 'The same at each of the sizes.' : 'They did not hold: see above.';
  return {
    part: 'growth',
    tables: [{ ...growthTable(), note }],
    details: { held, rows: ROWS },
    sound: held,
  };
}

/** The counts that the test holds the Worker to, at each of the sizes. */
export function growthTable(): Table {
  const sizes = (counts: readonly number[]) => counts.map((count) => count.toLocaleString('en')).join(', ');
  const { event, eventWhileOthersWait, retry, pageRowsRead } = GROWTH;
  const counts = ({ rowsRead, rowsWritten, d1RowsRead }: typeof event) => [rowsRead, rowsWritten, d1RowsRead].map((count) => figure(count));
  const rows = [
    [`an event, among ${sizes([10, 1_000, 100_000])} organizations`, ...counts(event)],
    [`an event, after ${sizes([1, 1_000, ROWS])} past deliveries of its webhook`, ...counts(event)],
    [`an event, while ${sizes([10, 10_000])} deliveries of its webhook wait`, ...counts(eventWhileOthersWait)],
    [`a retry, while ${sizes([10, 10_000])} deliveries wait`, ...counts(retry)],
    [`a page of 50 of a log of ${sizes([1_000, ROWS])} deliveries`, figure(pageRowsRead), '0', '0'],
  ];
  const header = ['', 'outbox rows read', 'rows written', 'D1 rows read'];
  return { title: 'Growth: operations at different sizes', header, rows };
}
