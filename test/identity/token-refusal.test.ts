import { describe, expect, it } from 'vitest';
import { errorTable, WeirError } from '../../src/errors.ts';
import {
  challengeFromError,
  type TokenReason,
  tokenReasons,
  tokenRefusal,
} from '../../src/identity/token-refusal.ts';

const reasons = Object.keys(tokenReasons) as TokenReason[]; // exactly the table's keys

describe('tokenRefusal()', () => {
  it.each(reasons)('has code, message and reason of the table when it is for %s', (reason) => {
    const error = tokenRefusal(reason);
    expect(error.extensions).toEqual({ reason });
    expect(error.message).toBe(tokenReasons[reason].message);
    expect(errorTable[error.code].httpStatus).toBe(reason === 'KEYS_UNAVAILABLE' ? 503 : 401);
  });
});

describe('challengeFromError()', () => {
  it.each([
    ['MISSING', 'Bearer'],
    ['MALFORMED', 'Bearer error="invalid_request"'],
    ['EXPIRED', 'Bearer error="invalid_token"'],
    ['KEYS_UNAVAILABLE', null],
  ] as const)('is for %s: %s', (reason, challenge) => {
    expect(challengeFromError(tokenRefusal(reason))).toBe(challenge);
  });

  it('is bare for UNAUTHENTICATED of another origin, and absent for other codes', () => {
    expect(challengeFromError(new WeirError('UNAUTHENTICATED'))).toBe('Bearer');
    expect(challengeFromError(new WeirError('UNAUTHENTICATED', { extensions: { reason: 'toString' } }))).toBe(
      'Bearer',
    );
    expect(challengeFromError(new WeirError('FORBIDDEN'))).toBeNull();
  });
});
