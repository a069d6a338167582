/** A sum of costs that is paid: never below 0. */
export function clamp(cost: number): number {
  return Math.max(0, cost);
}

/** No items cost nothing, and what costs nothing does so any number of times: 0 x Infinity is 0. */
export function times(count: number, cost: number): number {
  return count === 0 || cost === 0 ? 0 : count * cost;
}
