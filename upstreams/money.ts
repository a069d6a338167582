import type { Money } from '../upstream-protos/gen/shop/common/v1/money.ts';
import { invalidArgument } from './status.ts';

const NANOS = 1_000_000_000n;
const MAX_NANOS = 2n ** 63n - 1n;

/** Money from billionths of a unit. */
export function moneyFromNanos(currencyCode: string, nanos: bigint): Money {
  return { currencyCode, units: nanos / NANOS, nanos: Number(nanos % NANOS) };
}

/**
 * Billionths of a unit.
 *
 * @param field where the money stands in its message, for the violation.
 * @throws INVALID_ARGUMENT unless nanos are within ±999,999,999, of the sign of the units, and the sum fits 64 bits.
 */
export function nanosFromMoney({ units, nanos }: Money, field: string): bigint {
  const total = units * NANOS + BigInt(nanos);
  const mixed = (units > 0n && nanos < 0) || (units < 0n && nanos > 0);
  if (!mixed && Math.abs(nanos) < Number(NANOS) && total <= MAX_NANOS && total >= -MAX_NANOS) return total;
  const description =
    'expected nanos within ±999,999,999 of the sign of the units, and at most 9,223,372,036 units';
  throw invalidArgument({ field, description });
}
