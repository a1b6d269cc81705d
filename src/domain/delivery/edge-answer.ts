/*
 * Answers that are not the endpoint's own. Deployed, deliveries leave through Cloudflare's proxy: where it cannot reach an endpoint, it
 * answers in its stead, and `fetch` does not throw. An endpoint that is itself behind Cloudflare can also be refused by its own firewall.
 * Sources: Cloudflare's documentation, "Cloudflare 5xx errors", "Cloudflare 1xxx errors", "Detect a Challenge Page response".
 */

/** What Cloudflare answers when it has no answer of the endpoint, by status. */
const UNREACHED: Record<number, string> = {
  520: 'it closed the connection, or answered with something that is not HTTP',
  521: 'it refused the connection',
  522: 'no connection could be made within 19 seconds',
  523: 'there is no route to its address',
  524: 'it took the request and did not answer in time',
  525: 'the TLS handshake failed',
  526: 'its TLS certificate is not valid: it has expired, is for another name, or is not from a known authority',
  527: 'the connection to it broke',
  530: 'its host name does not resolve, or leads nowhere',
};

/** The same by the number in the body, which says it more exactly. */
const UNREACHED_BY_CODE: Record<number, string> = {
  1000: 'its host name resolves to an address that is not allowed',
  1001: 'its host name does not resolve',
  1002: 'its host name resolves to an address that is not allowed, such as a private one',
  1003: 'the URL has an address instead of a host name',
  1004: 'its host name is not set up at Cloudflare yet',
  1014: 'its host name is an alias of one in another Cloudflare account, which is not allowed',
  1016: 'its host name does not resolve',
  1018: 'its host name is not known to Cloudflare',
  1019: 'its host name leads back to itself',
  1023: 'its host name is not known to Cloudflare',
  1033: 'the Cloudflare Tunnel behind it does not run',
  1034: 'its host name resolves to an address of Cloudflare that is not for it',
  1042: 'it is a Worker of the same account on workers.dev, which a Worker cannot reach',
};

/** Refused by the firewall in front of the endpoint, by the number in the body. */
const REFUSED_BY_CODE: Record<number, string> = {
  1005: 'it blocks the network that deliveries come from',
  1006: 'it blocks the address that deliveries come from',
  1007: 'it blocks the address that deliveries come from',
  1008: 'it blocks the address that deliveries come from',
  1009: 'it blocks the country that deliveries come from',
  1010: 'its Browser Integrity Check took the delivery for an unwanted bot',
  1012: 'it blocks the address that deliveries come from',
  1013: 'the host name of the URL and that of the connection differ',
  1015: 'its rate limit was reached',
  1020: 'one of its rules refused the delivery',
};

/** All that Cloudflare writes to a client that is no browser. */
const PLAIN_CODE = /^\s*error code: (1\d{3})\s*$/;
/** What it writes to a browser: a page, with the number and its mark at the beginning. */
const PAGE_CODE = /\berror(?:\s+code)?:?\s+(1\d{3})\b/i;
const PAGE_MARK = /\bcf-error|\bRay ID\b/;
const SEARCHED_CHARACTERS = 8_000;

/** Whether a status says that Cloudflare could not reach the endpoint: no answer came. */
export function isUnreached(status: number): boolean {
  return Object.hasOwn(UNREACHED, status);
}

/** An answer that is not the endpoint's own: a firewall's in front of it, or that of Cloudflare, which could not reach it. */
export interface EdgeAnswer {
  kind: 'refused' | 'unreached';
  /** What it means, for the endpoint's owner. */
  words: string;
}

/** What an answer means that is not the endpoint's own, in words for its owner; null where it is its own. Parameters: those of edgeAnswerOf. */
export function describeEdgeAnswer(status: number, headers: Readonly<Record<string, string>>, body: string): string | null {
  return edgeAnswerOf(status, headers, body)?.words ?? null;
}

/**
 * What an answer is that is not the endpoint's own; null where it is its own.
 * @param headers by lower-case names
 * @param body as far as it is kept
 */
export function edgeAnswerOf(status: number, headers: Readonly<Record<string, string>>, body: string): EdgeAnswer | null {
  if (status < 300) return null;
  if (headers['cf-mitigated'] === 'challenge') {
    const words = `The bot protection in front of the endpoint asked for proof of a browser (${status}, cf-mitigated: challenge): let deliveries through there`;
    return { kind: 'refused', words };
  }
  const code = isUnreached(status) || headers.server?.toLowerCase() === 'cloudflare' ? codeIn(body) : null;
  const refused = code !== null && REFUSED_BY_CODE[code];
  if (refused) {
    return { kind: 'refused', words: `The firewall in front of the endpoint refused the delivery (${status}, error ${code}): ${refused}` };
  }
  const unreached = (code !== null && UNREACHED_BY_CODE[code]) || UNREACHED[status];
  if (!unreached) return null;
  const said = code === null ? status : `${status}, error ${code}`;
  return {
    kind: 'unreached',
    words: `The endpoint could not be reached (${said} from Cloudflare, through which deliveries go): ${unreached}`,
  };
}

function codeIn(body: string): number | null {
  const beginning = body.slice(0, SEARCHED_CHARACTERS);
  const found = PLAIN_CODE.exec(beginning) ?? (PAGE_MARK.test(beginning) ? PAGE_CODE.exec(beginning) : null);
  return found ? Number(found[1]) : null;
}
