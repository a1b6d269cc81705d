import { ApiError } from './errors.ts';

/** A path with its placeholders as Hono writes them (`/webhooks/:webhookId`), and a method. */
interface Registered {
  method: string;
  path: string;
}

/** Answers for each path which methods it takes; none where it is no path at all. Middleware, which takes all of them, does not count. */
export function methodsByPath(registered: readonly Registered[]): (path: string) => string[] {
  const patterns = registered
    .filter(({ method }) => method !== 'ALL')
    .map(({ method, path }) => ({
      method,
      pattern: new RegExp(`^${path.replaceAll('.', '\\.').replaceAll(/:\w+/g, '[^/]+')}$`),
      placeholders: path.split('/:').length,
    }));
  return (path) => {
    const found = patterns.filter(({ pattern }) => pattern.test(path));
    // `/webhooks/preview` is itself, though it could be a `/webhooks/:webhookId`.
    const fewest = Math.min(...found.map(({ placeholders }) => placeholders));
    const taken = new Set(found.filter(({ placeholders }) => placeholders === fewest).map(({ method }) => method));
    if (taken.size === 0) return [];
    return [...taken, ...(taken.has('GET') ? ['HEAD'] : []), 'OPTIONS'];
  };
}

/**
 * What a path answers to a method that it has no handler for: to OPTIONS which ones it has (without CORS: keys are not for browsers), to
 * others that as well, as a refusal.
 */
export function answerOtherMethod(method: string, allowed: readonly string[]): Response {
  if (method !== 'OPTIONS') throw new ApiError('method_not_allowed', `This path takes ${allowed.join(', ')}.`, { allowed });
  return new Response(null, { status: 204, headers: { Allow: allowed.join(', ') } });
}
