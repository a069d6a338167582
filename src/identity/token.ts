import { hash } from 'node:crypto';
import { errors, type JWTVerifyOptions, type JWTVerifyResult, jwtVerify } from 'jose';
import type { Clock } from '../clock.ts';
import { type TokenAlgorithm, tokenAlgorithms, type VerificationKey } from './key-set.ts';
import { type Principal, verifiedPrincipal } from './principal.ts';
import type { KeySource } from './refreshing-keys.ts';
import { hasRepeatedMembers } from './repeated-members.ts';
import { createTokenCache } from './token-cache.ts';
import { type ClaimRules, identityFromClaims } from './token-claims.ts';
import { readTokenHeader } from './token-header.ts';
import { type TokenReason, tokenRefusal } from './token-refusal.ts';

/** The numbers of token verification: default and bounds. The unit ends the name. */
export const tokenLimits = {
  /** Longest token, in bytes, before any of it is read. */
  maxTokenBytes: { default: 8_192, min: 256, max: 65_536 },
  /** Longest time from `iat` to `exp`, and oldest `iat`. */
  maxLifetimeMs: { default: 3_600_000, min: 60_000, max: 86_400_000 },
  /** How far the clocks of issuer and gateway may be apart (RFC 7519 section 4.1.4). */
  toleranceMs: { default: 30_000, min: 0, max: 30_000 },
  /** Verified tokens kept; the least recently used half goes at the bound. */
  cacheMaxEntries: { default: 10_000, min: 2, max: 1_000_000 },
} as const satisfies Readonly<Record<string, { default: number; min: number; max: number }>>;

type TokenNumbers = { readonly [Name in keyof typeof tokenLimits]: number };

/** Which tokens are accepted. */
export interface TokenOptions extends Partial<TokenNumbers> {
  /** The one `iss`. */
  readonly issuer: string;
  /** `aud` must hold one of these. */
  readonly audience: string | readonly string[];
  /** The `typ` of the header. Default: `at+jwt` (RFC 9068); `JWT` for issuers that do not know it. */
  readonly type?: 'at+jwt' | 'JWT';
  /** Default: all of {@link tokenAlgorithms}. */
  readonly algorithms?: readonly TokenAlgorithm[];
  /** The claim that names the tenant. Default: `tenant`. */
  readonly tenantClaim?: string;
  /** The claims that name the client, the first present counts. Default: `client_id`, `azp`. */
  readonly clientClaims?: readonly string[];
}

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

/** One line per fault of `options`, each naming the option, what was expected and what came; empty when all is well. */
export function tokenFaults(options: TokenOptions): readonly string[] {
  const faults: string[] = [];
  if (options.issuer === '') faults.push('issuer: expected the "iss" of the tokens, got ""');
  if (options.audience.length === 0 || [options.audience].flat().includes(''))
    faults.push('audience: expected at least one "aud" of the tokens, none of them ""');
  if (options.algorithms !== undefined && !isSomeAlgorithms(options.algorithms))
    faults.push(`algorithms: expected some of ${tokenAlgorithms.join(', ')}`);
  for (const [name, { min, max }] of Object.entries(tokenLimits)) {
    const value = options[name as keyof TokenNumbers]; // a key of the table
    const fits = value === undefined || (Number.isInteger(value) && value >= min && value <= max);
    if (!fits) faults.push(`${name}: expected a whole number from ${min} to ${max}, got ${value}`);
  }
  return faults;
}

/**
 * A verifier after RFC 8725: one issuer, audience and type, asymmetric algorithms by name, required claims, bounded
 * lifetime. A verified token is kept under its SHA-256 until it expires or its key is no longer trusted; refusals are
 * not kept, since what is refused today may be good once its key is published, and a forger never sends the same twice.
 * Throws RangeError with the lines of {@link tokenFaults} if there are any. `keys` stays the caller's to close.
 */
export function createTokenVerifier(
  options: TokenOptions,
  { clock, keys }: { readonly clock: Clock; readonly keys: KeySource },
): TokenVerifier {
  const faults = tokenFaults(options);
  if (faults.length > 0) throw new RangeError(faults.join('\n'));
  const { algorithms = tokenAlgorithms, maxTokenBytes = tokenLimits.maxTokenBytes.default } = options;
  const cache = createTokenCache<CacheEntry>(options.cacheMaxEntries ?? tokenLimits.cacheMaxEntries.default);
  const rules = claimRules(options);
  const checks = claimChecks(options, rules);

  const warm = (token: string): Principal | undefined => {
    const entry = cache.get(hash('sha256', token, 'base64url'));
    const isGood = entry !== undefined && clock.wallMs() < entry.expiresAtMs && keys.trusts(entry.keyId);
    return isGood ? entry.principal : undefined;
  };
  const verifyCold = async (token: string): Promise<Principal> => {
    const { algorithm, kid } = readTokenHeader(token, algorithms);
    const candidates = await keys.find(algorithm, kid);
    const currentDate = new Date(clock.wallMs());
    const { result, keyId } = await verifyWith(candidates, token, {
      ...checks,
      algorithms: [algorithm],
      currentDate,
    });
    const json = Buffer.from(token.split('.', 2)[1] ?? '', 'base64url').toString();
    if (hasRepeatedMembers(json, result.payload)) throw tokenRefusal('CLAIMS');
    const identity = identityFromClaims(result.payload, rules);
    const principal = verifiedPrincipal(identity);
    cache.set(hash('sha256', token, 'base64url'), { principal, expiresAtMs: identity.expiresAtMs, keyId });
    return principal;
  };
  const verify = (token: string): Principal | Promise<Principal> => {
    // UTF-16 units never exceed UTF-8 bytes, and a token of other than ASCII is refused by its form.
    if (token.length > maxTokenBytes) return Promise.reject(tokenRefusal('TOO_LARGE'));
    return warm(token) ?? verifyCold(token);
  };
  return { verify, cached: cache.size };
}

function isSomeAlgorithms(algorithms: readonly string[]): boolean {
  const known: readonly string[] = tokenAlgorithms;
  return algorithms.length > 0 && algorithms.every((name) => known.includes(name));
}

function claimRules(options: TokenOptions): ClaimRules {
  const { tenantClaim = 'tenant', clientClaims = ['client_id', 'azp'] } = options;
  const { maxLifetimeMs = tokenLimits.maxLifetimeMs.default } = options;
  const { toleranceMs = tokenLimits.toleranceMs.default } = options;
  return { tenantClaim, clientClaims, maxLifetimeMs, toleranceMs };
}

function claimChecks(
  { issuer, audience, type = 'at+jwt' }: TokenOptions,
  rules: ClaimRules,
): JWTVerifyOptions {
  return {
    issuer,
    audience: [audience].flat(),
    typ: type,
    requiredClaims: ['sub', 'exp', 'iat'],
    clockTolerance: rules.toleranceMs / 1000,
    maxTokenAge: rules.maxLifetimeMs / 1000,
  };
}

/** Verifies with the first candidate whose signature fits; throws the refusal. */
async function verifyWith(
  candidates: readonly VerificationKey[],
  token: string,
  checks: JWTVerifyOptions,
): Promise<{ readonly result: JWTVerifyResult; readonly keyId: string }> {
  let reason: TokenReason = 'UNKNOWN_KEY';
  for (const { key, id } of candidates) {
    try {
      return { result: await jwtVerify(token, key, checks), keyId: id };
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
