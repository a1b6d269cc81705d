import type { AttemptDeps } from '../attempt/attempt.ts';
import type { Forwarded } from './listener.ts';

/** Statuses whose answers have no body. */
const WITHOUT_BODY: ReadonlySet<number> = new Set([204, 205, 304]);

/**
 * An attempt's `fetch` for a webhook of `listen`: the request goes to the webhook's listener instead of to a URL, and what the command was answered
 * is the response. So headers, signatures, timeouts and the record are those of any attempt.
 */
export function forwardingFetch(listeners: Env['LISTENER'], webhookId: string): AttemptDeps['fetch'] {
  return async (_url, { headers, body, signal }) => {
    // As attempts make it.
    const request = { headers: headers as Record<string, string>, body: body as Uint8Array };
    const forwarded: Promise<Forwarded> = listeners.getByName(webhookId).forward(request);
    const result = await until(signal, forwarded);
    if (result.failure !== null) throw new Error(result.failure);
    const { status, headers: answered, body: bytes } = result.answer;
    return new Response(WITHOUT_BODY.has(status) ? null : bytes, { status, headers: readable(answered) });
  };
}

/** The result of some work, or the signal's reason where that is aborted before. */
async function until<T>(signal: AbortSignal | null | undefined, work: Promise<T>): Promise<T> {
  if (!signal) return await work;
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = () => reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

/** The headers of an answer, without those that a Response does not take, or that speak of the body as it was on the wire. */
function readable(answered: readonly string[][]): Headers {
  const headers = new Headers();
  for (const [name = '', value = ''] of answered) {
    if (/^(?:content-encoding|content-length|transfer-encoding)$/i.test(name)) continue;
    try {
      headers.append(name, value);
    } catch {
      // It is not one that HTTP has.
    }
  }
  return headers;
}
