import { describe, expect, it } from 'vitest';
import { serverFaults, serverOptions } from '../../src/config/server-options.ts';

const faultsOf = (server: object) =>
  serverOptions.safeParse(server).error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`) ??
  [];

describe('serverOptions', () => {
  it.each([
    'https://www.example.com',
    'http://localhost:5173',
    'https://127.0.0.1:8443',
    'http://[::1]:3000',
    'https://xn--bcher-kva.example',
    '*',
  ])('take the origin %s', (origin) => {
    expect(faultsOf({ allowedOrigins: [origin] })).toEqual([]);
  });

  it.each([
    'null',
    '',
    'www.example.com',
    'https://www.example.com/',
    'https://www.example.com/path',
    'https://www.example.com:443',
    'https://WWW.example.com',
    'https://*.example.com',
    'https://user@www.example.com',
    'https://bücher.example',
    'ws://www.example.com',
    'file:///tmp',
  ])('refuse the origin "%s", which no browser sends', (origin) => {
    expect(faultsOf({ allowedOrigins: [origin] })).toEqual([
      expect.stringMatching(/^allowedOrigins\.0: expected an origin as browsers send it/),
    ]);
  });

  it.each(['10.0.0.0/8', '192.0.2.1', '0.0.0.0/0', 'fd00::/8', '::1', '::/0'])(
    'take the network %s',
    (network) => {
      expect(faultsOf({ trustedProxies: [network] })).toEqual([]);
    },
  );

  it.each(['10.0.0.0/33', '10.0.0/8', 'fd00::/129', 'localhost', '10.0.0.0/', '10.0.0.0/8/8', ''])(
    'refuse the network "%s"',
    (network) => {
      expect(faultsOf({ trustedProxies: [network] })).toEqual([
        expect.stringMatching(/^trustedProxies\.0: expected an address/),
      ]);
    },
  );

  it.each(['www.example.com:443', 'WWW.example.com', 'https://www.example.com', '', '*'])(
    'refuse the host "%s"',
    (host) => {
      expect(faultsOf({ allowedHosts: [host] })).toEqual([expect.stringMatching(/^allowedHosts\.0: /)]);
    },
  );

  it('refuse credentials for any origin, everywhere', () => {
    expect(faultsOf({ allowedOrigins: ['*'], allowCredentials: true })).toEqual([
      expect.stringMatching(/^allowCredentials: expected false while server\.allowedOrigins has "\*"/),
    ]);
    expect(faultsOf({ allowedOrigins: ['https://a.example'], allowCredentials: true })).toEqual([]);
  });

  it('refuse a head that may take longer than its request', () => {
    expect(faultsOf({ headersTimeoutMs: 5000, requestTimeoutMs: 5000 })).toEqual([]);
    expect(faultsOf({ headersTimeoutMs: 5001, requestTimeoutMs: 5000 })).toEqual([
      'headersTimeoutMs: expected at most server.requestTimeoutMs',
    ]);
  });
});

describe('serverFaults()', () => {
  it('refuses any origin in production, naming the option', () => {
    expect(serverFaults({ allowedOrigins: ['https://a.example'] })).toEqual([]);
    expect(serverFaults({})).toEqual([]);
    expect(serverFaults({ allowedOrigins: ['https://a.example', '*'] })).toEqual([
      'server.allowedOrigins: expected origins by name in production, got "*"',
    ]);
  });
});
