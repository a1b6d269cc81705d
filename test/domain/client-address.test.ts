import { describe, expect, it } from 'vitest';
import { clientNetwork } from '../../src/domain/client-address.ts';

describe("a client's network", () => {
  it.each([
    ['203.0.113.7', '203.0.113.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:DB8:0001:0002::7', '2001:db8:1:2::/64'],
    ['2001:db8::7', '2001:db8:0:0::/64'],
    ['2001:db8:0:0:1::', '2001:db8:0:0::/64'],
    ['fe80::1', 'fe80:0:0:0::/64'],
    ['::', '0:0:0:0::/64'],
    ['::ffff:203.0.113.7', '0:0:0:0::/64'],
  ])('of %s is %s', (address, network) => {
    expect(clientNetwork(address)).toBe(network);
  });

  it.each([undefined, '', '127.0.0.1', '127.8.9.1', '::1'])('is nobody’s where the address is %s', (address) => {
    expect(clientNetwork(address)).toBeNull();
  });
});
