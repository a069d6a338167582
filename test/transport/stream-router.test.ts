import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { createMemoryBroker } from '../../src/realtime/memory-broker.ts';
import { createMemoryLeases } from '../../src/realtime/memory-leases.ts';
import { createRedisBroker } from '../../src/realtime/redis-broker.ts';
import { createRedisLeases } from '../../src/realtime/redis-leases.ts';
import { createBrokerStreamRouter } from '../../src/transport/broker-stream-router.ts';
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
  parameters: { query: '{ é }', operationName: undefined, variables: { a: [1] }, extensions: undefined },
  requestId: 'r',
  traceparent: undefined,
  expiresAtMs: null,
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

describe('createBrokerStreamRouter()', () => {
  it('refuses retryably what an owner does not answer in 2 s', async () => {
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
    const one = createBrokerStreamRouter({ broker, leases, clock, instanceId: 'one' });
    const other = createBrokerStreamRouter({ broker, leases, clock, instanceId: 'other' });
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
    await Promise.all([one.close(), other.close()]);
    expect(await leases.count('stream:s')).toBe(0);
  });
});
