import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import MiniSearch from 'minisearch';
import { DOCS_PATH, PAGES, REFERENCES } from '../../docs/contents.ts';
import { PROJECT_ROOT } from '../wrangler.ts';
import { type Content, document, frame } from './frame.ts';
import { inserts } from './inserts.ts';
import { renderMarkdown } from './markdown.ts';
import { RUNBOOK_FILE, runbookPage } from './runbook.ts';

/** What the search looks through, and what it shows: the script in the browser (src/docs/docs-start.js) reads the index with the same. */
export const SEARCH_OPTIONS = { fields: ['title', 'page', 'text'], storeFields: ['title', 'page', 'href', 'begin'] };
/** How much of a part's text is shown below a hit, in characters. */
const SHOWN_CHARACTERS = 160;

const NOT_FOUND: Content = {
  path: '',
  title: 'No such page',
  html: `<h1>There is no such page</h1>\n<p>Pages move. The list of all pages is on this page; the <a href="${DOCS_PATH}">overview</a> says where to begin.</p>`,
  sections: [],
};

/** The documentation as static files, by their names below the folder of the assets. */
export function buildGuides(): Map<string, string> {
  const inserted = inserts();
  const contents = PAGES.map(({ file, path }): Content => {
    const markdown = readFileSync(join(PROJECT_ROOT, 'src/docs', file), 'utf8');
    return { path, ...renderMarkdown(markdown, file, inserted) };
  });
  return new Map([
    ...contents.map((content) => [fileOf(content.path), frame(content)] as const),
    ...REFERENCES.map(({ path, name }) => [fileOf(path), reference(path, name)] as const),
    [fileOf(`${DOCS_PATH}/not-found`), frame(NOT_FOUND)],
    ['docs-assets/search.json', JSON.stringify(searchIndex(contents))],
    [RUNBOOK_FILE, runbookPage()],
  ]);
}

/** The static server finds `/docs/webhooks` in `docs/webhooks.html`. */
function fileOf(path: string): string {
  return `${path.slice(1)}.html`;
}

function searchIndex(contents: readonly Content[]): MiniSearch {
  const index = new MiniSearch(SEARCH_OPTIONS);
  for (const { path, title, sections } of contents)
    for (const { id, text, body, level } of sections) {
      const href = level === 1 ? path : `${path}#${id}`;
      index.add({ id: href, href, title: text, page: title, text: body, begin: body.slice(0, SHOWN_CHARACTERS) });
    }
  return index;
}

/** The page of an API reference, which Swagger UI makes in the browser (src/docs/reference-start.js). */
function reference(path: string, name: string): string {
  const body = `<main id="main" class="reference">
<h1 class="visually-hidden">${name}</h1>
<div id="reference" data-for="${path.slice(DOCS_PATH.length + 1)}"></div>
<noscript><p>The reference needs JavaScript. The description itself is at <a href="/openapi.json">/openapi.json</a>; the <a href="${DOCS_PATH}">guides</a> need none.</p></noscript>
</main>`;
  return document(
    name,
    body,
    ['/docs-assets/swagger-ui-bundle.js', '/docs-assets/reference.js'],
    ['/docs-assets/swagger-ui.css', '/docs-assets/reference.css'],
  );
}
