import type { Clock } from '../../clock.ts';
import { openBudgetRedis } from './budget-redis.ts';
import type { BudgetStore } from './budget-store.ts';
import { createLeasedStore, type LeaseStatus } from './leased-store.ts';
import { createNodeCount } from './node-count.ts';
import { createRedisStore } from './redis-store.ts';
import { createResilientStore, type StoreStatus } from './resilient-store.ts';

/** What {@link openSharedStore} needs. */
export interface SharedStoreOptions {
  /** `redis://` or `rediss://`; several, with commas between, are the seeds of a cluster. */
  readonly url: string;
  readonly clock: Clock;
  /** Numbers in [0, 1), for the jitter of reconnecting and of the breaker. */
  readonly random: () => number;
  /** Runs at each fault of a connection or a call: count them, do not log each. Must not throw. */
  readonly onFailure: (error: unknown) => void;
  /** Begins every key in Redis. Default `weir:budget`. */
  readonly prefix?: string;
  /** How many nodes there are until Redis has said. Default 1. */
  readonly assumedNodes?: number;
}

/** The budgets that all nodes share, with all that keeps them quick and available. */
export interface SharedStore extends BudgetStore {
  readonly status: () => SharedStoreStatus;
}

/** How the shared budgets stand, for metrics. */
export interface SharedStoreStatus extends StoreStatus, LeaseStatus {
  /** Nodes that share them, as last known. */
  readonly nodes: number;
}

/**
 * Budgets in Redis, guarded by a time limit and a breaker, with leases for tiers in heavy use. Answers from the first
 * moment: from this node's share until Redis does. It owns its connection; `close()` gives back what is held and ends it.
 */
export function openSharedStore(options: SharedStoreOptions): SharedStore {
  const { url, clock, random, onFailure, prefix = 'weir:budget', assumedNodes = 1 } = options;
  const redis = openBudgetRedis({ url, random, onError: onFailure });
  const count = createNodeCount({ redis, clock, prefix, assumedNodes });
  const { nodes } = count;
  const shared = createRedisStore({ redis, prefix });
  const guarded = createResilientStore({ store: shared, clock, random, nodes, onFailure });
  const leased = createLeasedStore({ store: guarded, clock, onFailure });
  return {
    reserve: leased.reserve,
    settle: leased.settle,
    peek: leased.peek,
    status: () => ({ ...guarded.status(), ...leased.status(), nodes: nodes() }),
    close: async () => {
      await leased.close();
      await count.close();
      redis.disconnect();
    },
  };
}
