import type { Cluster, Redis } from 'ioredis';
import type { CancelTimer, Clock } from '../../clock.ts';

/** How many nodes share the budgets. */
export interface NodeCount {
  /** As of the last heartbeat that Redis answered; before the first one as assumed. */
  readonly nodes: () => number;
  /** Takes this node off the list, if Redis answers, and ends the heartbeat. Idempotent. */
  readonly close: () => Promise<void>;
}

/** What {@link createNodeCount} needs. */
export interface NodeCountOptions {
  readonly redis: Redis | Cluster;
  readonly clock: Clock;
  /** Begins the key. Default `weir:budget`. */
  readonly prefix?: string;
  /** Unlike any other node's. Default: a random UUID. */
  readonly nodeId?: string;
  /** Default 5,000. A node that has been silent for three of them no longer counts. */
  readonly heartbeatMs?: number;
  /** How many there are until Redis has said. Default 1. */
  readonly assumedNodes?: number;
}

/** How soon a heartbeat that failed is tried again, at most. */
const retryMs = 250;

const heartbeatScript = `
local time = redis.call('TIME')
local nowMs = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local keepMs = tonumber(ARGV[2])
redis.call('ZADD', KEYS[1], nowMs, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', nowMs - keepMs)
redis.call('PEXPIRE', KEYS[1], keepMs)
return redis.call('ZCARD', KEYS[1])
`;

/** Counts this node among the others from now on, by Redis' time. While Redis is away the last count holds. */
export function createNodeCount(options: NodeCountOptions): NodeCount {
  const { redis, clock, prefix = 'weir:budget', nodeId = crypto.randomUUID(), heartbeatMs = 5_000 } = options;
  const key = `${prefix}:{nodes}`;
  let nodes = options.assumedNodes ?? 1;
  let cancel: CancelTimer = () => undefined;
  let isClosed = false;
  const beat = async (): Promise<void> => {
    let nextMs = heartbeatMs;
    try {
      const count = await redis.eval(heartbeatScript, 1, key, nodeId, 3 * heartbeatMs);
      if (typeof count === 'number') nodes = Math.max(1, count);
    } catch {
      // Redis is away: whoever reserves sees it first and says so; the last count is the best there is.
      nextMs = Math.min(heartbeatMs, retryMs);
    }
    if (!isClosed) cancel = clock.after(nextMs, () => void beat());
  };
  void beat();
  return {
    nodes: () => nodes,
    close: async () => {
      if (isClosed) return;
      isClosed = true;
      cancel();
      await redis.zrem(key, nodeId).catch(() => 'away: it is forgotten there after three heartbeats');
    },
  };
}
