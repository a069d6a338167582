import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLog } from '../../src/observe/log.ts';
import { createRedisLeases } from '../../src/realtime/redis-leases.ts';
import {
  type RedisCluster,
  type RedisServer,
  startRedisCluster,
  startRedisServer,
} from '../kit/redis-server.ts';
import { describeLeases } from './leases-suite.ts';

const log = createLog('silent');
let server: RedisServer;
let cluster: RedisCluster;

beforeAll(async () => {
  server = await startRedisServer();
  cluster = await startRedisCluster();
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await cluster[Symbol.asyncDispose]();
});

/** Real time, which a test of Redis' own clock has to let pass. */
const pass = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

describeLeases('Redis', { open: () => createRedisLeases({ log, redis: { urls: [server.url] } }), pass });
describeLeases('Redis Cluster', {
  open: () => createRedisLeases({ log, redis: { urls: cluster.nodes.map(({ url }) => url) } }),
  pass,
});

describe('createRedisLeases()', () => {
  it('leaves no key behind', async () => {
    const leases = createRedisLeases({ log, redis: { urls: [server.url] }, prefix: 'own' });
    const control = new Redis(server.url);
    await leases.acquire({ key: 'a', holder: 'x' }, 1, 100);
    await leases.acquire({ key: 'b', holder: 'x' }, 1, 60_000);
    await leases.release([{ key: 'b', holder: 'x' }]);
    while ((await control.keys('own:*')).length > 0);
    control.disconnect();
    await leases.close();
  });

  it('rejects while Redis is away', async () => {
    await using own = await startRedisServer();
    const leases = createRedisLeases({ log, redis: { urls: [own.url], commandTimeoutMs: 200 } });
    await leases.count('a');
    await own.kill();
    await expect(leases.acquire({ key: 'a', holder: 'x' }, 1, 100)).rejects.toMatchObject({
      code: 'UPSTREAM_UNAVAILABLE',
    });
    await own.start();
    await leases.close();
  });
});
