import { bold, CROSS, columns, dim, say, TICK, yellow } from '../../../src/commands/terminal.ts';
import { NOISY_FROM } from '../machine.ts';
import { median } from '../statistics.ts';
import { type Table, verdict } from '../table.ts';
import { figuresOf, goalsOf, type Held } from './goals.ts';
import { SETTLED_AFTER_MS } from './half.ts';
import { lostIn, type Run } from './run.ts';

const SETTLED_P99 = `p99 after ${SETTLED_AFTER_MS / 1_000} s`;

/** How many of the slowest events are shown. */
const SHOWN_SLOWEST = 20;

/** Shows one run of the isolation part; the floor's of the same turn says what the load alone does. */
export function showRun(run: Run, floor: Run | null): void {
  const { scenario, target, halves, arrivedTwice, refused, refusals, bad } = run;
  say(`\n${bold(scenario)}, ${target === 'ours' ? 'ours' : 'the floor'}`);
  say(columns([HEADER, ...halves.map((half, index) => rowOf(half, index === 0 ? 'first half' : 'second half'))]));
  const slowest = halves[1].slowest.slice(0, SHOWN_SLOWEST).map(({ atMs, tookMs }) => `${(atMs / 1_000).toFixed(1)}: ${tookMs.toFixed(0)}`);
  say(dim(`second half's slowest, at second: ms: ${slowest.join('  ')}`));
  const figures = figuresOf([run], floor ? [floor] : []);
  const ratios = [
    `after ${SETTLED_AFTER_MS / 1_000} s ${times(figures.times)} the first half’s`,
    ...(floor ? [`${times(figures.floorTimes)} the floor’s`] : []),
  ];
  // They are ours: the floor is only looked at beside.
  const held = target === 'ours' ? goalsOf(scenario, figures) : [];
  const goals = held.map(({ holds, text }) => (holds === null ? text : verdict(holds, text)));
  say([...goals, dim(`p99 ${ratios.join(', ')}; lost: ${lostIn(run)}`)].join('   '));
  if (bad)
    say(
      dim(`the bad endpoints' ${bad.accepted}: ${bad.delivered} delivered, ${bad.waiting} waiting, ${bad.failed} failed, ${bad.lost} lost`),
    );
  if (isNoisy(run)) say(yellow('Other processes kept the machine busy meanwhile: timings are off.'));
  if (arrivedTwice > 0) say(yellow(`arrived more than once: ${arrivedTwice}`));
  if (refused > 0) say(yellow(`not accepted: ${refused} (${refusals.join('; ')})`));
}

const HEADER = [
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
  SETTLED_P99,
  'batches p50',
  'p99',
  'max',
  'CPUs busy',
  'others',
  'load late by',
];

function rowOf(half: Run['halves'][0], name: string): string[] {
  return [
    name,
    `${half.arrived}/${half.expected}`,
    ...[half.fromSent, half.fromAccepted].flatMap(({ p50, p95, p99, max }) => [p50, p95, p99, max].map((value) => ms(value))),
    ms(half.settledP99),
    ...[half.batches.p50, half.batches.p99, half.batches.max].map((value) => ms(value, 0)),
    percent(half.load.all),
    percent(half.load.others),
    ms(half.latestMs),
  ];
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
    `second ${SETTLED_P99}`,
    'second max',
    'to the first half’s',
    'to the floor’s',
    'arrived',
    'lost',
    'goals',
  ];
  const groups = Map.groupBy(runs, ({ scenario, target }) => (target === 'ours' ? scenario : `${scenario} (floor)`));
  const rows = [...groups].map(([name, of]) => {
    const { scenario, target } = of[0] as Run;
    const floors = target === 'ours' ? (groups.get(`${scenario} (floor)`) ?? []) : [];
    const figures = figuresOf(of, floors);
    const middle = (pick: (run: Run) => number | null) => median(of.map(pick).filter((value) => value !== null));
    const sum = (pick: (run: Run) => number) => of.reduce((total, run) => total + pick(run), 0);
    return [
      name,
      String(of.length),
      String(of.filter(isNoisy).length),
      ms(middle(({ halves }) => halves[0].fromAccepted.p50)),
      ms(middle(({ halves }) => halves[0].fromAccepted.p99)),
      ms(middle(({ halves }) => halves[1].fromAccepted.p50)),
      ms(figures.secondP99),
      ms(figures.settledP99),
      ms(middle(({ halves }) => halves[1].fromAccepted.max)),
      times(figures.times),
      times(figures.floorTimes),
      `${sum(({ halves }) => halves[0].arrived + halves[1].arrived)}/${sum(({ halves }) => halves[0].expected + halves[1].expected)}`,
      String(figures.lost),
      target === 'ours' ? verdictOf(goalsOf(scenario, figures)) : '–',
    ];
  });
  return { title: 'Isolation: healthy endpoints, 202→arrival, medians of the runs', header, rows };
}

/** All of them in a cell: which do not hold, where one does not. */
function verdictOf(goals: readonly Held[]): string {
  const texts = (of: boolean | null) => goals.filter(({ holds }) => holds === of).map(({ text }) => text);
  if (texts(false).length > 0) return `${CROSS} not: ${texts(false).join(', ')}`;
  return texts(null).length > 0 ? `nobody can tell: ${texts(null).join(', ')}` : `${TICK} hold`;
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

function times(value: number | null): string {
  return value === null ? '–' : `${value.toFixed(2)} ×`;
}
