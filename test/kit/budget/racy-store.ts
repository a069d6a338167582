import type { Redis } from 'ioredis';
import { costUs, tierState } from '../../../src/guard/budget/bucket.ts';
import type { BudgetStore, Tier } from '../../../src/guard/budget/budget-store.ts';
import { reservationKey } from './worker-options.ts';

/** The same arithmetic as the real store for one tier, but it reads and writes in two steps: what a history must convict. */
export function createRacyStore(redis: Redis): BudgetStore {
  const keyOf = ({ slot, key }: Tier) => `racy:{${slot}}:${key}`;
  const nowUs = async () => {
    const [seconds = 0, micros = 0] = (await redis.time()).map(Number);
    return seconds * 1e6 + micros;
  };
  const debtOf = async (tier: Tier, atUs: number) =>
    Math.max(0, Number((await redis.get(keyOf(tier))) ?? 0) - atUs);
  return {
    reserve: async ({ id, tiers: [tier], points, leaseMs }) => {
      if (!tier) throw new Error('It knows one tier.');
      const atUs = await nowUs();
      const debt = await debtOf(tier, atUs);
      const cost = costUs(tier, points);
      const waitUs = debt + cost - costUs(tier, tier.limitPoints);
      const states = [tierState(tier, debt)];
      if (waitUs > 0) return { kind: 'wait', tier, waitMs: Math.ceil(waitUs / 1000), states };
      await redis.set(keyOf(tier), String(atUs + debt + cost));
      await redis.set(reservationKey(tier, id), `${atUs} ${cost}`, 'PX', leaseMs);
      return { kind: 'admitted', states };
    },
    settle: async ({ id, tiers: [tier], points }) => {
      if (!tier) throw new Error('It knows one tier.');
      const record = await redis.getdel(reservationKey(tier, id));
      const atUs = await nowUs();
      const debt = await debtOf(tier, atUs);
      const more = costUs(tier, points) - Number(record?.split(' ')[1] ?? costUs(tier, points));
      await redis.set(keyOf(tier), String(atUs + Math.max(0, debt + more)));
      return [tierState(tier, debt)];
    },
    peek: async (tiers) => tiers.map((tier) => tierState(tier, 0)),
    close: async () => undefined,
  };
}
