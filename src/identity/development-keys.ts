import { createHash, createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { SignJWT } from 'jose';
import type { Clock } from '../clock.ts';
import { keysFitting, parseJwkSet } from './key-set.ts';
import type { KeySource } from './refreshing-keys.ts';
import { tokenRefusal } from './token-refusal.ts';

/** The key id of the development key. */
export const developmentKeyId = 'weir-development';

/** What a development token says; times in whole seconds, as JWT has them (RFC 7519 section 2, NumericDate). */
export interface DevelopmentToken {
  readonly sub: string;
  readonly issuer: string;
  readonly audience: string;
  /** Space separated. Default: none. */
  readonly scope?: string;
  /** 1 to 86,400; default 3,600, which is also the most that a verifier accepts by default. */
  readonly ttlSeconds?: number;
  /** The `typ` of the header. Default: `at+jwt`. */
  readonly type?: string;
  /** Further claims, such as a tenant. */
  readonly claims?: Readonly<Record<string, unknown>>;
}

/** The key is made from these words: whoever reads them has it. It opens nothing but gateways in development. */
const seedWords = 'weir development key: not a secret, never for production';

/** RFC 8410 section 7: a PKCS #8 PrivateKeyInfo for Ed25519 up to its 32 bytes of seed. */
const pkcs8Head = Buffer.from('302e020100300506032b657004220420', 'hex');

/** The public half of the development key as a source. The caller sees to it that this is not production. */
export function createDevelopmentKeys(): KeySource {
  const jwk = { ...createPublicKey(developmentKey()).export({ format: 'jwk' }), kid: developmentKeyId };
  const parsed = parseJwkSet(JSON.stringify({ keys: [jwk] }));
  if (!parsed.ok) throw new Error(parsed.fault);
  const { keys } = parsed;
  let isClosed = false;
  return {
    find: async (algorithm, kid) => {
      if (isClosed) throw tokenRefusal('KEYS_UNAVAILABLE');
      return keysFitting(keys, algorithm, kid);
    },
    trusts: (keyId) => !isClosed && keys.some((key) => key.id === keyId),
    ready: async () => (isClosed ? 'the keys are closed' : null),
    close: () => {
      isClosed = true;
    },
  };
}

/** Signs a token that {@link createDevelopmentKeys} verifies; throws RangeError for a `ttlSeconds` out of bounds. */
export async function signDevelopmentToken(token: DevelopmentToken, clock: Clock): Promise<string> {
  const { sub, issuer, audience, scope, ttlSeconds = 3_600, type = 'at+jwt', claims } = token;
  if (!Number.isInteger(ttlSeconds) || ttlSeconds < 1 || ttlSeconds > 86_400)
    throw new RangeError(`ttlSeconds: expected a whole number from 1 to 86400, got ${ttlSeconds}`);
  const nowSeconds = Math.floor(clock.wallMs() / 1000);
  const payload = { ...claims, ...(scope === undefined ? {} : { scope }) };
  return await new SignJWT(payload)
    .setProtectedHeader({ alg: 'EdDSA', kid: developmentKeyId, typ: type })
    .setSubject(sub)
    .setIssuer(issuer)
    .setAudience(audience)
    .setIssuedAt(nowSeconds)
    .setExpirationTime(nowSeconds + ttlSeconds)
    .sign(developmentKey());
}

function developmentKey(): KeyObject {
  const seed = createHash('sha256').update(seedWords).digest();
  return createPrivateKey({ key: Buffer.concat([pkcs8Head, seed]), format: 'der', type: 'pkcs8' });
}
