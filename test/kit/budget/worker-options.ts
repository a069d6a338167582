import type { Tier } from '../../../src/guard/budget/budget-store.ts';

/** How a process of the crowd spends. */
export interface WorkerOptions {
  readonly url: string;
  readonly tier: Tier;
  /** The store as it is, with leases, or one that takes in two steps. */
  readonly kind: 'exact' | 'leased' | 'racy';
  readonly number: number;
  /** Unlike that of any other process. */
  readonly name: string;
  readonly seed: number;
  /** Operations at one time. */
  readonly lanes: number;
  readonly maxPoints: number;
  readonly maxHoldMs: number;
  readonly leaseMs: number;
}

/** Where the store in Redis keeps a reservation: `atUs costUs...`. */
export function reservationKey({ slot }: Tier, id: string): string {
  return `weir:budget:{${slot}}:reservation/${id}`;
}
