import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { createRevocations } from '../../src/identity/revocations.ts';
import { createMemoryBroker } from '../../src/realtime/memory-broker.ts';
import { createRedisRegister } from '../../src/realtime/redis-register.ts';
import { type RedisServer, startRedisServer } from '../kit/redis-server.ts';
import { createCollectingLog } from '../kit/tiny-gateway.ts';

let server: RedisServer;
beforeAll(async () => {
  server = await startRedisServer();
});
afterAll(() => server[Symbol.asyncDispose]());

const nobody = { subject: null, tenant: null, client: null };
const clock = systemClock;

/** An instance that nobody rings at: its broker is its own. */
async function open(name: string, maxEntries = 3) {
  const log = createCollectingLog();
  const broker = createMemoryBroker({ log, clock });
  const parts = { redis: { urls: [server.url] }, broker, log, clock, name, keepSeconds: 60, maxEntries };
  const revocations = createRevocations({ clock, log, keepSeconds: 60, shared: createRedisRegister(parts) });
  await revocations.load();
  return {
    ...revocations,
    [Symbol.asyncDispose]: async () => {
      await revocations.close();
      await broker.close();
    },
  };
}

describe('createRevocations() on a Redis', () => {
  it('look by themselves where no ring arrives, and tell what they found', async () => {
    const name = crypto.randomUUID();
    await using one = await open(name);
    await using other = await open(name);
    const { promise: changed, resolve } = Promise.withResolvers<void>();
    other.onChange(resolve);
    const startMs = performance.now();
    const made = await one.revoke({ ...nobody, subject: 'user-1' });
    await changed;
    // A look each second; the rest is for a busy machine.
    expect(performance.now() - startMs).toBeLessThan(2000);
    expect(other.list()).toEqual([made]);
    expect(other.status().unconfirmedSeconds).toBeLessThan(2);
  });

  it('refuse one more than Redis has room for, and know nothing of it', async () => {
    const name = crypto.randomUUID();
    await using one = await open(name, 1);
    await one.revoke({ ...nobody, subject: 'user-1' });
    await expect(one.revoke({ ...nobody, subject: 'user-2' })).rejects.toMatchObject({ code: 'OVERLOADED' });
    expect(one.list()).toMatchObject([{ subject: 'user-1' }]);
  });

  it('end their looks when they are closed', async () => {
    const one = await open(crypto.randomUUID());
    await one[Symbol.asyncDispose]();
    const before = one.status().unconfirmedSeconds;
    await vi.waitUntil(() => one.status().unconfirmedSeconds > before + 1.5, { timeout: 5000 });
  });
});
