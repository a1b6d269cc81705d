import type { Mask } from '../access/mask.ts';
import { toBase64 } from '../text/encoding.ts';

/** Longest error text that the log keeps, in characters. */
const MAX_ERROR_LENGTH = 500;
/** Longest response header value that the log keeps, in characters. */
const MAX_HEADER_VALUE_LENGTH = 1_000;
/** Most response headers that the log keeps. */
const MAX_HEADERS = 50;

/** Whether a status acknowledges the delivery. */
export function isSuccess(status: number): boolean {
  return status >= 200 && status < 300;
}

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** What a response that is not a 2xx means, in words for the endpoint's owner; null for a 2xx. */
export function describeStatus(status: number, headers: Headers): string | null {
  if (isSuccess(status)) return null;
  if (REDIRECTS.has(status) && headers.has('location')) return `The endpoint answered ${status}: redirects are not followed`;
  if (status < 200) return `The endpoint answered ${status}, which is not a final answer; only a 2xx acknowledges a delivery`;
  if (status === 410) return 'The endpoint answered 410 Gone: it wants no more deliveries';
  return `The endpoint answered ${status}; only a 2xx acknowledges a delivery`;
}

/** How the words begin of a request that was given up: the log is asked for them. */
const IN_VAIN = 'No response within';

/** Whether the words of an attempt say that no answer came in time. */
export function isNoAnswerInTime(error: string): boolean {
  return error.startsWith(IN_VAIN);
}

/**
 * What a request that got no response failed of, in words for the endpoint's owner. The runtime's own texts (tried): a refused
 * or reset connection is "Network connection lost.", a TLS or DNS failure "internal error; reference = …".
 */
export function describeFailure(error: unknown, timeoutMs: number): string {
  const name = error instanceof Error ? error.name : '';
  const message = error instanceof Error ? error.message : typeof error === 'string' ? error : 'no reason is known';
  if (name === 'TimeoutError' || name === 'AbortError') return `${IN_VAIN} ${timeoutMs / 1_000} s`;
  if (/network connection lost|connection refused|disconnected|reset/i.test(message)) {
    return 'The connection was refused or broken off, or what came back was not valid HTTP';
  }
  if (/internal error/i.test(message)) {
    return 'No connection could be made: the host name does not resolve, or its TLS certificate is not valid for it';
  }
  if (/redirect/i.test(message)) return 'The endpoint answered with a redirect: redirects are not followed';
  return `The request failed: ${message}`.slice(0, MAX_ERROR_LENGTH);
}

/** The response headers that the log keeps: a bounded number, each bounded. @param mask what hides values that are not to be read in them */
export function keptHeaders(headers: Headers, mask?: Mask): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, sent] of [...headers].slice(0, MAX_HEADERS)) {
    const value = mask?.text(sent) ?? sent;
    // Only `set-cookie` comes more than once.
    const values = Object.hasOwn(kept, name) ? `${kept[name]}, ${value}` : value;
    kept[name] = values.length > MAX_HEADER_VALUE_LENGTH ? `${values.slice(0, MAX_HEADER_VALUE_LENGTH)}…` : values;
  }
  return kept;
}

/** A response body as the log keeps it. */
export interface KeptBody {
  text: string;
  encoding: 'utf-8' | 'base64';
}

const newDecoder = () => new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const wholeDecoder = newDecoder();

/** A body as text where it is UTF-8 (a character that the cut split is left out), else as base64. */
export function keptBody(bytes: Uint8Array, truncated: boolean): KeptBody {
  try {
    // As a stream: the decoder then waits for the rest of a last character that can still become one.
    const text = truncated ? newDecoder().decode(bytes, { stream: true }) : wholeDecoder.decode(bytes);
    return { text, encoding: 'utf-8' };
  } catch {
    return { text: toBase64(bytes), encoding: 'base64' };
  }
}
