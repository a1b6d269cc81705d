import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, test } from 'vitest';
import { buildGuides } from '../../src/commands/docs/guides.ts';
import { idOf } from '../../src/commands/docs/markdown.ts';
import { PROJECT_ROOT } from '../../src/commands/wrangler.ts';
import { PAGES, REFERENCES } from '../../src/docs/contents.ts';
import { VISITOR_IDENTIFIED_SCHEMA } from '../../src/domain/event/visitor-identified.ts';

const built = buildGuides();
const pages = new Map([...PAGES, ...REFERENCES].map(({ path }) => [path, built.get(`${path.slice(1)}.html`) ?? '']));
/** What pages link to that the Worker answers, or that lies beside them. */
const SERVED = /^\/(openapi\.json|favicon\.svg|settings\/integrations\/webhooks(\/theme\.css)?|docs-assets\/[\w./-]+)$/;

const attributes = (html: string, name: string) =>
  [...html.matchAll(new RegExp(`\\s${name}="([^"]*)"`, 'g'))].map(([, value = '']) => value);

describe('the pages of the documentation', () => {
  test('are all there, and each file in src/docs is one of them', () => {
    const files = readdirSync(join(PROJECT_ROOT, 'src/docs'), { recursive: true }).map(String);
    expect(files.filter((file) => file.endsWith('.md')).sort()).toEqual(PAGES.map(({ file }) => file).sort());
    for (const html of pages.values()) expect(html).toMatch(/^<!doctype html>/);
  });

  test.each([...pages])('%s: every link leads to a page, to a part of it, or to what is served', (path, html) => {
    const broken = attributes(html, 'href').filter((href) => {
      if (/^https:\/\//.test(href) || SERVED.test(href)) return false;
      const [to = '', part] = href.split('#');
      const target = to === '' ? html : pages.get(to);
      return target === undefined || (part !== undefined && !attributes(target, 'id').includes(part));
    });
    expect(broken).toEqual([]);
    const ids = attributes(html, 'id');
    expect(ids.filter((id, at) => ids.indexOf(id) !== at)).toEqual([]);
    expect(path).toMatch(/^\/docs/);
  });

  test.each([...pages])('%s: every picture is there, and is described', (_path, html) => {
    for (const [image] of html.matchAll(/<img [^>]*>/g)) {
      expect(attributes(image, 'alt')[0]).toMatch(/\w{3,}/);
      const name = attributes(image, 'src')[0]?.split('/').at(-1) ?? '';
      expect(existsSync(join(PROJECT_ROOT, 'test/e2e/screenshots', name)), name).toBe(true);
    }
  });

  test.each([...pages])(
    '%s: nothing is inline that the policy forbids, and nothing comes from elsewhere; only the references have scripts',
    (path, html) => {
      expect(html).not.toMatch(/<script(?![^>]*\ssrc=)|<style|\sstyle=|\son\w+=/);
      if (!REFERENCES.some((reference) => reference.path === path)) expect(html).not.toContain('<script');
      for (const src of attributes(html, 'src')) expect(src).toMatch(/^\//);
    },
  );
});

describe('the reference of the payload', () => {
  const html = pages.get('/docs/webhooks/payload') ?? '';
  const rows = [...html.matchAll(/<tr id="([\w.]+)"><th scope="row"><code>([\w.]+)<\/code><\/th>((?:<td>.*?<\/td>)+)<\/tr>/g)];

  interface Described {
    properties?: Record<string, Described>;
  }
  const fieldsOf = (schema: Described, path = ''): string[] =>
    Object.entries(schema.properties ?? {}).flatMap(([name, part]) => [`${path}${name}`, ...fieldsOf(part, `${path}${name}.`)]);

  test('has every field of the JSON Schema, and no other', () => {
    expect(rows.map(([, , field]) => field).sort()).toEqual(fieldsOf(VISITOR_IDENTIFIED_SCHEMA as unknown as Described).sort());
  });

  test('says of each field what it is, and whether it is always there', () => {
    const always = rows.filter(([, , , cells = '']) => cells.includes('<td>always</td>')).map(([, , field]) => field);
    expect(always).toEqual(VISITOR_IDENTIFIED_SCHEMA.required);
    for (const [, , field, cells = ''] of rows)
      expect([field, cells.match(/<td>[^<].*?<\/td>/g)?.length]).toEqual([field, expect.any(Number)]);
    expect(html).toContain('<code>&quot;jane.doe@example.com&quot;</code>');
  });
});

describe('the documents of the repository', () => {
  const documents = ['README.md', 'CHANGELOG.md', 'SECURITY.md', 'src/client/README.md', ...listed('docs'), ...listed('test')];

  function listed(folder: string): string[] {
    return readdirSync(join(PROJECT_ROOT, folder))
      .filter((name) => name.endsWith('.md'))
      .map((name) => `${folder}/${name}`);
  }

  /** A document's links, without what stands in blocks of code. */
  const linksOf = (text: string) =>
    [...text.replaceAll(/^```[\s\S]*?^```$/gm, '').matchAll(/\]\(([^)\s]+)\)/g)].map(([, href = '']) => href);
  const idsOf = (text: string) => {
    const headings = [...text.replaceAll(/^ *```[\s\S]*?^ *```$/gm, '').matchAll(/^#{1,6} (.+)$/gm)].map(([, heading = '']) => heading);
    return headings.map((heading) => idOf(heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')));
  };

  test.each(documents)('%s: every link leads to a file that is there, and to a heading in it', (document) => {
    const text = readFileSync(join(PROJECT_ROOT, document), 'utf8');
    const broken = linksOf(text).filter((href) => {
      if (/^(https?|mailto):/.test(href)) return false;
      const [to = '', part] = href.split('#');
      const file = to === '' ? document : normalize(join(dirname(document), to));
      if (!existsSync(join(PROJECT_ROOT, file))) return true;
      return part !== undefined && !idsOf(readFileSync(join(PROJECT_ROOT, file), 'utf8')).includes(part);
    });
    expect(broken).toEqual([]);
  });
});
