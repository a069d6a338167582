/** A share of something scarce, held for as long as it is renewed. */
export interface Lease {
  readonly key: string;
  /** Text that nobody else has, so that nobody else ends it. */
  readonly holder: string;
}

/** What a holder got: `isHeld` false when as many as may hold a lease on the key do, or when it had lapsed. */
export interface LeaseOutcome {
  readonly isHeld: boolean;
  /** Leases on the key after the call, the holder's own included. */
  readonly count: number;
}

/**
 * Counts that all instances share and that cannot leak: connections and subscriptions per principal, the one who pumps a
 * topic. A lease lapses by itself `ttlMs` after it was acquired or last renewed, so a process that dies gives all back.
 *
 * Atomicity: whether there is room, and the lease, are one step; the limit is never exceeded, by how many instances ever.
 * Loss: a store that starts empty knows no leases; holders get theirs again at their next renewal, as far as there is
 * room. Time is the store's. All reject with `UPSTREAM_UNAVAILABLE` when it is away.
 */
export interface Leases {
  /** Takes one of `limit` (0 or more) leases on the key for `ttlMs` (1 ms to 1 day); the holder's own is renewed instead. */
  acquire(lease: Lease, limit: number, ttlMs: number): Promise<LeaseOutcome>;
  /** Gives leases back. Of one that has lapsed, or never was, nothing is told. */
  release(leases: readonly Lease[]): Promise<void>;
  /** Leases on the key that have not lapsed. */
  count(key: string): Promise<number>;
  close(): Promise<void>;
}

const maxTtlMs = 24 * 60 * 60 * 1000;

/** Throws RangeError for a limit or a time out of its bounds. */
export function assertLeaseBounds(limit: number, ttlMs: number): void {
  if (!Number.isSafeInteger(limit) || limit < 0) {
    throw new RangeError(`Lease limit: expected a whole number from 0, got ${limit}.`);
  }
  if (Number.isSafeInteger(ttlMs) && ttlMs >= 1 && ttlMs <= maxTtlMs) return;
  throw new RangeError(`Lease ttlMs: expected a whole number from 1 to ${maxTtlMs}, got ${ttlMs}.`);
}
