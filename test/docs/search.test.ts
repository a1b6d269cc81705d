import { describe, expect, test } from 'vitest';
import { buildGuides } from '../../src/commands/docs/guides.ts';
import { PAGES } from '../../src/docs/contents.ts';
import { findParts, type SearchedPart, wordsOf } from '../../src/docs/search.ts';

const parts = JSON.parse(buildGuides().get('docs-assets/search.json') ?? '[]') as SearchedPart[];
const first = (query: string) => findParts(parts, query)[0]?.href;

describe('the search of the documentation', () => {
  test('finds pages and their parts by their words, by the beginnings of words, and by the names of fields', () => {
    expect(first('rotate secret')).toBe('/docs/webhooks/rotating-secrets');
    expect(first('mine not match')).toBe('/docs/webhooks/verifying#why-does-mine-not-match');
    expect(first('idempot')).toMatch(/^\/docs\/posting-events/);
    expect(first('cloudflare')).toMatch(/^\/docs\/webhooks\/firewalls/);
    expect(first('Best PRACTICES!')).toMatch(/^\/docs\/webhooks\/best-practices/);
    expect(findParts(parts, 'session_id').map(({ page }) => page)).toContain('Duplicates and order');
  });

  test('looks through every page', () => {
    expect(new Set(parts.map(({ href }) => href.split('#')[0]))).toEqual(new Set(PAGES.map(({ path }) => path)));
  });

  test('shows the beginning of a part as it reads, without marks of Markdown', () => {
    for (const { begin } of parts) {
      expect(begin).not.toMatch(/`|\*\*|---|\||^[-#>]|\*\p{L}/u);
      expect(begin.length).toBeLessThanOrEqual(162);
    }
    const begins = parts.map(({ begin }) => begin);
    expect(begins.some((begin) => begin.includes(' · '))).toBe(true);
    expect(begins.some((begin) => begin.includes('visitor.*'))).toBe(true);
  });

  test('finds what has all words alone, and nothing by none', () => {
    expect(findParts(parts, 'rotate xylophone')).toEqual([]);
    expect(findParts(parts, ' . ')).toEqual([]);
    // Within a word is not its beginning.
    expect(findParts([{ href: '/', title: '', page: '', begin: '', words: [wordsOf('Overview'), ' ', ' '] }], 'view')).toEqual([]);
  });

  test('shows so many, the best first', () => {
    const found = findParts(parts, 'webhook');
    expect(found).toHaveLength(20);
    expect(found[0]?.title.toLowerCase()).toContain('webhook');
  });
});
