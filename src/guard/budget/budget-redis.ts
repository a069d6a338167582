import { Cluster, Redis, type RedisOptions } from 'ioredis';

/** What {@link openBudgetRedis} needs. */
export interface BudgetRedisOptions {
  /** `redis://` or `rediss://`; several, with commas between, are the seeds of a cluster. */
  readonly url: string;
  /** Runs at each fault of a connection, which is made anew by itself: count or log it. Must not throw. */
  readonly onError: (error: Error) => void;
  /** Numbers in [0, 1), for the jitter of reconnecting. */
  readonly random: () => number;
}

const reconnectMaxMs = 500;
/** A connection that owes an answer for so long is dead, whatever TCP says: a firewall may have forgotten it. */
const silentMaxMs = 1_000;

/**
 * A connection for which late is worse than never: no command waits for a connection or is sent twice, and a lost one is
 * made anew within about half a second of Redis' return. Whoever opens it ends it with `disconnect()`.
 */
export function openBudgetRedis({ url, onError, random }: BudgetRedisOptions): Redis | Cluster {
  const urls = url.split(',').map((part) => part.trim());
  const delayMs = (times: number) => Math.min(50 * 2 ** times, reconnectMaxMs) * (1 - random() / 2);
  const settings = {
    connectTimeout: silentMaxMs,
    socketTimeout: silentMaxMs,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    // After a failover the former master refuses writes: the name may lead elsewhere by now.
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
  } satisfies RedisOptions;
  const [only, ...others] = urls;
  const redis =
    only !== undefined && others.length === 0
      ? new Redis(only, { ...settings, enableOfflineQueue: false, retryStrategy: delayMs })
      : new Cluster(urls, {
          enableOfflineQueue: false,
          redisOptions: settings,
          clusterRetryStrategy: delayMs,
          clusterNodeRetryStrategy: delayMs,
          slotsRefreshTimeout: silentMaxMs,
          retryDelayOnFailover: 20,
          maxRedirections: 2,
        });
  redis.on('error', onError);
  return redis;
}
