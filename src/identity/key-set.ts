import { createHash, createPublicKey, type KeyObject } from 'node:crypto';

/** The signature algorithms that there are here (RFC 7518, RFC 8037, RFC 9864): asymmetric only, so none is `none`. */
export const tokenAlgorithms = ['ES256', 'EdDSA', 'Ed25519', 'RS256'] as const;

/** One of {@link tokenAlgorithms}. `EdDSA` and `Ed25519` are two names for the same. */
export type TokenAlgorithm = (typeof tokenAlgorithms)[number];

/** A public key that tokens may be signed with. */
export interface VerificationKey {
  /** Equal for equal keys under equal key ids, whenever they were read. */
  readonly id: string;
  /** Null for a key without a name: it may stand behind any token that names no other. */
  readonly kid: string | null;
  readonly algorithms: readonly TokenAlgorithm[];
  readonly key: KeyObject;
}

/** Keys (one or more), or the sentence that says why the whole text was refused; it quotes nothing of the text. */
export type ParsedKeys =
  | { readonly ok: true; readonly keys: readonly VerificationKey[] }
  | { readonly ok: false; readonly fault: string };

/** Keys of one set that are read; a set with more is refused. */
export const maxKeys = 100;

/** Keys that one token may fit at most, which bounds the signatures checked for it. */
export const maxCandidates = 4;

/** RSA moduli in bits: RFC 7518 section 3.3 gives the least, the cost of one check the most. */
const rsaBits = { min: 2048, max: 8192 } as const;

/** Members of a JWK that hold a secret (RFC 7518 section 6, draft-ietf-cose-dilithium for `priv`). */
const secretMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv'] as const;

/** Members that make a public key; nothing else of a JWK reaches the importer. */
const publicMembers = ['kty', 'crv', 'x', 'y', 'n', 'e'] as const;

const kidPattern = /^[A-Za-z0-9._~:=+@/-]{1,128}$/;

type Members = Readonly<Record<string, unknown>>;

/** Whether a key id may be looked up at all: 1 to 128 characters of a small set, quotes and spaces not among them. */
export function isKeyId(kid: unknown): kid is string {
  return typeof kid === 'string' && kidPattern.test(kid);
}

/** Reads a JWK Set, or PEM where the text begins like one: see {@link parseJwkSet} and {@link parsePem}. */
export function parseKeys(text: string): ParsedKeys {
  return text.trimStart().startsWith('-----BEGIN') ? parsePem(text) : parseJwkSet(text);
}

/**
 * Reads a JWK Set (RFC 7517 section 5). Keys of other types, uses, curves, sizes and algorithms are passed over, as
 * the RFC asks. Refused as a whole: a set that holds a private or symmetric key (it is no longer a secret), two keys
 * of one type under one key id (which one is meant?), more than {@link maxKeys}, or no usable key.
 */
export function parseJwkSet(text: string): ParsedKeys {
  const entries = entriesFrom(text);
  if (entries === null) return refused('it is not a JWK Set: expected a JSON object with "keys", an array');
  if (entries.length > maxKeys) return refused(`it has ${entries.length} keys, more than ${maxKeys}`);
  const jwks = entries.filter(isMembers);
  if (jwks.some(isSecret)) return refused('it holds a private or symmetric key: replace that key at once');
  const keys = jwks.map(keyFromJwk).filter((key) => key !== null);
  const names = keys.map(({ kid, key }) => `${key.asymmetricKeyType} ${kid}`);
  if (new Set(names).size < names.length) return refused('two keys of one type have the same key id');
  if (keys.length === 0) return refused(`none of its ${entries.length} keys can verify ${algorithmList}`);
  return { ok: true, keys };
}

/**
 * Reads 1 to {@link maxCandidates} PEM blocks (RFC 7468), `PUBLIC KEY` or `CERTIFICATE`; they have no key ids. Refused
 * as a whole when any block is something else, above all a private key, or is not usable. A certificate lends its key
 * only: its dates and issuer are not looked at.
 */
export function parsePem(text: string): ParsedKeys {
  const blocks = [...text.matchAll(pemPattern)];
  if (blocks.length === 0) return refused('it has no complete PEM block');
  if (blocks.length > maxCandidates)
    return refused(`it has ${blocks.length} PEM blocks, more than ${maxCandidates}`);
  if (blocks.some(([, label]) => label !== 'PUBLIC KEY' && label !== 'CERTIFICATE'))
    return refused('it may hold PEM blocks "PUBLIC KEY" and "CERTIFICATE" only, and no private key');
  const keys = blocks.map(([pem]) => verificationKey(importKey(pem), null, undefined));
  const usable = keys.filter((key) => key !== null);
  if (usable.length < keys.length)
    return refused(`a PEM block holds no key that can verify ${algorithmList}`);
  return { ok: true, keys: usable };
}

/**
 * The keys that may verify a token of this algorithm and key id (null: it names none): those of that id, else those
 * without any; for a token that names none, all. None when they are more than {@link maxCandidates}: that is a guess.
 */
export function keysFitting(
  keys: Iterable<VerificationKey>,
  algorithm: TokenAlgorithm,
  kid: string | null,
): readonly VerificationKey[] {
  const fitting = [...keys].filter((key) => key.algorithms.includes(algorithm));
  const named = fitting.filter((key) => key.kid === kid);
  const found = named.length > 0 ? named : fitting.filter((key) => key.kid === null || kid === null);
  return found.length > maxCandidates ? [] : found;
}

const algorithmList = tokenAlgorithms.join(', ');
const pemPattern = /-----BEGIN ([A-Z0-9 ]+)-----[^-]+-----END \1-----/g;

function refused(fault: string): ParsedKeys {
  return { ok: false, fault };
}

function entriesFrom(text: string): readonly unknown[] | null {
  try {
    const parsed: unknown = JSON.parse(text);
    return isMembers(parsed) && Array.isArray(parsed['keys']) ? parsed['keys'] : null;
  } catch {
    return null; // the parser's own message would quote the text
  }
}

function isMembers(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isSecret(jwk: Members): boolean {
  return jwk['kty'] === 'oct' || secretMembers.some((member) => Object.hasOwn(jwk, member));
}

function keyFromJwk(jwk: Members): VerificationKey | null {
  const { use, key_ops: operations, kid = null, alg } = jwk;
  const isForSigning = use === undefined || use === 'sig';
  const mayVerify = operations === undefined || (Array.isArray(operations) && operations.includes('verify'));
  if (!isForSigning || !mayVerify || !(kid === null || isKeyId(kid))) return null;
  const members = publicMembers.filter((member) => Object.hasOwn(jwk, member));
  const key = Object.fromEntries(members.map((member) => [member, jwk[member]]));
  return verificationKey(importKey({ key, format: 'jwk' }), kid, alg);
}

function importKey(input: string | { readonly key: Members; readonly format: 'jwk' }): KeyObject | null {
  try {
    return createPublicKey(typeof input === 'string' ? input : { ...input, format: 'jwk' });
  } catch {
    return null; // a key type that Node does not know, or values out of range
  }
}

function verificationKey(key: KeyObject | null, kid: string | null, alg: unknown): VerificationKey | null {
  const family = key === null ? [] : algorithmsOf(key);
  const algorithms = alg === undefined || family.some((name) => name === alg) ? family : [];
  if (key === null || algorithms.length === 0) return null;
  const thumbprint = createHash('sha256').update(key.export({ format: 'der', type: 'spki' }));
  return { id: `${thumbprint.digest('base64url')} ${kid ?? ''}`, kid, algorithms, key };
}

function algorithmsOf(key: KeyObject): readonly TokenAlgorithm[] {
  const { modulusLength = 0, namedCurve } = key.asymmetricKeyDetails ?? {};
  const type = key.asymmetricKeyType;
  if (type === 'ed25519') return ['EdDSA', 'Ed25519'];
  if (type === 'ec' && namedCurve === 'prime256v1') return ['ES256'];
  if (type === 'rsa' && modulusLength >= rsaBits.min && modulusLength <= rsaBits.max) return ['RS256'];
  return [];
}
