import type { Clock } from '../clock.ts';
import type { BudgetStore } from '../guard/budget/budget-store.ts';
import { createMemoryStore } from '../guard/budget/memory-store.ts';
import { openSharedStore, type SharedStoreStatus } from '../guard/budget/shared-store.ts';
import type { Log } from '../observe/log.ts';
import type { Broker } from '../realtime/broker.ts';
import type { Leases } from '../realtime/leases.ts';
import { createMemoryBroker } from '../realtime/memory-broker.ts';
import { createMemoryLeases } from '../realtime/memory-leases.ts';
import { createRedisBroker } from '../realtime/redis-broker.ts';
import { createRedisLeases } from '../realtime/redis-leases.ts';

/** What all instances of a gateway share: in Redis, or in memory where there is one instance only. */
export interface SharedStores {
  readonly budgets: BudgetStore;
  /** How the shared budgets stand; undefined in memory. */
  readonly budgetStatus: (() => SharedStoreStatus) | undefined;
  readonly broker: Broker;
  readonly leases: Leases;
  /** Ends broker and leases; the budgets end with the books that they are in. Idempotent. */
  readonly close: () => Promise<void>;
}

/** What the stores are made of. */
export interface SharedStoresOptions {
  /** `redis://` or `rediss://`, several of a Cluster with commas between; '' for memory. */
  readonly url: string;
  readonly clock: Clock;
  readonly log: Log;
}

/** Faults of Redis are told at most so often, in milliseconds: each call of a store that is away is one. */
const tellEveryMs = 10_000;

/** Opens the stores; Redis that is away does not keep a gateway from starting. */
export function createSharedStores({ url, clock, log }: SharedStoresOptions): SharedStores {
  if (url === '') {
    const broker = createMemoryBroker({ log, clock });
    const leases = createMemoryLeases(clock);
    const budgets = createMemoryStore({ clock });
    return { budgets, budgetStatus: undefined, broker, leases, close: () => closeAll(broker, leases) };
  }
  const redis = { urls: url.split(',').map((part) => part.trim()) };
  const budgets = openSharedStore({ url, clock, random: Math.random, onFailure: createTeller(clock, log) });
  const broker = createRedisBroker({ redis, log, clock });
  const leases = createRedisLeases({ redis, log, clock });
  return {
    budgets,
    budgetStatus: budgets.status,
    broker,
    leases,
    close: () => closeAll(broker, leases),
  };
}

async function closeAll(broker: Broker, leases: Leases): Promise<void> {
  await Promise.all([broker.close(), leases.close()]);
}

function createTeller(clock: Clock, log: Log): (err: unknown) => void {
  let toldMs = Number.NEGATIVE_INFINITY;
  let untold = 0;
  return (err) => {
    untold += 1;
    if (clock.nowMs() - toldMs < tellEveryMs) return;
    log.warn({ err, faults: untold }, 'the shared budgets are in trouble');
    toldMs = clock.nowMs();
    untold = 0;
  };
}
