import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from 'vitest';
import { createPeerReader } from '../../src/transport/peer.ts';

const proxies = ['10.0.0.0/8', '192.0.2.7', 'fd00::/8'];

function peer(
  remoteAddress: string | undefined,
  headers: Record<string, string>,
  trustedProxies: readonly string[] = proxies,
) {
  const request = { headers: { host: 'inner:4000', ...headers }, socket: { remoteAddress } };
  return createPeerReader(trustedProxies)(request as unknown as IncomingMessage); // as: all that is read of it
}

describe('createPeerReader()', () => {
  it.each([
    ['an address in no network', '203.0.113.9'],
    ['one below the first of a network', '9.255.255.255'],
    ['one above the last of a network', '11.0.0.0'],
    ['one beside a single address', '192.0.2.8'],
    ['an IPv6 address in no network', 'fc00::1'],
  ])('56: believes nothing of %s', (_what, address) => {
    const forged = { 'x-forwarded-for': '1.2.3.4', 'x-forwarded-host': 'evil', 'x-forwarded-proto': 'https' };
    expect(peer(address, forged)).toEqual({ address, host: 'inner:4000', isSecure: false });
  });

  it.each(['10.0.0.0', '10.255.255.255', '192.0.2.7', 'fd00::1', '::ffff:10.1.2.3'])(
    'believes the proxy %s',
    (address) => {
      const told = {
        'x-forwarded-for': '1.2.3.4',
        'x-forwarded-host': 'www.example.com',
        'x-forwarded-proto': 'https',
      };
      expect(peer(address, told)).toEqual({ address: '1.2.3.4', host: 'www.example.com', isSecure: true });
    },
  );

  it('believes nobody when no proxy is declared', () => {
    expect(peer('127.0.0.1', { 'x-forwarded-for': '1.2.3.4' }, []).address).toBe('127.0.0.1');
  });

  it.each([
    ['1.2.3.4', '1.2.3.4'],
    ['6.6.6.6, 1.2.3.4', '1.2.3.4'],
    ['6.6.6.6, 1.2.3.4, 10.0.0.5', '1.2.3.4'],
    ['10.0.0.9, 10.0.0.5', '10.0.0.9'],
    ['6.6.6.6,1.2.3.4 ', '1.2.3.4'],
    ['1.2.3.4:4711', '1.2.3.4'],
    ['[2001:db8::1]:4711', '2001:db8::1'],
    ['2001:db8::1', '2001:db8::1'],
    ['1.2.3.4, unknown', 'unknown'],
    [`${'6.6.6.6, '.repeat(1000)}1.2.3.4`, '1.2.3.4'],
    ['', ''],
  ])('56: takes of "%s" the last that is no proxy: %s', (forwarded, address) => {
    expect(peer('10.0.0.1', { 'x-forwarded-for': forwarded }).address).toBe(address);
  });

  it('takes what the nearest proxy says of host and scheme', () => {
    const told = { 'x-forwarded-host': 'evil, www.example.com', 'x-forwarded-proto': 'https, http' };
    expect(peer('10.0.0.1', told)).toMatchObject({ host: 'www.example.com', isSecure: false });
  });

  it('is the proxy itself where it says nothing', () => {
    expect(peer('10.0.0.1', {})).toEqual({ address: '10.0.0.1', host: 'inner:4000', isSecure: false });
  });
});
