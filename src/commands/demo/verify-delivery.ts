import { spawnSync } from 'node:child_process';
import { createHmac, timingSafeEqual } from 'node:crypto';
import { Webhook as StandardWebhook } from 'standardwebhooks';
import { Webhook as SvixWebhook } from 'svix';

/** A delivery as its receiver got it. */
export interface ReceivedDelivery {
  /** Names in lower case. */
  headers: Readonly<Record<string, string>>;
  body: Buffer;
}

/** Code that checks a signature and had no part in making it. */
export interface Verifier {
  name: string;
  /** The header that it checks. */
  header: string;
  /** Null where this machine does not have the tool. */
  verify(delivery: ReceivedDelivery, secret: string): boolean | null;
}

export const VERIFIERS: readonly Verifier[] = [
  {
    name: 'standardwebhooks (npm)',
    header: 'webhook-signature',
    verify: ({ headers, body }, secret) => passes(() => new StandardWebhook(...keyOf(secret)).verify(body.toString(), headers)),
  },
  {
    name: 'svix (npm)',
    header: 'webhook-signature',
    verify: ({ headers, body }, secret) => passes(() => new SvixWebhook(...keyOf(secret)).verify(body.toString(), headers)),
  },
  {
    name: 'node:crypto',
    header: 'X-Bullseye-Signature',
    verify: ({ headers, body }, secret) => equal(createHmac('sha256', secret).update(body).digest('hex'), headers['x-bullseye-signature']),
  },
  {
    name: 'openssl dgst -sha256 -hmac',
    header: 'X-Bullseye-Signature',
    verify({ headers, body }, secret) {
      const run = spawnSync('openssl', ['dgst', '-sha256', '-hmac', secret], { input: body, encoding: 'utf8' });
      if (run.error) return null;
      // "SHA2-256(stdin)= 5d41…"; the words before the digest differ between versions.
      return equal(run.stdout.trim().split(' ').at(-1) ?? '', headers['x-bullseye-signature']);
    },
  },
];

/** `whsec_` and base64, as Standard Webhooks has it. */
const STANDARD_SECRET = /^whsec_(?!$)([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}(==)?|[A-Za-z0-9+/]{3}=?)?$/;

/** As the libraries want it: a secret of the standard form as it is, any other as its bytes. */
function keyOf(secret: string): [secret: string | Uint8Array, options?: { format: 'raw' }] {
  return STANDARD_SECRET.test(secret) ? [secret] : [new TextEncoder().encode(secret), { format: 'raw' }];
}

/** Both libraries throw where a signature does not match. */
function passes(verify: () => unknown): boolean {
  try {
    verify();
    return true;
  } catch {
    return false;
  }
}

function equal(expected: string, actual = ''): boolean {
  return expected.length === actual.length && timingSafeEqual(Buffer.from(expected), Buffer.from(actual));
}
