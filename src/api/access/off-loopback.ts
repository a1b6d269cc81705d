import { createMiddleware } from 'hono/factory';
import { flawOfSecret } from '../../domain/access/deployment-secret.ts';
import { isLoopback } from '../../domain/endpoint/loopback.ts';
import { logError } from '../../log.ts';
import { onceFor } from '../../once-for.ts';
import { settingsOf } from '../../settings.ts';
import { ApiError } from '../errors.ts';
import type { ApiEnv } from '../route.ts';

/** A browser that has been here once asks by https alone, for a year. */
const STRICT_TRANSPORT = 'max-age=31536000';

/**
 * What holds wherever the Worker is not served from loopback. Requests by plain http are refused: those of the API, since somebody
 * may have read the key; who opens a page is sent to https. And a deployment whose secrets anybody could know answers nothing.
 * The host is what the platform routes by: on Cloudflare no request for a loopback name gets here.
 */
export const guardOffLoopback = createMiddleware<ApiEnv>(async (c, next) => {
  const url = new URL(c.req.url);
  if (isLoopback(url)) return await next();
  c.set('strictTransport', STRICT_TRANSPORT);
  if (url.protocol === 'http:') return refuseOrRedirect(url, c.req.method);
  if (flawOf(c.env).text !== null) throw new ApiError('insecure_deployment', 'This service is not set up for use: its log says why.');
  return await next();
});

function refuseOrRedirect(url: URL, method: string): Response {
  if (url.pathname.startsWith('/api/') || (method !== 'GET' && method !== 'HEAD')) {
    throw new ApiError(
      'https_required',
      'Plain http is refused: use https. If a key was sent, take it for known to others, and revoke it.',
    );
  }
  return new Response(null, { status: 308, headers: { Location: `https://${url.host}${url.pathname}${url.search}` } });
}

/** What is wrong with the secrets of an environment, found out and logged once for each isolate. */
const flawOf: (env: Env) => { text: string | null } = onceFor((env) => {
  const { platformKeys, masterKeys } = settingsOf(env);
  const flaws = [
    ...platformKeys.map((key) => flawOfSecret('PLATFORM_API_KEY', key)),
    ...masterKeys.map((key) => flawOfSecret('MASTER_KEY', key)),
  ];
  const text = flaws.find((flaw) => flaw !== null) ?? null;
  if (text !== null) logError('service.insecure_deployment', `${text}. Set a random one: npm exec -- wrangler secret put`);
  return { text };
});
