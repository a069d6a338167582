import { type Clock, systemClock } from '../clock.ts';
import type { Log } from '../observe/log.ts';
import { assertLeaseBounds, type Leases } from './leases.ts';
import { openRedisClient, type RedisTarget, redisScript } from './redis-client.ts';

/** What leases in Redis are made of. */
export interface RedisLeasesOptions {
  readonly redis: RedisTarget;
  readonly log: Log;
  readonly clock?: Clock;
  /** In front of every key, without braces. Default `weir`. */
  readonly prefix?: string;
}

/** A sorted set per key: holders by the millisecond of Redis' clock at which they lapse. It goes with its last holder. */
const lapse = `
local time = redis.call('TIME')
local nowMs = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', nowMs)
local count = redis.call('ZCARD', KEYS[1])
`;

/** ARGV: holder, limit, ttl. Answers whether it is held, and how many are. */
const acquireScript = redisScript(`${lapse}
local isNew = not redis.call('ZSCORE', KEYS[1], ARGV[1])
if isNew and count >= tonumber(ARGV[2]) then return { 0, count } end
local ttlMs = tonumber(ARGV[3])
redis.call('ZADD', KEYS[1], nowMs + ttlMs, ARGV[1])
if redis.call('PTTL', KEYS[1]) < ttlMs then redis.call('PEXPIRE', KEYS[1], ttlMs) end
return { 1, isNew and count + 1 or count }
`);

const countScript = redisScript(`${lapse} return count`);

/** {@link Leases} that all instances with the same Redis or Cluster share. About 10 us of Redis for each call. */
export function createRedisLeases(options: RedisLeasesOptions): Leases {
  const { redis, log, clock = systemClock, prefix = 'weir' } = options;
  const client = openRedisClient(redis, log, clock);
  const redisKey = (key: string) => `${prefix}:l:{${key}}`;

  return {
    acquire: async ({ key, holder }, limit, ttlMs) => {
      assertLeaseBounds(limit, ttlMs);
      const reply = await client.run(acquireScript, [redisKey(key)], [holder, limit, ttlMs]);
      const [isHeld, count] = Array.isArray(reply) ? reply : [];
      return { isHeld: isHeld === 1, count: Number(count) };
    },
    release: async (leases) => {
      await Promise.all(leases.map(({ key, holder }) => client.call('ZREM', redisKey(key), holder)));
    },
    count: async (key) => Number(await client.run(countScript, [redisKey(key)], [])),
    close: async () => client.close(),
  };
}
