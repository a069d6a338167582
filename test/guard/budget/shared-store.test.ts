import { setTimeout as after } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/clock.ts';
import { createBudget } from '../../../src/guard/budget/budget.ts';
import type { Tier } from '../../../src/guard/budget/budget-store.ts';
import type { BudgetPolicy } from '../../../src/guard/budget/policy.ts';
import { openSharedStore, type SharedStore } from '../../../src/guard/budget/shared-store.ts';
import { type RedisServer, startRedisCluster, startRedisServer } from '../../kit/redis-server.ts';
import { requestOf, tierOf } from './tiers.ts';

let server: RedisServer;

beforeAll(async () => {
  server = await startRedisServer();
}, 120_000);

afterAll(() => server?.[Symbol.asyncDispose]());

/** A node whose connection is up and who is counted among `nodes`. */
async function openNode(url: string, nodes = 1, assumedNodes = 1): Promise<SharedStore> {
  const faults = { random: Math.random, onFailure: () => undefined };
  const store = openSharedStore({ url, clock: systemClock, ...faults, assumedNodes });
  const tier = { ...tierOf(), limitPoints: 97 };
  // A share of it is smaller, and before Redis answers nobody knows of the other nodes.
  for (;;) {
    const [state] = await store.peek([tier]);
    const { breaker, nodes: known } = store.status();
    if (breaker === 'closed' && known >= nodes && state?.limitPoints === 97) return store;
    await after(10);
  }
}

/** A node alone, who has heard so from Redis. */
function openAlone(): Promise<SharedStore> {
  return openNode(server.url, 1, 2);
}

/** A connection beside those of the stores. */
async function openControl() {
  const redis = new Redis(server.url);
  const scripts = async () =>
    Number(/cmdstat_evalsha:calls=(\d+)/.exec(await redis.info('commandstats'))?.[1] ?? 0);
  return { redis, scripts, [Symbol.asyncDispose]: async () => redis.disconnect() };
}

function policyOf(tier: Tier): BudgetPolicy {
  return { mode: 'enforce', tiers: [tier], operationLimitPoints: 1000, onStoreFailure: 'local' };
}

describe('openSharedStore()', () => {
  it('shares budgets among nodes that know of each other, and leaves nothing behind when they close', async () => {
    const one = await openNode(server.url);
    const other = await openNode(server.url, 2);
    expect(other.status()).toMatchObject({ breaker: 'closed', nodes: 2, chunks: 0 });
    const tier = tierOf();
    const request = requestOf([tier], 600);
    expect(await one.reserve(request)).toMatchObject({ kind: 'admitted' });
    expect(await other.reserve(requestOf([tier], 600))).toMatchObject({ kind: 'wait' });
    await one.settle({ ...request, points: 0 });
    await Promise.all([one.close(), other.close()]);
    const redis = new Redis(server.url);
    expect(await redis.keys('*')).toEqual([]);
    redis.disconnect();
  });

  it('asks once for what has been used, and charges just that', async () => {
    const store = await openAlone();
    await using control = await openControl();
    const budget = createBudget({ store });
    const policy = policyOf({ ...tierOf(), limitPoints: 10 });
    const before = await control.scripts();
    for (let event = 0; event < 3; event += 1)
      expect(await budget.spend(policy, 3)).toMatchObject({ kind: 'admitted' });
    expect(await budget.spend(policy, 2)).toMatchObject({ kind: 'refused', code: 'RATE_LIMITED' });
    expect((await control.scripts()) - before).toBe(4);
    expect((await budget.peek(policy)).tiers).toMatchObject([{ remainingPoints: 1 }]);
    const remembered = await control.redis.keys('*reservation*');
    for (const key of remembered) expect(await control.redis.pttl(key)).toBeLessThanOrEqual(1000);
    expect(store.status().unsettled).toBe(0);
    await budget.close();
  });

  it('charges what has been used of a chunk, and gives back the rest of that', async () => {
    const store = await openAlone();
    const budget = createBudget({ store });
    const tier = tierOf({ limitPoints: 100_000 });
    const policy = policyOf(tier);
    for (let event = 0; event < 300; event += 1)
      expect(await budget.spend(policy, 5)).toMatchObject({ kind: 'admitted' });
    expect(store.status().localReservations).toBeGreaterThan(0);
    await budget.close();
    const other = await openAlone();
    expect(await other.peek([tier])).toMatchObject([{ remainingPoints: 98_500 }]);
    await other.close();
  });

  it('works on a cluster when several addresses are given', async () => {
    await using cluster = await startRedisCluster();
    const store = await openNode(cluster.nodes.map(({ url }) => url).join(','));
    const tiers = [
      tierOf({ slot: 'tenant/a' }),
      tierOf({ name: 'global', slot: 'global', limitPoints: 100 }),
    ];
    const request = requestOf(tiers, 60);
    expect(await store.reserve(request)).toMatchObject({
      kind: 'admitted',
      states: [{ remainingPoints: 940 }, { remainingPoints: 40 }],
    });
    expect(await store.settle({ ...request, points: 10 })).toMatchObject([
      { remainingPoints: 990 },
      { remainingPoints: 90 },
    ]);
    expect(store.status()).toMatchObject({ breaker: 'closed', nodes: 1 });
    await store.close();
  });

  it('answers from its share when there is no Redis at all', async () => {
    const store = openSharedStore({
      url: 'redis://127.0.0.1:1',
      clock: systemClock,
      random: Math.random,
      onFailure: () => undefined,
      assumedNodes: 4,
    });
    const tier = tierOf();
    expect(await store.reserve(requestOf([tier], 250))).toMatchObject({ kind: 'admitted' });
    expect(await store.reserve(requestOf([tier], 1))).toMatchObject({ kind: 'wait' });
    expect(store.status().nodes).toBe(4);
    expect(store.status().fallbacks.local).toBeGreaterThanOrEqual(2);
    await store.close();
  });
});
