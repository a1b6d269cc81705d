import { lookup } from 'node:dns/promises';
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { isLoopback } from '../../domain/endpoint/loopback.ts';
import { PROJECT_ROOT } from '../wrangler.ts';
import { type Finding, fault, looked, ok, reasonOf, unknown, warning } from './finding.ts';

/** Of this checkout. Read as a file: src/version.ts is for the build, whose import Node does not take. */
const VERSION: string = JSON.parse(readFileSync(join(PROJECT_ROOT, 'package.json'), 'utf8')).version;

/** How long an answer may take. */
const TIMEOUT_MS = 10_000;
const DAY_MS = 86_400_000;
/** Cloudflare renews weeks before. */
const EXPIRES_SOON_MS = 14 * DAY_MS;
const LONG_HSTS_S = 15_552_000;
/** Of .dev.vars.example: no deployment takes it. */
const DEVELOPMENT_KEY = 'bsk_platform_development';

/** What anybody can see of a deployment, from its address alone. */
export async function outsideFindings(url: URL, isLocal = isLoopback(url)): Promise<Finding[]> {
  const parts = [
    looked('name', async () => await nameFinding(url)),
    looked('health', async () => await healthFinding(url)),
    looked('development key', async () => await developmentKeyFinding(url, isLocal)),
    looked('security.txt', async () => await contactFinding(url)),
    ...(isLocal
      ? [[unknown('https, HSTS, certificate', 'a Worker on loopback has none')]]
      : [
          looked('HSTS', async () => await strictTransportFinding(url)),
          looked('plain http', async () => await plainHttpFinding(url)),
          looked('certificate', async () => await certificateFinding(url)),
        ]),
  ];
  return (await Promise.all(parts)).flat();
}

async function ask(url: URL | string, init: RequestInit = {}): Promise<Response> {
  return await fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(TIMEOUT_MS), ...init });
}

async function nameFinding({ hostname }: URL): Promise<Finding> {
  try {
    const addresses = await lookup(hostname, { all: true });
    return ok('name', addresses.map(({ address }) => address).join(', '));
  } catch (error) {
    const advice = 'Deploy with `--domain`, which makes the DNS record, or give the right address with `--url`.';
    return fault('name', `${hostname}: ${reasonOf(error)}`, advice);
  }
}

async function healthFinding(url: URL): Promise<Finding> {
  let response: Response;
  try {
    response = await ask(new URL('/health', url));
  } catch (error) {
    return fault('health', reasonOf(error), 'Is the Worker deployed at this address? See "A bad deploy" in docs/runbook.md.');
  }
  const body = (await response.json().catch(() => ({}))) as { status?: string; version?: string; code?: string };
  if (body.code === 'insecure_deployment') {
    return fault(
      'health',
      'a secret is short, or one of development',
      'Set random ones: `npm exec -- wrangler secret put PLATFORM_API_KEY`, and MASTER_KEY.',
    );
  }
  if (response.status !== 200 || body.status !== 'ok') {
    return fault('health', `status ${response.status}`, 'Look at `npm exec -- wrangler tail`, and at "A bad deploy" in docs/runbook.md.');
  }
  if (body.version === VERSION) return ok('health', `version ${VERSION}`);
  return warning('health', `version ${body.version}; this checkout has ${VERSION}`, 'Deploy, or take the checkout that is deployed.');
}

async function developmentKeyFinding(url: URL, isLocal: boolean): Promise<Finding> {
  const response = await ask(new URL('/api/v1/key', url), { headers: { 'X-API-Key': DEVELOPMENT_KEY } });
  await response.body?.cancel();
  if (response.status !== 200) return ok('development key', `refused with ${response.status}`);
  if (isLocal) return ok('development key', 'it opens, as it does in development');
  return fault('development key', 'the key that everybody can read in the repository opens everything', 'Rotate PLATFORM_API_KEY now.');
}

async function strictTransportFinding(url: URL): Promise<Finding> {
  const header = (await ask(new URL('/health', url))).headers.get('Strict-Transport-Security') ?? '';
  const seconds = Number(/max-age=(\d+)/.exec(header)?.[1] ?? 0);
  if (seconds >= LONG_HSTS_S) return ok('HSTS', header);
  return fault(
    'HSTS',
    header || 'no Strict-Transport-Security',
    'Something between takes it away: look at the zone’s rules for response headers.',
  );
}

async function plainHttpFinding(url: URL): Promise<Finding> {
  const plain = new URL('/api/v1/key', url);
  plain.protocol = 'http:';
  plain.port = '';
  const response = await ask(plain).catch(() => null);
  await response?.body?.cancel();
  if (response === null) return ok('plain http', 'not served');
  if (response.status === 403 || (response.status >= 300 && response.status < 400))
    return ok('plain http', `answered with ${response.status}`);
  return fault(
    'plain http',
    `answered with ${response.status}`,
    'A key that is sent by plain http can be read. Turn "Always Use HTTPS" on in the zone.',
  );
}

async function contactFinding(url: URL): Promise<Finding> {
  const response = await ask(new URL('/.well-known/security.txt', url));
  await response.body?.cancel();
  if (response.status === 200) return ok('security.txt', 'it names a contact');
  return warning('security.txt', 'nobody is named', 'Set SECURITY_CONTACT in wrangler.toml.');
}

async function certificateFinding({ hostname, port }: URL): Promise<Finding> {
  const until = await new Promise<number>((resolve, reject) => {
    // An address is no name that a certificate could be asked for by (RFC 6066).
    const servername = isIP(hostname) === 0 ? hostname : '';
    const socket = connect({ host: hostname, port: Number(port || 443), servername, timeout: TIMEOUT_MS }, () => {
      resolve(Date.parse(socket.getPeerCertificate().valid_to));
      socket.end();
    });
    socket.on('error', reject);
    socket.on('timeout', () => socket.destroy(new Error('no answer')));
  });
  const days = Math.floor((until - Date.now()) / DAY_MS);
  if (until - Date.now() > EXPIRES_SOON_MS) return ok('certificate', `${days} days left`);
  return warning('certificate', `${days} days left`, 'Cloudflare should have renewed it: look at SSL/TLS, Edge Certificates, in the zone.');
}
