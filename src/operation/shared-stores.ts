import type { Clock } from '../clock.ts';
import { openBudgetRedis } from '../guard/budget/budget-redis.ts';
import type { BudgetStore } from '../guard/budget/budget-store.ts';
import { createMemoryStore } from '../guard/budget/memory-store.ts';
import { openSharedStore, type SharedStoreStatus } from '../guard/budget/shared-store.ts';
import { evictionOf, safeEviction } from '../idempotency/eviction.ts';
import { createInsistentStore } from '../idempotency/insistent-store.ts';
import { createMemoryStore as createMemoryKeys } from '../idempotency/memory-store.ts';
import { createRedisStore as createRedisKeys } from '../idempotency/redis-store.ts';
import type { IdempotencyStore } from '../idempotency/store.ts';
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
  readonly idempotency: IdempotencyStore;
  /** Ends broker, leases and keys; the budgets end with the books that they are in. Idempotent. */
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
    const idempotency = createMemoryKeys({ clock });
    const close = () => closeAll(broker, leases, idempotency);
    return { budgets, budgetStatus: undefined, broker, leases, idempotency, close };
  }
  const redis = { urls: url.split(',').map((part) => part.trim()) };
  const onFailure = createTeller(clock, log, 'the shared budgets are in trouble');
  const budgets = openSharedStore({ url, clock, random: Math.random, onFailure });
  const broker = createRedisBroker({ redis, log, clock });
  const leases = createRedisLeases({ redis, log, clock });
  const idempotency = openSharedKeys({ url, clock, log });
  return {
    budgets,
    budgetStatus: budgets.status,
    broker,
    leases,
    idempotency,
    close: () => closeAll(broker, leases, idempotency),
  };
}

/** A connection of their own: a claim never waits behind what others send. */
function openSharedKeys({ url, clock, log }: SharedStoresOptions): IdempotencyStore {
  const onFailure = createTeller(clock, log, 'the store of idempotency keys is in trouble');
  const redis = openBudgetRedis({ url, random: Math.random, onError: onFailure });
  redis.once('ready', () => {
    evictionOf(redis).then((policy) => {
      if (policy !== safeEviction)
        log.warn(
          { policy },
          `Redis forgets keys when it is full: set its maxmemory-policy to ${safeEviction}`,
        );
    }, onFailure);
  });
  const store = createInsistentStore({ store: createRedisKeys({ redis }), clock, onFailure });
  return { ...store, close: async () => redis.disconnect() };
}

async function closeAll(...stores: readonly { readonly close: () => Promise<void> }[]): Promise<void> {
  await Promise.all(stores.map((store) => store.close()));
}

function createTeller(clock: Clock, log: Log, message: string): (err: unknown) => void {
  let toldMs = Number.NEGATIVE_INFINITY;
  let untold = 0;
  return (err) => {
    untold += 1;
    if (clock.nowMs() - toldMs < tellEveryMs) return;
    log.warn({ err, faults: untold }, message);
    toldMs = clock.nowMs();
    untold = 0;
  };
}
