import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { PROJECT_ROOT } from '../../src/commands/wrangler.ts';
import { DOCUMENTS } from '../support/documents.ts';
import { KNOWN_LINKS } from './known-links.ts';

/** What pages are made of, beside Markdown. */
const PAGE_SOURCES = ['src/dashboard', 'src/operator', 'src/docs'];

/** An address that is an example, and leads nowhere: under a name that is reserved for that, of the company in the examples, or with a gap to fill. */
const EXAMPLE = /^https:\/\/([\w-]+\.)*(example\.(com|org|net)|example|invalid|test|localhost|acme\.com)(?![\w.-])|[<>{}…]/;

/** Links out of a Markdown text, those of what is to be copied as well. Other addresses are shown as code, and nobody can follow them. */
const linksOf = (markdown: string) => Array.from(markdown.matchAll(/\]\((https:[^)\s]+)\)/g), ([, link = '']) => link);

/** Addresses in the source of pages. A name of a schema or namespace begins with `http:`. */
const addressesIn = (source: string) => Array.from(source.matchAll(/(['"`])(https:\/\/[^'"`\s]+)\1/g), ([, , address = '']) => address);

const sources = readdirSync(join(PROJECT_ROOT, 'src'), { recursive: true })
  .map((name) => join('src', String(name)))
  .filter((path) => /\.(tsx?|json)$/.test(path))
  .map((path): [string, string] => [path, readFileSync(join(PROJECT_ROOT, path), 'utf8')]);
const isPage = (path: string) => PAGE_SOURCES.some((folder) => path.startsWith(`${folder}/`));
const found = [
  // Descriptions of the API are Markdown as well.
  ...[...DOCUMENTS, ...sources].flatMap(([path, text]) => linksOf(text).map((link) => ({ path, link }))),
  ...sources.filter(([path]) => isPage(path)).flatMap(([path, text]) => addressesIn(text).map((link) => ({ path, link }))),
].filter(({ link }) => !EXAMPLE.test(link));

it('somebody has looked up every link that leads elsewhere: a new one is looked up first, and then added to test/docs/known-links.ts', () => {
  expect(found.filter(({ link }) => !(link in KNOWN_LINKS))).toEqual([]);
});

it('no link is listed that is not there any more, or without its date', () => {
  const links = found.map(({ link }) => link);
  expect(Object.keys(KNOWN_LINKS).filter((link) => !links.includes(link))).toEqual([]);
  for (const date of Object.values(KNOWN_LINKS)) expect(date).toMatch(/^20\d\d-\d\d-\d\d$/);
});

it('examples are told from links by their address', () => {
  const examples = [
    'https://hooks.example.com/a',
    'https://www.acme.com/pricing',
    'https://a.invalid',
    'https://b.example/',
    'https://x.com/<you>',
  ];
  const links = ['https://example.computer/', 'https://acme.com.au', 'https://acme.community', 'https://www.cloudflare.com/example.com'];
  expect([...examples, ...links].filter((address) => EXAMPLE.test(address))).toEqual(examples);
});

if (process.env.FOLLOW_LINKS === '1') {
  it.each(Object.keys(KNOWN_LINKS))('%s is there', async (link) => {
    const headers = { 'user-agent': 'Mozilla/5.0 (compatible; link check)', accept: 'text/html' };
    const { status } = await fetch(link, { headers, signal: AbortSignal.timeout(30_000) });
    // Some sites answer a program with 403 or 429: the page is there, but not for programs.
    expect(status < 400 || status === 403 || status === 429, `${link} answers ${status}`).toBe(true);
  });
}
