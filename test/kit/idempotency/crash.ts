import { hash, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { redisScripts } from '../../../src/idempotency/redis-scripts.ts';
import { keyTimes } from '../../../src/idempotency/store.ts';
import type { GateProxy } from '../gate-proxy.ts';
import { type GatewayProcess, startGatewayProcess } from '../gateway-process.ts';
import type { Shop } from '../shop.ts';
import type { Submitted, Submitter } from './submitter.ts';

/** What a crash is made with. */
export interface CrashParts {
  readonly shop: Shop;
  readonly submitter: Submitter;
  readonly redis: Redis;
  /** Before Redis and before the services, for the gateway that crashes. */
  readonly redisGate: GateProxy;
  readonly upstreamGate: GateProxy;
}

/** What came of a key whose first gateway was killed. */
export interface CrashOutcome {
  readonly effects: number;
  /** Distinct texts of all successful answers. */
  readonly successes: readonly string[];
  /** Codes of the refusals in between. */
  readonly codes: readonly (string | undefined)[];
}

type Reach = (parts: CrashParts, key: string, answer: Promise<Submitted | undefined>) => Promise<unknown>;

const shaOf = (script: string) => hash('sha1', script);
const method = 'OrderService/SubmitOrder';

/** Where a gateway is killed; each resolves when it is there, and begins to look before the order is submitted. */
export const crashPoints: Readonly<Record<string, Reach>> = {
  beforeClaim: ({ redisGate }) => redisGate.hold({ direction: 'request', marker: shaOf(redisScripts.claim) }),
  afterClaim: ({ redisGate }) => redisGate.hold({ direction: 'reply', marker: 'claimed' }),
  afterSend: async ({ shop }) => {
    const before = callsOf(shop);
    shop.faults.set(method, { delayMs: 60_000, times: 1 });
    await until(() => callsOf(shop) > before);
  },
  afterCommit: async ({ shop, upstreamGate, submitter }, key) => {
    const before = callsOf(shop);
    shop.faults.set(method, { delayMs: 100, times: 1 });
    await until(() => callsOf(shop) > before);
    await upstreamGate.hold({ direction: 'reply' });
    await until(async () => (await submitter.effects(key)) > 0);
  },
  afterReply: ({ redisGate }) =>
    redisGate.hold({ direction: 'request', marker: shaOf(redisScripts.complete) }),
  afterStore: ({ redisGate }) => redisGate.hold({ direction: 'reply', marker: 'kept' }),
  afterAnswer: (_parts, _key, answer) => answer,
};

/** How long after the crash its client asks again, in milliseconds. */
export const retryTimes: Readonly<Record<string, number>> = {
  atOnce: 0,
  halfLease: keyTimes.leaseMs / 2,
  afterLease: keyTimes.leaseMs + 1,
};

/** A gateway that will crash, on the gates. */
export function startVictim({ shop, redisGate, upstreamGate }: CrashParts): Promise<GatewayProcess> {
  const names = Object.keys(shop.environment).filter((name) => name.startsWith('WEIR_UPSTREAM_'));
  const targets = Object.fromEntries(names.map((name) => [name, `127.0.0.1:${upstreamGate.port}`]));
  return startGatewayProcess({
    ...shop.environment,
    ...targets,
    REDIS_URL: `redis://127.0.0.1:${redisGate.port}`,
  });
}

/**
 * Submits an order to `victim`, kills it at the point, and submits it again to the shop's own gateway until it is done. The
 * lease is aged in Redis: its own time is all that counts.
 */
export async function crash(
  parts: CrashParts,
  victim: GatewayProcess,
  { point, retryMs }: { readonly point: string; readonly retryMs: number },
): Promise<CrashOutcome> {
  const { shop, submitter, redis, redisGate, upstreamGate } = parts;
  const key = `crash-${randomUUID()}`;
  const { promise: answer, resolve } = Promise.withResolvers<Submitted | undefined>();
  const reached = crashPoints[point]?.(parts, key, answer);
  void submitter.submit(victim.url, key).then(resolve);
  try {
    await reached;
  } finally {
    await victim.kill();
  }
  for (const gate of [redisGate, upstreamGate]) gate.cut();
  shop.faults.clear();
  const first = await answer;
  await ageLeases(redis, retryMs);
  const again = await submitter.submit(shop.url, key);
  await ageLeases(redis, keyTimes.leaseMs);
  const rest = again?.isSuccess ? [] : await submitter.insist(shop.url, key);
  const last = await submitter.submit(shop.url, key);
  const answers = [first, again, ...rest, last].filter((one) => one !== undefined);
  return {
    effects: await submitter.effects(key),
    successes: [...new Set(answers.filter(({ isSuccess }) => isSuccess).map(({ text }) => text))],
    codes: answers.filter(({ isSuccess }) => !isSuccess).map(({ code }) => code),
  };
}

const ageScript = `
for _, name in ipairs(redis.call('KEYS', 'weir:idempotency:*')) do
  local leaseEnd = redis.call('HGET', name, 'leaseEnd')
  if leaseEnd then redis.call('HSET', name, 'leaseEnd', string.format('%.0f', leaseEnd - ARGV[1])) end
end`;

/** Lets the lease of everything that runs be older by `ms`. */
export async function ageLeases(redis: Redis, ms: number): Promise<void> {
  await redis.eval(ageScript, 0, ms);
}

function callsOf({ calls }: Shop): number {
  return calls.filter((call) => call === method).length;
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await sleep(5);
}
