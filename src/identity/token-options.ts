import { type TokenAlgorithm, tokenAlgorithms } from './key-set.ts';

interface TokenLimit {
  readonly default: number;
  readonly min: number;
  readonly max: number;
}

/** The numbers of token verification, all whole: default and bounds. The unit ends the name. */
export const tokenLimits = {
  /** Longest token, in bytes, before any of it is read. */
  maxTokenBytes: { default: 8_192, min: 256, max: 65_536 },
  /** Longest time from `iat` to `exp`, and oldest `iat`. */
  maxLifetimeMs: { default: 3_600_000, min: 60_000, max: 86_400_000 },
  /** How far the clocks of issuer and gateway may be apart (RFC 7519 section 4.1.4). */
  toleranceMs: { default: 30_000, min: 0, max: 30_000 },
  /** Verified tokens kept; the least recently used half goes at the bound. */
  cacheMaxEntries: { default: 10_000, min: 2, max: 1_000_000 },
} as const satisfies Readonly<Record<string, TokenLimit>>;

type TokenNumbers = { readonly [Name in keyof typeof tokenLimits]: number };

/** Which tokens are accepted; every number is optional, with default and bounds in {@link tokenLimits}. */
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
  /** The claims that name the client; the first that is present counts. Default: `client_id`, `azp`. */
  readonly clientClaims?: readonly string[];
}

const numberNames = Object.keys(tokenLimits) as (keyof TokenNumbers)[]; // exactly the table's keys

/** `options` with every default filled in. */
export function withTokenDefaults(options: TokenOptions): Required<TokenOptions> {
  const numbers = numberNames.map((name) => [name, options[name] ?? tokenLimits[name].default]);
  return {
    type: 'at+jwt',
    algorithms: tokenAlgorithms,
    tenantClaim: 'tenant',
    clientClaims: ['client_id', 'azp'],
    ...options,
    ...(Object.fromEntries(numbers) as TokenNumbers), // exactly the table's keys
  };
}

/**
 * Milliseconds for which a token may be good after it was issued, with the tolerance at its end and another for what clocks of
 * instances differ by; at most for any options where there are none.
 */
export function longestTokenMs(options: TokenOptions | undefined): number {
  if (options === undefined) return tokenLimits.maxLifetimeMs.max + 2 * tokenLimits.toleranceMs.max;
  const { maxLifetimeMs, toleranceMs } = withTokenDefaults(options);
  return maxLifetimeMs + 2 * toleranceMs;
}

/** One line per fault of `options`, each naming the option, what was expected and what came; empty when all is well. */
export function tokenFaults(options: TokenOptions): readonly string[] {
  const faults: string[] = [];
  const audiences = [options.audience].flat();
  if (options.issuer === '') faults.push('issuer: expected the "iss" of the tokens, got ""');
  if (audiences.length === 0 || audiences.includes(''))
    faults.push('audience: expected at least one "aud" of the tokens, none of them ""');
  if (!isSomeAlgorithms(options.algorithms ?? tokenAlgorithms))
    faults.push(`algorithms: expected some of ${tokenAlgorithms.join(', ')}, got [${options.algorithms}]`);
  for (const name of numberNames) {
    const { min, max } = tokenLimits[name];
    const value = options[name];
    const fits = value === undefined || (Number.isInteger(value) && value >= min && value <= max);
    if (!fits) faults.push(`${name}: expected a whole number from ${min} to ${max}, got ${value}`);
  }
  return faults;
}

function isSomeAlgorithms(algorithms: readonly string[]): boolean {
  const known: readonly string[] = tokenAlgorithms;
  return algorithms.length > 0 && algorithms.every((name) => known.includes(name));
}
