import { type Clock, systemClock } from '../clock.ts';
import { assertLeaseBounds, type Leases } from './leases.ts';

/** Leases that are kept in memory. */
export interface MemoryLeases extends Leases {
  /** Keys in memory, those included whose leases have lapsed unnoticed. */
  readonly size: number;
}

/** {@link Leases} of one process. Lapsed ones are forgotten when their key is used, and all of them now and then. */
export function createMemoryLeases(clock: Clock = systemClock): MemoryLeases {
  /** When each holder's lease lapses. */
  const keys = new Map<string, Map<string, number>>();
  let sweepAtSize = minSweepSize;

  function holdersOf(key: string): Map<string, number> {
    const holders = keys.get(key) ?? new Map<string, number>();
    forgetLapsed(holders, clock.nowMs());
    if (holders.size === 0) keys.delete(key);
    return holders;
  }

  /** Each time there are twice as many keys as were left by the last sweep: that is O(1) for each acquired lease. */
  function sweep(): void {
    if (keys.size < sweepAtSize) return;
    for (const key of [...keys.keys()]) holdersOf(key);
    sweepAtSize = Math.max(minSweepSize, keys.size * 2);
  }

  return {
    acquire: async ({ key, holder }, limit, ttlMs) => {
      assertLeaseBounds(limit, ttlMs);
      sweep();
      const holders = holdersOf(key);
      if (!holders.has(holder) && holders.size >= limit) return { isHeld: false, count: holders.size };
      holders.set(holder, clock.nowMs() + ttlMs);
      keys.set(key, holders);
      return { isHeld: true, count: holders.size };
    },
    release: async (leases) => {
      for (const { key, holder } of leases) {
        keys.get(key)?.delete(holder);
        holdersOf(key);
      }
    },
    count: async (key) => holdersOf(key).size,
    get size() {
      return keys.size;
    },
    close: async () => keys.clear(),
  };
}

const minSweepSize = 1024;

function forgetLapsed(holders: Map<string, number>, nowMs: number): void {
  for (const [holder, lapsesAtMs] of holders) if (lapsesAtMs <= nowMs) holders.delete(holder);
}
