import { hash, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { redisScripts } from '../../../src/idempotency/redis-scripts.ts';
import { keyTimes } from '../../../src/idempotency/store.ts';
import { type GateProxy, startGateProxy } from '../gate-proxy.ts';
import type { Shop } from '../shop.ts';
import { ageLeases } from './crash.ts';
import type { Submitter } from './submitter.ts';

/** Two gateways on one Redis, each behind a gate. */
export interface HistoryParts {
  readonly submitter: Submitter;
  readonly redis: Redis;
  readonly gates: readonly GateProxy[];
  readonly urls: readonly string[];
}

/** What came of one key. */
export interface HistoryOutcome {
  readonly effects: number;
  /** Distinct texts of all successful answers. */
  readonly successes: readonly string[];
  readonly hasStruck: boolean;
}

/** One fault of Redis as one gateway sees it: resolves when it has gone, with whether it has struck before `over` aborted. */
type Fault = (gate: GateProxy, redis: Redis, random: () => number, over: AbortSignal) => Promise<boolean>;

const requests = [redisScripts.claim, redisScripts.complete].map((script) => hash('sha1', script));
const replies = ['claimed', 'kept'];

/** What may go wrong between a gateway and Redis. */
export const redisFaults: Readonly<Record<string, Fault>> = {
  lostRequest: async (gate, _redis, random, over) => {
    const hasStruck = await struck(gate.hold({ direction: 'request', marker: pick(requests, random) }), over);
    gate.cut();
    return hasStruck;
  },
  lostReply: async (gate, _redis, random, over) => {
    const hasStruck = await struck(gate.hold({ direction: 'reply', marker: pick(replies, random) }), over);
    gate.cut();
    return hasStruck;
  },
  lateBeyondLease: async (gate, redis, random, over) => {
    const hasStruck = await struck(gate.hold({ direction: 'request', marker: pick(requests, random) }), over);
    await sleep(hasStruck ? random() * 300 : 0);
    await ageLeases(redis, keyTimes.leaseMs);
    await sleep(hasStruck ? random() * 300 : 0);
    gate.open();
    return hasStruck;
  },
  reset: async (gate, _redis, random, over) => {
    let hasStruck = false;
    for (let count = 0; count < 3 && !over.aborted; count += 1) {
      hasStruck =
        (await struck(gate.hold({ direction: random() < 0.5 ? 'request' : 'reply' }), over)) || hasStruck;
      gate.cut();
    }
    return hasStruck;
  },
  silence: async (gate, _redis, random, over) => {
    const hasStruck = await struck(gate.hold({ direction: 'request' }), over);
    await sleep(hasStruck ? random() * 1500 : 0);
    gate.cut();
    return hasStruck;
  },
  readOnly: async (_gate, redis, random) => {
    await sleep(random() * 20);
    await redis.call('REPLICAOF', '127.0.0.1', '1');
    await sleep(random() * 500);
    await redis.call('REPLICAOF', 'NO', 'ONE');
    return true;
  },
  flushed: async (_gate, redis, random) => {
    for (let count = 0; count < 3; count += 1) {
      await sleep(random() * 15);
      await redis.flushall();
    }
    return true;
  },
};

/** The gateways; they end with the shop, the gates with the parts. */
export async function openHistoryParts(from: {
  readonly shop: Shop;
  readonly submitter: Submitter;
  readonly redis: Redis;
  readonly redisPort: number;
}): Promise<HistoryParts & AsyncDisposable> {
  const gates = [await startGateProxy(from.redisPort), await startGateProxy(from.redisPort)];
  const urls: string[] = [];
  for (const { port } of gates)
    urls.push((await from.shop.addGateway({ REDIS_URL: `redis://127.0.0.1:${port}` })).url);
  const { submitter, redis } = from;
  return {
    submitter,
    redis,
    gates,
    urls,
    [Symbol.asyncDispose]: async () => {
      for (const gate of gates) await gate[Symbol.asyncDispose]();
    },
  };
}

/** Three clients submit one order through either gateway, each until it succeeds, while one fault strikes at random. */
export async function runHistory(
  { submitter, redis, gates, urls }: HistoryParts,
  { fault, seed }: { readonly fault: string; readonly seed: number },
): Promise<HistoryOutcome> {
  const random = createRandom(seed);
  const key = `history-${fault}-${seed}-${randomUUID()}`;
  const over = new AbortController();
  const striking = redisFaults[fault]?.(pick(gates, random), redis, random, over.signal);
  const clients = Array.from({ length: 3 }, async () => {
    const url = pick(urls, random);
    await sleep(random() * 30);
    return submitter.insist(url, key);
  });
  const ageing = ageWhile(redis, over.signal);
  try {
    const answers = (await Promise.all(clients)).flat();
    over.abort();
    const hasStruck = (await striking) === true;
    // Whoever comes later hears the same, at either gateway.
    for (const url of urls) answers.push(...(await submitter.insist(url, key)));
    const successes = answers.filter(({ isSuccess }) => isSuccess).map(({ text }) => text);
    return { effects: await submitter.effects(key), successes: [...new Set(successes)], hasStruck };
  } finally {
    over.abort();
    await ageing;
  }
}

/** Nobody waits half a minute for a lease that its holder cannot give back; who still works loses it as well. */
async function ageWhile(redis: Redis, over: AbortSignal): Promise<void> {
  while (!over.aborted) {
    await sleep(250);
    await ageLeases(redis, keyTimes.leaseMs).catch(() => {}); // Redis is read-only for a while.
  }
}

/** Whether a gate was reached before all was over. */
function struck(reached: Promise<void>, over: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const miss = () => resolve(false);
    if (over.aborted) miss();
    over.addEventListener('abort', miss, { once: true });
    void reached.then(() => resolve(true));
  });
}

function pick<Item>(items: readonly Item[], random: () => number): Item {
  const item = items[Math.floor(random() * items.length)];
  if (item === undefined) throw new Error('There is nothing to pick from.');
  return item;
}

/** Mulberry32: the same numbers in [0, 1) for the same seed. */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
