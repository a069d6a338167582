import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLog } from '../../src/observe/log.ts';
import { createRedisBroker, type RedisBrokerOptions } from '../../src/realtime/redis-broker.ts';
import {
  type RedisCluster,
  type RedisServer,
  startRedisCluster,
  startRedisServer,
} from '../kit/redis-server.ts';
import { startTcpProxy } from '../kit/tcp-proxy.ts';
import { describeBroker } from './broker-suite.ts';
import { collect, numbers, publishNumbers, topicOf } from './collector.ts';

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

function openAt(port: number, options: Partial<RedisBrokerOptions> = {}) {
  return createRedisBroker({ log, redis: { urls: [`redis://127.0.0.1:${port}`] }, ...options });
}

function openCluster(options: Partial<RedisBrokerOptions> = {}) {
  return createRedisBroker({ log, redis: { urls: cluster.nodes.map(({ url }) => url) }, ...options });
}

describeBroker('Redis', async (options) => openAt(server.port, options));
describeBroker('Redis Cluster', async (options) => openCluster(options));

/** Publishes every number until it is taken; its sequence makes it one event however often that is tried. */
async function publishSurely(
  broker: ReturnType<typeof openAt>,
  topic: ReturnType<typeof topicOf>,
  number: number,
) {
  for (;;) {
    try {
      await broker.publish(topic, String(number), { sequence: number });
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}

function within(value: number, min: number, max: number): boolean {
  return value >= min && value <= max;
}

describe('createRedisBroker()', () => {
  it.each([
    ['all connections', 'TYPE', 'normal'],
    ['the subscribed connections', 'TYPE', 'pubsub'],
  ])('loses nothing and repeats nothing when %s are killed over and over', async (_, ...filter) => {
    const [here, there] = [openAt(server.port), openAt(server.port)];
    const control = new Redis(server.url);
    const topic = topicOf({ history: { maxEvents: 5000 } });
    const listeners = [await collect(here, topic), await collect(there, topic)];
    for (let number = 1; number <= 1000; number += 1) {
      if (number % 100 === 50) await control.call('CLIENT', 'KILL', ...filter, 'SKIPME', 'yes');
      await publishSurely(here, topic, number);
    }
    for (const listener of listeners) {
      await listener.until(({ texts }) => texts.at(-1) === '1000');
      expect(listener.calls).toEqual(['live', ...numbers(1, 1000)]);
    }
    control.disconnect();
    await Promise.all([here.close(), there.close()]);
  });

  it('tells of a gap when everything is flushed, also when nothing is published after it', async () => {
    const broker = openAt(server.port, { verifyEveryMs: 50 });
    const control = new Redis(server.url);
    const topic = topicOf();
    const listener = await collect(broker, topic);
    await publishNumbers(broker, topic, 1, 3);
    await listener.until(({ texts }) => texts.length === 3);
    await control.flushall();
    await listener.until(({ gaps }) => gaps.length === 1);
    await publishNumbers(broker, topic, 4, 5);
    await listener.until(({ texts }) => texts.length === 5);
    expect(listener.calls).toEqual(['live', '1', '2', '3', 'gap epoch', '4', '5']);
    control.disconnect();
    await broker.close();
  });

  it('delivers what was published after a flush behind the gap', async () => {
    const broker = openAt(server.port);
    const control = new Redis(server.url);
    const topic = topicOf();
    const listener = await collect(broker, topic);
    await publishNumbers(broker, topic, 1, 3);
    await listener.until(({ texts }) => texts.length === 3);
    await control.flushall();
    await publishNumbers(broker, topic, 4, 6);
    await listener.until(({ texts }) => texts.length === 6);
    expect(listener.calls).toEqual(['live', '1', '2', '3', 'gap epoch', '4', '5', '6']);
    control.disconnect();
    await broker.close();
  });

  it('refuses while Redis is away, keeps its listeners, and tells them of a gap when it is back empty', async () => {
    await using own = await startRedisServer();
    const broker = openAt(own.port);
    const topic = topicOf();
    const listener = await collect(broker, topic);
    await broker.publish(topic, '1');
    await listener.until(({ texts }) => texts.length === 1);
    await own.kill();
    const unavailable = { code: 'UPSTREAM_UNAVAILABLE' };
    await expect(broker.publish(topic, 'lost')).rejects.toMatchObject(unavailable);
    await expect(broker.head(topic)).rejects.toMatchObject(unavailable);
    await expect(collect(broker, topicOf())).rejects.toMatchObject(unavailable);
    expect(listener.ends).toEqual([]);
    await own.start();
    await listener.until(({ gaps }) => gaps.length === 1);
    await publishSurely(broker, topic, 2);
    await listener.until(({ texts }) => texts.length === 2);
    expect(listener.calls).toEqual(['live', '1', 'gap epoch', '2']);
    await broker.close();
  });

  it('rejects what a Redis that hangs does not answer in time, and goes on when it does', async () => {
    await using own = await startRedisServer();
    const broker = openAt(own.port, { redis: { urls: [own.url], commandTimeoutMs: 200 } });
    const topic = topicOf();
    const listener = await collect(broker, topic);
    await broker.publish(topic, '1', { sequence: 1 });
    own.pause();
    await expect(broker.publish(topic, '2', { sequence: 2 })).rejects.toMatchObject({
      code: 'UPSTREAM_UNAVAILABLE',
    });
    own.resume();
    for (const number of [2, 3]) await publishSurely(broker, topic, number);
    await listener.until(({ texts }) => texts.length === 3);
    expect(listener.calls).toEqual(['live', '1', '2', '3']);
    await broker.close();
  });

  it('starts while Redis is away and works when it is there', async () => {
    await using own = await startRedisServer();
    await own.kill();
    const broker = openAt(own.port, { redis: { urls: [own.url], commandTimeoutMs: 200 } });
    const topic = topicOf();
    await expect(collect(broker, topic)).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' });
    await own.start();
    await publishSurely(broker, topic, 1);
    const listener = await collect(broker, topic, { after: { ...(await broker.head(topic)), offset: 0 } });
    expect(listener.texts).toEqual(['1']);
    await broker.close();
  });

  it('tells of a gap when a replica takes over that misses the newest events, whose offsets come again', async () => {
    await using master = await startRedisServer({ 'repl-diskless-sync-delay': '0' });
    await using replica = await startRedisServer();
    await using proxy = await startTcpProxy(master.port);
    const [masterClient, replicaClient] = [new Redis(master.url), new Redis(replica.url)];
    // A first replica makes a run of its own of its master, so it is there before.
    await replicaClient.replicaof('127.0.0.1', master.port);
    for (let synced = ''; !synced.includes('master_link_status:up'); )
      synced = await replicaClient.info('replication');
    const broker = openAt(proxy.port);
    const topic = topicOf();
    const listener = await collect(broker, topic);
    await publishNumbers(broker, topic, 1, 3);
    expect(await masterClient.wait(1, 1000)).toBe(1);
    await replicaClient.replicaof('NO', 'ONE');
    await publishNumbers(broker, topic, 4, 5);
    await listener.until(({ texts }) => texts.length === 5);
    const { epoch } = await broker.head(topic);
    // The replica knows 1 to 3: what it numbers 4 and 5 are others.
    proxy.retarget(replica.port);
    proxy.reset();
    for (const number of [6, 7]) await publishSurely(broker, topic, number);
    await listener.until(({ texts }) => texts.at(-1) === '7');
    expect(listener.calls).toEqual(['live', ...numbers(1, 5), 'gap epoch', '6', '7']);
    const resumed = await collect(broker, topic, { after: { epoch, offset: 5 } });
    expect(resumed.subscription).toMatchObject({ recovered: false, reason: 'epoch' });
    masterClient.disconnect();
    replicaClient.disconnect();
    await broker.close();
  });

  it('holds two connections to a single Redis and leaves none behind', async () => {
    await using own = await startRedisServer();
    const broker = openAt(own.port);
    const control = new Redis(own.url);
    const others = async () =>
      String(await control.client('LIST'))
        .trim()
        .split('\n').length - 1;
    for (let index = 0; index < 20; index += 1) await collect(broker, topicOf());
    expect(await others()).toBe(2);
    await broker.close();
    while ((await others()) > 0);
    control.disconnect();
  });

  it('finds out that a connection is dead which nobody closed, and misses nothing', async () => {
    await using proxy = await startTcpProxy(server.port);
    const redis = { urls: [`redis://127.0.0.1:${proxy.port}`], commandTimeoutMs: 200 };
    const broker = openAt(proxy.port, { redis, verifyEveryMs: 100 });
    const publisher = openAt(server.port);
    const topic = topicOf();
    const listener = await collect(broker, topic);
    await publishNumbers(publisher, topic, 1, 3);
    await listener.until(({ texts }) => texts.length === 3);
    proxy.blackhole();
    await publishNumbers(publisher, topic, 4, 6);
    await expect(broker.publish(topic, 'x')).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' });
    proxy.heal();
    await listener.until(({ texts }) => texts.length === 6);
    await publishSurely(broker, topic, 7);
    await listener.until(({ texts }) => texts.length === 7);
    expect(listener.calls).toEqual(['live', ...numbers(1, 7)]);
    await Promise.all([broker.close(), publisher.close()]);
  });

  it('unsubscribes from a channel that nobody listens to, and only then', async () => {
    const broker = openAt(server.port, { prefix: 'own' });
    const control = new Redis(server.url);
    const topic = topicOf();
    const channels = () => control.pubsub('CHANNELS', 'own:*');
    const [one, other] = [await collect(broker, topic), await collect(broker, topic)];
    expect(await channels()).toHaveLength(1);
    one.stop();
    await broker.publish(topic, '1');
    await other.until(({ texts }) => texts.length === 1);
    expect(await channels()).toHaveLength(1);
    other.stop();
    while ((await channels()).length > 0);
    control.disconnect();
    await broker.close();
  });

  it('forgets topics and their events in time', async () => {
    const broker = openAt(server.port, { prefix: 'ageing', partitions: 1 });
    const control = new Redis(server.url);
    const topic = topicOf({ history: { maxAgeMs: 60_000 } });
    await broker.publish(topic, '1');
    expect(within(await control.pttl(`ageing:{0}:s:${topic.key}`), 55_000, 60_000)).toBe(true);
    expect(within(await control.pttl(`ageing:{0}:m:${topic.key}`), 3_655_000, 3_660_000)).toBe(true);
    control.disconnect();
    await broker.close();
  });

  it('lets events go at their age', async () => {
    const broker = openAt(server.port);
    const topic = topicOf({ history: { maxAgeMs: 1000 } });
    const after = await broker.head(topic);
    await broker.publish(topic, '1');
    expect((await collect(broker, topic, { after })).texts).toEqual(['1']);
    for (let isKept = true; isKept; ) {
      const listener = await collect(broker, topic, { after });
      isKept = listener.subscription.recovered;
      if (!isKept) expect(listener.subscription).toMatchObject({ reason: 'trimmed' });
      listener.stop();
    }
    await broker.close();
  });

  it.each([
    ['braces in the prefix', { prefix: 'a{b}' }],
    ['no partition', { partitions: 0 }],
    ['too many partitions', { partitions: 16_385 }],
    ['no URL', { redis: { urls: [] } }],
  ])('refuses %s', (_, options) => {
    expect(() => openAt(server.port, options)).toThrow(RangeError);
  });
});

describe('createRedisBroker() on a Cluster', () => {
  it('spreads topics over all nodes, one subscribed connection to each', async () => {
    const broker = openCluster();
    for (let index = 0; index < 60; index += 1) await collect(broker, topicOf());
    for (const { url } of cluster.nodes) {
      const control = new Redis(url);
      const clients = String(await control.client('LIST'));
      const subscribed = [...clients.matchAll(/ ssub=([1-9]\d*) /g)];
      expect(subscribed).toHaveLength(1);
      expect(Number(subscribed[0]?.[1])).toBeGreaterThan(5);
      control.disconnect();
    }
    await broker.close();
  });

  it('loses nothing and repeats nothing when the connections to every node are killed', async () => {
    const [here, there] = [openCluster(), openCluster()];
    const controls = cluster.nodes.map(({ url }) => new Redis(url));
    const topics = Array.from({ length: 6 }, () => topicOf());
    const listeners = await Promise.all(topics.map((topic) => collect(there, topic)));
    for (let number = 1; number <= 200; number += 1) {
      if (number % 50 === 25) {
        for (const control of controls) {
          for (const type of ['pubsub', 'normal'])
            await control.call('CLIENT', 'KILL', 'TYPE', type, 'SKIPME', 'yes');
        }
      }
      for (const topic of topics) await publishSurely(here, topic, number);
    }
    for (const listener of listeners) {
      await listener.until(({ texts }) => texts.at(-1) === '200');
      expect(listener.calls).toEqual(['live', ...numbers(1, 200)]);
    }
    for (const control of controls) control.disconnect();
    await Promise.all([here.close(), there.close()]);
  });

  it('tells of a gap when a slot moves to another node, and goes on there', async () => {
    const broker = openCluster({ prefix: 'moving', partitions: 1 });
    const topic = topicOf();
    const listener = await collect(broker, topic);
    await publishNumbers(broker, topic, 1, 3);
    await listener.until(({ texts }) => texts.length === 3);
    await moveSlot('{0}');
    for (const number of [4, 5, 6]) await publishSurely(broker, topic, number);
    await listener.until(({ texts }) => texts.length === 6);
    expect(listener.calls).toEqual(['live', '1', '2', '3', 'gap epoch', '4', '5', '6']);
    await broker.close();
  });
});

/** Moves the slot of a hash tag to another node with all its keys, as an operator would. */
async function moveSlot(tag: string): Promise<void> {
  const clients = cluster.nodes.map(({ url }) => new Redis(url));
  const ids = await Promise.all(clients.map(async (client) => String(await client.call('CLUSTER', 'MYID'))));
  const slot = Number(await clients[0]?.call('CLUSTER', 'KEYSLOT', tag));
  const from = Math.floor(slot / Math.ceil(16_384 / clients.length));
  const to = (from + 1) % clients.length;
  await clients[to]?.call('CLUSTER', 'SETSLOT', slot, 'IMPORTING', ids[from] ?? '');
  await clients[from]?.call('CLUSTER', 'SETSLOT', slot, 'MIGRATING', ids[to] ?? '');
  const port = cluster.nodes[to]?.port ?? 0;
  const keys = (await clients[from]?.cluster('GETKEYSINSLOT', slot, 1000)) ?? [];
  await clients[from]?.call('MIGRATE', '127.0.0.1', port, '', 0, 1000, 'KEYS', ...keys);
  for (const index of [to, from])
    await clients[index]?.call('CLUSTER', 'SETSLOT', slot, 'NODE', ids[to] ?? '');
  for (const client of clients) client.disconnect();
}
