import { createHmac, timingSafeEqual } from 'node:crypto';

/**
 * Whether Bullseye sent this body.
 * @param {string | undefined} signature the request's X-Bullseye-Signature
 * @param {Buffer} body as it came, before anything parsed it
 */
export function verifyBody(secret, signature, body) {
  const expected = Buffer.from(createHmac('sha256', secret).update(body).digest('hex'));
  const actual = Buffer.from(signature ?? '');
  return actual.length === expected.length && timingSafeEqual(actual, expected);
}
