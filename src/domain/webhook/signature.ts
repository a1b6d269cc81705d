import { fromBase64, toBase64, toHex } from '../text/encoding.ts';

/*
 * How deliveries are signed (DESIGN, section 2): `X-Bullseye-Signature`, and the headers of the Standard Webhooks
 * specification, whose published libraries verify them unchanged.
 */

/** A secret's imported keys: importing costs more than signing, so callers keep them. */
export interface SigningKeys {
  /** Of `X-Bullseye-Signature`: the UTF-8 bytes of the whole secret. */
  raw: CryptoKey;
  /** Of `webhook-signature`: what follows `whsec_`, base64-decoded, else the same as raw. */
  standard: CryptoKey;
}

/** The base64 of a secret in the form of Standard Webhooks; atob alone would also skip white space. */
const STANDARD_SECRET = /^whsec_([A-Za-z0-9+/]+={0,2})$/;
const encoder = new TextEncoder();

export async function importSigningKeys(secret: string): Promise<SigningKeys> {
  const raw = await importHmacKey(encoder.encode(secret));
  const decoded = standardKeyBytes(secret);
  return { raw, standard: decoded ? await importHmacKey(decoded) : raw };
}

/** The bytes after `whsec_`, or null where the secret is not of that form: then it is used as its UTF-8 bytes. */
export function standardKeyBytes(secret: string): Uint8Array | null {
  const base64 = STANDARD_SECRET.exec(secret)?.[1];
  if (base64 === undefined) return null;
  try {
    return fromBase64(base64);
  } catch {
    // Of a length that no base64 has.
    return null;
  }
}

function importHmacKey(bytes: Uint8Array): Promise<CryptoKey> {
  return crypto.subtle.importKey('raw', bytes, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
}

/** Lower-case hex HMAC-SHA256 of the body. */
export async function bullseyeSignature(keys: SigningKeys, body: Uint8Array): Promise<string> {
  return toHex(new Uint8Array(await crypto.subtle.sign('HMAC', keys.raw, body)));
}

/**
 * The value of `webhook-signature`: `v1,` and base64 of the HMAC-SHA256 of `id.timestamp.body`, one for each secret, separated
 * by spaces, in the order given (the new secret first while a rotation overlaps).
 * @param timestamp Unix seconds of the attempt
 */
export async function standardSignature(keys: readonly SigningKeys[], id: string, timestamp: number, body: Uint8Array): Promise<string> {
  const head = encoder.encode(`${id}.${timestamp}.`);
  const content = new Uint8Array(head.length + body.length);
  content.set(head);
  content.set(body, head.length);
  const signatures = await Promise.all(
    keys.map(async ({ standard }) => {
      const mac = new Uint8Array(await crypto.subtle.sign('HMAC', standard, content));
      return `v1,${toBase64(mac)}`;
    }),
  );
  return signatures.join(' ');
}
