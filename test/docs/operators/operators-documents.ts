import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PROJECT_ROOT } from '../../../src/commands/wrangler.ts';
import { withoutFences } from '../../support/documents.ts';

/** What is written for those who run the service. */
export const OPERATORS_DOCUMENTS = [
  'docs/deploying.md',
  'docs/operating.md',
  'docs/settings.md',
  'docs/runbook.md',
  'docs/scaling.md',
  'docs/export-import.md',
  'docs/faults-and-recovery.md',
  'docs/usage.md',
  'docs/limits.md',
  'docs/cost.md',
  'docs/measurements.md',
  'README.md',
  'SECURITY.md',
] as const;
export type DocumentName = (typeof OPERATORS_DOCUMENTS)[number];

export const read = (path: string): string => readFileSync(join(PROJECT_ROOT, path), 'utf8');

/** A document's text with single spaces: where its lines break says nothing. */
export const plain = (path: string): string => read(path).replaceAll(/\s+/g, ' ');

/** The rows of tables, the items of lists and the paragraphs of a document, each as one line. Blocks of code are left out. */
export function piecesOf(path: string): string[] {
  return withoutFences(read(path))
    .split(/\n(?=\||\s*- |\s*\d+\. )|\n\n+/)
    .map((piece) => piece.replaceAll(/\s+/g, ' ').trim())
    .filter((piece) => piece !== '');
}

const WORDS = ['zero', '', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten', 'eleven', 'twelve'];

/** The numbers in a text, those in words as well, but for “one”. */
export function numbersIn(text: string): number[] {
  const digits = [...text.matchAll(/\d[\d,]*(?:\.\d+)?/g)].map(([number]) => Number(number.replaceAll(',', '')));
  const words = [...text.matchAll(/[a-z]+/gi)].map(([word]) => WORDS.indexOf(word.toLowerCase())).filter((number) => number > 1);
  const fractions = [
    ['half', 0.5],
    ['quarter', 0.25],
    ['million', 1_000_000],
  ].flatMap(([word, value]) => (new RegExp(`\\b${word}`, 'i').test(text) ? [value as number] : []));
  return [...digits, ...words, ...fractions];
}

/** The number of a constant in a source, whether it is exported or not: `const MAX_PARKED = 5_000;`, `4 * 3_600_000`. */
export function constantOf(path: string, name: string, source = read(path)): number {
  const [, expression] = new RegExp(`^(?:export )?const ${name}(?:: \\w+)? = ([^;[]+);`, 'm').exec(source) ?? [];
  if (expression === undefined) throw new Error(`${path} has no number ${name}`);
  return expression
    .split('*')
    .map((factor) => factor.trim())
    .map((factor) => (/^\d/.test(factor) ? Number(factor.replaceAll('_', '')) : named(path, factor, source)))
    .reduce((product, factor) => product * factor, 1);
}

function named(path: string, name: string, source: string): number {
  return name === 'DAY_MS' ? 86_400_000 : constantOf(path, name, source);
}

/** Values of wrangler.toml by their key, in their order; its vars as well. */
export function configured(key: string): string[] {
  return [...read('wrangler.toml').matchAll(new RegExp(`^${key} = "?([^"\\n]*)"?$`, 'gm'))].map(([, value = '']) => value);
}

/** A number of wrangler.toml. @param at which, where the key stands several times */
export function configuredNumber(key: string, at = 0): number {
  return Number(configured(key)[at]?.replaceAll('_', ''));
}
