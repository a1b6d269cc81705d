import { KINDS, type Kind } from './endpoint.ts';
import { type Tallies, total } from './month.ts';
import { lost, type Tally } from './tally.ts';

type Row = [name: string, of: (tally: Tally) => string];

const LABELS: Record<Kind, string> = {
  healthy: 'healthy',
  slow: 'slow (5 to 20 s)',
  outages: 'outages (minutes to a day)',
  flapping: 'flapping',
  erratic: 'failing at random (0.1 to 50 %)',
  dead: 'dead for good',
  gone: 'gone (410)',
};

/** The month as a Markdown table: the plain schedule beside the circuit. */
export function report(plain: Tallies, circuit: Tallies): string {
  const rows: string[][] = [['', 'plain schedule', 'with the circuit']];
  const add = (name: string, a: Tally, b: Tally, of: (tally: Tally) => string) => rows.push([name, of(a), of(b)]);
  const everything = [total(plain), total(circuit)] as const;
  const only = (kind: Kind) => [plain[kind], circuit[kind]] as const;

  add('deliveries', ...everything, ({ deliveries }) => whole(deliveries));
  add('delivered', ...everything, delivered);
  for (const kind of Object.keys(KINDS) as Kind[]) add(`– endpoint ${LABELS[kind]}`, ...only(kind), delivered);
  const ends: Row[] = [
    ['failed: attempts used up', ({ exhausted }) => whole(exhausted)],
    ['failed: expired after 3 days', ({ expired }) => whole(expired)],
    ['failed or discarded: endpoint gone', ({ gone, discarded }) => whole(gone + discarded)],
    ['still waiting at the end', ({ waiting }) => whole(waiting)],
    ['lost', (tally) => whole(lost(tally))],
    ['attempts per delivery', ({ attempts, deliveries }) => (attempts / deliveries).toFixed(3)],
    ['most attempts of a delivery', ({ mostAttempts }) => whole(mostAttempts)],
    ['attempts that failed', ({ failedAttempts }) => whole(failedAttempts)],
  ];
  for (const [name, of] of ends) add(name, ...everything, of);
  add('longest wait for a first attempt, healthy endpoint', ...only('healthy'), ({ longestStartMs }) => duration(longestStartMs));
  add('longest way to delivery, healthy endpoint', ...only('healthy'), ({ longestDeliveryMs }) => duration(longestDeliveryMs));
  add('attempts an hour on a dead endpoint', ...only('dead'), ({ deadAttempts, deadHours }) => (deadAttempts / deadHours).toFixed(1));
  add('– the most in one hour, after the first day', ...only('dead'), ({ mostInDeadHour }) => whole(mostInDeadHour));
  rows.push(['deliveries saved by the circuit', '', whole(everything[1].delivered - everything[0].delivered)]);
  return markdown(rows);
}

function delivered({ delivered, deliveries }: Tally): string {
  return deliveries === 0 ? '' : `${((100 * delivered) / deliveries).toFixed(3)} %`;
}

function whole(value: number): string {
  return value.toLocaleString('en-US');
}

function duration(ms: number): string {
  if (ms < 1_000) return `${ms} ms`;
  if (ms < 120_000) return `${(ms / 1_000).toFixed(1)} s`;
  return ms < 7_200_000 ? `${(ms / 60_000).toFixed(1)} min` : `${(ms / 3_600_000).toFixed(1)} h`;
}

function markdown(rows: readonly string[][]): string {
  const widths = [0, 1, 2].map((column) => Math.max(4, ...rows.map((row) => row[column]!.length)));
  const lines = rows.map(
    (row) => `| ${row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!))).join(' | ')} |`,
  );
  const rule = `| ${widths.map((width, column) => (column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)).join(' | ')} |`;
  return [lines[0], rule, ...lines.slice(1)].join('\n');
}
