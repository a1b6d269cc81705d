import { createMiddleware } from 'hono/factory';
import { type DashboardSettings, settingsOf } from '../../settings.ts';
import type { DashboardEnv } from './visit.ts';

/** What pages may load and do: everything is our own but the operator's logo; nothing is inline. */
export function contentSecurityPolicy({ logoUrl, frameAncestors }: DashboardSettings): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    `img-src 'self'${logoUrl ? ` ${logoUrl.origin}` : ''}`,
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    `frame-ancestors ${frameAncestors.length > 0 ? frameAncestors.join(' ') : "'none'"}`,
  ].join('; ');
}

/** The headers of every page. */
export const setPolicy = createMiddleware<DashboardEnv>(async (c, next) => {
  await next();
  c.res.headers.set('Content-Security-Policy', contentSecurityPolicy(settingsOf(c.env).dashboard));
  // Not `no-referrer`: with that, browsers send `Origin: null` with a form, and its origin could not be checked.
  c.res.headers.set('Referrer-Policy', 'same-origin');
});
