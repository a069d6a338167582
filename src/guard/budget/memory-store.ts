import type { Clock } from '../../clock.ts';
import { createRecentMap, type RecentMap } from '../../recent-map.ts';
import { type Bucket, charge, costUs, createBucket, debtUs, refund, tierState } from './bucket.ts';
import type {
  BudgetStore,
  ReserveAnswer,
  ReserveRequest,
  Settlement,
  Tier,
  TierState,
} from './budget-store.ts';

/** Bounds of {@link createMemoryStore}. */
export interface MemoryStoreOptions {
  readonly clock: Clock;
  /** Budgets held, 2 or more. Default 100,000. At the bound the least recently used are forgotten: they are full again. */
  readonly maxKeys?: number;
  /** Reservations held, 2 or more. Default 100,000. At the bound the oldest are forgotten: they stay charged as estimated. */
  readonly maxReservations?: number;
}

/** A {@link BudgetStore} whose answers are never promises. */
export interface MemoryStore extends BudgetStore {
  readonly reserve: (request: ReserveRequest) => ReserveAnswer;
  readonly settle: (settlement: Settlement) => readonly TierState[];
  readonly peek: (tiers: readonly Tier[]) => readonly TierState[];
  readonly spend: (tiers: readonly Tier[], points: number) => boolean;
  /** Makes a tier owe at least the points that take so long to restore: what is known of it from elsewhere. */
  readonly owe: (tier: Tier, fullAfterMs: number) => void;
  /** Budgets held. */
  readonly keys: () => number;
}

interface Reservation {
  readonly sinceUs: number;
  readonly untilUs: number;
  /** By tier, in their order. */
  readonly costs: readonly number[];
}

/** Budgets of one process, by the monotonic clock: the machine's time may jump as it likes. */
export function createMemoryStore(options: MemoryStoreOptions): MemoryStore {
  return new Books(options);
}

class Books implements MemoryStore {
  readonly #clock: Clock;
  readonly #buckets: RecentMap<Bucket>;
  readonly #reservations: RecentMap<Reservation>;
  /** Of the tiers that subscribers spend from. */
  readonly #ids = new WeakMap<Tier, string>();

  constructor({ clock, maxKeys = 100_000, maxReservations = 100_000 }: MemoryStoreOptions) {
    this.#clock = clock;
    this.#buckets = createRecentMap(maxKeys);
    this.#reservations = createRecentMap(maxReservations);
  }

  readonly reserve = (request: ReserveRequest): ReserveAnswer => {
    const { id, tiers, points } = request;
    const nowUs = this.#nowUs();
    const open = this.#reservations.get(id);
    if (open === undefined || open.untilUs <= nowUs) {
      const refusal = refusalOf(tiers, points, (tier) => this.#debtOf(tier, nowUs));
      if (refusal) return { ...refusal, states: this.#statesOf(tiers, nowUs) };
      this.#take(request, nowUs);
    }
    return { kind: 'admitted', states: this.#statesOf(tiers, nowUs) };
  };

  readonly settle = ({ id, tiers, points }: Settlement): readonly TierState[] => {
    const nowUs = this.#nowUs();
    const reservation = this.#reservations.get(id);
    this.#reservations.delete(id);
    if (reservation && reservation.untilUs > nowUs) {
      for (const [index, tier] of tiers.entries()) {
        const bucket = this.#bucketOf(tier);
        const debt = debtUs(bucket, tier, nowUs);
        const moreUs = costUs(tier, points) - (reservation.costs[index] ?? 0);
        if (moreUs > 0) charge(bucket, nowUs, debt, moreUs);
        else refund(bucket, nowUs, debt, reservation.sinceUs, -moreUs);
      }
    }
    return this.#statesOf(tiers, nowUs);
  };

  readonly spend = (tiers: readonly Tier[], points: number): boolean => {
    const nowUs = this.#nowUs();
    // No closure and no text is made here: every event of every subscriber comes by.
    for (const tier of tiers) {
      const leftUs = costUs(tier, tier.limitPoints) - this.#debtOf(tier, nowUs, this.#keptIdOf(tier));
      if (costUs(tier, points) > leftUs) return false;
    }
    for (const tier of tiers) {
      const bucket = this.#bucketOf(tier, this.#keptIdOf(tier));
      charge(bucket, nowUs, debtUs(bucket, tier, nowUs), costUs(tier, points));
    }
    return true;
  };

  readonly peek = (tiers: readonly Tier[]): readonly TierState[] => this.#statesOf(tiers, this.#nowUs());

  readonly owe = (tier: Tier, fullAfterMs: number): void => {
    const nowUs = this.#nowUs();
    const debt = this.#debtOf(tier, nowUs);
    const moreUs = fullAfterMs * 1000 - debt;
    if (moreUs > 0) charge(this.#bucketOf(tier), nowUs, debt, moreUs);
  };

  readonly close = (): Promise<void> => Promise.resolve();

  readonly keys = (): number => this.#buckets.size();

  #nowUs(): number {
    return Math.round(this.#clock.nowMs() * 1000);
  }

  #take({ id, tiers, points, leaseMs }: ReserveRequest, nowUs: number): void {
    const costs = tiers.map((tier) => costUs(tier, points));
    for (const [index, tier] of tiers.entries()) {
      const bucket = this.#bucketOf(tier);
      charge(bucket, nowUs, debtUs(bucket, tier, nowUs), costs[index] ?? 0);
    }
    this.#reservations.set(id, { sinceUs: nowUs, untilUs: nowUs + leaseMs * 1000, costs });
  }

  #bucketOf(tier: Tier, id = idOf(tier)): Bucket {
    const found = this.#buckets.get(id);
    if (found) return found;
    const created = createBucket();
    this.#buckets.set(id, created);
    return created;
  }

  #debtOf(tier: Tier, nowUs: number, id = idOf(tier)): number {
    const bucket = this.#buckets.get(id);
    return bucket ? debtUs(bucket, tier, nowUs) : 0;
  }

  /** Of a tier that is spent from again and again: a text that is made anew has to be hashed anew. */
  #keptIdOf(tier: Tier): string {
    const known = this.#ids.get(tier);
    if (known !== undefined) return known;
    const id = idOf(tier);
    this.#ids.set(tier, id);
    return id;
  }

  #statesOf(tiers: readonly Tier[], nowUs: number): readonly TierState[] {
    return tiers.map((tier) => tierState(tier, this.#debtOf(tier, nowUs)));
  }
}

function idOf({ slot, key }: Tier): string {
  return `${slot} ${key}`;
}

type Refusal =
  | { readonly kind: 'never'; readonly tier: Tier }
  | { readonly kind: 'wait'; readonly tier: Tier; readonly waitMs: number };

/** Why the points cannot be had: never weighs more than any wait, and of waits the longest. */
function refusalOf(
  tiers: readonly Tier[],
  points: number,
  debtOf: (tier: Tier) => number,
): Refusal | undefined {
  let longestUs = 0;
  let slowest: Tier | undefined;
  for (const tier of tiers) {
    const limitUs = costUs(tier, tier.limitPoints);
    const cost = costUs(tier, points);
    if (cost > limitUs) return { kind: 'never', tier };
    const waitUs = debtOf(tier) + cost - limitUs;
    if (waitUs > longestUs) {
      longestUs = waitUs;
      slowest = tier;
    }
  }
  return slowest && { kind: 'wait', tier: slowest, waitMs: Math.ceil(longestUs / 1000) };
}
