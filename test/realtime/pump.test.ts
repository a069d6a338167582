import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { createLog } from '../../src/observe/log.ts';
import type { Broker } from '../../src/realtime/broker.ts';
import type { Leases } from '../../src/realtime/leases.ts';
import { createMemoryBroker } from '../../src/realtime/memory-broker.ts';
import { createMemoryLeases } from '../../src/realtime/memory-leases.ts';
import { createPump, type Pump, type PumpOptions } from '../../src/realtime/pump.ts';
import { createRedisBroker } from '../../src/realtime/redis-broker.ts';
import { createRedisLeases } from '../../src/realtime/redis-leases.ts';
import { type RedisServer, startRedisServer } from '../kit/redis-server.ts';
import { collect, numbers, topicOf } from './collector.ts';
import { createSource } from './pump-source.ts';

const log = createLog('silent');
const fast = { leaseMs: 300, renewMs: 100, lingerMs: 0 };

interface Instance extends AsyncDisposable {
  readonly broker: Broker;
  readonly leases: Leases;
  readonly pump: Pump;
}

function instanceOf(broker: Broker, leases: Leases, options: Partial<PumpOptions> = {}): Instance {
  const pump = createPump({ broker, leases, log, ...fast, ...options });
  const close = async () => {
    await pump.close();
    await leases.close();
    await broker.close();
  };
  return { broker, leases, pump, [Symbol.asyncDispose]: close };
}

function memoryInstance(options: Partial<PumpOptions> = {}): Instance {
  return instanceOf(createMemoryBroker({ log }), createMemoryLeases(), options);
}

describe('createPump()', () => {
  it('feeds a topic from its source from now on, and closes the stream when nobody holds it', async () => {
    await using instance = memoryInstance();
    const { broker, pump } = instance;
    const [topic, source] = [topicOf(), createSource()];
    source.emit('before anybody listens');
    const listener = await collect(broker, topic);
    const holds = [pump.hold(topic, source), pump.hold(topic, source)];
    await holds[0]?.ready;
    for (const text of numbers(1, 20)) source.emit(text);
    await listener.until(({ texts }) => texts.length === 20);
    expect(listener.texts).toEqual(numbers(1, 20));
    expect(source.opened).toEqual([null]);
    holds[0]?.release();
    holds[0]?.release();
    expect(source.streams).toBe(1);
    holds[1]?.release();
    await source.until(() => source.streams === 0);
    expect(pump.size).toBe(0);
  });

  it('keeps a topic for those who come right back', async () => {
    await using instance = memoryInstance({ lingerMs: 60_000 });
    const [topic, source] = [topicOf(), createSource()];
    for (let round = 0; round < 3; round += 1) {
      const hold = instance.pump.hold(topic, source);
      await hold.ready;
      hold.release();
    }
    expect(source.opened).toEqual([null]);
  });

  it('asks the source for the next event only when the last one is in the topic', async () => {
    await using instance = memoryInstance();
    const [topic, source] = [topicOf(), createSource()];
    const gate = Promise.withResolvers<void>();
    const { broker } = instance;
    const slow: Broker = {
      publish: async (...args) => {
        await gate.promise;
        return broker.publish(...args);
      },
      subscribe: (...args) => broker.subscribe(...args),
      advance: (...args) => broker.advance(...args),
      head: (...args) => broker.head(...args),
      restart: (...args) => broker.restart(...args),
      close: async () => {},
    };
    await using slowInstance = instanceOf(slow, createMemoryLeases());
    const listener = await collect(instance.broker, topic);
    await slowInstance.pump.hold(topic, source).ready;
    for (const text of numbers(1, 10)) source.emit(text);
    await source.until(() => source.pulled === 1);
    await new Promise((resolve) => setImmediate(resolve));
    expect(source.pulled).toBe(1);
    gate.resolve();
    await listener.until(({ texts }) => texts.length === 10);
  });

  it('opens a source that failed or ended again, from the last sequence', async () => {
    await using instance = memoryInstance();
    const [topic, source] = [topicOf(), createSource()];
    const listener = await collect(instance.broker, topic);
    await instance.pump.hold(topic, source).ready;
    const breaks = [() => source.fail(new Error('The stream broke.')), () => source.end(), () => {}];
    for (const [index, breakOff] of breaks.entries()) {
      for (const text of numbers(index * 2 + 1, index * 2 + 2)) source.emit(text);
      breakOff();
      await listener.until(({ texts }) => texts.length === index * 2 + 2);
      if (index < 2) await source.until(() => source.opened.length === index + 2);
    }
    expect(listener.calls).toEqual(['live', ...numbers(1, 6)]);
    expect(source.opened).toEqual([null, 2, 4]);
  });

  it('tells of a gap when the source no longer has what comes next', async () => {
    await using instance = memoryInstance();
    const [topic, source] = [topicOf(), createSource()];
    const listener = await collect(instance.broker, topic);
    await instance.pump.hold(topic, source).ready;
    source.emit('1');
    await listener.until(({ texts }) => texts.length === 1);
    source.loseHistory();
    source.fail(new Error('The stream broke.'));
    source.emit('lost');
    await source.until(() => source.opened.length === 3);
    source.emit('2');
    await listener.until(({ texts }) => texts.length === 2);
    expect(listener.calls).toEqual(['live', '1', 'gap epoch', '2']);
    expect(source.opened).toEqual([null, 1, null]);
  });

  it('passes over an event that is too large, and tells of the gap', async () => {
    await using instance = memoryInstance();
    const [topic, source] = [topicOf(), createSource()];
    const listener = await collect(instance.broker, topic);
    await instance.pump.hold(topic, source).ready;
    for (const text of ['1', 'x'.repeat(300_000), '2']) source.emit(text);
    await listener.until(({ texts }) => texts.length === 2);
    expect(listener.calls).toEqual(['live', '1', 'gap epoch', '2']);
    expect(source.opened).toEqual([null]);
  });

  it('does not wait for a source that never returns', async () => {
    const instance = memoryInstance();
    const parked = {
      open: async function* () {
        await new Promise<never>(() => {});
        yield { sequence: 1, payload: 'never' };
      },
    };
    const hold = instance.pump.hold(topicOf(), parked);
    await instance[Symbol.asyncDispose]();
    await expect(hold.ready).rejects.toMatchObject({ name: 'AbortError' });
  });

  it('refuses a lease that is not at least twice the time between renewals', () => {
    expect(() => memoryInstance({ leaseMs: 199, renewMs: 100 })).toThrow(RangeError);
  });
});

describe('createPump() on Redis', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedisServer();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  function redisInstance(url: string, options: Partial<PumpOptions> = {}): Instance {
    const redis = { urls: [url], commandTimeoutMs: 500 };
    return instanceOf(createRedisBroker({ log, redis }), createRedisLeases({ log, redis }), options);
  }

  it('has one stream for a topic, however many instances hold it, and hands it over when the leader leaves', async () => {
    await using one = redisInstance(server.url);
    await using other = redisInstance(server.url);
    const [topic, source] = [topicOf(), createSource()];
    const listeners = [await collect(one.broker, topic), await collect(other.broker, topic)];
    const hold = one.pump.hold(topic, source);
    await hold.ready;
    const otherHold = other.pump.hold(topic, source);
    await otherHold.ready;
    for (const text of numbers(1, 50)) source.emit(text);
    for (const { until } of listeners) await until(({ texts }) => texts.length === 50);
    expect(source.opened).toEqual([null]);
    hold.release();
    for (const text of numbers(51, 100)) source.emit(text);
    for (const listener of listeners) {
      await listener.until(({ texts }) => texts.length === 100);
      expect(listener.calls).toEqual(['live', ...numbers(1, 100)]);
    }
    expect(source.streams).toBe(1);
    expect(source.opened).toHaveLength(2);
    otherHold.release();
    await source.until(() => source.streams === 0);
  });

  it('is taken over within 5 s when the leader dies, without losing or doubling an event', async () => {
    // With the intervals that are the default. The leader dies: its renewals do not arrive any more.
    await using one = redisInstance(server.url, { leaseMs: 3000, renewMs: 1000 });
    await using other = redisInstance(server.url, { leaseMs: 3000, renewMs: 1000 });
    const [topic, source] = [topicOf(), createSource()];
    const listener = await collect(other.broker, topic);
    await one.pump.hold(topic, source).ready;
    other.pump.hold(topic, source);
    for (const text of numbers(1, 10)) source.emit(text);
    await listener.until(({ texts }) => texts.length === 10);
    await one.broker.close();
    await one.leases.close();
    const diedAtMs = systemClock.nowMs();
    for (const text of numbers(11, 20)) source.emit(text);
    await listener.until(({ texts }) => texts.length === 20);
    expect(systemClock.nowMs() - diedAtMs).toBeLessThan(5000);
    expect(listener.calls).toEqual(['live', ...numbers(1, 20)]);
  });

  it('two that both think they lead publish every event once', async () => {
    await using one = redisInstance(server.url);
    // Another prefix for leases only: each gets the lead.
    const redis = { urls: [server.url] };
    const leases = createRedisLeases({ log, redis, prefix: 'split' });
    await using other = instanceOf(createRedisBroker({ log, redis }), leases);
    const [topic, source] = [topicOf({ history: { maxEvents: 5000 } }), createSource()];
    const listener = await collect(one.broker, topic);
    await Promise.all([one.pump.hold(topic, source).ready, other.pump.hold(topic, source).ready]);
    await source.until(() => source.streams === 2);
    for (const text of numbers(1, 500)) source.emit(text);
    await listener.until(({ texts }) => texts.length === 500);
    expect(listener.calls).toEqual(['live', ...numbers(1, 500)]);
  });

  it('goes on from where it was when Redis was emptied, behind a gap', async () => {
    await using own = await startRedisServer();
    await using instance = redisInstance(own.url);
    const [topic, source] = [topicOf(), createSource()];
    const listener = await collect(instance.broker, topic);
    await instance.pump.hold(topic, source).ready;
    source.emit('1');
    await listener.until(({ texts }) => texts.length === 1);
    await own.kill();
    for (const text of ['2', '3']) source.emit(text);
    await own.start();
    await listener.until(({ texts }) => texts.at(-1) === '3');
    expect(listener.calls).toEqual(['live', '1', 'gap epoch', '2', '3']);
  });

  it('tells of a gap when the leader dies and Redis was emptied: nobody knows how far it came', async () => {
    await using own = await startRedisServer();
    const dead = redisInstance(own.url);
    await using heir = redisInstance(own.url);
    const [topic, source] = [topicOf(), createSource()];
    await dead.pump.hold(topic, source).ready;
    await heir.pump.hold(topic, source).ready;
    const listener = await collect(heir.broker, topic);
    source.emit('1');
    await listener.until(({ texts }) => texts.length === 1);
    await own.kill();
    await dead[Symbol.asyncDispose]();
    source.emit('lost');
    await own.start();
    await listener.until(({ gaps }) => gaps.length === 1);
    await source.until(() => source.streams === 1);
    source.emit('2');
    await listener.until(({ texts }) => texts.at(-1) === '2');
    expect(listener.calls.at(-2)).toBe('gap epoch');
    expect(listener.texts).toEqual(['1', '2']);
  });
});
