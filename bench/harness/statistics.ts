/** Low end, median and high end of an interval. */
export type Interval = readonly [low: number, median: number, high: number];

/**
 * The median of `values` with its interval of at least 95 % confidence, by order statistics (the sign test turned
 * round): no assumption on the distribution, no random numbers. Below 6 values it is their whole range.
 */
export function medianInterval(values: readonly number[]): Interval {
  if (values.length === 0) throw new RangeError('A median needs at least one value.');
  const sorted = [...values].sort((a, b) => a - b);
  const rank = signTestRank(sorted.length);
  const at = (index: number) => sorted[index] ?? Number.NaN;
  return [at(rank), quantile(sorted, 0.5), at(sorted.length - 1 - rank)];
}

/** The value below which a share of `sorted` lies, between neighbours by proportion. */
export function quantile(sorted: readonly number[], share: number): number {
  const position = (sorted.length - 1) * share;
  const below = sorted[Math.floor(position)] ?? Number.NaN;
  const above = sorted[Math.ceil(position)] ?? Number.NaN;
  return below + (above - below) * (position - Math.floor(position));
}

/** The largest index whose two tails of Binomial(count, 1/2) hold at most 5 % together; 0 when none does. */
function signTestRank(count: number): number {
  let probability = 0.5 ** count;
  let tail = 0;
  for (let rank = 0; rank < count; rank += 1) {
    tail += probability;
    if (tail > 0.025) return Math.max(0, rank - 1);
    probability *= (count - rank) / (rank + 1);
  }
  return 0;
}
