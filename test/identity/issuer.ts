import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { type JWTHeaderParameters, SignJWT } from 'jose';
import { parseJwkSet } from '../../src/identity/key-set.ts';
import type { KeySource } from '../../src/identity/refreshing-keys.ts';
import { createRefreshingKeys } from '../../src/identity/refreshing-keys.ts';
import { createTokenVerifier, type TokenVerifier } from '../../src/identity/token.ts';
import type { TokenOptions } from '../../src/identity/token-options.ts';
import { createFakeClock, type FakeClock } from '../kit/fake-clock.ts';

export const issuer = 'https://issuer.example';
export const audience = 'weir';

/** A key pair with its name and algorithm, as an issuer has them. */
export interface IssuerKey {
  readonly kid: string;
  readonly alg: 'ES256' | 'EdDSA' | 'Ed25519' | 'RS256';
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  /** The public JWK with `kid` and `alg`. */
  readonly jwk: Readonly<Record<string, unknown>>;
}

/** A fresh key pair. */
export function createIssuerKey(
  kid: string,
  alg: IssuerKey['alg'] = 'EdDSA',
  modulusLength = 2048,
): IssuerKey {
  const pair = pairFor(alg, modulusLength);
  return { kid, alg, ...pair, jwk: { ...pair.publicKey.export({ format: 'jwk' }), kid, alg } };
}

function pairFor(alg: IssuerKey['alg'], modulusLength: number) {
  if (alg === 'RS256') return generateKeyPairSync('rsa', { modulusLength });
  if (alg === 'ES256') return generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  return generateKeyPairSync('ed25519');
}

/** What differs from a good token; a member that is undefined is left out of it. */
export interface TokenChange {
  readonly header?: Readonly<Record<string, unknown>>;
  readonly claims?: Readonly<Record<string, unknown>>;
}

/** A token that a verifier with default options accepts, one hour long, but for `change`. */
export async function signToken(key: IssuerKey, clock: FakeClock, change: TokenChange = {}): Promise<string> {
  const now = Math.floor(clock.wallMs() / 1000);
  const good = { sub: 'user-1', iss: issuer, aud: audience, iat: now, exp: now + 3600, scope: 'things:read' };
  const header = { alg: key.alg, kid: key.kid, typ: 'at+jwt', ...change.header };
  const claims = JSON.parse(JSON.stringify({ ...good, ...change.claims }));
  // as: tests also sign headers that the type forbids
  return await new SignJWT(claims)
    .setProtectedHeader(JSON.parse(JSON.stringify(header)) as JWTHeaderParameters)
    .sign(key.privateKey);
}

/** The text of a JWK Set. */
export function jwkSet(...keys: readonly Pick<IssuerKey, 'jwk'>[]): string {
  return JSON.stringify({ keys: keys.map(({ jwk }) => jwk) });
}

/** A verifier of tokens that the given keys sign, with a clock that the test moves. */
export interface Bench {
  readonly clock: FakeClock;
  readonly keys: KeySource;
  readonly verifier: TokenVerifier;
}

/** Keys from memory, never re-read within a test. */
export function createBench(keys: readonly IssuerKey[], options: Partial<TokenOptions> = {}): Bench {
  const clock = createFakeClock();
  const dayMs = 86_400_000;
  const source = createRefreshingKeys({
    name: 'memory',
    read: async () => jwkSet(...keys),
    parse: parseJwkSet,
    times: { timeoutMs: 1_000, cooldownMs: dayMs, maxAgeMs: dayMs, maxStaleMs: dayMs },
    clock,
  });
  const verifier = createTokenVerifier({ issuer, audience, ...options }, { clock, keys: source });
  return { clock, keys: source, verifier };
}

/** The `extensions.reason` and code with which `verify` refuses; 'accepted' if it does not. */
export async function outcomeOf(verifier: TokenVerifier, token: string): Promise<string> {
  try {
    await verifier.verify(token);
    return 'accepted';
  } catch (error) {
    if (!(error instanceof Error) || !('extensions' in error) || !('code' in error)) throw error;
    const { reason } = error.extensions as { reason: string }; // as: WeirError's members, checked by the comparison
    return `${String(error.code)} ${reason}`;
  }
}

/** base64url of JSON. */
export function encodeJson(value: unknown): string {
  return encodeText(JSON.stringify(value));
}

/** base64url of UTF-8. */
export function encodeText(text: string): string {
  return Buffer.from(text).toString('base64url');
}
