import type { Clock } from '../../clock.ts';
import { type Bucket, charge, costUs, createBucket, debtUs, refund, tierState } from './bucket.ts';
import type {
  BudgetStore,
  ReserveAnswer,
  ReserveRequest,
  Settlement,
  Tier,
  TierState,
} from './budget-store.ts';
import { createRecentMap } from './recent-map.ts';

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
  const { clock, maxKeys = 100_000, maxReservations = 100_000 } = options;
  const buckets = createRecentMap<Bucket>(maxKeys);
  const reservations = createRecentMap<Reservation>(maxReservations);
  const nowUs = () => Math.round(clock.nowMs() * 1000);

  const bucketOf = ({ slot, key }: Tier): Bucket => {
    const found = buckets.get(`${slot} ${key}`);
    if (found) return found;
    const created = createBucket();
    buckets.set(`${slot} ${key}`, created);
    return created;
  };
  const debtOf = (tier: Tier, atUs: number): number => {
    const bucket = buckets.get(`${tier.slot} ${tier.key}`);
    return bucket ? debtUs(bucket, tier, atUs) : 0;
  };
  const statesOf = (tiers: readonly Tier[], atUs: number) =>
    tiers.map((tier) => tierState(tier, debtOf(tier, atUs)));

  const take = ({ id, tiers, points, leaseMs }: ReserveRequest, atUs: number): void => {
    const costs = tiers.map((tier) => costUs(tier, points));
    for (const [index, tier] of tiers.entries()) {
      const bucket = bucketOf(tier);
      charge(bucket, atUs, debtUs(bucket, tier, atUs), costs[index] ?? 0);
    }
    reservations.set(id, { sinceUs: atUs, untilUs: atUs + leaseMs * 1000, costs });
  };

  const settleTier = (tier: Tier, points: number, reserved: number, sinceUs: number, atUs: number): void => {
    const bucket = bucketOf(tier);
    const debt = debtUs(bucket, tier, atUs);
    const moreUs = costUs(tier, points) - reserved;
    if (moreUs > 0) charge(bucket, atUs, debt, moreUs);
    else refund(bucket, atUs, debt, sinceUs, -moreUs);
  };

  return {
    reserve: (request) => {
      const { id, tiers, points } = request;
      const atUs = nowUs();
      const open = reservations.get(id);
      if (open === undefined || open.untilUs <= atUs) {
        const refusal = refusalOf(tiers, points, (tier) => debtOf(tier, atUs));
        if (refusal) return { ...refusal, states: statesOf(tiers, atUs) };
        take(request, atUs);
      }
      return { kind: 'admitted', states: statesOf(tiers, atUs) };
    },
    settle: ({ id, tiers, points }) => {
      const atUs = nowUs();
      const reservation = reservations.get(id);
      reservations.delete(id);
      if (reservation && reservation.untilUs > atUs)
        for (const [index, tier] of tiers.entries())
          settleTier(tier, points, reservation.costs[index] ?? 0, reservation.sinceUs, atUs);
      return statesOf(tiers, atUs);
    },
    peek: (tiers) => statesOf(tiers, nowUs()),
    close: () => Promise.resolve(),
    keys: () => buckets.size(),
  };
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
