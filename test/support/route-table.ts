import type { Access } from '../../src/api/access/auth.ts';
import text from '../../src/docs/routes.md?raw';

/** The keys of the documentation's table of routes, as the source calls them. */
const ACCESSES: Record<string, Access> = {
  none: 'public',
  any: 'any',
  'platform or producer': 'ingest',
  platform: 'platform',
  'platform or `metrics`': 'metrics',
  '`read`': 'read',
  '`write`': 'write',
  '`admin`': 'admin',
};
const AT_THE_ROOT = /^\/(?:health|openapi\.json|\.well-known\/security\.txt)$/;

/**
 * Who may use each route, as the documentation's page of every route says, by method and path. A row names methods and keys in the same
 * order; where there are more methods than keys, the last key is that of the rest.
 */
export function documentedAccess(): Map<string, Access> {
  const documented = new Map<string, Access>();
  for (const [, route = '', key = ''] of text.matchAll(/^\| (`(?:GET|PUT|POST|PATCH|DELETE)[^|]*) \| ([^|]+) \|/gm)) {
    const [, path = ''] = route.replaceAll('`', '').match(/ (\/\S+)$/) ?? [];
    const methods = route.match(/[A-Z]{3,}/g) ?? [];
    const keys = key.split(', ').map((name) => ACCESSES[name.trim()]);
    for (const [index, method] of methods.entries()) {
      const access = keys[Math.min(index, keys.length - 1)];
      if (access === undefined) throw new Error(`The table's key "${key}" of ${route} is not one that is known here.`);
      documented.set(`${method} ${AT_THE_ROOT.test(path) ? '' : '/api/v1'}${path}`, access);
    }
  }
  return documented;
}
