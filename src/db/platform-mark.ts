import { toHex } from '../domain/text/encoding.ts';

const encoder = new TextEncoder();

/**
 * What is stored of a platform key with what it made, to tell later whether it is still configured. Keyed with the master key:
 * platform keys are chosen by operators, and a plain hash of a weak one could be guessed backwards from a copy of the database.
 */
export async function platformMark(masterKey: string, platformKey: string): Promise<string> {
  const key = await crypto.subtle.importKey('raw', encoder.encode(masterKey), { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
  const mark = await crypto.subtle.sign('HMAC', key, encoder.encode(`bullseye platform key: ${platformKey}`));
  return toHex(new Uint8Array(mark));
}

/** The marks of every platform key that is configured, under every master key that is: either can be in rotation. */
export async function platformMarks(masterKeys: readonly string[], platformKeys: readonly string[]): Promise<string[]> {
  return await Promise.all(masterKeys.flatMap((masterKey) => platformKeys.map((key) => platformMark(masterKey, key))));
}
