import { CHAPTERS, DOCS_PATH, PAGES, REFERENCES, SEARCH_PATH } from '../../docs/contents.ts';
import { escapeHtml, type Section } from './markdown.ts';

/** A page of the documentation before its frame is around it. */
export interface Content {
  path: string;
  title: string;
  html: string;
  sections: readonly Section[];
}

const DASHBOARD = '/settings/integrations/webhooks';
const STYLES = ['/docs-assets/docs.css', `${DASHBOARD}/theme.css`];
/** From so many parts on a page begins with a list of them. */
const PARTS_WORTH_LISTING = 3;

/** A whole HTML page. */
export function frame({ path, title, html, sections }: Content): string {
  return document(
    title,
    `<div class="columns">
<main id="main">
<article>
${withParts(html, sections)}
</article>
${neighbours(path)}
</main>
<nav class="contents" id="contents" aria-label="Documentation">
${contents(path)}
</nav>
</div>`,
  );
}

/** Head, top bar and whatever stands below it. */
export function document(title: string, body: string, scripts: readonly string[] = [], styles: readonly string[] = []): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(title)} · Webhooks documentation</title>
<link rel="icon" href="/favicon.svg">
${[...styles, ...STYLES].map((href) => `<link rel="stylesheet" href="${href}">`).join('\n')}
${scripts.map((src) => `<script type="${src.endsWith('/reference.js') ? 'module' : 'text/javascript'}" src="${src}" defer></script>`).join('\n')}
</head>
<body>
<a class="skip" href="#main">Skip to the content</a>
<header class="top">
<a class="brand" href="${DOCS_PATH}"><span class="brand-mark" aria-hidden="true"></span>Webhooks documentation</a>
<form class="search" role="search" action="${SEARCH_PATH}">
<label class="visually-hidden" for="q">Search the documentation</label>
<input id="q" type="search" name="q" placeholder="Search" autocomplete="off" spellcheck="false">
</form>
<nav class="ways" aria-label="Elsewhere">
<a class="to-contents" href="${body.includes('id="contents"') ? '#contents' : DOCS_PATH}">All pages</a>
<a href="${DASHBOARD}">Dashboard</a>
</nav>
</header>
${body}
</body>
</html>
`;
}

function contents(current: string): string {
  const item = ({ path, name }: { path: string; name: string }) =>
    `<li><a href="${path}"${path === current ? ' aria-current="page"' : ''}>${escapeHtml(name)}</a></li>`;
  const chapters = [...CHAPTERS, { name: 'Reference', pages: REFERENCES }];
  return chapters.map(({ name, pages }) => `<h2>${escapeHtml(name)}</h2>\n<ul>${pages.map(item).join('\n')}</ul>`).join('\n');
}

/** After the page's first heading: its parts. */
function withParts(html: string, sections: readonly Section[]): string {
  const parts = sections.filter(({ level }) => level === 2);
  if (parts.length < PARTS_WORTH_LISTING) return html;
  const list = parts.map(({ id, text }) => `<li><a href="#${id}">${escapeHtml(text)}</a></li>`).join('\n');
  return html.replace('</h1>', `</h1>\n<nav class="parts" aria-label="On this page"><ul>${list}</ul></nav>`);
}

function neighbours(path: string): string {
  const at = PAGES.findIndex((page) => page.path === path);
  const [before, after] = at < 0 ? [] : [PAGES[at - 1], PAGES[at + 1]];
  const link = (page: { path: string; name: string } | undefined, rel: string, word: string) =>
    page ? `<a rel="${rel}" href="${page.path}"><span>${word}</span> ${escapeHtml(page.name)}</a>` : '';
  return `<nav class="neighbours" aria-label="Next and previous page">${link(before, 'prev', 'Before:')}${link(after, 'next', 'Next:')}</nav>`;
}
