import { hash } from 'node:crypto';
import type { Cluster, Redis } from 'ioredis';
import { redisScripts } from './redis-scripts.ts';
import type { Claim, Completion, Holder, IdempotencyStore } from './store.ts';
import { decodeAnswer, encodeAnswer } from './stored-answer.ts';

/** What {@link createRedisStore} needs. */
export interface RedisStoreOptions {
  /**
   * Redis 5 or newer, or a cluster of it; `noeviction`, or keys are forgotten when its memory is full. Whoever opened it
   * closes it.
   */
  readonly redis: Redis | Cluster;
  /** Begins every key. Default `weir:idempotency`. No braces in it. */
  readonly prefix?: string;
}

type Run = (id: string, args: readonly string[]) => Promise<readonly string[]>;

/** Keys that all gateways with the same Redis share: one script and one Redis key for each call. Rejects with what ioredis throws. */
export function createRedisStore({
  redis,
  prefix = 'weir:idempotency',
}: RedisStoreOptions): IdempotencyStore {
  const runOf = (lua: string) => scriptOf(redis, lua, prefix);
  const claim = runOf(redisScripts.claim);
  const extend = runOf(redisScripts.extend);
  const complete = runOf(redisScripts.complete);
  const release = runOf(redisScripts.release);
  const abandon = runOf(redisScripts.abandon);
  return {
    claim: async ({ id, fingerprint, token, isRepeatable }) =>
      claimFrom(await claim(id, [fingerprint, token, isRepeatable ? '1' : '0'])),
    extend: async (holder) => (await extend(holder.id, textsOf(holder)))[0] === '1',
    complete: async (holder, answer) =>
      completionFrom(await complete(holder.id, [...textsOf(holder), encodeAnswer(answer)])),
    release: async (holder) => {
      await release(holder.id, textsOf(holder));
    },
    abandon: async (holder) => {
      await abandon(holder.id, textsOf(holder));
    },
    close: () => Promise.resolve(),
  };
}

function textsOf({ fingerprint, token, attempt }: Holder): readonly string[] {
  return [fingerprint, token, String(attempt)];
}

function claimFrom([kind, value = '']: readonly string[]): Claim {
  switch (kind) {
    case 'claimed':
      return { kind, attempt: Number(value) };
    case 'running':
      return { kind, leaseLeftMs: Number(value) };
    case 'done':
      return { kind, answer: decodeAnswer(value) };
    case 'mismatch':
    case 'unknown':
      return { kind };
    default:
      throw new Error('The claim script in Redis answered something else than a claim.');
  }
}

function completionFrom([kind, answer]: readonly string[]): Completion {
  if (kind === 'kept') return { kind };
  return { kind: 'lost', answer: answer === undefined ? undefined : decodeAnswer(answer) };
}

/** Sends the script's name, and its text only to a Redis that does not know it (any more). */
function scriptOf(redis: Redis | Cluster, lua: string, prefix: string): Run {
  const sha = hash('sha1', lua);
  return async (id, args) => {
    const key = `${prefix}:${id}`;
    try {
      return textsFrom(await redis.evalsha(sha, 1, key, ...args));
    } catch (error) {
      if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error;
      return textsFrom(await redis.eval(lua, 1, key, ...args));
    }
  };
}

function textsFrom(reply: unknown): readonly string[] {
  if (Array.isArray(reply) && reply.every((item) => typeof item === 'string')) return reply;
  throw new Error('The idempotency script in Redis answered something else than texts.');
}
