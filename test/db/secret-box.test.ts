import { describe, expect, test } from 'vitest';
import { openSecret, sealSecret } from '../../src/db/secret-box.ts';

const [current, former] = ['the-current-master-key', 'the-former-master-key'] as const;

describe('a sealed secret', () => {
  test('opens to what was sealed, whatever its characters', async () => {
    for (const secret of ['x', 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 'ü\u{1f3af}\u0000', 's'.repeat(256)]) {
      expect(await openSecret([current], 'whk_1', await sealSecret([current], 'whk_1', secret))).toBe(secret);
    }
  });

  test('looks different each time, and shows neither the secret nor the master key', async () => {
    const sealed = await Promise.all([1, 2].map(() => sealSecret([current], 'whk_1', 'whisper')));
    expect(new Set(sealed).size).toBe(2);
    for (const text of sealed) {
      expect(text).toMatch(/^v1:[0-9a-f]{8}:[\w-]{16}:[\w-]+$/);
      expect(text).not.toContain('whisper');
    }
  });

  test('opens with the former master key while both are configured, and is sealed with the current one', async () => {
    const old = await sealSecret([former], 'whk_1', 'whisper');
    expect(await openSecret([current, former], 'whk_1', old)).toBe('whisper');
    const fresh = await sealSecret([current, former], 'whk_1', 'whisper');
    expect(await openSecret([current], 'whk_1', fresh)).toBe('whisper');
    await expect(openSecret([current], 'whk_1', old)).rejects.toThrow('not configured');
  });

  test('does not open for another purpose: each has keys of its own, of every master key', async () => {
    const [secret, message] = ['webhook secrets', 'dashboard messages'] as const;
    for (const [sealedFor, openedFor] of [
      [secret, message],
      [message, secret],
    ] as const) {
      const sealed = await sealSecret([current], 'whk_1', 'whisper', sealedFor);
      expect(await openSecret([former, current], 'whk_1', sealed, sealedFor)).toBe('whisper');
      await expect(openSecret([current], 'whk_1', sealed, openedFor)).rejects.toThrow('not configured');
    }
  });

  test('does not open for another webhook, nor after a change', async () => {
    const sealed = await sealSecret([current], 'whk_1', 'whisper');
    await expect(openSecret([current], 'whk_2', sealed)).rejects.toThrow();
    const last = sealed.at(-3) === 'A' ? 'B' : 'A';
    await expect(openSecret([current], 'whk_1', `${sealed.slice(0, -3)}${last}${sealed.slice(-2)}`)).rejects.toThrow();
    await expect(openSecret([current], 'whk_1', 'whisper')).rejects.toThrow('known format');
  });
});
