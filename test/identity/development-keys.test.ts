import { decodeJwt, decodeProtectedHeader } from 'jose';
import { describe, expect, it } from 'vitest';
import { developmentKeyId, signDevelopmentToken } from '../../src/identity/development-keys.ts';
import { createKeySource } from '../../src/identity/keys.ts';
import { createTokenVerifier } from '../../src/identity/token.ts';
import { createFakeClock } from '../kit/fake-clock.ts';
import { audience, createBench, createIssuerKey, issuer, outcomeOf, signToken } from './issuer.ts';

const clock = createFakeClock();

function createVerifier() {
  const keys = createKeySource({ kind: 'development' }, { clock, production: false });
  return { keys, verifier: createTokenVerifier({ issuer, audience }, { clock, keys }) };
}

describe('signDevelopmentToken()', () => {
  it('signs what the development keys verify', async () => {
    const claims = { tenant: 'north', client_id: 'web' };
    const token = await signDevelopmentToken(
      { sub: 'user-1', issuer, audience, scope: 'things:read', ttlSeconds: 60, claims },
      clock,
    );
    const principal = await createVerifier().verifier.verify(token);
    expect(principal).toMatchObject({ subject: 'user-1', tenant: 'north', client: 'web', kind: 'user' });
    expect(principal.scopes).toEqual(new Set(['things:read']));
    expect(principal.expiresAtMs).toBe(clock.wallMs() + 90_000);
  });

  it('has one hour and no scope unless told otherwise', async () => {
    const token = await signDevelopmentToken({ sub: 'user-1', issuer, audience }, clock);
    const { iat = 0, exp, scope } = decodeJwt(token);
    expect([exp, scope]).toEqual([iat + 3_600, undefined]);
    expect(decodeProtectedHeader(token)).toEqual({ alg: 'EdDSA', kid: developmentKeyId, typ: 'at+jwt' });
    expect(await outcomeOf(createVerifier().verifier, token)).toBe('accepted');
  });

  it('cannot replace the named claims by further ones', async () => {
    const claims = { sub: 'other', iss: 'other', aud: 'other', exp: 0 };
    const token = await signDevelopmentToken({ sub: 'user-1', issuer, audience, claims }, clock);
    expect(decodeJwt(token)).toMatchObject({ sub: 'user-1', iss: issuer, aud: audience });
  });

  it.each([0, 86_401, 1.5, Number.NaN])('throws when ttlSeconds is %d', async (ttlSeconds) => {
    const token = { sub: 'user-1', issuer, audience, ttlSeconds };
    await expect(signDevelopmentToken(token, clock)).rejects.toThrow(RangeError);
  });

  it.each([1, 86_400])('signs when ttlSeconds is %d', async (ttlSeconds) => {
    const token = { sub: 'user-1', issuer, audience, ttlSeconds };
    await expect(signDevelopmentToken(token, clock)).resolves.toBeTypeOf('string');
  });
});

describe('createDevelopmentKeys()', () => {
  it('refuses what another key signed under its id', async () => {
    const token = await signToken(createIssuerKey(developmentKeyId), clock);
    expect(await outcomeOf(createVerifier().verifier, token)).toBe('UNAUTHENTICATED SIGNATURE');
  });

  it('opens no gateway that has keys of its own', async () => {
    const { verifier } = createBench([createIssuerKey('own')]);
    const token = await signDevelopmentToken({ sub: 'user-1', issuer, audience }, clock);
    expect(await outcomeOf(verifier, token)).toBe('UNAUTHENTICATED UNKNOWN_KEY');
  });

  it('trusts nothing once it is closed', async () => {
    const { keys, verifier } = createVerifier();
    const token = await signDevelopmentToken({ sub: 'user-1', issuer, audience }, clock);
    expect(await keys.ready()).toBeNull();
    expect(await outcomeOf(verifier, token)).toBe('accepted');
    keys.close();
    expect(await outcomeOf(verifier, token)).toBe('UPSTREAM_UNAVAILABLE KEYS_UNAVAILABLE');
    expect(await keys.ready()).toContain('closed');
  });
});
