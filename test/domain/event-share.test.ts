import { describe, expect, it } from 'vitest';
import { EventShares } from '../../src/domain/event-share.ts';

/** Posts events of an organization, evenly spaced, and tells of each whether it was beyond the share. */
function send(shares: EventShares, perSecond: number, seconds: number, { from = 0, id = 'org' } = {}): boolean[] {
  const count = perSecond * seconds;
  return Array.from({ length: count }, (_, index) => shares.isBeyond(id, 1, from + (index * 1_000) / perSecond));
}

describe('an organization', () => {
  it('is within its share as long as it sends no more than that each second', () => {
    expect(send(new EventShares(10), 10, 60)).not.toContain(true);
  });

  it('may send two seconds of its share at once, and an array in any case, and not one event more', () => {
    for (const [perSecond, atOnce] of [
      [10, 100],
      [500, 1_000],
    ] as const) {
      const shares = new EventShares(perSecond);
      expect(Array.from({ length: atOnce + 1 }, () => shares.isBeyond('org', 1, 0))).toEqual([...Array(atOnce).fill(false), true]);
      expect(new EventShares(perSecond).isBeyond('org', atOnce, 0)).toBe(false);
      expect(new EventShares(perSecond).isBeyond('org', atOnce + 1, 0)).toBe(true);
    }
  });

  it('stays beyond it while it goes on sending more: its events do not change between two ways', () => {
    const beyond = send(new EventShares(10), 50, 30);
    const first = beyond.indexOf(true);
    expect(first).toBeGreaterThan(100);
    expect(first).toBeLessThan(150);
    expect(beyond.slice(first)).not.toContain(false);
  });

  it('is within it again once half of what it may send at once has come back', () => {
    const shares = new EventShares(10);
    send(shares, 50, 10);
    expect(shares.isBeyond('org', 0, 14_900)).toBe(true);
    expect(shares.isBeyond('org', 0, 15_000)).toBe(false);
    expect(send(shares, 10, 10, { from: 15_000 })).not.toContain(true);
  });

  it('does not count for another', () => {
    const shares = new EventShares(10);
    expect(send(shares, 100, 5, { id: 'busy' })).toContain(true);
    expect(send(shares, 10, 5, { id: 'other' })).not.toContain(true);
  });

  it('is not made to look busier by a clock that goes back', () => {
    const shares = new EventShares(10);
    shares.isBeyond('org', 45, 10_000);
    expect(shares.isBeyond('org', 45, 2_000)).toBe(false);
    expect(send(shares, 10, 5, { from: 2_000 })).not.toContain(true);
  });

  it('is forgotten where ten thousand others were heard since', () => {
    const shares = new EventShares(10);
    expect(shares.isBeyond('org', 101, 0)).toBe(true);
    for (let index = 0; index < 9_999; index++) shares.isBeyond(`org_${index}`, 1, 0);
    expect(shares.isBeyond('org', 0, 0)).toBe(true);
    for (let index = 0; index < 10_000; index++) shares.isBeyond(`org_${index}`, 1, 0);
    expect(shares.isBeyond('org', 100, 0)).toBe(false);
  });
});
