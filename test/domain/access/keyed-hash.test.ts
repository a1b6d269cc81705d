import { expect, it } from 'vitest';
import { keyedHash } from '../../../src/domain/access/keyed-hash.ts';
import { toHex } from '../../../src/domain/text/encoding.ts';

it('is the beginning of HMAC-SHA-256, as RFC 4231 has it', () => {
  expect(toHex(keyedHash(new TextEncoder().encode('Jefe'), 'what do ya want for nothing?'))).toBe('5bdcc146bf60754e6a042426089575c7');
  expect(toHex(keyedHash(new Uint8Array(20).fill(0x0b), 'Hi There'))).toBe('b0344c61d8db38535ca8afceaf0bf12b');
});

it('is another one under another key', () => {
  const hashes = [1, 2].map((byte) => toHex(keyedHash(new Uint8Array(32).fill(byte), 'ada')));
  expect(hashes[0]).not.toBe(hashes[1]);
});
