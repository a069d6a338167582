import { setTimeout as after } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/clock.ts';
import { openBudgetRedis } from '../../../src/guard/budget/budget-redis.ts';
import { createNodeCount, type NodeCount } from '../../../src/guard/budget/node-count.ts';
import { type RedisServer, startRedisServer } from '../../kit/redis-server.ts';

let server: RedisServer;
let redis: ReturnType<typeof openBudgetRedis>;

beforeAll(async () => {
  server = await startRedisServer();
  redis = openBudgetRedis({ url: server.url, onError: () => undefined, random: Math.random });
  await new Promise<void>((resolve) => redis.once('ready', () => resolve()));
}, 120_000);

afterAll(async () => {
  redis?.disconnect();
  await server?.[Symbol.asyncDispose]();
});

const open = () => createNodeCount({ redis, clock: systemClock, heartbeatMs: 50 });

async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await after(5);
}

describe('createNodeCount()', () => {
  it('counts the nodes that are alive, keeps the count while Redis is away, and forgets who has left', async () => {
    const nodes: NodeCount[] = [open()];
    expect(nodes[0]?.nodes()).toBe(1);
    for (let more = 0; more < 3; more += 1) nodes.push(open());
    await until(() => nodes.every((node) => node.nodes() === 4));
    await server.kill();
    await after(200);
    expect(nodes.map((node) => node.nodes())).toEqual([4, 4, 4, 4]);
    await server.start();
    await new Promise<void>((resolve) => redis.once('ready', () => resolve()));
    await until(() => nodes.every((node) => node.nodes() === 4));
    await Promise.all(nodes.splice(1).map((node) => node.close()));
    await until(() => nodes[0]?.nodes() === 1);
    await Promise.all(nodes.map((node) => node.close()));
    expect(await redis.zcard('weir:budget:{nodes}')).toBe(0);
  });

  it('stops counting a node that has been silent for three heartbeats', async () => {
    const [node, silent] = [open(), open()];
    await until(() => node.nodes() === 2);
    // What a process that died leaves behind.
    await redis.zadd('weir:budget:{nodes}', Date.now(), 'dead');
    await until(() => node.nodes() === 3);
    await until(() => node.nodes() === 2);
    await Promise.all([node.close(), silent.close()]);
  });
});
