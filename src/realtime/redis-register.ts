import { randomUUID } from 'node:crypto';
import type { Clock } from '../clock.ts';
import type { Log } from '../observe/log.ts';
import type { Broker } from './broker.ts';
import { openRedisClient, type RedisTarget, redisScript } from './redis-client.ts';
import { topicFromOptions } from './topic.ts';

/** What a register is made of. */
export interface RedisRegisterOptions {
  readonly redis: RedisTarget;
  /** Rings at all instances; stays its owner's to close. */
  readonly broker: Broker;
  readonly log: Log;
  readonly clock: Clock;
  /** Tells registers of one Redis apart; without braces. */
  readonly name: string;
  /** How long an entry is kept, in seconds from 1. */
  readonly keepSeconds: number;
  /** Most entries, from 1; a further one is refused. */
  readonly maxEntries: number;
  /** In front of every key, without braces. Default `weir`. */
  readonly prefix?: string;
}

/** Texts that all instances with the same Redis or Cluster share, each with the Unix second at which it was last entered. */
export interface RedisRegister {
  /**
   * Enters a text at this second of Redis' clock in one step, or undefined where there is no room; then rings, at most once
   * for each listener. Rejects with `UPSTREAM_UNAVAILABLE`, and then the text may be entered or not.
   */
  readonly enter: (text: string) => Promise<number | undefined>;
  /** Everything entered, as of one moment; undefined when nothing was since `revision`. Rejects as `enter`. */
  readonly read: (revision: string | undefined) => Promise<RegisterPage | undefined>;
  /** Enters what is not too old to be kept, with its seconds, or with later ones that are there. Rejects as `enter`. */
  readonly restore: (entries: ReadonlyMap<string, number>) => Promise<void>;
  /** Calls back soon after an instance has entered something; a ring may be lost, so read now and then. One listener. */
  readonly onRing: (listener: () => void) => void;
  readonly close: () => Promise<void>;
}

/** All entries at one moment, and its name. */
export interface RegisterPage {
  readonly revision: string;
  readonly entries: ReadonlyMap<string, number>;
}

/** A sorted set of texts by their seconds, and a text that changes with it. ARGV[1]: how long they are kept; ARGV[2]: the next revision. */
const begin = `
local keep = tonumber(ARGV[1])
local now = tonumber(redis.call('TIME')[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', '(' .. (now - keep))
local function changed()
  redis.call('EXPIRE', KEYS[1], keep + 1)
  redis.call('SET', KEYS[2], ARGV[2], 'EX', keep + 1)
end
`;

/** ARGV[3]: most entries; ARGV[4]: the text. Answers its second, -1 where there is no room. */
const enterScript = redisScript(`${begin}
local isNew = not redis.call('ZSCORE', KEYS[1], ARGV[4])
if isNew and redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[3]) then return -1 end
redis.call('ZADD', KEYS[1], 'GT', now, ARGV[4])
changed()
return tonumber(redis.call('ZSCORE', KEYS[1], ARGV[4]))
`);

/** ARGV[3] and on: texts, each behind its second. */
const restoreScript = redisScript(`${begin}
local count = 0
for index = 3, #ARGV, 2 do
  if tonumber(ARGV[index]) >= now - keep then
    count = count + redis.call('ZADD', KEYS[1], 'GT', 'CH', ARGV[index], ARGV[index + 1])
  end
end
if count > 0 then changed() end
`);

/** ARGV[1]: the revision that is known, with a mark before it. Answers the other one, then texts, each before its second. */
const readScript = redisScript(`
local revision = redis.call('GET', KEYS[2]) or ''
if '=' .. revision == ARGV[1] then return false end
local reply = redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES')
table.insert(reply, 1, revision)
return reply
`);

/** A register in Redis 7 or later. Connects at once; a Redis that is away does not keep it from starting. */
export function createRedisRegister(options: RedisRegisterOptions): RedisRegister {
  const { redis, broker, log, clock, name, keepSeconds, maxEntries, prefix = 'weir' } = options;
  const client = openRedisClient(redis, log, clock);
  const keys = ['entries', 'revision'].map((part) => `${prefix}:{register.${name}}:${part}`);
  const bell = topicFromOptions({ key: `weir.register:${name}`, mode: 'lossy' });
  const closing = new AbortController();
  let listener: (() => void) | undefined;
  let isListening = false;

  /** Begins to listen; tried anew at each read until it succeeds. */
  const listen = () => {
    if (listener === undefined || isListening || closing.signal.aborted) return;
    isListening = true;
    const silent = { onGap: () => {}, onEnd: () => {} };
    broker.subscribe(bell, { signal: closing.signal, onEvent: listener, ...silent }).catch(() => {
      isListening = false;
    });
  };
  return {
    enter: async (text) => {
      const args = [keepSeconds, randomUUID(), maxEntries, text];
      const seconds = Number(await client.run(enterScript, keys, args));
      if (seconds < 0) return undefined;
      // Who does not hear of it reads it a little later.
      broker.publish(bell, '').catch(() => {});
      return seconds;
    },
    read: async (revision) => {
      listen();
      const reply = await client.run(readScript, keys, [revision === undefined ? '' : `=${revision}`]);
      return reply === null ? undefined : pageFrom(reply);
    },
    restore: async (entries) => {
      const args = [...entries].flatMap(([text, seconds]) => [seconds, text]);
      await client.run(restoreScript, keys, [keepSeconds, randomUUID(), ...args]);
    },
    onRing: (ring) => {
      listener = ring;
      listen();
    },
    close: async () => {
      closing.abort();
      client.close();
    },
  };
}

function pageFrom(reply: unknown): RegisterPage {
  if (!Array.isArray(reply)) throw new TypeError(`Redis script: expected an array, got ${typeof reply}.`);
  const [revision, ...parts]: readonly unknown[] = reply;
  const entries = new Map<string, number>();
  for (let index = 0; index + 1 < parts.length; index += 2)
    entries.set(String(parts[index]), Number(String(parts[index + 1])));
  return { revision: String(revision), entries };
}
