import { setTimeout as after } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/clock.ts';
import { openSharedStore, type SharedStore } from '../../../src/guard/budget/shared-store.ts';
import { type RedisServer, startRedisCluster, startRedisServer } from '../../kit/redis-server.ts';
import { requestOf, tierOf } from './tiers.ts';

let server: RedisServer;

beforeAll(async () => {
  server = await startRedisServer();
}, 120_000);

afterAll(() => server?.[Symbol.asyncDispose]());

/** A node whose connection is up and who is counted among `nodes`. */
async function openNode(url: string, nodes = 1): Promise<SharedStore> {
  const options = { url, clock: systemClock, random: Math.random, onFailure: () => undefined };
  const store = openSharedStore(options);
  const tier = { ...tierOf(), limitPoints: 97 };
  // A share of it is smaller, and before Redis answers nobody knows of the other nodes.
  for (;;) {
    const [state] = await store.peek([tier]);
    const { breaker, nodes: known } = store.status();
    if (breaker === 'closed' && known >= nodes && state?.limitPoints === 97) return store;
    await after(10);
  }
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
