import type { Cluster, Redis } from 'ioredis';

/** What a Redis of keys should do when its memory is full: refuse, and forget nothing. */
export const safeEviction = 'noeviction';

/** What this Redis does when its memory is full: its `maxmemory-policy`. Rejects with what ioredis throws. */
export async function evictionOf(redis: Redis | Cluster): Promise<string> {
  const memory = await redis.info('memory');
  return /maxmemory_policy:(\S+)/.exec(memory)?.[1] ?? 'unknown';
}
