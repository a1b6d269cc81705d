import { fromBase64Url, toBase64Url, toHex } from '../domain/text/encoding.ts';

/*
 * Webhook secrets at rest: AES-256-GCM under a key that HKDF-SHA-256 derives from the master key. The webhook's id is the
 * associated data, so that a sealed secret copied to another row does not open there. What is sealed for another purpose has a key
 * of its own.
 *
 *   v1:<key id>:<iv, base64url>:<ciphertext and tag, base64url>
 */
const VERSION = 'v1';
/** GCM's own size. Random is safe: 2^32 seals under one key are far away at a few per webhook. */
const IV_BYTES = 12;
const KEY_ID_BYTES = 4;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

interface BoxKey {
  /** Tells the master keys apart without saying anything of them: derived under an info string of its own. */
  id: string;
  key: CryptoKey;
}

/** What is sealed: the name of its keys. */
export type BoxPurpose = 'webhook secrets' | 'dashboard messages' | 'operator sessions';

/** Derived keys by purpose and master key: deriving costs more than opening. Holds no more than two for each master key that is configured. */
const boxKeys = new Map<string, Promise<BoxKey>>();

/**
 * Seals a secret under the first master key.
 * @param masterKeys the configured keys, the current one first
 */
export async function sealSecret(
  masterKeys: readonly string[],
  webhookId: string,
  plaintext: string,
  purpose: BoxPurpose = 'webhook secrets',
): Promise<string> {
  const [current] = masterKeys;
  if (current === undefined) throw new Error('there is no master key');
  const { id, key } = await boxKeyOf(current, purpose);
  const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES));
  const algorithm = { name: 'AES-GCM', iv, additionalData: encoder.encode(webhookId) };
  const sealed = new Uint8Array(await crypto.subtle.encrypt(algorithm, key, encoder.encode(plaintext)));
  return [VERSION, id, toBase64Url(iv), toBase64Url(sealed)].join(':');
}

/** Opens a sealed secret with whichever master key sealed it. Throws where none of them did, or where it was tampered with. */
export async function openSecret(
  masterKeys: readonly string[],
  webhookId: string,
  sealed: string,
  purpose: BoxPurpose = 'webhook secrets',
): Promise<string> {
  const [version, keyId, iv, ciphertext] = sealed.split(':');
  if (version !== VERSION || !iv || !ciphertext) throw new Error('the sealed secret is not of a known format');
  const keys = await Promise.all(masterKeys.map((masterKey) => boxKeyOf(masterKey, purpose)));
  const match = keys.find(({ id }) => id === keyId);
  if (!match) throw new Error(`the secret was sealed under master key ${keyId}, which is not configured`);
  const algorithm = { name: 'AES-GCM', iv: fromBase64Url(iv), additionalData: encoder.encode(webhookId) };
  return decoder.decode(await crypto.subtle.decrypt(algorithm, match.key, fromBase64Url(ciphertext)));
}

/** Tells under which master key a secret is sealed: the second part of what sealSecret makes. Says nothing of the key itself. */
export async function masterKeyId(masterKey: string): Promise<string> {
  return (await boxKeyOf(masterKey, 'webhook secrets')).id;
}

async function boxKeyOf(masterKey: string, purpose: BoxPurpose): Promise<BoxKey> {
  const name = `${purpose}: ${masterKey}`;
  let key = boxKeys.get(name);
  if (!key) {
    key = deriveBoxKey(masterKey, purpose);
    boxKeys.set(name, key);
  }
  return await key;
}

async function deriveBoxKey(masterKey: string, purpose: BoxPurpose): Promise<BoxKey> {
  const material = await crypto.subtle.importKey('raw', encoder.encode(masterKey), 'HKDF', false, ['deriveBits', 'deriveKey']);
  const derivation = (info: string) => ({ name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(), info: encoder.encode(info) });
  const id = await crypto.subtle.deriveBits(derivation(`bullseye ${purpose}: key id`), material, KEY_ID_BYTES * 8);
  const cipher = { name: 'AES-GCM', length: 256 };
  const info = derivation(`bullseye ${purpose}: encryption`);
  const key = await crypto.subtle.deriveKey(info, material, cipher, false, ['encrypt', 'decrypt']);
  return { id: toHex(new Uint8Array(id)), key };
}
