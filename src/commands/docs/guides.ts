import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DOCS_PATH, PAGES, REFERENCES, RESULTS, SEARCH_INDEX, SEARCH_PATH } from '../../docs/contents.ts';
import { type SearchedPart, wordsOf } from '../../docs/search.ts';
import { PROJECT_ROOT } from '../wrangler.ts';
import { type Content, document, frame } from './frame.ts';
import { inserts } from './inserts.ts';
import { renderMarkdown } from './markdown.ts';
import { RUNBOOK_FILE, runbookPage } from './runbook.ts';

/** How much of a part's text is shown below a hit, in characters. */
const SHOWN_CHARACTERS = 160;

const NOT_FOUND: Content = {
  path: '',
  title: 'No such page',
  html: `<h1>There is no such page</h1>\n<p>Pages move. The list of all pages is on this page; the <a href="${DOCS_PATH}">overview</a> says where to begin.</p>`,
  sections: [],
};

/** The Worker puts in what was found (src/docs/search-page.ts). */
const SEARCH: Content = { path: SEARCH_PATH, title: 'Search', html: `<h1>Search</h1>\n${RESULTS}`, sections: [] };

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
    [fileOf(SEARCH_PATH), frame(SEARCH)],
    [SEARCH_INDEX.slice(1), JSON.stringify(searchIndex(contents))],
    [RUNBOOK_FILE, runbookPage()],
  ]);
}

/** The static server finds `/docs/webhooks` in `docs/webhooks.html`. */
function fileOf(path: string): string {
  return `${path.slice(1)}.html`;
}

function searchIndex(contents: readonly Content[]): SearchedPart[] {
  return contents.flatMap(({ path, title, sections }) =>
    sections.map(({ id, text, body, level }) => ({
      href: level === 1 ? path : `${path}#${id}`,
      title: text,
      page: title,
      begin: beginningOf(body),
      words: [wordsOf(text), wordsOf(title), wordsOf(body)],
    })),
  );
}

/** The first words of a text. */
function beginningOf(text: string): string {
  return text.length <= SHOWN_CHARACTERS ? text : `${text.slice(0, SHOWN_CHARACTERS).replace(/\W*\s\S*$/, '')} …`;
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
