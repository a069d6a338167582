import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { networkPrefix, unknownNetwork } from '../../src/identity/network-prefix.ts';

describe('networkPrefix()', () => {
  it.each([
    ['203.0.113.7', '203.0.113.0/24'],
    ['0.0.0.0', '0.0.0.0/24'],
    ['255.255.255.255', '255.255.255.0/24'],
    ['::ffff:203.0.113.7', '203.0.113.0/24'],
    ['::FFFF:cb00:7107', '203.0.113.0/24'],
    ['0:0:0:0:0:ffff:203.0.113.7', '203.0.113.0/24'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:0DB8:0001:0002::', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['2001:db8:1:2:ffff::', '2001:db8:1:2::/64'],
    ['::1', '0:0:0:0::/64'],
    ['::', '0:0:0:0::/64'],
    ['64:ff9b::203.0.113.7', '64:ff9b:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['::1:ffff:203.0.113.7', '0:0:0:0::/64'],
  ])('gives of %s the network %s', (address, network) => {
    expect(networkPrefix(address)).toBe(network);
  });

  it.each([
    undefined,
    '',
    'localhost',
    '203.0.113',
    '203.0.113.256',
    '203.0.113.07',
    '[::1]',
    '1:2:3',
    ':::',
    '::1::',
  ])('knows no network for %s', (address) => {
    expect(networkPrefix(address)).toBe(unknownNetwork);
  });

  it('depends on the first 64 bits of an IPv6 address and on all of them', () => {
    const group = fc.integer({ min: 0, max: 0xffff });
    const half = fc.tuple(fc.integer({ min: 1, max: 0xffff }), group, group, group);
    const text = (groups: readonly number[]) => groups.map((each) => each.toString(16)).join(':');
    fc.assert(
      fc.property(half, half, half, half, (first, second, left, right) => {
        expect(networkPrefix(text([...first, ...left]))).toBe(networkPrefix(text([...first, ...right])));
        const isSame = text(first) === text(second);
        expect(networkPrefix(text([...first, ...left])) === networkPrefix(text([...second, ...left]))).toBe(
          isSame,
        );
      }),
    );
  });
});
