import { describe, expect, it } from 'vitest';
import { makerIsActive } from '../../../src/domain/access/dashboard-session.ts';

const NOW = 1_800_000_000_000;

describe('what a key made ends with the key', () => {
  it.each([
    ['one that is active', { revokedAt: null, expiresAt: null }, true],
    ['one that expires later', { revokedAt: null, expiresAt: NOW + 1 }, true],
    ['one that expires now', { revokedAt: null, expiresAt: NOW }, false],
    ['one that was revoked', { revokedAt: NOW - 1, expiresAt: null }, false],
    ['one that is gone', null, false],
  ])('%s', (_what, key, active) => {
    expect(makerIsActive({ key, platformMark: null }, ['mark'], NOW)).toBe(active);
  });

  it('and what a platform key made, when that key is rotated away', () => {
    expect(makerIsActive({ key: null, platformMark: 'old' }, ['new', 'old'], NOW)).toBe(true);
    expect(makerIsActive({ key: null, platformMark: 'old' }, ['new'], NOW)).toBe(false);
    expect(makerIsActive({ key: null, platformMark: 'old' }, [], NOW)).toBe(false);
  });
});
