import { posix } from 'node:path';
import { Marked, type Tokens } from 'marked';
import { PAGES } from '../../docs/contents.ts';

/** A heading of a page, which can be linked to. */
export interface Heading {
  level: number;
  id: string;
  /** Without its marks. */
  text: string;
}

/** A part of a page for the search: what stands below a heading. */
export interface Section extends Heading {
  body: string;
}

export interface Rendered {
  html: string;
  /** The heading of the first level. */
  title: string;
  sections: Section[];
}

/** What a block of an example is, by what the tests call it. */
const CAPTIONS: Readonly<Record<string, string>> = {
  preview: 'Ask for a preview',
  answer: 'Answer',
  payload: 'What is sent',
  refused: 'Refused',
  webhook: 'Part of a webhook',
  changes: 'A change',
  event: 'The event',
  text: 'Prints',
};

/** A text for HTML. */
export function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

/** A heading's id as GitHub makes it, so that a link works in the repository and on the page. */
export function idOf(text: string): string {
  return text
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replaceAll(/\s/g, '-');
}

/** The address of what a page links to: another page, a part of one, or what is not ours. */
export function addressOf(href: string, from: string): string {
  if (/^[a-z]+:|^\/|^#/.test(href)) return href;
  const [path = '', part] = href.split('#');
  const file = posix.join(posix.dirname(from), path);
  const page = PAGES.find((each) => each.file === file);
  if (!page) throw new Error(`src/docs/${from} links to ${href}, which is no page of the documentation`);
  return part === undefined ? page.path : `${page.path}#${part}`;
}

/**
 * A page's Markdown as HTML.
 * @param file the page's own, from which its links lead on
 * @param inserts what takes the place of `<!-- name -->`, as HTML
 * @param linkTo where a link leads
 */
export function renderMarkdown(
  markdown: string,
  file: string,
  inserts: Readonly<Record<string, string>>,
  linkTo: (href: string, from: string) => string = addressOf,
): Rendered {
  const sections: Section[] = [];
  const ids = new Map<string, number>();
  const marked = new Marked({ gfm: true });
  const plain = (tokens: Tokens.Generic[]): string => tokens.map((each) => (each.tokens ? plain(each.tokens) : textOf(each))).join('');
  marked.use({
    renderer: {
      heading({ tokens, depth }) {
        const text = plain(tokens);
        const base = idOf(text);
        const count = ids.get(base) ?? 0;
        ids.set(base, count + 1);
        const id = count === 0 ? base : `${base}-${count}`;
        sections.push({ level: depth, id, text, body: '' });
        return `<h${depth} id="${id}">${this.parser.parseInline(tokens)}</h${depth}>\n`;
      },
      code({ text, lang = '' }) {
        const [language = '', kind = language] = lang.split(' ');
        const caption = CAPTIONS[kind];
        const figcaption = caption ? `<figcaption>${caption}</figcaption>` : '';
        return `<figure class="code">${figcaption}<pre tabindex="0"><code class="language-${escapeHtml(language)}">${escapeHtml(text)}</code></pre></figure>\n`;
      },
      link({ href, tokens }) {
        const address = linkTo(href, file);
        const outside = /^https?:/.test(address) ? ' rel="noopener noreferrer"' : '';
        return `<a href="${escapeHtml(address)}"${outside}>${this.parser.parseInline(tokens)}</a>`;
      },
      image({ href, text }) {
        return `<img src="${pictureAddress(href)}" alt="${escapeHtml(text)}" loading="lazy">`;
      },
      table(token) {
        const inline = ({ tokens }: Tokens.TableCell) => this.parser.parseInline(tokens);
        const head = token.header.map((cell) => `<th scope="col">${inline(cell)}</th>`).join('');
        const body = token.rows.map((row) => `<tr>${row.map((cell) => `<td>${inline(cell)}</td>`).join('')}</tr>`).join('\n');
        return tableFrame(`<table><thead><tr>${head}</tr></thead><tbody>${body}</tbody></table>`);
      },
      html({ text }) {
        const name = /^<!-- ([\w-]+) -->/.exec(text.trim())?.[1];
        if (name === undefined) return text;
        const insert = inserts[name];
        if (insert === undefined) throw new Error(`src/docs/${file} wants ${name}, which there is not`);
        return insert;
      },
    },
  });
  const html = marked.parse(markdown, { async: false });
  return { html, title: sections[0]?.text ?? '', sections: withBodies(markdown, sections) };
}

/** A table that is wider than a phone scrolls by itself; with a keyboard as well. */
export function tableFrame(table: string): string {
  return `<div class="table" role="group" aria-label="Table" tabindex="0">${table}</div>\n`;
}

/** The pictures are copied beside the pages' styles (pictures.ts). */
function pictureAddress(href: string): string {
  return `/docs-assets/pictures/${posix.basename(href)}`;
}

function textOf(token: Tokens.Generic): string {
  return typeof token.text === 'string' ? token.text.replaceAll('&quot;', '"').replaceAll('&#39;', "'").replaceAll('&amp;', '&') : '';
}

/** What stands below each heading, as words to look for: code too, since people search for names of fields. */
function withBodies(markdown: string, sections: readonly Section[]): Section[] {
  const parts = markdown.replaceAll(/^```[\s\S]*?^```$/gm, (block) => block.replaceAll(/^#/gm, ' #')).split(/^#{1,4} .*$/m);
  return sections.map((section, at) => ({ ...section, body: plainText(parts[at + 1] ?? '') }));
}

function plainText(markdown: string): string {
  return (
    markdown
      .replaceAll(/<!--.*?-->/g, ' ')
      .replaceAll(/^```.*$/gm, ' ')
      .replaceAll(/!?\[([^\]]*)\]\([^)]*\)/g, '$1')
      // Of tables, lists and quotations what they say; the cells of a table are parted by dots.
      .replaceAll(/^\|[\s:|-]+\|$/gm, ' ')
      .replaceAll(/^\| | \|$/gm, ' ')
      .replaceAll(/^ *(?:-|\d+\.|>|#+) /gm, ' ')
      .replaceAll(' | ', ' · ')
      .replaceAll(/`|\*\*/g, '')
      .replaceAll(/\*(\p{L}[^*]*)\*/gu, '$1')
      .replaceAll(/\s+/g, ' ')
      .trim()
  );
}
