import { once } from 'node:events';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { WeirError } from '../../src/errors.ts';
import { tokenFromAuthorization } from '../../src/identity/authorization.ts';

const refusal = (header: string | readonly string[]): unknown => {
  try {
    return tokenFromAuthorization(header);
  } catch (error) {
    return error instanceof WeirError ? [error.code, error.extensions] : error;
  }
};

describe('tokenFromAuthorization()', () => {
  it('is null when there is no header', () => {
    expect(tokenFromAuthorization(undefined)).toBeNull();
    expect(tokenFromAuthorization([])).toBeNull();
  });

  it.each(['Bearer abc.def.ghi', 'bearer abc.def.ghi', 'BEARER abc.def.ghi', 'Bearer   abc.def.ghi'])(
    'gives the token of "%s"',
    (header) => {
      expect(tokenFromAuthorization(header)).toBe('abc.def.ghi');
      expect(tokenFromAuthorization([header])).toBe('abc.def.ghi');
    },
  );

  it('gives every character of b64token (RFC 6750 section 2.1)', () => {
    expect(tokenFromAuthorization('Bearer aZ09-._~+/==')).toBe('aZ09-._~+/==');
  });

  it.each([
    '',
    ' ',
    'Bearer',
    'Bearer ',
    'Bearer a b',
    'Bearer a,b',
    'Bearer a, Bearer b',
    'Bearer "a"',
    'Bearer\ta',
    'Bearer a\n',
    ' Bearer a',
    'Bearer a ',
    'Bearer =',
    'Bearer a=b',
    'Bearer é',
    'Bearertoken',
    'Basic dXNlcjpwYXNz',
    'Token a',
    'a.b.c',
  ])('refuses %j', (header) => {
    expect(refusal(header)).toEqual(['UNAUTHENTICATED', { reason: 'MALFORMED' }]);
  });

  it('103: refuses two headers, different or equal', () => {
    expect(refusal(['Bearer a', 'Bearer b'])).toEqual(['UNAUTHENTICATED', { reason: 'MALFORMED' }]);
    expect(refusal(['Bearer a', 'Bearer a'])).toEqual(['UNAUTHENTICATED', { reason: 'MALFORMED' }]);
  });

  it('refuses two headers that Node itself received, where its headers object shows one', async () => {
    const seen: unknown[] = [];
    const server = createServer((incoming, response) => {
      seen.push(incoming.headers.authorization, refusal(incoming.headersDistinct['authorization'] ?? []));
      response.end();
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo; // as: a TCP server that listens
    const headers = ['host', 'localhost', 'authorization', 'Bearer a', 'authorization', 'Bearer b'];
    const outgoing = request({ port, host: '127.0.0.1', headers });
    outgoing.end();
    const [response] = await once(outgoing, 'response');
    response.resume();
    server.close();
    expect(seen).toEqual(['Bearer a', ['UNAUTHENTICATED', { reason: 'MALFORMED' }]]);
  });

  it('takes time in proportion when a header of 64 KiB almost fits', () => {
    const started = performance.now();
    for (let at = 0; at < 100; at += 1) refusal(`Bearer ${'a'.repeat(65_536)}!`);
    expect(performance.now() - started).toBeLessThan(1_000);
  });
});
