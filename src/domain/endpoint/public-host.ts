/*
 * Which host names can belong to a customer's endpoint on the public internet. Nothing is looked up: a name that resolves to a
 * private address leads nowhere from Cloudflare's network, so these rules catch mistakes and obvious attempts, in words that
 * the webhook's owner understands, before the first delivery fails.
 */

/** DNS: 253 characters a name, 63 a label. */
const MAX_NAME_LENGTH = 253;
const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
/** Top-level domains are letters, or punycode; never digits, which would make the name an address. */
const TOP_LEVEL = /^(?:[a-z]{2,63}|xn--[a-z0-9-]{1,59})$/;

/**
 * Names that mean this machine, a private network or nothing: IANA's special-use names (RFC 6761, 6762, 7686, 8375, 9476; `example.com` and
 * its like resolve, and are left), ICANN's collision list, other systems than DNS, habit.
 */
const PRIVATE_SUFFIXES: ReadonlySet<string> = new Set([
  ...[
    'localhost',
    'localdomain',
    'localnet',
    'local',
    'lan',
    'home',
    'corp',
    'mail',
    'private',
    'internal',
    'intranet',
    'intra',
    'intern',
    'priv',
  ],
  ...[
    'test',
    'example',
    'invalid',
    'arpa',
    'onion',
    'alt',
    'i2p',
    'exit',
    'bit',
    'gnu',
    'zkey',
    'svc',
    'cluster',
    'consul',
    'docker',
    'workgroup',
    'homelab',
    'default',
  ],
]);

/** Public DNS services whose names resolve to loopback, to an address written in the name, or to changing addresses (rebinding). */
const ADDRESS_SERVICES: ReadonlySet<string> = new Set([
  ...['nip.io', 'sslip.io', 'xip.io', 'xip.name', 'nip.direct', 'traefik.me', 'backname.io', 'ipq.co', 'local-ip.co', 'local-ip.sh'],
  ...['localtest.me', 'lvh.me', 'vcap.me', 'lacolhost.com', 'localho.st', 'smackaho.st', 'fuf.me', 'ulh.us', 'local.gd', 'lcl.host'],
  ...['localhost.direct', 'lndo.site', 'ddev.site', 'docksal.site', 'plex.direct', '127-0-0-1.org.uk', 'spoofed.burpcollaborator.net'],
  ...['rbndr.us', '1u.ms'],
]);

/** A host name without the one trailing dot that DNS allows, in lower case: two spellings of a name compare equal. */
export function canonicalHost(hostname: string): string {
  return hostname.toLowerCase().replace(/\.$/, '');
}

/** Why a host, as the URL parser normalized it, is not a public name; null where it is one. */
export function whyNotPublic(hostname: string): string | null {
  if (isAddress(hostname)) return 'The URL must have a host name, not an IP address.';
  const name = canonicalHost(hostname);
  const labels = name.split('.');
  const topLevel = labels.at(-1) ?? '';
  // First, so that `localhost` is called what it is rather than a name without a dot.
  if (PRIVATE_SUFFIXES.has(topLevel))
    return `The host name is not public: names that end in "${topLevel}" are reserved, or exist in private networks only.`;
  if (labels.length < 2) return 'The host name is not public: it has no domain, as in "hooks.example.com".';
  if (name.length > MAX_NAME_LENGTH || !labels.every((label) => LABEL.test(label)) || !TOP_LEVEL.test(topLevel)) {
    return 'The host name is not a valid DNS name.';
  }
  const service = labels.map((_, start) => labels.slice(start).join('.')).find((suffix) => ADDRESS_SERVICES.has(suffix));
  if (service) return `The host name is not public: names under "${service}" resolve to private addresses.`;
  return null;
}

/** The URL parser turns every notation of IPv4 into four decimal numbers, and keeps IPv6 in brackets. */
function isAddress(hostname: string): boolean {
  return hostname.startsWith('[') || /^\d+\.\d+\.\d+\.\d+\.?$/.test(hostname);
}
