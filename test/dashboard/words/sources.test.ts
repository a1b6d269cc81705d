import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import en from '../../../src/dashboard/words/en.json' with { type: 'json' };
import { wordsIn } from '../../support/words-in-source.ts';

const DASHBOARD = join(import.meta.dirname, '../../../src/dashboard');

/** Files and folders whose texts stand in the sources still. The list only gets shorter: see docs/translating.md. */
const NOT_CONVERTED: readonly string[] = [
  'attention/',
  'bulk/',
  'charts/',
  'condition.tsx',
  'deliveries-page.tsx',
  'deliveries/export.tsx',
  'deliveries/filter-form.tsx',
  'deliveries/neighbours.tsx',
  'delivery-bodies.tsx',
  'delivery-filters.ts',
  'delivery-page.tsx',
  'delivery-table.tsx',
  'overview-page.tsx',
  'search/',
  'skipped-page.tsx',
  'webhook-list/',
  'wording.ts',
];

const isConverted = (name: string) => !NOT_CONVERTED.some((place) => name === place || (place.endsWith('/') && name.startsWith(place)));

const sources = readdirSync(DASHBOARD, { recursive: true, encoding: 'utf8' })
  .filter((name) => /\.tsx?$/.test(name) && !name.endsWith('.d.ts') && !name.startsWith('words/placeholders'))
  .map((name) => ({ name, found: wordsIn(readFileSync(join(DASHBOARD, name), 'utf8')) }));

/** Looks like a text, and is none for people to read in their language. */
const NO_TEXTS = new Set([
  // Names of languages, each in its own.
  ...['English', 'Deutsch', 'Français', 'Python', 'Go', 'Ruby', 'Java', 'Shell'],
  // Products.
  ...['Zapier', 'Make', 'Salesforce', 'Slack', 'Microsoft Teams', 'Clay'],
  // Keys, as they are written on them, and a zone that is called the same everywhere.
  ...['Enter', 'Esc', 'UTC'],
  // What HTTP, HTML and CSS call things.
  ...[
    'Bearer',
    'Basic',
    'Authorization',
    'Location',
    'Lax',
    'None',
    '<!doctype html>',
    'Accept-Language, Cookie',
    'Vary',
    'text/css; charset=utf-8',
  ],
  ...['public, max-age=300', '}\n@media (prefers-color-scheme: dark) { :root {', 'once-error once-hint'],
  // Names of what secrets are sealed for; values of the audit log, which the API has as well; parts of the API's texts that are looked for.
  ...['dashboard messages', 'dashboard flash:', 'not confirmed', 'not a number', 'The value'],
]);

const literalIn = ({ found }: (typeof sources)[number]) => found.literal.filter((text) => !NO_TEXTS.has(text));

describe('the sources of the pages', () => {
  it.each(sources.filter(({ name }) => isConverted(name)))('$name has its texts from the catalogues', (source) => {
    expect(literalIn(source)).toEqual([]);
  });

  it('whose texts stand in them are known, and only those', () => {
    const withTexts = sources.filter((source) => literalIn(source).length > 0).map(({ name }) => name);
    expect(NOT_CONVERTED.filter((place) => !withTexts.some((name) => name.startsWith(place)))).toEqual([]);
  });

  it('ask for texts when they are needed, not when they are loaded', () => {
    expect(sources.filter(({ found }) => found.tooEarly.length > 0).map(({ name, found }) => [name, found.tooEarly])).toEqual([]);
  });

  it('use every text that there is', () => {
    const strings = new Set(sources.flatMap(({ found }) => found.strings));
    // A pattern of names alone, such as `${a}.${b}`, would fit everything.
    const patterns = sources
      .flatMap(({ found }) => found.patterns)
      .filter((pattern) => /^\^[a-zA-Z]+\\\.|^\^[a-zA-Z]+\./.test(pattern.source));
    const isUsed = (key: string) => strings.has(key) || patterns.some((pattern) => pattern.test(key));
    expect(Object.keys(en).filter((key) => !isUsed(key))).toEqual([]);
  });
});

describe('the look through a source', () => {
  it.each([
    ['<p>Hello</p>', ['Hello']],
    ['<p title="Hello" class="card notice">{t("a.b")}</p>', ['Hello']],
    ['const a = isX ? "is on" : "off";', ['is on']],
    ['<Field label={isX ? "on" : t("x")} />', ['on']],
    [`const a = \`\${count} of them\`;`, ['of them']],
    ['throw new ApiError("not_found", "There is none.");', ['There is none.']],
    ['throw new RangeError("There is none.");', []],
    ['<p>{t(isX ? "A key" : "Another key", { text: "Not this" })}</p>', ['Not this']],
    ['<a href="/new" data-x="y"><code>{path}</code></a>', []],
  ])('finds in %s the texts %j', (source, literal) => {
    expect(wordsIn(source).literal).toEqual(literal);
  });

  it('finds a text that is asked for too early', () => {
    expect(wordsIn('const A = t("a.b"); const B = () => t("a.c"); const C = { get d() { return t("a.d"); } };').tooEarly).toEqual([10]);
  });
});
