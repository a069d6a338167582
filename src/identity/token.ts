import { hash } from 'node:crypto';
import { errors, type JWTPayload, type JWTVerifyOptions, jwtVerify } from 'jose';
import type { Clock } from '../clock.ts';
import { createRecentMap } from '../recent-map.ts';
import type { VerificationKey } from './key-set.ts';
import { type Principal, verifiedPrincipal } from './principal.ts';
import type { KeySource } from './refreshing-keys.ts';
import { hasRepeatedMembers } from './repeated-members.ts';
import { identityFromClaims } from './token-claims.ts';
import { readTokenHeader } from './token-header.ts';
import { type TokenOptions, tokenFaults, withTokenDefaults } from './token-options.ts';
import { type TokenReason, tokenRefusal } from './token-refusal.ts';

/** Turns tokens into principals. */
export interface TokenVerifier {
  /**
   * The principal of a token: at once for one that was verified before, else a promise. Rejects (never throws) with a
   * WeirError of {@link tokenRefusal}. Equal tokens give the same frozen object until it expires.
   */
  readonly verify: (token: string) => Principal | Promise<Principal>;
  /** Verified tokens held. */
  readonly cached: () => number;
}

/** What a verifier is made with; `keys` stays the caller's to close. */
export interface VerifierParts {
  readonly clock: Clock;
  readonly keys: KeySource;
}

interface CacheEntry {
  readonly principal: Principal;
  readonly expiresAtMs: number;
  readonly keyId: string;
}

/** What jose reports, by its class, as a reason; whatever is not here is MALFORMED. */
const reasonByErrorCode: Readonly<Record<string, TokenReason>> = {
  [errors.JWTExpired.code]: 'EXPIRED',
  [errors.JWSSignatureVerificationFailed.code]: 'SIGNATURE',
  [errors.JOSEAlgNotAllowed.code]: 'ALGORITHM',
};

/** What jose reports of one claim that is there but does not fit; the rest is CLAIMS. */
const reasonByClaim: Readonly<Record<string, TokenReason>> = {
  aud: 'WRONG_AUDIENCE',
  iss: 'WRONG_ISSUER',
  typ: 'WRONG_TYPE',
  nbf: 'NOT_YET_VALID',
  iat: 'NOT_YET_VALID',
};

/**
 * A verifier after RFC 8725: one issuer, audience and type, asymmetric algorithms by name, required claims, bounded
 * lifetime. A verified token is kept under its SHA-256 until it expires or its key is no longer trusted; refusals are
 * not kept, since what is refused today may be good once its key is published, and a forger never sends the same twice.
 * Throws RangeError with the lines of {@link tokenFaults} if there are any.
 */
export function createTokenVerifier(options: TokenOptions, { clock, keys }: VerifierParts): TokenVerifier {
  const faults = tokenFaults(options);
  if (faults.length > 0) throw new RangeError(faults.join('\n'));
  const rules = withTokenDefaults(options);
  const cache = createRecentMap<CacheEntry>(rules.cacheMaxEntries);
  const verifyOne = tokenCheck(rules, { clock, keys });

  const warm = (token: string): Principal | undefined => {
    const entry = cache.get(hash('sha256', token, 'base64url'));
    const isGood = entry !== undefined && clock.wallMs() < entry.expiresAtMs && keys.trusts(entry.keyId);
    return isGood ? entry.principal : undefined;
  };
  const cold = async (token: string): Promise<Principal> => {
    const entry = await verifyOne(token);
    cache.set(hash('sha256', token, 'base64url'), entry);
    return entry.principal;
  };
  const verify = (token: string): Principal | Promise<Principal> => {
    // A text has at least as many bytes as UTF-16 units, and one that is not all ASCII is refused by its form.
    if (token.length > rules.maxTokenBytes) return Promise.reject(tokenRefusal('TOO_LARGE'));
    return warm(token) ?? cold(token);
  };
  return { verify, cached: cache.size };
}

/** What verifies a token that is not in the cache. */
function tokenCheck(rules: Required<TokenOptions>, { clock, keys }: VerifierParts) {
  const checks: JWTVerifyOptions = {
    issuer: rules.issuer,
    audience: [rules.audience].flat(),
    typ: rules.type,
    requiredClaims: ['sub', 'exp', 'iat'],
    clockTolerance: rules.toleranceMs / 1000,
    maxTokenAge: rules.maxLifetimeMs / 1000,
  };
  return async (token: string): Promise<CacheEntry> => {
    const { algorithm, kid } = readTokenHeader(token, rules.algorithms);
    const candidates = await keys.find(algorithm, kid);
    const currentDate = new Date(clock.wallMs());
    const { claims, keyId } = await verifyWith(candidates, token, {
      ...checks,
      algorithms: [algorithm],
      currentDate,
    });
    const json = Buffer.from(token.split('.', 2)[1] ?? '', 'base64url').toString();
    if (hasRepeatedMembers(json, claims)) throw tokenRefusal('CLAIMS');
    const identity = identityFromClaims(claims, rules);
    return { principal: verifiedPrincipal(identity), expiresAtMs: identity.expiresAtMs, keyId };
  };
}

/** Verifies with the first candidate whose signature fits; throws the refusal. */
async function verifyWith(
  candidates: readonly VerificationKey[],
  token: string,
  checks: JWTVerifyOptions,
): Promise<{ readonly claims: JWTPayload; readonly keyId: string }> {
  let reason: TokenReason = 'UNKNOWN_KEY';
  for (const { key, id } of candidates) {
    try {
      const { payload } = await jwtVerify(token, key, checks);
      return { claims: payload, keyId: id };
    } catch (error) {
      reason = reasonFrom(error);
      if (reason !== 'SIGNATURE') break;
    }
  }
  throw tokenRefusal(reason); // without jose's error: it carries the claims
}

function reasonFrom(error: unknown): TokenReason {
  if (error instanceof errors.JWTClaimValidationFailed)
    return (error.reason === 'check_failed' ? reasonByClaim[error.claim] : undefined) ?? 'CLAIMS';
  if (error instanceof errors.JOSEError) return reasonByErrorCode[error.code] ?? 'MALFORMED';
  throw error; // not of the token's making
}
