import { createHmac, timingSafeEqual } from 'node:crypto';

const TOLERANCE_SECONDS = 300;
const STANDARD_SECRET = /^whsec_((?:[A-Za-z0-9+/]{4})*[A-Za-z0-9+/]{2}(?:==|[A-Za-z0-9+/]=?|[A-Za-z0-9+/]{2})?)$/;

/**
 * Whether Bullseye sent this, with this body, within the last five minutes.
 * @param {Record<string, string | undefined>} headers of the request, as Node has them: names in lower case
 * @param {Buffer} body as it came, before anything parsed it
 */
export function verify(secret, headers, body) {
  const { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures = '' } = headers;
  const fresh = Math.abs(Date.now() / 1000 - Number(timestamp)) <= TOLERANCE_SECONDS;
  if (!fresh) return false;
  const mac = createHmac('sha256', keyOf(secret)).update(`${id}.${timestamp}.`).update(body).digest('base64');
  const expected = Buffer.from(`v1,${mac}`);
  // There are several while rotations of the secret overlap.
  return signatures.split(' ').some((signature) => {
    const actual = Buffer.from(signature);
    return actual.length === expected.length && timingSafeEqual(actual, expected);
  });
}

/** What follows `whsec_`, base64-decoded; of any other secret the UTF-8 bytes. */
function keyOf(secret) {
  const base64 = STANDARD_SECRET.exec(secret)?.[1];
  return base64 ? Buffer.from(base64, 'base64') : Buffer.from(secret);
}

// Simpler, but no help against replays: X-Bullseye-Signature is the lower-case hex HMAC-SHA256 of the body alone, keyed with the
// UTF-8 bytes of the whole secret.
