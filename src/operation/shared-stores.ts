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
import { createRevocations, maxRevocations, type Revocations } from '../identity/revocations.ts';
import type { Log } from '../observe/log.ts';
import type { Broker } from '../realtime/broker.ts';
import type { Leases } from '../realtime/leases.ts';
import { createMemoryBroker } from '../realtime/memory-broker.ts';
import { createMemoryLeases } from '../realtime/memory-leases.ts';
import { createRedisBroker } from '../realtime/redis-broker.ts';
import { createRedisLeases } from '../realtime/redis-leases.ts';
import { createRedisRegister } from '../realtime/redis-register.ts';

/** What all instances of a gateway share: in Redis, or in memory where there is one instance only. */
export interface SharedStores {
  readonly budgets: BudgetStore;
  /** How the shared budgets stand; undefined in memory. */
  readonly budgetStatus: (() => SharedStoreStatus) | undefined;
  readonly broker: Broker;
  readonly leases: Leases;
  readonly idempotency: IdempotencyStore;
  readonly revocations: Revocations;
  /** Ends broker, leases, keys and revocations; the budgets end with the books that they are in. Idempotent. */
  readonly close: () => Promise<void>;
}

/** What the stores are made of. */
export interface SharedStoresOptions {
  /** `redis://` or `rediss://`, several of a Cluster with commas between; '' for memory. */
  readonly url: string;
  readonly clock: Clock;
  readonly log: Log;
  /** How long a revocation is kept: as long as the longest token is good. */
  readonly revocationSeconds: number;
}

/** Faults of Redis are told at most so often, in milliseconds: each call of a store that is away is one. */
const tellEveryMs = 10_000;

/** Opens the stores; Redis that is away does not keep a gateway from starting. */
export function createSharedStores({
  url,
  clock,
  log,
  revocationSeconds: keepSeconds,
}: SharedStoresOptions): SharedStores {
  if (url === '') {
    const broker = createMemoryBroker({ log, clock });
    const leases = createMemoryLeases(clock);
    const budgets = createMemoryStore({ clock });
    const idempotency = createMemoryKeys({ clock });
    const revocations = createRevocations({ clock, log, keepSeconds });
    const close = () => closeAll(broker, leases, idempotency, revocations);
    return { budgets, budgetStatus: undefined, broker, leases, idempotency, revocations, close };
  }
  const redis = { urls: url.split(',').map((part) => part.trim()) };
  const onFailure = createTeller(clock, log, 'the shared budgets are in trouble');
  const budgets = openSharedStore({ url, clock, random: Math.random, onFailure });
  const broker = createRedisBroker({ redis, log, clock });
  const leases = createRedisLeases({ redis, log, clock });
  const idempotency = openSharedKeys({ url, clock, log });
  const register = { name: 'revocations', keepSeconds, maxEntries: maxRevocations };
  const shared = createRedisRegister({ redis, broker, log, clock, ...register });
  const revocations = createRevocations({ clock, log, keepSeconds, shared });
  return {
    budgets,
    budgetStatus: budgets.status,
    broker,
    leases,
    idempotency,
    revocations,
    close: () => closeAll(broker, leases, idempotency, revocations),
  };
}

/** A connection of their own: a claim never waits behind what others send. */
function openSharedKeys({
  url,
  clock,
  log,
}: Pick<SharedStoresOptions, 'url' | 'clock' | 'log'>): IdempotencyStore {
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
