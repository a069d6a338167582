import type { Clock } from '../../clock.ts';
import { type BreakerState, createBreaker } from './breaker.ts';
import type {
  BudgetStore,
  MaybePromise,
  OnStoreFailure,
  ReserveAnswer,
  ReserveRequest,
  Settlement,
  Tier,
} from './budget-store.ts';
import { createMemoryStore } from './memory-store.ts';
import { createRecentMap } from './recent-map.ts';
import { timely } from './timely.ts';

/** What {@link createResilientStore} needs. */
export interface ResilientStoreOptions {
  /** The shared store. */
  readonly store: BudgetStore;
  readonly clock: Clock;
  /** Numbers in [0, 1). */
  readonly random: () => number;
  /** How many nodes share the budgets, as last known: 1 or more. */
  readonly nodes: () => number;
  /** The longest that one call to the store may take. Default 50. */
  readonly timeoutMs?: number;
  /** See {@link createBreaker}. */
  readonly maxFailures?: number;
  readonly openMs?: number;
  /** Settlements kept for the store's return. Default 10,000; at the bound the oldest is dropped: it stays charged as estimated. */
  readonly maxUnsettled?: number;
  /** Runs at each failed call; no need to log each. Must not throw. */
  readonly onFailure?: (error: unknown) => void;
}

/** How a guarded store stands, for metrics. */
export interface StoreStatus {
  readonly breaker: BreakerState;
  /** Calls that failed or took too long. */
  readonly failures: number;
  /** Reservations answered without the store, by what their policy wants. */
  readonly fallbacks: Readonly<Record<OnStoreFailure, number>>;
  /** Settlements that wait for the store's return, and those that were dropped at the bound. */
  readonly unsettled: number;
  readonly dropped: number;
}

/** A {@link BudgetStore} that always answers: never rejects, and takes `timeoutMs` at most. */
export interface ResilientStore extends BudgetStore {
  readonly status: () => StoreStatus;
}

/** Remembered reservations that the shared store knows nothing of. */
const maxElsewhere = 100_000;

/**
 * Guards `store` with a time limit and a breaker. While it is away each reservation is answered by what its policy wants:
 * `open` admits, `closed` is unavailable, `local` keeps to this node's share of every tier (limit and rate divided by the
 * last known number of nodes, from a full share). So while it is away, however often, all nodes together admit at most
 * one more limit and, for its length, the rate once more. An operation above the share is unavailable rather than refused
 * for ever. A reservation that is granted too late is given back.
 */
export function createResilientStore(options: ResilientStoreOptions): ResilientStore {
  const { store, clock, nodes, timeoutMs = 50, maxUnsettled = 10_000, onFailure } = options;
  const breaker = createBreaker(options);
  const local = createMemoryStore({ clock });
  /** The tiers of each reservation that was made here; none when it is in no books at all. */
  const elsewhere = createRecentMap<readonly Tier[]>(maxElsewhere);
  const unsettled: Settlement[] = [];
  const fallbacks = { open: 0, closed: 0, local: 0 };
  let failures = 0;
  let dropped = 0;
  let isDraining = false;

  /** Null when the call failed, undefined when none was made. */
  const ask = async <Value>(call: () => MaybePromise<Value>): Promise<Value | null | undefined> => {
    if (!breaker.enter()) return undefined;
    try {
      const value = await timely(call(), timeoutMs, clock);
      breaker.succeeded();
      void drain();
      return value;
    } catch (error) {
      breaker.failed();
      failures += 1;
      onFailure?.(error);
      return null;
    }
  };

  const keep = (settlement: Settlement): void => {
    unsettled.push(settlement);
    if (unsettled.length <= maxUnsettled) return;
    unsettled.shift();
    dropped += 1;
  };

  /** Settles what was kept, one after the other, for as long as the store answers. */
  const drain = async (): Promise<void> => {
    if (isDraining) return;
    isDraining = true;
    for (let next = unsettled.shift(); next; next = unsettled.shift()) {
      const settlement = next;
      if (await ask(() => store.settle(settlement))) continue;
      unsettled.unshift(settlement);
      break;
    }
    isDraining = false;
  };

  const settleShared = async (settlement: Settlement) => {
    const states = await ask(() => store.settle(settlement));
    if (states) return states;
    keep(settlement);
    return [];
  };

  const fallBack = (request: ReserveRequest): ReserveAnswer => {
    const { id, tiers, onStoreFailure = 'local' } = request;
    fallbacks[onStoreFailure] += 1;
    const unavailable = { kind: 'unavailable', retryAfterMs: Math.max(1, breaker.retryAfterMs()) } as const;
    if (onStoreFailure === 'closed') return unavailable;
    if (onStoreFailure === 'open') {
      elsewhere.set(id, []);
      return { kind: 'admitted', states: [] };
    }
    const shares = sharesOf(tiers, nodes());
    const answer = local.reserve({ ...request, tiers: shares });
    if (answer.kind === 'admitted') elsewhere.set(id, shares);
    if (answer.kind !== 'never') return answer;
    const tier = tiers.find(({ limitPoints }) => request.points > limitPoints);
    return tier ? { ...answer, tier } : unavailable;
  };

  return {
    reserve: async (request) => {
      const answer = await ask(() => store.reserve(request));
      if (answer) return answer;
      // Nobody knows whether it was taken: if so, it is given back when the store returns.
      if (answer === null) keep({ id: request.id, tiers: request.tiers, points: 0 });
      return fallBack(request);
    },
    settle: (settlement) => {
      const shares = elsewhere.get(settlement.id);
      if (!shares) return settleShared(settlement);
      elsewhere.delete(settlement.id);
      return local.settle({ ...settlement, tiers: shares });
    },
    peek: async (tiers) => (await ask(() => store.peek(tiers))) ?? local.peek(sharesOf(tiers, nodes())),
    close: async () => {
      await drain();
      await Promise.all([store.close(), local.close()]);
    },
    status: () => ({
      breaker: breaker.state(),
      failures,
      fallbacks: { ...fallbacks },
      unsettled: unsettled.length,
      dropped,
    }),
  };
}

function sharesOf(tiers: readonly Tier[], nodes: number): readonly Tier[] {
  return tiers.map((tier) => ({
    ...tier,
    limitPoints: tier.limitPoints / nodes,
    restorePerSecond: tier.restorePerSecond / nodes,
  }));
}
