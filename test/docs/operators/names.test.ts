import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { outsideFindings } from '../../../src/commands/doctor/outside.ts';
import { PROJECT_ROOT } from '../../../src/commands/wrangler.ts';
import { JURISDICTIONS } from '../../../src/domain/jurisdiction.ts';
import type { Sample } from '../../../src/domain/service/figures.ts';
import { waitingOf } from '../../../src/domain/service/figures.ts';
import { metricsOf } from '../../../src/meter/metrics.ts';
import { parseSettings } from '../../../src/settings.ts';
import { KIND_NAMES } from '../../../src/transfer/kinds.ts';
import { VARS } from '../../domain/vars.ts';
import { KINDS } from '../../simulation/endpoint.ts';
import { codesIn, rowsOf } from '../../support/document.ts';
import { filesIn } from '../../support/files.ts';
import { configured, numbersIn, plain, read } from './operators-documents.ts';

/* Names, lists and words of the operators' documents, beside those of the source. */

describe('docs/settings.md', () => {
  const refusal = (name: string, value: string): string => {
    try {
      parseSettings({ ...VARS, [name]: value } as typeof VARS);
      return '';
    } catch (error) {
      return (error as Error).message;
    }
  };
  const rows = rowsOf(read('docs/settings.md'));
  const ranges = rows.flatMap(([name = '', , means = '']) => {
    const [, least = '', most = '', unit = ''] = /\b(\d[\d,]*)(?: s)?,? to ([\d,]+)( s)?/.exec(means) ?? [];
    return least === ''
      ? []
      : [{ name: name.replaceAll('`', ''), least: numbersIn(least)[0]!, most: numbersIn(most)[0]!, unit: unit.trim() }];
  });

  it('has a range for those settings that have one', () => {
    expect(ranges.map(({ name }) => name)).toEqual([
      'DELIVERY_TIMEOUT',
      'RETENTION_DAYS',
      'CIRCUIT_THRESHOLD',
      'EVENT_QUEUES',
      'MAX_CONCURRENCY',
    ]);
  });

  it.each(ranges)('$name takes $least to $most, and nothing beyond', ({ name, least, most, unit }) => {
    expect([least, most].map((value) => refusal(name, `${value}${unit}`))).toEqual(['', '']);
    for (const beyond of [least - 1, most + 1]) expect(refusal(name, `${beyond}${unit}`)).toContain(name);
  });

  it('names the units of a duration', () => {
    const [, units = ''] = /a whole number and a unit: (.*?)\. /.exec(plain('docs/settings.md')) ?? [];
    for (const unit of codesIn(units)) expect(refusal('DISABLE_AFTER', `7${unit}`)).toBe('');
    expect(codesIn(units).length).toBe(5);
  });
});

describe('docs/deploying.md', () => {
  const deploying = plain('docs/deploying.md');

  it('has the jurisdictions and the locations that a first deploy takes', () => {
    const [, locations = ''] = /LOCATIONS = \[(.*)\]/.exec(read('src/commands/deploy/data-location.ts')) ?? [];
    const row =
      read('docs/deploying.md')
        .split('\n')
        .find((line) => line.startsWith('| | without a flag')) ?? '';
    expect(codesIn(row).flatMap((code) => code.split(' ').slice(-1))).toEqual(['weur', ...JURISDICTIONS]);
    const [, others = ''] = /near Western Europe \(also (.*?)\)/.exec(deploying) ?? [];
    expect(['weur', ...codesIn(others)].sort()).toEqual([...locations.matchAll(/'(\w+)'/g)].map(([, name]) => name).sort());
  });

  it('names what a first deploy makes', () => {
    for (const name of [...configured('database_name'), ...configured('queue')]) expect(deploying).toContain(`\`${name}\``);
    expect(read('wrangler.toml')).toContain('crons = ["* * * * *"]');
    expect(deploying).toContain('a cron trigger for every minute');
  });

  it('names the latest class of objects', () => {
    const tags = [...read('wrangler.toml').matchAll(/^tag = "(\w+)"\nnew_sqlite_classes = \[(.*)\]/gm)];
    const [, tag = '', classes = ''] = tags.at(-1) ?? [];
    expect(deploying).toContain(`the latest is \`${tag}\`, of the ${classes.replaceAll('"', '')}`);
  });

  it('says of migrations that they only add, so that the version before lives with them', () => {
    const folder = join(PROJECT_ROOT, 'migrations');
    const statements = readdirSync(folder)
      .filter((name) => name.endsWith('.sql'))
      .flatMap((name) => read(`migrations/${name}`).split(/--> statement-breakpoint|;\n/))
      .map((statement) => statement.replaceAll(/\s+/g, ' ').trim())
      .filter((statement) => statement !== '');
    expect(statements.length).toBeGreaterThan(20);
    for (const statement of statements) {
      expect(statement).toMatch(/^(CREATE (TABLE|INDEX|UNIQUE INDEX|TRIGGER|VIEW)|ALTER TABLE `\w+` ADD|INSERT) /);
      // The version before writes rows without it.
      if (/ADD `\w+` .*NOT NULL/.test(statement)) expect(statement).toContain('DEFAULT');
    }
  });

  it('lists everything that the doctor looks at from outside', async () => {
    const [row = ''] = read('docs/deploying.md')
      .split('\n')
      .filter((line) => line.startsWith('| the address alone |'));
    const words: Record<string, string> = {
      name: 'DNS',
      health: 'health and version',
      'development key': 'the development key',
      'plain http': 'plain http',
    };
    const looked = (await outsideFindings(new URL('https://127.0.0.1:1'), false)).map(({ what }) => what);
    expect(looked.length).toBe(7);
    for (const what of looked) expect(row).toContain(words[what] ?? what);
  });
});

describe('docs/operating.md', () => {
  const operating = plain('docs/operating.md');

  it('has the fields of a line about an attempt', () => {
    const [, call = ''] = /logInfo\('delivery\.attempted', \{(.*?)\}\);/s.exec(read('src/attempt/sender.ts')) ?? [];
    const fields = [...call.matchAll(/^ {4}(\w+)[:,]/gm)].map(([, field = '']) => field);
    expect(fields.length).toBeGreaterThan(10);
    const [, section = ''] = /## The log (.*?) No line has/.exec(operating) ?? [];
    expect(fields.filter((field) => !codesIn(section).includes(field))).toEqual([]);
  });

  it('says how many series there are: one more for each fault, and none for a webhook or an organization', () => {
    const queue = { messages: 1, bytes: 1, oldestAt: 1 };
    const sample: Sample = {
      ...{ at: 1, databaseMs: 1, queues: { EVENTS: queue, DEAD_LETTERS: queue }, waiting: waitingOf([]) },
      ...{ parked: { messages: 0, newest: null }, sizes: null },
    };
    const series = (faults: Record<string, number>) => {
      const totals = { counts: {}, faults, sizes: { organizations: 1, webhooks: 1, disabled: 0 } };
      const figures = { counts: {}, faults: {}, organizations: [{ id: 'org_a', events: 1 }] };
      const reading = { minutes: [{ minute: 0, figures, sample }], totals };
      return metricsOf({ reading, version: '1', nowMs: 1_000 }).reduce((sum, metric) => sum + metric.series.length, 0);
    };
    expect(Math.round(series({}) / 10) * 10).toBe(numbersIn(/There are about \d+ series/.exec(operating)?.[0] ?? '')[0]);
    expect(series({ 'a.b': 1, 'a.c': 2 })).toBe(series({}) + 2);
  });
});

describe('docs/export-import.md', () => {
  it('names the types of lines', () => {
    const [, types = ''] = /Each line is one JSON object with a `type`: (.*?)\. /.exec(plain('docs/export-import.md')) ?? [];
    expect(codesIn(types)).toEqual(KIND_NAMES);
  });
});

describe('docs/runbook.md', () => {
  it('quotes what the pages and the log say', () => {
    const sources = ['src/operator', 'src/domain/service', 'src/db', 'src/outbox', 'src/consumer'].flatMap((folder) =>
      filesIn(join(PROJECT_ROOT, folder)),
    );
    const said = sources
      .map((path) => read(path.slice(PROJECT_ROOT.length)))
      .join('\n')
      .toLowerCase();
    const quotes = [...read('docs/runbook.md').matchAll(/“([^”]+)”/g)].map(([, quote = '']) => quote.toLowerCase());
    expect(quotes.length).toBeGreaterThan(20);
    const parts = quotes.flatMap((quote) => quote.split('…').map((part) => part.trim())).filter((part) => part !== '');
    const missing = parts
      .map((part) =>
        part
          .replace(/\b5 minutes$/, '')
          .replace(/,$/, '')
          .trim(),
      )
      .filter((part) => !said.includes(part));
    expect(missing).toEqual([]);
  });
});

describe('docs/measurements.md', () => {
  it('says how many of the simulated endpoints are of which kind', () => {
    const [sentence = ''] = /87 % of the endpoints are healthy.*?\(0\.5 %\)\./.exec(plain('docs/measurements.md')) ?? [];
    expect([...sentence.matchAll(/([\d.]+) %/g)].map(([, percent]) => Number(percent))).toEqual(Object.values(KINDS));
  });
});

describe('SECURITY.md', () => {
  it('says of packages what package.json says', () => {
    const { dependencies = {}, allowScripts } = JSON.parse(read('package.json'));
    expect(dependencies).toEqual({});
    expect(plain('SECURITY.md')).toContain('`package.json` has no `dependencies`');
    const allowed = Object.values(allowScripts).filter(Boolean).length;
    const [sentence = ''] = /Install scripts run for the .*? development packages/.exec(plain('SECURITY.md')) ?? [];
    expect(numbersIn(sentence)).toEqual([allowed]);
  });

  it('has platform keys compared in constant time', () => {
    const [, compared = ''] = /^function platformKeyIndex(.*?)^}/ms.exec(read('src/api/access/auth.ts')) ?? [];
    expect(compared).toContain('crypto.subtle.timingSafeEqual(');
    expect(compared).not.toMatch(/=== ?presented|presented ?===|\.includes\(/);
  });

  it('names tests that there are', () => {
    const tests = codesIn(read('SECURITY.md')).filter((code) => /^test\/.*\.tsx?$/.test(code));
    expect(tests.length).toBeGreaterThan(20);
    for (const path of tests) expect(() => read(path), path).not.toThrow();
  });
});
