import { dim, say, yellow } from '../../src/commands/terminal.ts';
import type { ComparisonOptions, ComparisonPart, ComparisonRun } from './comparison.ts';
import type { Goal } from './goal.ts';
import { median } from './statistics.ts';
import { figure, type Table, verdict } from './table.ts';

/** Tells of one run as soon as it has been made. */
export function showRun<V>(part: ComparisonPart<V>, turn: number, { target, values, lost, refusals, noisy }: ComparisonRun<V>): void {
  const shown = part.metrics.map(({ title, of }) => `${title} ${figure(of(values))}`).join(', ');
  say(dim(`run ${turn + 1}, ${target}: ${shown}`));
  if (lost > 0) say(yellow(`lost: ${lost}`));
  if (refusals.length > 0) say(yellow(`not accepted: ${refusals.length} (${[...new Set(refusals)].slice(0, 3).join('; ')})`));
  if (noisy) say(yellow('Other processes kept the machine busy meanwhile: timings are off.'));
}

/** The medians of the runs, a row for each metric. */
export function tableOf<V>(part: ComparisonPart<V>, options: ComparisonOptions, runs: readonly ComparisonRun<V>[]): Table {
  const rows = part.metrics.map(({ title, of, goal }) => {
    const sampleOf = (name: ComparisonRun<V>['target']) =>
      runs
        .filter(({ target }) => target === name)
        .map(({ values }) => of(values))
        .filter((value) => value !== null);
    const [ours, floor] = [sampleOf('ours'), sampleOf('floor')];
    const [middle, floors] = [median(ours), median(floor)];
    const ratio = middle === null || floors === null || floors === 0 ? null : middle / floors;
    return [
      title,
      withSpread(ours),
      withSpread(floor),
      ratio === null ? '–' : `${ratio.toFixed(2)} ×`,
      goal ? goalCell(goal, ours, floors) : '',
    ];
  });
  const lost = runs.reduce((sum, run) => sum + (run.target === 'ours' ? run.lost : 0), 0);
  const noisy = runs.filter((run) => run.noisy).length;
  return {
    title: part.title(options),
    header: ['', 'ours', 'the floor', 'ours to floor', 'goal'],
    rows,
    note: `Medians of ${options.runs} alternating runs (least to most). Lost: ${lost}.${noisy > 0 ? ` Noisy runs: ${noisy} of ${runs.length}.` : ''}`,
  };
}

/** Whether a goal holds for ours; only what it is where nobody can tell. */
function goalCell({ text, holds, inEveryRun }: Goal, ours: readonly number[], floor: number | null): string {
  const middle = median(ours);
  if (middle === null) return text;
  const held = (inEveryRun ? ours : [middle]).map((value) => holds(value, floor));
  return held.includes(null) ? text : verdict(!held.includes(false), text);
}

function withSpread(sample: readonly number[]): string {
  if (sample.length < 2) return figure(median(sample));
  return `${figure(median(sample))} (${figure(Math.min(...sample))} to ${figure(Math.max(...sample))})`;
}
