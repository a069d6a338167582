import { describe, expect, it } from 'vitest';
import { createIdentify } from '../../src/identity/identify.ts';
import { createBench, createIssuerKey, signToken } from './issuer.ts';

const key = createIssuerKey('key-1');

describe('createIdentify()', () => {
  it('gives an anonymous principal of the network at once when there is no token', () => {
    const identify = createIdentify(createBench([key]).verifier);
    expect(identify({ authorization: undefined, address: '192.0.2.7' })).toMatchObject({
      kind: 'anonymous',
      subject: null,
      network: '192.0.2.0/24',
    });
    expect(identify({ authorization: [], address: undefined })).toMatchObject({ kind: 'anonymous' });
  });

  it('gives the principal of a good token, the second time without a promise', async () => {
    const { clock, verifier } = createBench([key]);
    const identify = createIdentify(verifier);
    const authorization = `Bearer ${await signToken(key, clock)}`;
    const first = identify({ authorization, address: undefined });
    expect(first).toBeInstanceOf(Promise);
    const principal = await first;
    expect(principal).toMatchObject({ kind: 'user', subject: 'user-1', network: null });
    expect(identify({ authorization: [authorization], address: '192.0.2.7' })).toBe(principal);
  });

  it('rejects a bad token with its reason', async () => {
    const { clock, verifier } = createBench([key]);
    const authorization = `Bearer ${await signToken(createIssuerKey('key-1'), clock)}`;
    await expect(createIdentify(verifier)({ authorization, address: undefined })).rejects.toMatchObject({
      code: 'UNAUTHENTICATED',
      extensions: { reason: 'SIGNATURE' },
    });
  });

  it.each([
    ['an empty header', ''],
    ['another scheme', 'Basic dXNlcjpwYXNz'],
    ['two headers', ['Bearer abc', 'Bearer abc']],
    ['two tokens in one header', 'Bearer abc, Bearer abc'],
  ])('throws MALFORMED for %s, whether tokens are good here or not', (_what, authorization) => {
    for (const verifier of [undefined, createBench([key]).verifier]) {
      expect(() => createIdentify(verifier)({ authorization, address: undefined })).toThrow(
        expect.objectContaining({ code: 'UNAUTHENTICATED', extensions: { reason: 'MALFORMED' } }),
      );
    }
  });

  it('refuses every token, and lets the anonymous in, when no key is trusted', async () => {
    const identify = createIdentify(undefined);
    const authorization = `Bearer ${await signToken(key, createBench([key]).clock)}`;
    expect(() => identify({ authorization, address: undefined })).toThrow(
      expect.objectContaining({ code: 'UNAUTHENTICATED', extensions: { reason: 'UNKNOWN_KEY' } }),
    );
    expect(identify({ authorization: undefined, address: undefined })).toMatchObject({ kind: 'anonymous' });
  });
});
