import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import type { Broker } from '../../src/realtime/broker.ts';
import { createMemoryBroker } from '../../src/realtime/memory-broker.ts';
import { createMemoryLeases } from '../../src/realtime/memory-leases.ts';
import { createRedisBroker } from '../../src/realtime/redis-broker.ts';
import { createRedisLeases } from '../../src/realtime/redis-leases.ts';
import {
  type ClosableStreamRouter,
  createBrokerStreamRouter,
} from '../../src/transport/broker-stream-router.ts';
import {
  createMemoryStreamHub,
  type StreamMessage,
  type StreamRouter,
} from '../../src/transport/stream-router.ts';
import { startRedis, type TestRedis } from '../kit/redis.ts';
import { createCollectingLog } from '../kit/tiny-gateway.ts';

interface Instances {
  readonly join: () => StreamRouter;
  readonly close: () => Promise<void>;
}

const log = createCollectingLog();
let redis: TestRedis | undefined;
let joined = 0;

beforeAll(async () => {
  redis = await startRedis();
});

afterAll(async () => {
  await redis?.stop();
});

/** Every router of a gateway, as instances that know nothing of each other but what they share. */
const kinds: Readonly<Record<string, () => Instances>> = {
  memory: () => ({ ...createMemoryStreamHub(), close: async () => {} }),
  'the broker in memory': () => {
    const broker = createMemoryBroker({ log, clock: systemClock });
    const leases = createMemoryLeases(systemClock);
    return instancesOf(() => ({ broker, leases }));
  },
  'the broker in Redis': () =>
    instancesOf(() => {
      const options = { redis: { urls: [redis?.url ?? ''] }, log, clock: systemClock };
      return { broker: createRedisBroker(options), leases: createRedisLeases(options) };
    }),
};

type Stores = Pick<Parameters<typeof createBrokerStreamRouter>[0], 'broker' | 'leases'>;

function instancesOf(storesOf: () => Stores): Instances {
  const ends: (() => Promise<void>)[] = [];
  return {
    join: () => {
      joined += 1;
      const stores = storesOf();
      const router = createBrokerStreamRouter({
        ...stores,
        clock: systemClock,
        instanceId: `test-${joined}`,
      });
      ends.push(async () => {
        await router.close();
        await Promise.all([stores.broker.close(), stores.leases.close()]);
      });
      return router;
    },
    close: async () => {
      for (const end of ends) await end();
    },
  };
}

const message: StreamMessage = { kind: 'stop', operationId: 'é "a"' };
const operation: StreamMessage = {
  kind: 'operation',
  operationId: 'a',
  attempt: 'one',
  parameters: { query: '{ é }', operationName: undefined, variables: { a: [1] }, extensions: undefined },
  requestId: 'r',
  traceparent: undefined,
  expiresAtMs: null,
  issuedAtMs: null,
};

describe.each(Object.entries(kinds))('a stream router over %s', (kind, openInstances) => {
  const idOf = (name: string) => `${kind}-${name}`;

  it('gives a stream to one instance, until that releases it', async () => {
    const instances = openInstances();
    const [one, other] = [instances.join(), instances.join()];
    const claims = await Promise.all([one.claim(idOf('a')), other.claim(idOf('a')), one.claim(idOf('b'))]);
    expect(claims.slice(0, 2).toSorted()).toEqual([false, true]);
    expect(claims[2]).toBe(true);
    expect(await one.claim(idOf('b'))).toBe(false);
    const twice = await Promise.all([one.claim(idOf('e')), one.claim(idOf('e'))]);
    expect(twice.toSorted()).toEqual([false, true]);
    await one.release(idOf('b'));
    expect(await other.claim(idOf('b'))).toBe(true);
    await instances.close();
  });

  it('takes messages to the owner, in order, and its answers back', async () => {
    const instances = openInstances();
    const [one, other] = [instances.join(), instances.join()];
    const seen: unknown[] = [];
    one.on(async (streamId, taken) => {
      seen.push([streamId, taken.operationId]);
      return { status: 202, errors: [{ message: taken.kind, extensions: { é: 1 } }] };
    });
    other.on(async () => ({ status: 500 }));
    await one.claim(idOf('c'));
    const replies = await Promise.all([
      other.forward(idOf('c'), operation),
      other.forward(idOf('c'), message),
    ]);
    expect(seen).toEqual([
      [idOf('c'), 'a'],
      [idOf('c'), 'é "a"'],
    ]);
    expect(replies).toEqual([
      { status: 202, errors: [{ message: 'operation', extensions: { é: 1 } }] },
      { status: 202, errors: [{ message: 'stop', extensions: { é: 1 } }] },
    ]);
    await instances.close();
  });

  it('says at once that nobody has a stream', async () => {
    const instances = openInstances();
    const [one, other] = [instances.join(), instances.join()];
    expect(await one.forward(idOf('never'), message)).toBeUndefined();
    await one.claim(idOf('d'));
    await one.release(idOf('d'));
    expect(await other.forward(idOf('d'), message)).toBeUndefined();
    await instances.close();
  });
});

/** Two instances on one broker in memory, whose two seconds are over when a test says so. */
function openPair(change: Partial<Broker> = {}) {
  const broker = createMemoryBroker({ log, clock: systemClock });
  const leases = createMemoryLeases(systemClock);
  const timers: (() => void)[] = [];
  const clock = {
    ...systemClock,
    after: (delayMs: number, callback: () => void) => {
      if (delayMs === 2000) timers.push(callback);
      return () => {};
    },
  };
  const given: Broker = {
    publish: (...args) => broker.publish(...args),
    subscribe: (...args) => broker.subscribe(...args),
    advance: (...args) => broker.advance(...args),
    head: (...args) => broker.head(...args),
    restart: (...args) => broker.restart(...args),
    close: () => broker.close(),
    ...change,
  };
  const [one, other] = ['one', 'other'].map((instanceId) =>
    createBrokerStreamRouter({ broker: given, leases, clock, instanceId }),
  ) as [ClosableStreamRouter, ClosableStreamRouter]; // as: of two names
  const close = async () => {
    await Promise.all([one.close(), other.close()]);
    await broker.close();
  };
  return { one, other, broker, leases, timers, [Symbol.asyncDispose]: close };
}

describe('createBrokerStreamRouter()', () => {
  it('refuses retryably what an owner does not answer in 2 s', async () => {
    const pair = openPair();
    const { one, other, timers, leases } = pair;
    const asked = Promise.withResolvers<void>();
    one.on(() => {
      asked.resolve();
      return new Promise(() => {});
    });
    await one.claim('s');
    const reply = other.forward('s', message);
    await asked.promise;
    timers[0]?.();
    await expect(reply).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' });
    await pair[Symbol.asyncDispose]();
    expect(await leases.count('stream:s')).toBe(0);
  });

  it('has what was asked for ended when its answer does not come in time', async () => {
    await using pair = openPair();
    const { one, other, timers } = pair;
    const seen: StreamMessage[] = [];
    const [asked, stopped] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    one.on((_streamId, taken) => {
      seen.push(taken);
      if (taken.kind === 'stop') stopped.resolve();
      asked.resolve();
      return new Promise(() => {});
    });
    await one.claim('s');
    const reply = other.forward('s', operation);
    await asked.promise;
    timers[0]?.();
    await expect(reply).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' });
    await stopped.promise;
    expect(seen).toEqual([operation, { kind: 'stop', operationId: 'a', attempt: 'one' }]);
  });

  it('ends what it has begun itself when its answer cannot be sent', async () => {
    await using pair = openPair({
      publish: (topic, payload) =>
        topic.key === 'weir.stream:other'
          ? Promise.reject(new Error('The broker is away.'))
          : pair.broker.publish(topic, payload),
    });
    const { one, other } = pair;
    const stopped = Promise.withResolvers<StreamMessage>();
    one.on(async (_streamId, taken) => {
      if (taken.kind === 'stop') stopped.resolve(taken);
      return { status: 202 };
    });
    await one.claim('s');
    const reply = other.forward('s', operation).catch(() => {});
    expect(await stopped.promise).toEqual({ kind: 'stop', operationId: 'a', attempt: 'one' });
    pair.timers[0]?.();
    await reply;
  });

  it('answers in time when the broker takes longer for a message', async () => {
    const sent = Promise.withResolvers<void>();
    await using pair = openPair({
      publish: () => {
        sent.resolve();
        return new Promise(() => {});
      },
    });
    await pair.one.claim('s');
    const reply = pair.other.forward('s', message);
    await sent.promise;
    // Nobody waits for the answer before the message is sent: its rejection must not end the process.
    pair.timers[0]?.();
    await expect(reply).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' });
  });

  it('gives a stream back that it cannot listen for', async () => {
    let isAway = true;
    await using pair = openPair({
      subscribe: (...args) =>
        isAway ? Promise.reject(new Error('The broker is away.')) : pair.broker.subscribe(...args),
    });
    await expect(pair.one.claim('s')).rejects.toThrow('away');
    isAway = false;
    expect(await pair.other.claim('s')).toBe(true);
  });
});
