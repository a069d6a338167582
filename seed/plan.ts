/** What decides every byte of the data. */
export interface SeedSize {
  /** Multiplies the default size: 0.01 to 1,000. Default 1: 2,000 users, 5,000 products, 20,000 orders. */
  readonly scale?: number;
  /** A whole number. Other seed, other data. Default 1. */
  readonly seed?: number;
}

/** How many rows of each kind there will be. */
export interface Plan {
  readonly seed: number;
  readonly users: number;
  readonly products: number;
  /** A multiple of 10, with exactly 3 lines per order on average. */
  readonly orders: number;
  readonly reviews: number;
  readonly rooms: number;
  readonly messages: number;
}

/** The data ends here. A fixed date, so that the same seed gives the same bytes on any day. */
export const referenceMs = Date.UTC(2026, 5, 1);
export const dayMs = 86_400_000;

/** Users, products and rooms are older than the first order, so that nothing is used before it exists. */
export const periods = {
  users: { fromMs: referenceMs - 1500 * dayMs, toMs: referenceMs - 400 * dayMs },
  products: { fromMs: referenceMs - 1200 * dayMs, toMs: referenceMs - 380 * dayMs },
  orders: { fromMs: referenceMs - 365 * dayMs, toMs: referenceMs - dayMs },
  reviews: { fromMs: referenceMs - 365 * dayMs, toMs: referenceMs - dayMs },
  rooms: { fromMs: referenceMs - 360 * dayMs, toMs: referenceMs - 91 * dayMs },
  messages: { fromMs: referenceMs - 90 * dayMs, toMs: referenceMs - dayMs },
} as const;

/** The plan of a size; throws a RangeError when the size is out of bounds. */
export function createPlan({ scale = 1, seed = 1 }: SeedSize = {}): Plan {
  if (!(scale >= 0.01 && scale <= 1000)) {
    throw new RangeError(`scale: expected a number from 0.01 to 1000, got ${scale}`);
  }
  if (!Number.isSafeInteger(seed)) throw new RangeError(`seed: expected a whole number, got ${seed}`);
  return {
    seed,
    users: Math.round(2000 * scale),
    products: Math.round(5000 * scale),
    orders: Math.round(2000 * scale) * 10,
    reviews: Math.round(10_000 * scale),
    rooms: Math.max(1, Math.round(200 * scale)),
    messages: Math.round(20_000 * scale),
  };
}

/** The moment of row `number` of `count`, evenly through a period and to the whole second. */
export function momentOf(
  period: { readonly fromMs: number; readonly toMs: number },
  number: number,
  count: number,
): number {
  const share = number / count;
  return Math.floor((period.fromMs + (period.toMs - period.fromMs) * share) / 1000) * 1000;
}
