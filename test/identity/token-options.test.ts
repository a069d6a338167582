import { describe, expect, it } from 'vitest';
import { tokenFaults, tokenLimits } from '../../src/identity/token-options.ts';
import { audience, issuer } from './issuer.ts';

describe('tokenFaults()', () => {
  it('has nothing to say when all options are in bounds', () => {
    expect(tokenFaults({ issuer, audience })).toEqual([]);
  });

  it('names each option when it is out of bounds, just below and above', () => {
    for (const [name, { min, max }] of Object.entries(tokenLimits)) {
      expect(tokenFaults({ issuer, audience, [name]: min })).toEqual([]);
      expect(tokenFaults({ issuer, audience, [name]: max })).toEqual([]);
      for (const value of [min - 1, max + 1, min + 0.5, Number.NaN])
        expect(tokenFaults({ issuer, audience, [name]: value })).toEqual([expect.stringContaining(name)]);
    }
  });

  it('refuses an empty issuer, an empty audience and algorithms that are none', () => {
    const wrong: readonly string[] = ['HS256'];
    const algorithms = wrong as readonly 'ES256'[]; // as: what a caller without types may pass
    expect(tokenFaults({ issuer: '', audience: [], algorithms })).toHaveLength(3);
    expect(tokenFaults({ issuer, audience: ['a', ''] })).toHaveLength(1);
    expect(tokenFaults({ issuer, audience, algorithms: [] })).toHaveLength(1);
  });
});
