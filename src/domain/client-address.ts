/** Loopback: a Worker on somebody's own machine. */
const LOOPBACK = /^(?:127\.\d+\.\d+\.\d+|::1)$/;

/**
 * The network that a client's requests are counted by: an IPv4 address, or the first 64 bits of an IPv6 address, since whoever has one
 * of those has all that begin so. Null where there is nobody to tell apart: no address, or loopback.
 * @param address as Cloudflare gives it in `CF-Connecting-IP`, which clients cannot set
 */
export function clientNetwork(address: string | undefined): string | null {
  if (address === undefined || address === '' || LOOPBACK.test(address)) return null;
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
