import { setTimeout as after } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { BudgetStore } from '../../../src/guard/budget/budget-store.ts';
import { createRedisStore } from '../../../src/guard/budget/redis-store.ts';
import {
  type RedisCluster,
  type RedisServer,
  startRedisCluster,
  startRedisServer,
} from '../../kit/redis-server.ts';
import { describeBudgetStore, type StoreUnderTest } from './store-suite.ts';
import { requestOf, tierOf } from './tiers.ts';

/** Waits by the clock of Redis, which is the one that counts. */
async function passOn(redis: Redis, ms: number): Promise<void> {
  const nowMs = async () => {
    const [seconds, micros] = (await redis.time()).map(Number);
    return (seconds ?? 0) * 1000 + (micros ?? 0) / 1000;
  };
  const endMs = (await nowMs()) + ms;
  for (let leftMs = ms; leftMs > 0; leftMs = endMs - (await nowMs())) await after(Math.ceil(leftMs));
}

describeBudgetStore('redis', async (): Promise<StoreUnderTest> => {
  const server = await startRedisServer();
  const redis = new Redis(server.url);
  return {
    store: createRedisStore({ redis }),
    pass: (ms) => passOn(redis, ms),
    close: async () => {
      redis.disconnect();
      await server[Symbol.asyncDispose]();
    },
  };
});

describeBudgetStore('redis cluster', async (): Promise<StoreUnderTest> => {
  const cluster = await startRedisCluster();
  const redis = cluster.connect();
  const node = new Redis(cluster.nodes[0]?.url ?? '');
  return {
    store: createRedisStore({ redis }),
    pass: (ms) => passOn(node, ms),
    close: async () => {
      node.disconnect();
      redis.disconnect();
      await cluster[Symbol.asyncDispose]();
    },
  };
});

describe('createRedisStore()', () => {
  let server: RedisServer;
  let redis: Redis;
  let store: BudgetStore;

  beforeAll(async () => {
    server = await startRedisServer();
    redis = new Redis(server.url);
    store = createRedisStore({ redis });
  }, 120_000);

  afterAll(async () => {
    redis?.disconnect();
    await server?.[Symbol.asyncDispose]();
  });

  it('sends its scripts anew when Redis has forgotten them', async () => {
    const tier = tierOf();
    const request = requestOf([tier], 100);
    await redis.script('FLUSH');
    expect(await store.reserve(request)).toMatchObject({ kind: 'admitted' });
    await redis.script('FLUSH');
    expect(await store.settle({ ...request, points: 10 })).toMatchObject([{ remainingPoints: 990 }]);
    await redis.script('FLUSH');
    expect(await store.peek([tier])).toMatchObject([{ remainingPoints: 990 }]);
  });

  it.each([-60_000, 60_000])('takes no notice when the clock of this node is %i ms off', async (offMs) => {
    const tier = tierOf({ limitPoints: 100, restorePerSecond: 1 });
    await store.reserve(requestOf([tier], 100));
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + offMs });
    try {
      const other = createRedisStore({ redis });
      const answer = await other.reserve(requestOf([tier], 50));
      if (answer.kind !== 'wait') throw new Error(`It was ${answer.kind}.`);
      expect(answer.waitMs).toBeGreaterThan(49_000);
      expect(answer.waitMs).toBeLessThanOrEqual(50_000);
    } finally {
      vi.useRealTimers();
    }
  });

  it('keeps two digits more than Lua writes by itself', async () => {
    const tier = tierOf({ key: 'principal/digits' });
    await store.reserve(requestOf([tier], 1));
    const text = await redis.get(`weir:budget:{${tier.slot}}:${tier.key}`);
    expect(text).toMatch(/^\d{16,} \d{16} 0$/);
  });

  it('leaves nothing behind when a tier is full and every reservation settled', async () => {
    await redis.flushall();
    const tier = tierOf({ limitPoints: 100, restorePerSecond: 1_000 });
    const request = requestOf([tier], 100);
    await store.reserve(request);
    expect(await redis.keys('*')).toHaveLength(2);
    await store.settle({ ...request, points: 50 });
    await passOn(redis, 110);
    expect(await redis.keys('*')).toEqual([]);
  });

  it('gives each caller a full budget once, and no more, when all keys are lost', async () => {
    const tier = tierOf();
    const request = requestOf([tier], 900);
    await store.reserve(request);
    await redis.flushall();
    expect(await store.settle({ ...request, points: 1 })).toMatchObject([{ remainingPoints: 1_000 }]);
    expect(await store.reserve(requestOf([tier], 1_000))).toMatchObject({ kind: 'admitted' });
    expect(await store.reserve(requestOf([tier], 1))).toMatchObject({ kind: 'wait' });
  });

  it('locks nobody out for longer than four limits when the clock of Redis is set back', async () => {
    const tier = tierOf({ key: 'principal/future', limitPoints: 100, restorePerSecond: 100 });
    const [seconds = 0] = (await redis.time()).map(Number);
    await redis.set(`weir:budget:{${tier.slot}}:${tier.key}`, `${(seconds + 3600) * 1_000_000}`);
    const answer = await store.reserve(requestOf([tier], 100));
    if (answer.kind !== 'wait') throw new Error(`It was ${answer.kind}.`);
    expect(answer.waitMs).toBe(4_000);
  });
});

describe('createRedisStore() on a cluster', () => {
  let cluster: RedisCluster;
  let redis: ReturnType<RedisCluster['connect']>;
  let store: BudgetStore;

  beforeAll(async () => {
    cluster = await startRedisCluster();
    redis = cluster.connect();
    store = createRedisStore({ redis });
  }, 120_000);

  afterAll(async () => {
    redis?.disconnect();
    await cluster?.[Symbol.asyncDispose]();
  });

  it('spreads tenants over the nodes', async () => {
    for (let tenant = 0; tenant < 30; tenant += 1)
      await store.reserve(requestOf([tierOf({ slot: `tenant/${tenant}` })], 10));
    const sizes = await Promise.all(redis.nodes('master').map((node) => node.dbsize()));
    expect(sizes).toHaveLength(3);
    expect(Math.min(...sizes)).toBeGreaterThan(0);
  });

  it('takes from all slots or from none', async () => {
    const own = tierOf({ slot: 'tenant/a' });
    const global = tierOf({ name: 'global', slot: 'global', limitPoints: 100 });
    const tiers = [own, global];
    const left = async () => (await store.peek(tiers)).map(({ remainingPoints }) => remainingPoints);
    const request = requestOf(tiers, 60);
    expect(await store.reserve(request)).toMatchObject({
      kind: 'admitted',
      states: [
        { name: 'principal', remainingPoints: 940 },
        { name: 'global', remainingPoints: 40 },
      ],
    });
    for (let turn = 0; turn < 5; turn += 1)
      expect(await store.reserve(requestOf(tiers, 60))).toMatchObject({
        kind: 'wait',
        tier: { name: 'global' },
        states: [{ remainingPoints: 940 }, { remainingPoints: 40 }],
      });
    expect(await store.reserve(requestOf(tiers, 101))).toMatchObject({
      kind: 'never',
      tier: { name: 'global' },
    });
    expect(await left()).toEqual([940, 40]);
    await store.settle({ ...request, points: 5 });
    expect(await left()).toEqual([995, 95]);
  });
});
