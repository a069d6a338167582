import type { StreamParts } from './stream-parts.ts';

/**
 * When a connection that opens now has been here long enough, in milliseconds of the clock: by chance after a half to the
 * whole of `connectionMaxAgeMs`, since those that came together would else go together. Infinity while that is 0.
 */
export function rotationTime({
  limits,
  clock,
  random,
}: Pick<StreamParts, 'limits' | 'clock' | 'random'>): number {
  const { connectionMaxAgeMs } = limits;
  if (connectionMaxAgeMs === 0) return Number.POSITIVE_INFINITY;
  return clock.nowMs() + connectionMaxAgeMs * (0.5 + random() / 2);
}
