import type { Clock } from '../../clock.ts';
import { createRecentMap } from '../../recent-map.ts';
import { type Breaker, type BreakerState, createBreaker } from './breaker.ts';
import type {
  BudgetStore,
  MaybePromise,
  OnStoreFailure,
  ReserveAnswer,
  ReserveRequest,
  Settlement,
  Tier,
  TierState,
} from './budget-store.ts';
import { createMemoryStore, type MemoryStore } from './memory-store.ts';
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

/** Remembered reservations that the shared store knows nothing of, and tiers whose last state is remembered. */
const maxRemembered = 100_000;

/**
 * Guards `store` with a time limit and a breaker. While it is away each reservation is answered by what its policy wants:
 * `open` admits, `closed` is unavailable, `local` keeps to this node's share of every tier: its limit and rate divided by
 * the last known number of nodes, from the level that the store told last. So in all the time without the store the nodes
 * together admit at most one more limit and the rate once more; after it, the store has restored at most one limit that
 * nobody charged. An operation above the share is unavailable rather than refused for ever.
 */
export function createResilientStore(options: ResilientStoreOptions): ResilientStore {
  return new Guarded(options);
}

class Guarded implements ResilientStore {
  readonly #options: ResilientStoreOptions;
  readonly #breaker: Breaker;
  readonly #local: MemoryStore;
  /** The tiers of each reservation that was made here; none when it is in no books at all. */
  readonly #elsewhere = createRecentMap<readonly Tier[]>(maxRemembered);
  /** When each tier will be full, as the shared store said last, in monotonic milliseconds. */
  readonly #fullAtMs = createRecentMap<number>(maxRemembered);
  readonly #unsettled: Settlement[] = [];
  readonly #fallbacks = { open: 0, closed: 0, local: 0 };
  #failures = 0;
  #dropped = 0;
  #isDraining = false;

  constructor(options: ResilientStoreOptions) {
    this.#options = options;
    this.#breaker = createBreaker(options);
    this.#local = createMemoryStore({ clock: options.clock });
  }

  readonly reserve = async (request: ReserveRequest): Promise<ReserveAnswer> => {
    const answer = await this.#ask((store) => store.reserve(request));
    if (answer) {
      if (answer.kind !== 'unavailable') this.#note(request.tiers, answer.states);
      return answer;
    }
    // Nobody knows whether it was taken: if so, it is given back when the store returns.
    if (answer === null) this.#keep({ id: request.id, tiers: request.tiers, points: 0 });
    return this.#fallBack(request);
  };

  readonly settle = async (settlement: Settlement): Promise<readonly TierState[]> => {
    const shares = this.#elsewhere.get(settlement.id);
    if (shares) {
      this.#elsewhere.delete(settlement.id);
      return this.#local.settle({ ...settlement, tiers: shares });
    }
    // Half of what an event of a subscription asks of the shared store, and nothing would change by it.
    if (settlement.isSpent) return [];
    const states = await this.#ask((store) => store.settle(settlement));
    if (states) return states;
    this.#keep(settlement);
    return [];
  };

  readonly peek = async (tiers: readonly Tier[]): Promise<readonly TierState[]> =>
    (await this.#ask((store) => store.peek(tiers))) ?? this.#local.peek(this.#sharesOf(tiers));

  readonly close = async (): Promise<void> => {
    await this.#drain();
    await Promise.all([this.#options.store.close(), this.#local.close()]);
  };

  readonly status = (): StoreStatus => ({
    breaker: this.#breaker.state(),
    failures: this.#failures,
    fallbacks: { ...this.#fallbacks },
    unsettled: this.#unsettled.length,
    dropped: this.#dropped,
  });

  /** Null when the call failed, undefined when none was made. */
  async #ask<Value>(call: (store: BudgetStore) => MaybePromise<Value>): Promise<Value | null | undefined> {
    const { store, clock, timeoutMs = 50, onFailure } = this.#options;
    if (!this.#breaker.enter()) return undefined;
    try {
      const value = await timely(call(store), timeoutMs, clock);
      this.#breaker.succeeded();
      void this.#drain();
      return value;
    } catch (error) {
      this.#breaker.failed();
      this.#failures += 1;
      onFailure?.(error);
      return null;
    }
  }

  #fallBack(request: ReserveRequest): ReserveAnswer {
    const { id, tiers, points, onStoreFailure = 'local' } = request;
    this.#fallbacks[onStoreFailure] += 1;
    const retryAfterMs = Math.max(1, this.#breaker.retryAfterMs());
    if (onStoreFailure === 'closed') return { kind: 'unavailable', retryAfterMs };
    if (onStoreFailure === 'open') {
      this.#elsewhere.set(id, []);
      return { kind: 'admitted', states: [] };
    }
    const shares = this.#sharesOf(tiers);
    for (const share of shares) this.#local.owe(share, this.#lastKnownMs(share));
    const answer = this.#local.reserve({ ...request, tiers: shares });
    if (answer.kind === 'admitted') this.#elsewhere.set(id, shares);
    if (answer.kind !== 'never') return answer;
    const tier = tiers.find(({ limitPoints }) => points > limitPoints);
    return tier ? { ...answer, tier } : { kind: 'unavailable', retryAfterMs };
  }

  #note(tiers: readonly Tier[], states: readonly TierState[]): void {
    const nowMs = this.#options.clock.nowMs();
    for (const [index, tier] of tiers.entries())
      this.#fullAtMs.set(idOf(tier), nowMs + (states[index]?.fullAfterMs ?? 0));
  }

  /** How long the tier still needs to be full, as far as is known. A share of it needs as long. */
  #lastKnownMs(tier: Tier): number {
    return (this.#fullAtMs.get(idOf(tier)) ?? 0) - this.#options.clock.nowMs();
  }

  #keep(settlement: Settlement): void {
    const { maxUnsettled = 10_000 } = this.#options;
    this.#unsettled.push(settlement);
    if (this.#unsettled.length <= maxUnsettled) return;
    this.#unsettled.shift();
    this.#dropped += 1;
  }

  /** Settles what was kept, one after the other, for as long as the store answers. */
  async #drain(): Promise<void> {
    if (this.#isDraining) return;
    this.#isDraining = true;
    for (let next = this.#unsettled.shift(); next; next = this.#unsettled.shift()) {
      const settlement = next;
      if (await this.#ask((store) => store.settle(settlement))) continue;
      this.#unsettled.unshift(settlement);
      break;
    }
    this.#isDraining = false;
  }

  #sharesOf(tiers: readonly Tier[]): readonly Tier[] {
    return sharesOf(tiers, Math.max(1, this.#options.nodes()));
  }
}

function sharesOf(tiers: readonly Tier[], nodes: number): readonly Tier[] {
  return tiers.map((tier) => ({
    ...tier,
    limitPoints: tier.limitPoints / nodes,
    restorePerSecond: tier.restorePerSecond / nodes,
  }));
}

function idOf({ slot, key }: Tier): string {
  return `${slot} ${key}`;
}
