import { KINDS, type Kind } from './endpoint.ts';
import { sum, type WebhookMonth } from './month.ts';
import { lost, type Tally } from './tally.ts';

/** Deliveries a day from which on a webhook counts as busy. */
const BUSY = 50;

const LABELS: Record<Kind, string> = {
  healthy: 'healthy',
  slow: 'slow (5 to 20 s)',
  outages: 'with outages (minutes to a day)',
  flapping: 'up and down every few minutes',
  erratic: 'failing at random (0.1 to 50 %)',
  dead: 'dead for good',
  gone: 'gone (410)',
};

/** The month as a Markdown table: the plain schedule beside the circuit. */
export function report(plain: readonly WebhookMonth[], circuit: readonly WebhookMonth[], days: number): string {
  const rows: string[][] = [['', 'plain schedule', 'with the circuit']];
  const both = [plain, circuit] as const;
  const add = (name: string, of: (webhooks: readonly WebhookMonth[]) => string) => rows.push([name, ...both.map(of)]);
  const addAll = (name: string, of: (tally: Tally) => string) => add(name, (webhooks) => of(sum(webhooks)));
  const ofKind = (kind: Kind) => (webhooks: readonly WebhookMonth[]) => sum(webhooks, (webhook) => webhook.kind === kind);
  const isBusy = ({ tally }: WebhookMonth) => tally.deliveries >= BUSY * days;
  const outages = (busy: boolean) => (webhooks: readonly WebhookMonth[]) =>
    sum(webhooks, (webhook) => webhook.kind === 'outages' && isBusy(webhook) === busy);

  addAll('deliveries', ({ deliveries }) => whole(deliveries));
  addAll('delivered', delivered);
  for (const kind of Object.keys(KINDS) as Kind[]) {
    add(`– endpoint ${LABELS[kind]}`, (webhooks) => delivered(ofKind(kind)(webhooks)));
    if (kind !== 'outages') continue;
    add(`– – of a busy webhook (${BUSY} a day and more)`, (webhooks) => delivered(outages(true)(webhooks)));
    add('– – of a quiet one', (webhooks) => delivered(outages(false)(webhooks)));
  }
  addAll('failed: attempts used up', ({ exhausted }) => whole(exhausted));
  addAll('failed: expired after 3 days', ({ expired }) => whole(expired));
  addAll('failed or discarded: endpoint gone', ({ gone, discarded }) => whole(gone + discarded));
  addAll('still waiting at the end', ({ waiting }) => whole(waiting));
  addAll('lost', (tally) => whole(lost(tally)));
  rows.push(['delivered thanks to the circuit', '', whole(sum(circuit).delivered - sum(plain).delivered)]);
  addAll('attempts per delivery', ({ attempts, deliveries }) => (attempts / deliveries).toFixed(3));
  addAll('most attempts of a delivery', ({ mostAttempts }) => whole(mostAttempts));
  addAll('attempts that failed', ({ failedAttempts }) => whole(failedAttempts));
  add('attempts an hour on a dead endpoint', (webhooks) => perDeadHour(ofKind('dead')(webhooks)));
  add('– on the one with the most', (webhooks) => perDeadHour(worst(webhooks)));
  add('longest wait for a first attempt, healthy endpoint', (webhooks) => duration(ofKind('healthy')(webhooks).longestStartMs));
  add('longest way to delivery, healthy endpoint', (webhooks) => duration(ofKind('healthy')(webhooks).longestDeliveryMs));
  return markdown(rows);
}

/** The dead endpoint that was attempted most. */
function worst(webhooks: readonly WebhookMonth[]): Tally {
  const dead = webhooks.filter(({ kind }) => kind === 'dead').map(({ tally }) => tally);
  return dead.reduce((most, tally) => (tally.deadAttempts / tally.deadHours > most.deadAttempts / most.deadHours ? tally : most), dead[0]!);
}

function perDeadHour({ deadAttempts, deadHours }: Tally): string {
  return (deadAttempts / deadHours).toFixed(1);
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
