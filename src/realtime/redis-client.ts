import { createHash } from 'node:crypto';
import { Cluster, Redis, type RedisOptions } from 'ioredis';
import type { Clock } from '../clock.ts';
import { WeirError } from '../errors.ts';
import type { Log } from '../observe/log.ts';

/** Where the Redis is that all instances share. */
export interface RedisTarget {
  /** `redis://` or `rediss://` URLs with user, password and database: one Redis (7 or later), or nodes of one Cluster. */
  readonly urls: readonly string[];
  /** Default: whether there are several URLs. */
  readonly isCluster?: boolean;
  /** A command without an answer after this long is rejected: it may have been done. Default 2 s. */
  readonly commandTimeoutMs?: number;
}

/** A script for Redis, with the hash that it is known by. */
export interface RedisScript {
  readonly text: string;
  readonly sha: string;
}

type Argument = string | number | Buffer;

/** Commands to one Redis or Cluster. All reject with `UPSTREAM_UNAVAILABLE` when it is away or too slow; none is repeated. */
export interface RedisClient {
  /** Runs a script atomically; its keys are in one slot. Answers what it returns, texts as buffers. */
  run(script: RedisScript, keys: readonly string[], args: readonly Argument[]): Promise<unknown>;
  call(command: string, ...args: Argument[]): Promise<unknown>;
  close(): void;
}

const defaultCommandTimeoutMs = 2000;
const maxReconnectMs = 1000;

/** The script whose text is `text`. */
export function redisScript(text: string): RedisScript {
  return { text, sha: createHash('sha1').update(text).digest('hex') };
}

/** Whether the target is a Cluster; throws RangeError when it names no URL. */
export function isClusterTarget({ urls, isCluster }: RedisTarget): boolean {
  if (urls.length === 0) throw new RangeError('Redis urls: expected at least one, got none.');
  return isCluster ?? urls.length > 1;
}

/**
 * What every connection has in common. Nothing waits for a connection and nothing is sent twice: a script that was sent
 * may have run, and an event must not be published again without its publisher's knowledge.
 */
export function connectionOptions({ commandTimeoutMs = defaultCommandTimeoutMs }: RedisTarget) {
  return {
    commandTimeout: commandTimeoutMs,
    connectTimeout: commandTimeoutMs,
    // A connection that is dead without knowing would take every command to its timeout.
    socketTimeout: 2 * commandTimeoutMs,
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    autoResubscribe: false,
    keepAlive: 10_000,
  } as const satisfies RedisOptions;
}

/** Connects at once and stays connected until it is closed; commands before the first connection wait for it, in bounds. */
export function openRedisClient(target: RedisTarget, log: Log, clock: Clock): RedisClient {
  const redis = isClusterTarget(target) ? openCluster(target) : openSingle(target);
  reportOutages(redis, log);
  let connecting: Promise<void> | undefined = firstConnection(redis, target, clock).then(() => {
    connecting = undefined;
  });

  async function call(command: string, ...args: Argument[]): Promise<unknown> {
    if (connecting !== undefined) await connecting;
    try {
      if (redis.status !== 'ready') throw new Error(`The connection is not ready: ${redis.status}.`);
      return await redis.callBuffer(command, ...args);
    } catch (thrown) {
      if (isMissingScript(thrown)) throw thrown;
      throw new WeirError('UPSTREAM_UNAVAILABLE', {
        message: 'The store of live events does not answer; try again shortly.',
        cause: thrown,
      });
    }
  }

  async function run(
    script: RedisScript,
    keys: readonly string[],
    args: readonly Argument[],
  ): Promise<unknown> {
    const rest = [keys.length, ...keys, ...args];
    try {
      return await call('EVALSHA', script.sha, ...rest);
    } catch (thrown) {
      if (!isMissingScript(thrown)) throw thrown;
      return call('EVAL', script.text, ...rest);
    }
  }

  return { call, run, close: () => redis.disconnect() };
}

function openSingle(target: RedisTarget): Redis {
  const retryStrategy = (times: number) => Math.min(maxReconnectMs, 20 * 2 ** Math.min(times, 10));
  return new Redis(target.urls[0] ?? '', { ...connectionOptions(target), retryStrategy });
}

function openCluster(target: RedisTarget): Cluster {
  const { enableOfflineQueue: _, ...redisOptions } = connectionOptions(target);
  const { username, password, protocol } = new URL(target.urls[0] ?? '');
  return new Cluster([...target.urls], {
    // Commands wait for a node that is being connected, no longer than the timeout; for the Cluster they never do, see `call`.
    enableOfflineQueue: true,
    // What was sent to a node that went away may have run.
    retryDelayOnFailover: 0,
    slotsRefreshInterval: 2000,
    clusterRetryStrategy: (times) => Math.min(maxReconnectMs, 20 * 2 ** Math.min(times, 10)),
    redisOptions: {
      ...redisOptions,
      ...(username !== '' && { username: decodeURIComponent(username) }),
      ...(password !== '' && { password: decodeURIComponent(password) }),
      ...(protocol === 'rediss:' && { tls: {} }),
    },
  });
}

/** Resolves with the first connection or when that takes too long: then commands find out by themselves. */
function firstConnection(redis: Redis | Cluster, target: RedisTarget, clock: Clock): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const cancelTimer = clock.after(target.commandTimeoutMs ?? defaultCommandTimeoutMs, resolve);
  redis.once('ready', resolve);
  redis.once('end', resolve);
  return promise.finally(cancelTimer);
}

/** One line when the connection is lost and one when it is back, however often it is tried. */
function reportOutages(redis: Redis | Cluster, log: Log): void {
  let isAway = false;
  redis.on('error', (err: Error) => {
    if (!isAway) log.warn({ err }, 'The Redis of live events is away.');
    isAway = true;
  });
  redis.on('ready', () => {
    if (isAway) log.info('The Redis of live events is back.');
    isAway = false;
  });
}

function isMissingScript(thrown: unknown): boolean {
  return thrown instanceof Error && thrown.message.startsWith('NOSCRIPT');
}
