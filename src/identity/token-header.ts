import { isKeyId, type TokenAlgorithm } from './key-set.ts';
import { hasRepeatedMembers } from './repeated-members.ts';
import { tokenRefusal } from './token-refusal.ts';

/** What a token says of itself before anything of it is verified. */
export interface TokenHeader {
  readonly algorithm: TokenAlgorithm;
  readonly kid: string | null;
}

/** RFC 7515 section 7.1; the signature may be empty so that `alg: none` is refused for what it is. Five parts are JWE. */
const compactPattern = /^([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]*)$/;

/**
 * Reads the protected header of a compact JWS, before any key is looked up. Throws MALFORMED for another form (JWE among
 * them), for base64url whose unused last bits are set (several spellings of one token), a repeated member, any `crit`
 * (RFC 7515 section 4.1.11: none is understood here), or a `kid` that is no key id; ALGORITHM for one not in `allowed`.
 * `jwk`, `jku`, `x5c` and `x5u` are never looked at: keys come from the operator alone.
 */
export function readTokenHeader(token: string, allowed: readonly TokenAlgorithm[]): TokenHeader {
  const parts = compactPattern.exec(token)?.slice(1) ?? [];
  const [header] = parts;
  if (header === undefined || !parts.every(isCanonical)) throw tokenRefusal('MALFORMED');
  const { alg, kid = null, crit } = membersFrom(Buffer.from(header, 'base64url').toString());
  const algorithm = allowed.find((name) => name === alg);
  if (algorithm === undefined) throw tokenRefusal('ALGORITHM');
  if (crit !== undefined || !(kid === null || isKeyId(kid))) throw tokenRefusal('MALFORMED');
  return { algorithm, kid };
}

function isCanonical(part: string): boolean {
  return Buffer.from(part, 'base64url').toString('base64url') === part;
}

function membersFrom(json: string): Readonly<Record<string, unknown>> {
  const value = parse(json);
  const isMembers = typeof value === 'object' && value !== null && !Array.isArray(value);
  if (!isMembers || hasRepeatedMembers(json, value)) throw tokenRefusal('MALFORMED');
  return { ...value };
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    throw tokenRefusal('MALFORMED'); // without the cause: the parser quotes the token
  }
}
