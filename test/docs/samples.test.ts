import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { placeholdersIn } from '../../src/commands/word-types.ts';
import { PROJECT_ROOT } from '../../src/commands/wrangler.ts';
import en from '../../src/dashboard/words/en.json' with { type: 'json' };
import { parseQuotas } from '../../src/domain/quota.ts';
import { rowsOf, sectionsOf } from '../support/document.ts';
import { DOCUMENTS, fencesOf } from '../support/documents.ts';

/* What the documents for operators and contributors show beside commands. (The guides' samples are run by test/e2e/guides.test.ts and the pages' own tests.) */

const SAMPLES = ['docs/deploying.md markdown', 'docs/operating.md yaml', 'docs/translating.md tsx', 'docs/usage.md toml'] as const;

const samples = [...DOCUMENTS]
  .filter(([document]) => !document.startsWith('src/'))
  .flatMap(([document, markdown]) => fencesOf(markdown).map(({ kind, content }) => ({ sample: `${document} ${kind}`, content })))
  .filter(({ sample }) => !/ (console|bash|text)$/.test(sample));
const sampleOf = (name: (typeof SAMPLES)[number]) => samples.find(({ sample }) => sample === name)?.content ?? '';

describe('the samples of the documents', () => {
  it('are those that are tried here', () => {
    expect(samples.map(({ sample }) => sample).sort()).toEqual([...SAMPLES].sort());
  });

  it('quotas: can be read, and say something of two plans', () => {
    const [, json = ''] = /^QUOTAS = '(.*)'\n$/.exec(sampleOf('docs/usage.md toml')) ?? [];
    const parsed = parseQuotas(json, 30);
    expect(parsed).toMatchObject({ scale: { webhooks: 5, keptDays: 14 }, expansion: { eventsPerDay: 1_000_000 } });
    const rows = rowsOf(sectionsOf(DOCUMENTS.get('docs/usage.md') ?? '').get('Quotas') ?? '').map(([name = '']) =>
      name.replaceAll('`', ''),
    );
    expect(rows).toEqual(Object.keys(parsed.scale ?? {}));
  });

  it('Prometheus: asks for the route of the metrics, with the header that holds a key', () => {
    const [job] = parse(sampleOf('docs/operating.md yaml')).scrape_configs;
    expect(Object.keys(job.http_headers)).toEqual(['X-API-Key']);
    const route = readFileSync(join(PROJECT_ROOT, 'src/api/platform/metrics.ts'), 'utf8');
    expect(route).toContain(`path: '${job.metrics_path}'`);
  });

  it('texts: have keys of the catalogue, and are given what their texts have places for', () => {
    const calls = Array.from(
      sampleOf('docs/translating.md tsx').matchAll(/^\w+\('([\w.]+)', \{ (.*) \}\)$/gm),
      ([, key = '', values = '']) => ({ key, values }),
    );
    expect(calls).toHaveLength(2);
    for (const { key, values } of calls) {
      const text = (en as Record<string, string>)[key] ?? '';
      const given = values.split(', ').map((value) => value.split(':')[0]);
      expect(given.toSorted()).toEqual([...placeholdersIn(text).keys()].toSorted());
    }
  });

  it('the Deploy button: asks Cloudflare for a repository that the reader names', () => {
    const [, button = '', asked = ''] = /^\[!\[[\w ]+\]\((\S+)\)\]\((\S+)\)$/m.exec(sampleOf('docs/deploying.md markdown')) ?? [];
    const { origin, searchParams } = new URL(asked);
    expect(button).toBe(`${origin}/button`);
    expect(searchParams.get('url')).toBe('https://github.com/<you>/bullseye-webhooks');
  });
});
