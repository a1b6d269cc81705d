import { notFound } from '../api/errors.ts';
import { RUNBOOK_ASSET } from './paths.ts';
import type { OperatorContext } from './session.ts';

/** `GET runbook`: docs/runbook.md as a page, for operators alone. Assets are asked by the Worker only (wrangler.toml: run_worker_first). */
export async function showRunbook(c: OperatorContext): Promise<Response> {
  const asset = await c.env.ASSETS.fetch(new URL(RUNBOOK_ASSET, c.req.url).href);
  if (!asset.ok) throw notFound('page');
  return new Response(asset.body, { headers: { 'Content-Type': 'text/html; charset=utf-8', 'Cache-Control': 'no-store' } });
}
