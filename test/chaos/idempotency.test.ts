import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { keyTimes } from '../../src/idempotency/store.ts';
import { type GateProxy, startGateProxy } from '../kit/gate-proxy.ts';
import { type GatewayProcess, startGatewayProcess } from '../kit/gateway-process.ts';
import {
  ageLeases,
  type CrashParts,
  crash,
  crashPoints,
  retryTimes,
  startVictim,
} from '../kit/idempotency/crash.ts';
import {
  type HistoryParts,
  openHistoryParts,
  redisFaults,
  runHistory,
} from '../kit/idempotency/histories.ts';
import { runStorm } from '../kit/idempotency/storm.ts';
import { createSubmitter, type Submitter } from '../kit/idempotency/submitter.ts';
import { startRedis, type TestRedis } from '../kit/redis.ts';
import { type Shop, startShop } from '../kit/shop.ts';

let server: TestRedis;
let redis: Redis;
let shop: Shop;
let submitter: Submitter;
let redisGate: GateProxy;
let upstreamGate: GateProxy;
let parts: CrashParts;
let historyParts: HistoryParts & AsyncDisposable;

beforeAll(async () => {
  server = await startRedis();
  redis = new Redis(server.url);
  shop = await startShop({ environment: { REDIS_URL: server.url } });
  submitter = await createSubmitter(shop);
  const redisPort = Number(new URL(server.url).port);
  redisGate = await startGateProxy(redisPort);
  upstreamGate = await startGateProxy(shop.upstreamPort);
  parts = { shop, submitter, redis, redisGate, upstreamGate };
  historyParts = await openHistoryParts({ shop, submitter, redis, redisPort });
  // Redis knows the scripts from now on, so that their names stand for them.
  await submitter.insist(shop.url, `warm-${randomUUID()}`);
}, 120_000);

afterAll(async () => {
  await historyParts?.[Symbol.asyncDispose]();
  await redisGate?.[Symbol.asyncDispose]();
  await upstreamGate?.[Symbol.asyncDispose]();
  await shop?.close();
  redis?.disconnect();
  await server?.stop();
});

/** Takes away what proves that an effect happens once, for as long as `work` takes. */
async function withoutUniqueRow(work: () => Promise<void>): Promise<void> {
  await shop.store.query('ALTER TABLE idempotency_keys DROP CONSTRAINT idempotency_keys_pkey');
  try {
    await work();
  } finally {
    await shop.store.query('TRUNCATE idempotency_keys');
    await shop.store.query('ALTER TABLE idempotency_keys ADD PRIMARY KEY (method, scope, key)');
  }
}

const points = Object.keys(crashPoints);
const times = Object.values(retryTimes);
/** Each point once, and each retry time at two points at least; `npm run bench -- idempotency` has them all. */
const cells = points.map((point, index) => [point, times[index % times.length] ?? 0] as const);

describe('a gateway that is killed', () => {
  it.each(cells)(
    '%s leaves one effect and one answer to who asks again after %i ms',
    async (point, retryMs) => {
      const victim = await startVictim(parts);
      const { effects, successes, codes } = await crash(parts, victim, { point, retryMs });
      expect(effects).toBe(1);
      expect(successes).toHaveLength(1);
      for (const code of codes) expect(code).toBe('IDEMPOTENCY_CONCURRENT_REQUEST');
    },
  );

  it('has two effects where no row of the service is unique: the control', async () => {
    await withoutUniqueRow(async () => {
      const victim = await startVictim(parts);
      const { effects, successes } = await crash(parts, victim, { point: 'afterCommit', retryMs: 30_001 });
      expect([effects, successes.length]).toEqual([2, 1]);
    });
  });
});

describe('a gateway that is paused for longer than its lease', () => {
  it('gives the answer of who took over', async () => {
    const victim = await startVictim(parts);
    try {
      const key = `pause-${randomUUID()}`;
      const before = shop.calls.length;
      shop.faults.set('OrderService/SubmitOrder', { delayMs: 200, times: 1 });
      const first = submitter.submit(victim.url, key);
      await expect.poll(() => shop.calls.length).toBe(before + 1);
      victim.pause();
      await ageLeases(redis, keyTimes.leaseMs);
      const answers = await submitter.insist(shop.url, key);
      victim.resume();
      const late = await first;
      expect(await submitter.effects(key)).toBe(1);
      expect(late?.text).toBe(answers.at(-1)?.text);
      expect(late?.isReplayed).toBe(true);
      expect((await submitter.submit(shop.url, key))?.text).toBe(answers.at(-1)?.text);
    } finally {
      await victim.kill();
    }
  });
});

describe.each(Object.keys(redisFaults))('Redis with the fault %s', (fault) => {
  it('has one effect and one answer for each key in 4 seeded histories', async () => {
    const struck: boolean[] = [];
    for (let seed = 1; seed <= 4; seed += 1) {
      const { effects, successes, hasStruck } = await runHistory(historyParts, { fault, seed });
      expect({ seed, effects, successes: successes.length }).toEqual({ seed, effects: 1, successes: 1 });
      struck.push(hasStruck);
    }
    expect(struck).toContain(true);
  });
});

it('Redis that forgets leads to several effects where no row of the service is unique: the control', async () => {
  await withoutUniqueRow(async () => {
    let worst = 0;
    for (let seed = 1; seed <= 20 && worst < 2; seed += 1)
      worst = Math.max(worst, (await runHistory(historyParts, { fault: 'flushed', seed })).effects);
    expect(worst).toBeGreaterThan(1);
  });
});

describe('200 requests at once with one key', () => {
  it('have one effect and one answer over four processes', async () => {
    const processes: GatewayProcess[] = [];
    try {
      for (let index = 0; index < 4; index += 1)
        processes.push(await startGatewayProcess({ ...shop.environment, REDIS_URL: server.url }));
      const urls = processes.map(({ url }) => url);
      const { effects, successes, fresh, refusals } = await runStorm(submitter, urls, 200);
      expect([effects, successes.length, fresh]).toEqual([1, 1, 1]);
      expect(refusals).toEqual(['409 IDEMPOTENCY_CONCURRENT_REQUEST']);
    } finally {
      await Promise.all(processes.map(({ kill }) => kill()));
    }
  });
});
