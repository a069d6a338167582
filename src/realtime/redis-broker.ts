import { systemClock } from '../clock.ts';
import type { Broker } from './broker.ts';
import type { RedisTarget } from './redis-client.ts';
import { RedisStore } from './redis-store.ts';
import { type BrokerOptions, TopicBroker } from './topic-broker.ts';

/** What a broker in Redis takes. */
export interface RedisBrokerOptions extends BrokerOptions {
  readonly redis: RedisTarget;
  /** In front of every key and channel, without braces: apart from others in the same Redis. Default `weir`. */
  readonly prefix?: string;
  /** Hash tags that topics are spread over, 1 to 16,384, the same at all instances. Default 128. */
  readonly partitions?: number;
}

const defaultPartitions = 128;
const maxPartitions = 16_384;
/** A subscribed connection that is dead without knowing is found out in this time. */
const maxCheckEveryMs = 10_000;

/**
 * A {@link Broker} that all instances with the same Redis (7 or later) or Redis Cluster share. Connects at once; a Redis
 * that is away does not keep it from starting. Two connections to a single Redis; on a Cluster one more per node.
 * Throws RangeError for an option out of its bounds.
 */
export function createRedisBroker(options: RedisBrokerOptions): Broker {
  const { redis, prefix = 'weir', partitions = defaultPartitions } = options;
  if (/[{}]/.test(prefix)) throw new RangeError(`Redis prefix: expected no braces, got "${prefix}".`);
  if (!Number.isInteger(partitions) || partitions < 1 || partitions > maxPartitions) {
    throw new RangeError(`Redis partitions: expected 1 to ${maxPartitions}, got ${partitions}.`);
  }
  const { clock = systemClock, random = Math.random, log, verifyEveryMs = maxCheckEveryMs } = options;
  const checkEveryMs = Math.min(maxCheckEveryMs, verifyEveryMs);
  const store = { target: redis, prefix, partitions, checkEveryMs, clock, random, log };
  return new TopicBroker((events) => new RedisStore({ ...store, ...events }), options);
}
