import { type ErrorCode, WeirError } from '../errors.ts';

interface ReasonFact {
  readonly code: ErrorCode;
  /** What a client reads; it never holds any of the token. */
  readonly message: string;
  /** The `error` of `WWW-Authenticate: Bearer`, RFC 6750 section 3.1; null where the credentials are not at fault. */
  readonly challenge: 'invalid_request' | 'invalid_token' | null;
}

/**
 * Why a token is refused: the closed list of `extensions.reason` beside UNAUTHENTICATED. Only KEYS_UNAVAILABLE is
 * not the caller's doing: it is UPSTREAM_UNAVAILABLE (503), since a 401 would make clients throw good tokens away.
 */
export const tokenReasons = {
  MISSING: {
    code: 'UNAUTHENTICATED',
    message: 'A token is required: send it as "Authorization: Bearer".',
    challenge: null,
  },
  MALFORMED: {
    code: 'UNAUTHENTICATED',
    message: 'Expected one signed JWT as "Authorization: Bearer" (RFC 6750), without critical headers.',
    challenge: 'invalid_request',
  },
  TOO_LARGE: { code: 'UNAUTHENTICATED', message: 'The token is too long.', challenge: 'invalid_request' },
  ALGORITHM: {
    code: 'UNAUTHENTICATED',
    message: 'The token is signed with an algorithm that is not accepted here.',
    challenge: 'invalid_token',
  },
  SIGNATURE: {
    code: 'UNAUTHENTICATED',
    message: 'The signature of the token is wrong.',
    challenge: 'invalid_token',
  },
  UNKNOWN_KEY: {
    code: 'UNAUTHENTICATED',
    message: 'The token is signed with a key that is not known here.',
    challenge: 'invalid_token',
  },
  EXPIRED: { code: 'UNAUTHENTICATED', message: 'The token has expired.', challenge: 'invalid_token' },
  REVOKED: {
    code: 'UNAUTHENTICATED',
    message: 'The token was revoked: sign in again.',
    challenge: 'invalid_token',
  },
  NOT_YET_VALID: {
    code: 'UNAUTHENTICATED',
    message: 'The token is not valid yet.',
    challenge: 'invalid_token',
  },
  WRONG_ISSUER: {
    code: 'UNAUTHENTICATED',
    message: 'The token is from another issuer.',
    challenge: 'invalid_token',
  },
  WRONG_AUDIENCE: {
    code: 'UNAUTHENTICATED',
    message: 'The token is for another audience.',
    challenge: 'invalid_token',
  },
  WRONG_TYPE: {
    code: 'UNAUTHENTICATED',
    message: 'The token is not an access token for this service.',
    challenge: 'invalid_token',
  },
  CLAIMS: {
    code: 'UNAUTHENTICATED',
    message: 'A claim of the token is absent, repeated, or of the wrong form.',
    challenge: 'invalid_token',
  },
  KEYS_UNAVAILABLE: {
    code: 'UPSTREAM_UNAVAILABLE',
    message: 'Tokens cannot be checked at the moment; try again shortly.',
    challenge: null,
  },
} as const satisfies Readonly<Record<string, ReasonFact>>;

/** One `extensions.reason` of {@link tokenReasons}. */
export type TokenReason = keyof typeof tokenReasons;

/**
 * The error for a refused token. `cause` is for the log: never an error of a JSON or JWT parser, since those quote
 * what they read.
 */
export function tokenRefusal(reason: TokenReason, cause?: unknown): WeirError {
  const { code, message } = tokenReasons[reason];
  return new WeirError(code, { message, extensions: { reason }, cause });
}

/**
 * The value of `WWW-Authenticate` for an answer of status 401 (RFC 9110 section 11.6.1, RFC 6750 section 3); null
 * for an error that has none.
 */
export function challengeFromError(error: WeirError): string | null {
  if (error.code !== 'UNAUTHENTICATED') return null;
  const { reason } = error.extensions;
  const challenge = isTokenReason(reason) ? tokenReasons[reason].challenge : null;
  return challenge === null ? 'Bearer' : `Bearer error="${challenge}"`;
}

function isTokenReason(reason: unknown): reason is TokenReason {
  return typeof reason === 'string' && Object.hasOwn(tokenReasons, reason);
}
