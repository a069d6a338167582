import { type LoyaltyTier, LoyaltyTier as tiers } from '../upstream-protos/gen/shop/users/v1/users.ts';
import { momentOf, type Plan, periods } from './plan.ts';
import type { Pools } from './pools.ts';
import { createRandom, pickOne, pickWeighted, type Random } from './random.ts';

export interface UserRow {
  readonly id: string;
  readonly displayName: string;
  readonly email: string;
  readonly avatarUrl: string;
  readonly loyaltyTier: LoyaltyTier;
  readonly biography: string;
  readonly createMs: number;
}

const tierWeights = [
  [tiers.LOYALTY_TIER_BASIC, 75],
  [tiers.LOYALTY_TIER_SILVER, 20],
  [tiers.LOYALTY_TIER_GOLD, 5],
] as const;

/** User `number`, from 1. */
export function userAt(plan: Plan, pools: Pools, number: number): UserRow {
  const random = createRandom(plan.seed, 'user', number);
  return {
    id: `user-${number}`,
    displayName: pickOne(random, pickOne(random, pools.people)),
    email: `${pickOne(random, pools.mailNames)}.${number}@example.com`,
    avatarUrl: `https://images.example.com/avatars/${number}.jpg`,
    loyaltyTier: number === 1 ? tiers.LOYALTY_TIER_GOLD : pickWeighted(random, tierWeights),
    biography: biography(random, pools),
    createMs: momentOf(periods.users, number, plan.users),
  };
}

function biography(random: Random, pools: Pools): string {
  return random() < 0.3 ? '' : pickOne(random, pools.biographies);
}
