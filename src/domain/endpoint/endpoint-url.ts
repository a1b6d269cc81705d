import { isLoopback } from './loopback.ts';
import { canonicalHost, whyNotPublic } from './public-host.ts';

/** In characters, as it is written: what the parser makes of it (percent signs, punycode) can be longer. */
export const MAX_URL_LENGTH = 2_048;

export interface EndpointUrlOptions {
  /** Hosts this service answers on (`host` or `host:port`): an endpoint there would make deliveries produce deliveries. */
  ownHosts: readonly string[];
  /** Admits `http://127.0.0.1`, for local development and tests. */
  allowInsecure: boolean;
}

export type EndpointUrlCheck = { ok: true; url: URL } | { ok: false; reason: string };

/** `http://127.0.0.1` written exactly so; other spellings of loopback stay refused. */
const LOOPBACK_ENDPOINT = /^http:\/\/127\.0\.0\.1(?=[:/?]|$)/i;

/**
 * Whether a webhook may point to a URL; where not, the reason is a sentence for the webhook's owner. The raw text is checked
 * before it is parsed, because the URL parser repairs silently: it strips tabs and line breaks, turns backslashes into slashes
 * and decodes percent signs in the host, so that a person and the parser could read different hosts.
 */
export function checkEndpointUrl(raw: string, options: EndpointUrlOptions): EndpointUrlCheck {
  const flaw = flawInText(raw);
  if (flaw) return refused(flaw);
  const url = URL.parse(raw);
  if (!url) return refused('This is not a valid URL.');
  if (url.port === '0') return refused('The URL must not have the port 0: nothing can be reached there.');
  if (options.allowInsecure && LOOPBACK_ENDPOINT.test(raw)) {
    return options.ownHosts.some((own) => isSameLoopback(url, own)) ? refused(ownService) : { ok: true, url };
  }
  if (url.protocol !== 'https:') return refused('The URL must start with "https://".');
  const reason = whyNotPublic(url.hostname);
  if (reason) return refused(reason);
  if (options.ownHosts.some((own) => isSameName(url, own))) return refused(ownService);
  return { ok: true, url };
}

const tooLong = `The URL must not be longer than ${MAX_URL_LENGTH} characters.`;
const ownService = 'The URL must not point to this service itself.';

function refused(reason: string): EndpointUrlCheck {
  return { ok: false, reason };
}

/** What is wrong with the text before any parsing; null where nothing is. */
function flawInText(raw: string): string | null {
  if (raw === '') return 'The URL is empty.';
  if (raw.length > MAX_URL_LENGTH) return tooLong;
  // White space, control and invisible characters, lone surrogates, backslashes.
  if (/[\s\p{Z}\p{Cc}\p{Cf}\p{Cs}\\]/u.test(raw)) return 'The URL must not contain spaces, invisible characters or backslashes.';
  const authority = /^https?:\/\/([^/?#]+)/i.exec(raw)?.[1];
  if (authority === undefined) return 'The URL must start with "https://" and a host name.';
  if (authority.includes('@')) return 'The URL must not contain a user name or password.';
  if (authority.includes('%')) return 'The host name must be written without percent signs.';
  if (raw.includes('#')) return 'The URL must not have a fragment ("#…"): it would never be sent.';
  return null;
}

/** Whether a public name is this service's, on whatever port. */
function isSameName(url: URL, own: string): boolean {
  const ownUrl = URL.parse(`https://${own}`);
  return ownUrl !== null && canonicalHost(ownUrl.hostname) === canonicalHost(url.hostname);
}

/** On loopback local receivers share this service's address: only the same port is this service. */
function isSameLoopback(url: URL, own: string): boolean {
  const ownUrl = URL.parse(`http://${own}`);
  return ownUrl !== null && isLoopback({ hostname: canonicalHost(ownUrl.hostname) }) && ownUrl.port === url.port;
}
