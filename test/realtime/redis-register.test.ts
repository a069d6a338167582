import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { createLog } from '../../src/observe/log.ts';
import { createRedisBroker } from '../../src/realtime/redis-broker.ts';
import { createRedisRegister, type RedisRegisterOptions } from '../../src/realtime/redis-register.ts';
import {
  type RedisCluster,
  type RedisServer,
  startRedisCluster,
  startRedisServer,
} from '../kit/redis-server.ts';

const log = createLog('silent');
const clock = systemClock;
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

const stores = [
  ['Redis', () => [server.url]],
  ['Redis Cluster', () => cluster.nodes.map(({ url }) => url)],
] as const;

/** Two instances on one register. */
function open(urls: readonly string[], changes: Partial<RedisRegisterOptions> = {}) {
  const redis = { urls };
  const name = crypto.randomUUID();
  const join = () => {
    const broker = createRedisBroker({ redis, log, clock });
    const parts = { redis, broker, log, clock, name, keepSeconds: 60, maxEntries: 3 };
    const register = createRedisRegister({ ...parts, ...changes });
    return { broker, register };
  };
  const instances = [join(), join()] as const;
  return {
    name,
    one: instances[0].register,
    other: instances[1].register,
    [Symbol.asyncDispose]: async () => {
      for (const { broker, register } of instances) {
        await register.close();
        await broker.close();
      }
    },
  };
}

const longAgo = () => Math.floor(Date.now() / 1000) - 30;

describe.each(stores)('createRedisRegister() on %s', (_name, urls) => {
  it('gives to all what one has entered, with the second of Redis, and a new revision', async () => {
    await using registers = open(urls());
    const empty = await registers.other.read(undefined);
    expect(empty?.entries).toEqual(new Map());
    const seconds = await registers.one.enter('a');
    expect(Math.abs((seconds ?? 0) - Date.now() / 1000)).toBeLessThan(10);
    const page = await registers.other.read(empty?.revision);
    expect(page?.entries).toEqual(new Map([['a', seconds]]));
    expect(await registers.other.read(page?.revision)).toBeUndefined();
    await registers.one.enter('ü\n\n');
    expect([...((await registers.other.read(page?.revision))?.entries.keys() ?? [])]).toEqual(['a', 'ü\n\n']);
  });

  it('rings at all instances', async () => {
    await using registers = open(urls());
    const rung = new Set<unknown>();
    for (const register of [registers.one, registers.other]) register.onRing(() => rung.add(register));
    // Whoever listens only a moment later is not rung for.
    const ring = async () => {
      await registers.one.enter('a');
      expect(rung.size).toBe(2);
    };
    await vi.waitFor(ring);
  });

  it('holds as many as it may, the same one again beyond that, and refuses another', async () => {
    await using registers = open(urls());
    for (const text of ['a', 'b', 'c']) expect(await registers.one.enter(text)).toBeGreaterThan(0);
    expect(await registers.one.enter('d')).toBeUndefined();
    expect(await registers.other.enter('a')).toBeGreaterThan(0);
    expect((await registers.one.read(undefined))?.entries.size).toBe(3);
  });

  it('restores what is lost, never to an earlier second, and nothing that is too old', async () => {
    await using registers = open(urls());
    const seconds = await registers.one.enter('a');
    const first = await registers.one.read(undefined);
    const ago = longAgo();
    await registers.other.restore(
      new Map([
        ['a', ago],
        ['b', ago],
        ['old', ago - 60],
      ]),
    );
    const page = await registers.one.read(first?.revision);
    expect(page?.entries).toEqual(
      new Map([
        ['a', seconds],
        ['b', ago],
      ]),
    );
    await registers.other.restore(
      new Map([
        ['a', ago],
        ['old', ago - 60],
      ]),
    );
    expect(await registers.one.read(page?.revision)).toBeUndefined();
  });

  it('forgets what is older than it is kept, and makes room', async () => {
    await using registers = open(urls(), { keepSeconds: 1, maxEntries: 1 });
    await registers.one.enter('a');
    await vi.waitUntil(() => registers.one.enter('b'), { timeout: 5000 });
    expect([...((await registers.one.read(undefined))?.entries.keys() ?? [])]).toEqual(['b']);
  });
});

describe('createRedisRegister()', () => {
  it('leaves no key behind', async () => {
    await using registers = open([server.url], { keepSeconds: 1 });
    const control = new Redis(server.url);
    await registers.one.enter('a');
    const pattern = `*${registers.name}*`;
    expect(await control.keys(pattern)).toHaveLength(2);
    await vi.waitUntil(async () => (await control.keys(pattern)).length === 0, { timeout: 5000 });
    control.disconnect();
  });

  it('rejects while Redis is away, and listens once it is back', async () => {
    await using own = await startRedisServer();
    await using registers = open([own.url]);
    await registers.one.enter('a');
    await own.kill();
    const unavailable = { code: 'UPSTREAM_UNAVAILABLE' };
    await expect(registers.one.enter('b')).rejects.toMatchObject(unavailable);
    await expect(registers.one.read(undefined)).rejects.toMatchObject(unavailable);
    await expect(registers.one.restore(new Map([['a', 1]]))).rejects.toMatchObject(unavailable);
    let rings = 0;
    registers.other.onRing(() => {
      rings += 1;
    });
    await own.start();
    const ring = async () => {
      await registers.other.read(undefined);
      await registers.one.enter('c');
      expect(rings).toBeGreaterThan(0);
    };
    await vi.waitFor(ring, { timeout: 10_000 });
  });
});
