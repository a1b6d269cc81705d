import { KINDS, type Kind } from './endpoint.ts';
import { sum, type WebhookMonth } from './month.ts';
import { lost, type Tally } from './tally.ts';

/** Deliveries a day from which on a webhook counts as busy. */
const BUSY = 50;

const LABELS: Record<Kind, string> = {
  healthy: 'healthy',
  slow: 'slow (5 to 20 s)',
  rejecting: 'rejecting some records (1 to 30 %)',
  outages: 'with outages (minutes to a day)',
  flapping: 'up and down every few minutes',
  erratic: 'failing at random (0.1 to 50 %)',
  dead: 'dead for good',
  gone: 'gone (410)',
};
const KIND_NAMES = Object.keys(KINDS) as Kind[];

/** A run's months, added up for its rows. */
interface Sums {
  all: Tally;
  byKind: Record<Kind, Tally>;
  outagesOfBusy: Tally;
  outagesOfQuiet: Tally;
  /** The dead endpoint that was attempted most. */
  mostAttempted: Tally;
}

/** The month as a Markdown table: the plain schedule beside the circuit. */
export function report(plain: readonly WebhookMonth[], circuit: readonly WebhookMonth[], days: number): string {
  const rows: string[][] = [['', 'plain schedule', 'with the circuit']];
  const both = [sumsOf(plain, days), sumsOf(circuit, days)] as const;
  const add = (name: string, of: (sums: Sums) => string) => rows.push([name, ...both.map(of)]);
  const addAll = (name: string, of: (tally: Tally) => string) => add(name, ({ all }) => of(all));
  const addKind = (kind: Kind, of: (tally: Tally) => string) => add(`– endpoint ${LABELS[kind]}`, ({ byKind }) => of(byKind[kind]));

  addAll('deliveries', ({ deliveries }) => whole(deliveries));
  addAll('delivered', delivered);
  for (const kind of KIND_NAMES) {
    addKind(kind, delivered);
    if (kind !== 'outages') continue;
    add(`– – of a busy webhook (${BUSY} a day and more)`, ({ outagesOfBusy }) => delivered(outagesOfBusy));
    add('– – of a quiet one', ({ outagesOfQuiet }) => delivered(outagesOfQuiet));
  }
  addAll('failed: attempts used up', ({ exhausted }) => whole(exhausted));
  addAll('failed: expired after 3 days', ({ expired }) => whole(expired));
  addAll('failed or discarded: endpoint gone', ({ gone, discarded }) => whole(gone + discarded));
  addAll('still waiting at the end', ({ waiting }) => whole(waiting));
  addAll('lost', (tally) => whole(lost(tally)));
  rows.push(['delivered thanks to the circuit', '', whole(both[1].all.delivered - both[0].all.delivered)]);
  addAll('from acceptance to arrival: p50, p99', arrivals);
  for (const kind of KIND_NAMES) addKind(kind, arrivals);
  addAll('attempts per delivery', ({ attempts, deliveries }) => (attempts / deliveries).toFixed(3));
  addAll('most attempts of a delivery', ({ mostAttempts }) => whole(mostAttempts));
  addAll('attempts that failed', ({ failedAttempts }) => whole(failedAttempts));
  add('attempts an hour on a dead endpoint', ({ byKind }) => perDeadHour(byKind.dead));
  add('– on the one with the most', ({ mostAttempted }) => perDeadHour(mostAttempted));
  addAll('times that a circuit opened', ({ openings }) => whole(openings));
  for (const kind of KIND_NAMES) addKind(kind, ({ openings }) => whole(openings));
  add('longest wait for a first attempt, healthy endpoint', ({ byKind }) => duration(byKind.healthy.longestStartMs));
  add('– endpoint that rejects some records', ({ byKind }) => duration(byKind.rejecting.longestStartMs));
  add('longest way to delivery, healthy endpoint', ({ byKind }) => duration(byKind.healthy.longestDeliveryMs));
  return markdown(rows);
}

function sumsOf(webhooks: readonly WebhookMonth[], days: number): Sums {
  const isBusy = ({ tally }: WebhookMonth) => tally.deliveries >= BUSY * days;
  const ofOutages = (busy: boolean) => sum(webhooks, (webhook) => webhook.kind === 'outages' && isBusy(webhook) === busy);
  const perHour = ({ deadAttempts, deadHours }: Tally) => deadAttempts / deadHours;
  const dead = webhooks.filter(({ kind }) => kind === 'dead').map(({ tally }) => tally);
  return {
    all: sum(webhooks),
    byKind: sumsByKind(webhooks),
    outagesOfBusy: ofOutages(true),
    outagesOfQuiet: ofOutages(false),
    mostAttempted: dead.reduce((most, tally) => (perHour(tally) > perHour(most) ? tally : most), dead[0] ?? sum([])),
  };
}

export function sumsByKind(webhooks: readonly WebhookMonth[]): Record<Kind, Tally> {
  const sums = KIND_NAMES.map((kind) => [kind, sum(webhooks, (webhook) => webhook.kind === kind)]);
  return Object.fromEntries(sums) as Record<Kind, Tally>;
}

function perDeadHour({ deadAttempts, deadHours }: Tally): string {
  // A small month has no dead endpoint.
  return deadHours === 0 ? '' : (deadAttempts / deadHours).toFixed(1);
}

function delivered({ delivered, deliveries }: Tally): string {
  return deliveries === 0 ? '' : `${((100 * delivered) / deliveries).toFixed(3)} %`;
}

function arrivals({ arrivals, delivered }: Tally): string {
  return delivered === 0 ? '' : `${duration(arrivals.quantile(0.5))}, ${duration(arrivals.quantile(0.99))}`;
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
