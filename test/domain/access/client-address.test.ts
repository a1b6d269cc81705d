import { describe, expect, it } from 'vitest';
import { clientNetwork, networkOf } from '../../../src/domain/access/client-address.ts';

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

  it('of a Worker is that of its zone: all Workers have one address', () => {
    const workers = '2a06:98c0:3600::103';
    expect(clientNetwork(workers, 'shop.example')).toBe('worker shop.example');
    expect(clientNetwork(workers, 'Other.example')).toBe('worker other.example');
    expect(clientNetwork(workers)).toBe('2a06:98c0:3600:0::/64');
    expect(clientNetwork(workers, 'z'.repeat(10_000))?.length).toBeLessThan(300);
    expect(clientNetwork('203.0.113.7', 'shop.example'), 'anybody can send the header').toBe('203.0.113.7');
    expect(clientNetwork('2a06:98c0:3600::104', 'shop.example')).toBe('2a06:98c0:3600:0::/64');
  });

  it('is found in the headers of a request', () => {
    expect(networkOf(new Headers({ 'CF-Connecting-IP': '2a06:98c0:3600::103', 'CF-Worker': 'shop.example' }))).toBe('worker shop.example');
    expect(networkOf(new Headers({ 'CF-Connecting-IP': '203.0.113.7' }))).toBe('203.0.113.7');
    expect(networkOf(new Headers())).toBeNull();
  });

  it.each([undefined, '', '127.0.0.1', '127.8.9.1', '::1'])('is nobody’s where the address is %s', (address) => {
    expect(clientNetwork(address)).toBeNull();
  });
});
