/**
 * What an event costs that is given from the history to a client that has come back: `percent` (0 to 100) of its points,
 * rounded up, never below the one point that everything costs, and never above its whole price.
 */
export function replayPoints(points: number, percent: number): number {
  const wholePrice = Math.max(1, points);
  return Math.min(wholePrice, Math.max(1, Math.ceil((wholePrice * percent) / 100)));
}
