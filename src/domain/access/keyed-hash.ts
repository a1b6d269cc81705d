import { createHmac } from 'node:crypto';

/** Enough that no two of any number of values meet. */
const HASH_BYTES = 16;

/**
 * A text's keyed hash, HMAC-SHA-256 cut to 16 bytes: whoever does not know the key cannot tell the text from it, nor try texts. In one step (WebCrypto
 * needs several), so that what is looked up by it and what is decided about it are one turn of an object.
 */
export function keyedHash(key: Uint8Array, text: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(createHmac('sha256', key).update(text).digest().slice(0, HASH_BYTES));
}
