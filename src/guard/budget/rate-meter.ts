import type { Clock } from '../../clock.ts';
import { createRecentMap } from '../../recent-map.ts';

/** How fast points have lately been asked for, by key. */
export interface RateMeter {
  /** Counts `points` and answers the rate with them, in points a second. */
  readonly add: (key: string, points: number) => number;
}

interface Reading {
  pointsPerSecond: number;
  atMs: number;
}

/** What was asked for this long ago counts for a third. */
const memoryMs = 1_000;

/** A meter of at most `maxKeys` keys (2 or more); at the bound it forgets those used least recently. */
export function createRateMeter(clock: Clock, maxKeys: number): RateMeter {
  const readings = createRecentMap<Reading>(maxKeys);
  return {
    add: (key, points) => {
      const nowMs = clock.nowMs();
      const added = (points * 1000) / memoryMs;
      const reading = readings.get(key);
      if (!reading) {
        readings.set(key, { pointsPerSecond: added, atMs: nowMs });
        return added;
      }
      const kept = reading.pointsPerSecond * Math.exp((reading.atMs - nowMs) / memoryMs);
      reading.pointsPerSecond = kept + added;
      reading.atMs = nowMs;
      return reading.pointsPerSecond;
    },
  };
}
