import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { moneyFromNanos, nanosFromMoney } from '../../upstreams/money.ts';

const MAX = 2n ** 63n - 1n;

describe('moneyFromNanos() and nanosFromMoney()', () => {
  it('moneyFromNanos() is exact and nanosFromMoney() its inverse', () => {
    expect(moneyFromNanos('EUR', 12_750_000_000n)).toEqual({
      currencyCode: 'EUR',
      units: 12n,
      nanos: 750_000_000,
    });
    expect(moneyFromNanos('EUR', -12_750_000_000n)).toEqual({
      currencyCode: 'EUR',
      units: -12n,
      nanos: -750_000_000,
    });
    fc.assert(
      fc.property(fc.bigInt({ min: -MAX, max: MAX }), (nanos) => {
        expect(nanosFromMoney(moneyFromNanos('EUR', nanos), 'price')).toBe(nanos);
      }),
    );
  });

  it.each([
    [0n, 999_999_999, 999_999_999n],
    [9_223_372_036n, 854_775_807, MAX],
  ])('nanosFromMoney() takes %i units and %i nanos', (units, nanos, expected) => {
    expect(nanosFromMoney({ currencyCode: 'EUR', units, nanos }, 'price')).toBe(expected);
  });

  it.each([
    [0n, 1_000_000_000],
    [0n, -1_000_000_000],
    [1n, -1],
    [-1n, 1],
    [9_223_372_036n, 854_775_808],
  ])('nanosFromMoney() refuses %i units and %i nanos', (units, nanos) => {
    expect(() => nanosFromMoney({ currencyCode: 'EUR', units, nanos }, 'a.price')).toThrow(/^a\.price: /);
  });
});
