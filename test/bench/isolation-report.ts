import { bold, CROSS, columns, dim, say, TICK, yellow } from '../../src/commands/terminal.ts';
import { MOST_P99_MS, MOST_TIMES, type Run } from './isolation-run.ts';
import { NOISY_FROM } from './machine.ts';
import { median } from './statistics.ts';
import type { Table } from './table.ts';

/** Shows one run of the isolation part. */
export function showRun(run: Run): void {
  const { scenario, target, halves, lost, arrivedTwice, refused, refusals, bad, goals } = run;
  say(`\n${bold(scenario)}, ${target === 'ours' ? 'ours' : 'the floor'}`);
  const header = [
    '',
    'arrived',
    'sent→arrival p50',
    'p95',
    'p99',
    'max',
    '202→arrival p50',
    'p95',
    'p99',
    'max',
    'batches p50',
    'p99',
    'max',
    'CPUs busy',
    'others',
    'load late by',
  ];
  const rows = halves.map((half, index) => [
    index === 0 ? 'first half' : 'second half',
    `${half.arrived}/${half.expected}`,
    ...[half.fromSent, half.fromAccepted].flatMap(({ p50, p95, p99, max }) => [p50, p95, p99, max].map((value) => ms(value))),
    ...[half.batches.p50, half.batches.p99, half.batches.max].map((value) => ms(value, 0)),
    percent(half.load.all),
    percent(half.load.others),
    ms(half.latestMs),
  ]);
  say(columns([header, ...rows]));
  const slowest = halves[1].slowest.map(({ atMs, tookMs }) => `${(atMs / 1_000).toFixed(1)}: ${tookMs.toFixed(0)}`);
  say(dim(`second half's slowest, at second: ms: ${slowest.join('  ')}`));
  const verdict = (holds: boolean, text: string) => `${holds ? TICK : CROSS} ${text}`;
  say(
    [
      verdict(goals.withinTimes, `p99 ${goals.times === null ? '–' : goals.times.toFixed(2)} × the first half's (${MOST_TIMES} at most)`),
      verdict(goals.withinP99, `p99 below ${MOST_P99_MS / 1_000} s`),
      verdict(goals.nothingLost, `lost: ${lost + (bad?.lost ?? 0)}`),
    ].join('   '),
  );
  if (bad)
    say(
      dim(`the bad endpoints' ${bad.accepted}: ${bad.delivered} delivered, ${bad.waiting} waiting, ${bad.failed} failed, ${bad.lost} lost`),
    );
  if (isNoisy(run)) say(yellow('Other processes kept the machine busy meanwhile: timings are off.'));
  if (arrivedTwice > 0) say(yellow(`arrived more than once: ${arrivedTwice}`));
  if (refused > 0) say(yellow(`not accepted: ${refused} (${refusals.join('; ')})`));
}

/** The medians of the runs, a row for each scenario. */
export function summaryOf(runs: readonly Run[]): Table {
  const header = [
    'scenario',
    'runs',
    'noisy',
    'first p50',
    'first p99',
    'second p50',
    'second p99',
    'second max',
    'times',
    'arrived',
    'lost',
    'goals',
  ];
  const groups = Map.groupBy(runs, ({ scenario, target }) => (target === 'ours' ? scenario : `${scenario} (floor)`));
  const rows = [...groups].map(([name, of]) => {
    const middle = (pick: (run: Run) => number | null) => median(of.map(pick).filter((value) => value !== null));
    const sum = (pick: (run: Run) => number) => of.reduce((total, run) => total + pick(run), 0);
    const times = middle(({ goals }) => goals.times);
    const p99 = middle(({ halves }) => halves[1].fromAccepted.p99);
    const lost = sum((run) => run.lost + (run.bad?.lost ?? 0));
    const holds = times !== null && times <= MOST_TIMES && p99 !== null && p99 < MOST_P99_MS && lost === 0;
    return [
      name,
      String(of.length),
      String(of.filter(isNoisy).length),
      ms(middle(({ halves }) => halves[0].fromAccepted.p50)),
      ms(middle(({ halves }) => halves[0].fromAccepted.p99)),
      ms(middle(({ halves }) => halves[1].fromAccepted.p50)),
      ms(p99),
      ms(middle(({ halves }) => halves[1].fromAccepted.max)),
      times === null ? '–' : times.toFixed(2),
      `${sum(({ halves }) => halves[0].arrived + halves[1].arrived)}/${sum(({ halves }) => halves[0].expected + halves[1].expected)}`,
      String(lost),
      holds ? `${TICK} hold` : `${CROSS} do not hold`,
    ];
  });
  return { title: 'Isolation: healthy endpoints, 202→arrival, medians of the runs', header, rows };
}

function percent(share: number | null): string {
  return share === null ? '–' : `${Math.round(share * 100)} %`;
}

/** Whether other processes kept the machine busy meanwhile. */
function isNoisy({ halves }: Run): boolean {
  return halves.some(({ load }) => (load.others ?? 0) >= NOISY_FROM);
}

function ms(value: number | null, digits = 1): string {
  return value === null ? '–' : `${value.toFixed(digits)} ms`;
}
