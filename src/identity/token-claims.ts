import type { JWTPayload } from 'jose';
import type { VerifiedIdentity } from './principal.ts';
import { isScopeToken } from './scopes.ts';
import type { TokenOptions } from './token-options.ts';
import { tokenRefusal } from './token-refusal.ts';

/** How claims become an identity. */
export type ClaimRules = Pick<
  Required<TokenOptions>,
  'tenantClaim' | 'clientClaims' | 'maxLifetimeMs' | 'toleranceMs'
>;

/** Longest subject, tenant and client in characters once percent-encoded, and most scopes: their metadata stays small. */
export const maxNameLength = 512;
/** Most scopes of one token, and their length together, in characters with the spaces. */
export const maxScopes = { count: 100, length: 2_048 } as const;

const controlPattern = /\p{Cc}/u;

/**
 * The identity in claims that were verified. Throws CLAIMS where `sub` is absent or one of subject, tenant and client is
 * not a string of 1 to {@link maxNameLength} characters without control characters, where `scope` (RFC 9068 section
 * 2.2.3) and `scp` are both there or hold anything but scopes (one string with spaces, or a list), or where the token is made to live past `maxLifetimeMs`.
 */
export function identityFromClaims(claims: JWTPayload, rules: ClaimRules): VerifiedIdentity {
  const { sub, iat, exp } = claims;
  const subject = nameFrom(sub);
  if (subject === null || typeof iat !== 'number' || typeof exp !== 'number') throw tokenRefusal('CLAIMS');
  if ((exp - iat) * 1000 > rules.maxLifetimeMs) throw tokenRefusal('CLAIMS');
  const clientClaim = rules.clientClaims.find((name) => claims[name] !== undefined);
  return {
    subject,
    tenant: nameFrom(claims[rules.tenantClaim]),
    client: clientClaim === undefined ? null : nameFrom(claims[clientClaim]),
    scopes: scopesFrom(claims['scope'], claims['scp']),
    issuedAtMs: iat * 1000,
    expiresAtMs: exp * 1000 + rules.toleranceMs,
  };
}

function nameFrom(value: unknown): string | null {
  if (value === undefined) return null;
  if (!isName(value)) throw tokenRefusal('CLAIMS');
  return value;
}

/** Whether it may be a subject, tenant or client: see {@link maxNameLength}. */
export function isName(value: unknown): value is string {
  if (typeof value !== 'string' || value === '' || value.length > maxNameLength) return false;
  if (!value.isWellFormed() || controlPattern.test(value)) return false;
  return encodeURIComponent(value).length <= maxNameLength;
}

function scopesFrom(scope: unknown, scp: unknown): ReadonlySet<string> {
  if (scope !== undefined && scp !== undefined) throw tokenRefusal('CLAIMS');
  const value = scope === undefined ? scp : scope;
  if (value === undefined) return new Set();
  const list: readonly unknown[] | null = typeof value === 'string' ? split(value) : listFrom(value);
  if (!list?.every((item) => typeof item === 'string' && isScopeToken(item))) throw tokenRefusal('CLAIMS');
  if (list.length > maxScopes.count || list.join(' ').length > maxScopes.length) throw tokenRefusal('CLAIMS');
  return new Set(list.map(String));
}

function split(text: string): readonly string[] {
  return text === '' ? [] : text.split(' ');
}

function listFrom(value: unknown): readonly unknown[] | null {
  return Array.isArray(value) ? value : null;
}
