/** Loopback: a Worker on somebody's own machine. */
const LOOPBACK = /^(?:127\.\d+\.\d+\.\d+|::1)$/;

/**
 * Where every Worker of another zone comes from, whoever's it is: Cloudflare says which zone's in `CF-Worker`, which the Worker cannot
 * set (developers.cloudflare.com/fundamentals/reference/http-headers, "CF-Connecting-IP in Worker subrequests" and "CF-Worker").
 */
const WORKERS = '2a06:98c0:3600::103';

/** Longest name of a zone, in characters. */
const MAX_ZONE_LENGTH = 253;

/** The network of a request, by its headers. */
export function networkOf(headers: Pick<Headers, 'get'>): string | null {
  return clientNetwork(headers.get('CF-Connecting-IP') ?? undefined, headers.get('CF-Worker') ?? undefined);
}

/**
 * The network that a client's requests are counted by: an IPv4 address, or the first 64 bits of an IPv6 address, since whoever has one
 * of those has all that begin so. Null where there is nobody to tell apart: no address, or loopback.
 * @param address as Cloudflare gives it in `CF-Connecting-IP`, which clients cannot set
 * @param worker the zone of the Worker that asks, if one does
 */
export function clientNetwork(address: string | undefined, worker?: string): string | null {
  if (address === undefined || address === '' || LOOPBACK.test(address)) return null;
  if (address === WORKERS && worker) return `worker ${worker.toLowerCase().slice(0, MAX_ZONE_LENGTH)}`;
  if (!address.includes(':')) return address;
  const [head = '', tail] = address.toLowerCase().split('::');
  const first = head === '' ? [] : head.split(':');
  const last = tail ? tail.split(':') : [];
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - first.length - last.length);
  const groups = [...first, ...Array<string>(zeros).fill('0'), ...last];
  return `${groups
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ''))
    .join(':')}::/64`;
}
