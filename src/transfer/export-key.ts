import { createHmac } from 'node:crypto';
import { fromBase64, fromBase64Url, toBase64Url, toHex } from '../domain/text/encoding.ts';

/*
 * What an export is sealed with: the caller's 32 bytes, of which HKDF-SHA-256 makes a key that encrypts secrets (AES-256-GCM), one that
 * vouches for the whole file (HMAC-SHA-256), and a mark that tells keys apart and says nothing of them.
 *
 *   e1:<iv, base64url>:<ciphertext and tag, base64url>
 */
const VERSION = 'e1';
const IV_BYTES = 12;
const ID_BYTES = 4;

/** 32 bytes in base64. */
export const EXPORT_KEY = /^[A-Za-z0-9+/]{43}=$/;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Vouches for lines, in their order. */
export interface Seal {
  add(line: string): void;
  /** Lower-case hex. */
  of(): string;
}

export class ExportKey {
  /** 8 hex digits: an import with another key is refused at its first line. */
  readonly id: string;
  readonly #cipher: CryptoKey;
  readonly #vouching: Uint8Array;

  private constructor(id: string, cipher: CryptoKey, vouching: Uint8Array) {
    this.id = id;
    this.#cipher = cipher;
    this.#vouching = vouching;
  }

  /** @param base64 as EXPORT_KEY has it */
  static async of(base64: string): Promise<ExportKey> {
    const material = await crypto.subtle.importKey('raw', fromBase64(base64), 'HKDF', false, ['deriveBits', 'deriveKey']);
    const use = (what: string) => ({
      name: 'HKDF',
      hash: 'SHA-256',
      salt: new Uint8Array(),
      info: encoder.encode(`bullseye export: ${what}`),
    });
    const bits = async (what: string, bytes: number) => new Uint8Array(await crypto.subtle.deriveBits(use(what), material, bytes * 8));
    const algorithm = { name: 'AES-GCM', length: 256 };
    const cipher = await crypto.subtle.deriveKey(use('encryption'), material, algorithm, false, ['encrypt', 'decrypt']);
    return new ExportKey(toHex(await bits('key id', ID_BYTES)), cipher, await bits('whole file', 32));
  }

  /** @param place where the value belongs: it opens nowhere else */
  async seal(place: string, value: unknown): Promise<string> {
    const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES));
    const sealed = await crypto.subtle.encrypt(algorithmOf(iv, place), this.#cipher, encoder.encode(JSON.stringify(value)));
    return [VERSION, toBase64Url(iv), toBase64Url(new Uint8Array(sealed))].join(':');
  }

  /** Throws where it was sealed with another key, for another place, or was tampered with. */
  async open(place: string, sealed: string): Promise<unknown> {
    const [version, iv, ciphertext] = sealed.split(':');
    if (version !== VERSION || !iv || !ciphertext) throw new Error('the sealed value is not of a known format');
    const opened = await crypto.subtle.decrypt(algorithmOf(fromBase64Url(iv), place), this.#cipher, fromBase64Url(ciphertext));
    return JSON.parse(decoder.decode(opened));
  }

  /** A new seal over nothing yet. */
  begin(): Seal {
    const hmac = createHmac('sha256', this.#vouching);
    return { add: (line) => void hmac.update(`${line}\n`), of: () => toHex(hmac.digest()) };
  }
}

function algorithmOf(iv: Uint8Array<ArrayBuffer>, place: string) {
  return { name: 'AES-GCM', iv, additionalData: encoder.encode(place) };
}
