import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { idOf } from '../../src/commands/docs/markdown.ts';
import { runbookPage } from '../../src/commands/docs/runbook.ts';
import { PROJECT_ROOT } from '../../src/commands/wrangler.ts';
import { type Sample, waitingOf } from '../../src/domain/service/figures.ts';
import { FIRST_CRON_MINUTES, findingsOf } from '../../src/domain/service/verdict.ts';
import { metricsOf } from '../../src/meter/metrics.ts';
import { constantOf, numbersIn } from '../docs/operators/operators-documents.ts';

const read = (file: string) => readFileSync(join(PROJECT_ROOT, file), 'utf8');
const runbook = read('docs/runbook.md');
const headings = Array.from(runbook.matchAll(/^#+ (.+)$/gm), ([, heading]) => idOf(String(heading)));

interface Rule {
  alert: string;
  expr: string;
  for: string;
  labels: { severity: string };
  annotations: { summary: string; runbook: string };
}
const rules: Rule[] = parse(read('docs/alerts.yml')).groups.flatMap(({ rules: all }: { rules: Rule[] }) => all);
const panels: { title: string; targets: { expr: string }[] }[] = JSON.parse(read('docs/grafana.json')).panels;

/** Everything is known. */
const queue = { messages: 1, bytes: 1, oldestAt: 1 };
const sample: Sample = {
  ...{ at: 1, databaseMs: 1, queues: { EVENTS: queue, DEAD_LETTERS: queue }, waiting: waitingOf([]) },
  ...{ parked: { messages: 0, newest: null }, sizes: null },
};
const figures = { counts: {}, faults: {}, organizations: [] };
const totals = { counts: {}, faults: {}, sizes: { organizations: 1, webhooks: 1, disabled: 0 } };
const metrics = metricsOf({ reading: { minutes: [{ minute: 0, figures, sample }], totals }, version: '1', nowMs: 1_000 });
const known = new Map(metrics.map((metric) => [metric.name, metric]));

/** What is asked of metrics: each name with its labels' values. */
function askedIn(expr: string): { name: string; labels: [name: string, value: string][] }[] {
  return Array.from(expr.matchAll(/\b(bullseye_\w+)(?:\{([^}]*)\})?/g), ([, name = '', labels = '']) => ({
    name,
    labels: Array.from(labels.matchAll(/(\w+)!?="([^"]*)"/g), ([, label = '', value = '']): [string, string] => [label, value]),
  }));
}

describe.each([
  ['docs/alerts.yml', rules.map(({ alert, expr }) => ({ title: alert, exprs: [expr] }))],
  ['docs/grafana.json', panels.map(({ title, targets }) => ({ title, exprs: targets.map(({ expr }) => expr) }))],
])('%s', (_file, all) => {
  it('asks for metrics that there are, by labels and values that they have', () => {
    expect(all.length).toBeGreaterThan(10);
    const asked = all.flatMap(({ title, exprs }) => exprs.flatMap((expr) => askedIn(expr).map((each) => ({ title, ...each }))));
    expect(asked.length).toBeGreaterThan(all.length - 1);
    for (const { title, name, labels } of asked) {
      expect(known.has(name), `${title}: ${name}`).toBe(true);
      for (const [label, value] of labels) {
        expect(
          known.get(name)!.series.map((series) => series.labels?.[label]),
          `${title}: ${name}{${label}}`,
        ).toContain(value);
      }
    }
  });
});

it('the dashboard shows every metric', () => {
  const shown = new Set(panels.flatMap(({ targets }) => targets.flatMap(({ expr }) => askedIn(expr).map(({ name }) => name))));
  expect([...known.keys()].filter((name) => !shown.has(name))).toEqual(['bullseye_faults_all_total']);
});

describe('every alert', () => {
  it.each(rules.map((rule) => [rule.alert, rule] as const))('%s says what is wrong, and has its place in the runbook', (alert, rule) => {
    expect(rule.annotations.summary).toMatch(/^[A-Z].*\.$/);
    expect(rule.for).toMatch(/^\d+m$/);
    expect(['page', 'ticket']).toContain(rule.labels.severity);
    const [file, heading] = rule.annotations.runbook.split('#');
    expect(file).toBe('docs/runbook.md');
    expect(headings).toContain(heading);
    const row = runbook.split('\n').find((line) => line.startsWith('| `Bullseye') && line.includes(`\`${alert}\``));
    expect(row).toContain(`#${heading}`);
  });

  it('waits for the first cron of a new deployment as long as `/operator` does', () => {
    const { expr } = rules.find(({ alert }) => alert === 'BullseyeCronSilent')!;
    expect(expr).toContain(`(bullseye_meter_up == 1 and bullseye_meter_up offset ${FIRST_CRON_MINUTES}m == 1 unless`);
  });

  it('of the runbook is one of these', () => {
    const told = runbook.slice(runbook.indexOf('## Alerts'), runbook.indexOf('## Log events'));
    expect(Array.from(told.matchAll(/`(Bullseye\w+)`/g), ([, alert]) => alert).sort()).toEqual(rules.map(({ alert }) => alert).sort());
  });
});

it('rules and the first screen call the same thing slow, silent, behind and a flood', () => {
  const verdict = (name: string, file = 'verdict') => constantOf(`src/domain/service/${file}.ts`, name);
  const bounds = (alert: string) => numbersIn(rules.find((rule) => rule.alert === alert)?.expr ?? '');
  expect(bounds('BullseyeCronSilent')).toContain(verdict('SILENT_CRON_MS') / 1_000);
  expect(bounds('BullseyeDatabaseSlow')).toContain(verdict('SLOW_DATABASE_MS') / 1_000);
  expect(bounds('BullseyeQueueBehind')).toContain(verdict('BEHIND_MESSAGES', 'queues'));
  expect(bounds('BullseyeFlood')).toEqual(expect.arrayContaining([verdict('FLOOD_SHARE', 'floods'), verdict('FLOOD_TIMES', 'floods')]));
  // Of 25 GB (Queues) the half.
  expect(rules.find(({ alert }) => alert === 'BullseyeQueueFilling')?.expr).toMatch(/> 12\.5e9$/);
});

describe('the runbook as a page', () => {
  const page = runbookPage();

  it('has a place for what the first screen leads to', () => {
    const folder = 'src/domain/service';
    const source = readdirSync(join(PROJECT_ROOT, folder))
      .map((file) => read(join(folder, file)))
      .join('\n');
    const named = Array.from(source.matchAll(/runbook(?::| =) '([^']+)'/g), ([, heading]) => String(heading));
    expect(named.length).toBeGreaterThan(8);
    for (const heading of named) expect(page).toContain(` id="${heading}"`);
    const facts = {
      nowMs: 1,
      meteredSince: 0,
      sampledAt: null,
      queues: {},
      databaseMs: 1,
      databaseFault: null,
      webhookName: String,
      organizationName: String,
    };
    for (const { runbook: heading } of findingsOf({ ...facts, minutes: null })) expect(page).toContain(` id="${heading}"`);
  });

  it('has one for every log event, and no link that leads nowhere', () => {
    expect(page).toContain('<code id="outbox.faulted">');
    expect(page).toContain('<code id="api.key_lookup_failed">');
    const ids = new Set(Array.from(page.matchAll(/ id="([^"]+)"/g), ([, id]) => id));
    const links = Array.from(page.matchAll(/href="#([^"]+)"/g), ([, id]) => id);
    expect(links.length).toBeGreaterThan(20);
    expect(links.filter((id) => !ids.has(id))).toEqual([]);
    expect(page).not.toMatch(/<script|<style|\sstyle=|href="docs\//);
  });
});
