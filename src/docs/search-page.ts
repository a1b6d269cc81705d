import type { Context } from 'hono';
import { html } from 'hono/html';
import type { ApiEnv } from '../api/route.ts';
import { RESULTS, SEARCH_INDEX, SEARCH_PATH } from './contents.ts';
import { POLICY, showDocs } from './pages.ts';
import { findParts, type SearchedPart } from './search.ts';

/** The longest query that is looked for, in characters. */
const MAX_QUERY_LENGTH = 200;

/** `GET /docs/search?q=`: the pages have no scripts, so the Worker looks through them. */
export async function searchDocs(c: Context<ApiEnv>): Promise<Response> {
  const [page, index] = await Promise.all([SEARCH_PATH, SEARCH_INDEX].map((path) => c.env.ASSETS.fetch(new URL(path, c.req.url).href)));
  if (!page?.ok || !index?.ok) return await showDocs(c);
  const query = (c.req.query('q') ?? '').slice(0, MAX_QUERY_LENGTH).toWellFormed().trim();
  const found = findParts(await index.json<SearchedPart[]>(), query);
  const [results, field] = await Promise.all([resultsOf(query, found), html`name="q" value="${query}"`]);
  const shown = (await page.text()).replace(RESULTS, () => String(results)).replace('name="q"', () => String(field));
  return new Response(shown, {
    headers: { 'Content-Type': 'text/html; charset=utf-8', 'Content-Security-Policy': POLICY, 'Cache-Control': 'no-store' },
  });
}

function resultsOf(query: string, found: readonly SearchedPart[]) {
  const told = found.length === 0 ? `Nothing was found for “${query}”.` : `${found.length} found for “${query}”`;
  return html`<p role="status">${query === '' ? 'Say at the top what you look for.' : told}</p>
<ol class="hits">${found.map(
    ({ href, title, page, begin }) => html`<li><a href="${href}">${title === page ? title : `${page}: ${title}`}</a><p>${begin}</p></li>`,
  )}</ol>`;
}
