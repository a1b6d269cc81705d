import type { Context } from 'hono';
import type { ApiEnv } from '../api/route.ts';
import { DOCS_PATH, REFERENCES } from './contents.ts';

/** Everything a page loads is our own; nothing is inline, and there are no scripts. */
export const POLICY = [
  "default-src 'none'",
  "style-src 'self'",
  "img-src 'self'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ');

/** Swagger UI is a script that asks the API, sets inline styles, and shows its icons as data: images. */
const REFERENCE_POLICY = POLICY.replace(
  "style-src 'self'",
  "script-src 'self'; connect-src 'self'; style-src 'self' 'unsafe-inline'",
).replace("img-src 'self'", "img-src 'self' data:");

const FRESH_SECONDS = 300;

/** `GET /docs` and what is below it: the static pages that commands/docs makes of this folder's Markdown. */
export async function showDocs(c: Context<ApiEnv>): Promise<Response> {
  const page = await c.env.ASSETS.fetch(new Request(c.req.url, { headers: c.req.raw.headers }));
  const found = page.status !== 404;
  const shown = found ? page : await c.env.ASSETS.fetch(new URL(`${DOCS_PATH}/not-found`, c.req.url).href);
  const answer = new Response(shown.body, { status: found ? page.status : 404, headers: shown.headers });
  const isReference = REFERENCES.some(({ path }) => path === c.req.path);
  answer.headers.set('Content-Security-Policy', isReference ? REFERENCE_POLICY : POLICY);
  answer.headers.set('Cache-Control', found ? `public, max-age=${FRESH_SECONDS}` : 'no-store');
  return answer;
}
