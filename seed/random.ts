/** A stream of numbers in [0, 1). */
export type Random = () => number;

/** One stream of random numbers for each kind of thing, so that a change of one kind leaves the others as they were. */
export const randomStreams = {
  pools: 1,
  user: 2,
  friendship: 3,
  product: 4,
  price: 5,
  order: 6,
  orderShape: 7,
  review: 8,
  room: 9,
  message: 10,
} as const satisfies Readonly<Record<string, number>>;

/** The numbers of one row: a function of the seed, the kind and the row's number alone (mulberry32 behind a mixer). */
export function createRandom(seed: number, stream: keyof typeof randomStreams, row: number): Random {
  let state = mix(mix(mix(seed | 0) + randomStreams[stream]) + (row | 0));
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let bits = Math.imul(state ^ (state >>> 15), state | 1);
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
    return ((bits ^ (bits >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** A whole number from `least` to `most`, both included. */
export function intBetween(random: Random, least: number, most: number): number {
  return least + Math.floor(random() * (most - least + 1));
}

/** One of the items, each as likely as the others. */
export function pickOne<T>(random: Random, items: readonly T[]): T {
  return itemAt(items, Math.floor(random() * items.length));
}

/** One of the keys of `weights`, as likely as its weight is of their sum. */
export function pickWeighted<T>(random: Random, weights: readonly (readonly [T, number])[]): T {
  let left = random() * weights.reduce((sum, [, weight]) => sum + weight, 0);
  for (const [item, weight] of weights) {
    left -= weight;
    if (left < 0) return item;
  }
  return itemAt(weights, weights.length - 1)[0];
}

/** The item at a position that must exist. */
export function itemAt<T>(items: ArrayLike<T>, index: number): T {
  const item = items[index];
  if (item === undefined) throw new RangeError(`expected an index below ${items.length}, got ${index}`);
  return item;
}

/**
 * A rank from 1 to `count` by Zipf's law with exponent 1, nearly: rank k comes up in proportion to log((k + 1) / k).
 * The first 1 % of 5,000 ranks get about 46 % of the draws.
 */
export function zipfRank(random: Random, count: number): number {
  return Math.min(count, Math.floor((count + 1) ** random()));
}

/** Spreads ranks 1 to `count` over the numbers 1 to `count`, one to one; rank 1 stays number 1. */
export function numberFromRank(rank: number, count: number): number {
  // A large prime shares no factor with a count below it, so multiplying by it permutes; the product stays below 2^53.
  return 1 + (((rank - 1) * 15_485_863) % count);
}

/** Steele and Vigna style finaliser: every input bit reaches every output bit. */
function mix(value: number): number {
  let bits = Math.imul(value ^ (value >>> 16), 0x21f0aaad);
  bits = Math.imul(bits ^ (bits >>> 15), 0x735a2d97);
  return bits ^ (bits >>> 15);
}
