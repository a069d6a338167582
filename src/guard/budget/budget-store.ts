/** One budget among those that must all agree. Tiers with equal `key` and `slot` are one budget and have equal numbers. */
export interface Tier {
  /** What clients and metrics call it: lower case letters, digits, `-` and `_`. */
  readonly name: string;
  /** Whose budget it is, unlike any other's: begins with the tier's name. No braces in it. */
  readonly key: string;
  /** Keys of one slot lie on one node of a Redis Cluster and are taken in one step. No braces in it. */
  readonly slot: string;
  /** The most points that may be spent at once, from 1; all of them are back after `limitPoints / restorePerSecond` seconds, 31 days at most. */
  readonly limitPoints: number;
  /** Above 0 to 1,000,000. */
  readonly restorePerSecond: number;
}

/** How a tier stands. */
export interface TierState {
  readonly name: string;
  readonly limitPoints: number;
  readonly restorePerSecond: number;
  /** Whole points that may be spent now, 0 to `limitPoints`. */
  readonly remainingPoints: number;
  /** Milliseconds until nothing is spent any more, if nobody spends: 0 when full. */
  readonly fullAfterMs: number;
}

/** What to do for a caller while the shared store is away: admit all, refuse all, or keep to this node's share of the limits. */
export type OnStoreFailure = 'open' | 'closed' | 'local';

/** Asks for points before they are used. */
export interface ReserveRequest {
  /** Unlike any other that is open: of 1 to 200 characters, no braces in it. An open one is answered again and charged once. */
  readonly id: string;
  /** 1 or more, of different keys. */
  readonly tiers: readonly Tier[];
  /** 1 or more: an estimate that the actual price should not exceed. */
  readonly points: number;
  /** How long {@link BudgetStore.settle} may take: 1 to 3,600,000. After that the points stay charged as they are. */
  readonly leaseMs: number;
  /** Read by the store that guards another one; default `local`. */
  readonly onStoreFailure?: OnStoreFailure;
  /**
   * The points have been used, and are settled as they are, at once. Default false. A store over a network need not hear of
   * that settlement, and remembers such a reservation for a second only: one whose answer is lost may stay charged.
   */
  readonly isSpent?: boolean;
}

/** Tells what a reservation has used. */
export interface Settlement {
  readonly id: string;
  /** Those of the reservation, in its order. */
  readonly tiers: readonly Tier[];
  /** What it really cost: 0 or more, and it may exceed what was reserved. 0 is for what never ran. */
  readonly points: number;
  /** As the reservation said, whose points these are then: nothing changes by it. Its states may be left out. Default false. */
  readonly isSpent?: boolean;
}

/** Answer to {@link BudgetStore.reserve}; `states` are in the order of the tiers. */
export type ReserveAnswer =
  | { readonly kind: 'admitted'; readonly states: readonly TierState[] }
  /** `tier` lacks points longest; after `waitMs` (whole, rounded up) all tiers have them, if nobody else takes any. */
  | {
      readonly kind: 'wait';
      readonly tier: Tier;
      readonly waitMs: number;
      readonly states: readonly TierState[];
    }
  /** The points exceed what `tier` ever holds. */
  | { readonly kind: 'never'; readonly tier: Tier; readonly states: readonly TierState[] }
  /** The store is away and nobody can say; worth trying again after `retryAfterMs`. */
  | { readonly kind: 'unavailable'; readonly retryAfterMs: number };

/** At once where nothing has to be waited for. */
export type MaybePromise<Value> = Value | Promise<Value>;

/**
 * Points by tier.
 *
 * Atomicity: a reservation takes from all of its tiers or from none, in one step that nobody sees half done; refused
 * ones take nothing. Where tiers lie in several slots of a Redis Cluster it is one step for each slot, and what the first
 * slots gave is given back when a later one refuses.
 *
 * Sequence: reservations of one key happen one after the other. Settling commutes: once all are settled, each tier stands as
 * if every reservation had been charged what it really cost at the moment when it was reserved. So a late refund is no
 * bonus (a tier that was full meanwhile stays as it is), and no refund is lost.
 *
 * Loss: a reservation that is not settled within its lease (its process died, the settlement got lost) stays charged at
 * its estimate; settling it later, or a second time, changes nothing. A store that forgets (memory: with the process or
 * at its bound; Redis: FLUSHALL, a failover before replication) gives each caller a full budget again, once.
 *
 * Failure: refusals are answers; rejects or throws only when the store itself cannot be reached.
 */
export interface BudgetStore {
  readonly reserve: (request: ReserveRequest) => MaybePromise<ReserveAnswer>;
  /** Idempotent by id. Answers how the tiers stand afterwards. */
  readonly settle: (settlement: Settlement) => MaybePromise<readonly TierState[]>;
  /**
   * Takes from all of the tiers what has been used already, with nothing to settle: false when one has not enough, and
   * then nothing is taken. Absent in stores that cannot say at once.
   */
  readonly spend?: (tiers: readonly Tier[], points: number) => boolean;
  /** How tiers stand; takes nothing. */
  readonly peek: (tiers: readonly Tier[]) => MaybePromise<readonly TierState[]>;
  /** Ends timers and gives back what is held locally. Idempotent. */
  readonly close: () => Promise<void>;
}
