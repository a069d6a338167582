import { randomBytes } from 'node:crypto';
import type { Clock } from '../clock.ts';
import type { Log } from '../observe/log.ts';
import type { EventOptions, Published, TopicHead } from './broker.ts';
import { RedisChannels } from './redis-channels.ts';
import { isClusterTarget, openRedisClient, type RedisClient, type RedisTarget } from './redis-client.ts';
import { advanceScript, publishScript, readScript, restartScript } from './redis-scripts.ts';
import type { Topic } from './topic.ts';
import type { HistoryPage, PageBounds, StoredEvent, StoreEvents, TopicStore } from './topic-store.ts';

/** What a store in Redis is made of. */
export interface RedisStoreOptions extends StoreEvents {
  readonly target: RedisTarget;
  /** In front of every key and channel; without braces. */
  readonly prefix: string;
  /** Hash tags that topics are spread over, from 1: slots of a Cluster, and groups that are subscribed together. */
  readonly partitions: number;
  /** How often connections have to confirm their channels again. */
  readonly checkEveryMs: number;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
}

/** How long a topic is remembered past its events, so that an unused cursor is known for complete or not. */
const rememberMs = 60 * 60 * 1000;

/**
 * Topics in Redis: a stream with the offset as id for the history, a hash for what is known of the topic, and a channel for
 * announcements, all in one slot and written by one script.
 */
export class RedisStore implements TopicStore {
  readonly #options: RedisStoreOptions;
  readonly #client: RedisClient;
  readonly #channels: RedisChannels;
  readonly #publishCommand: 'PUBLISH' | 'SPUBLISH';
  /** Topic keys by channel. */
  readonly #listened = new Map<string, string>();
  // An epoch's name is never given twice: by this instance because it counts, by others because of the random part.
  readonly #instance = randomBytes(9).toString('base64url');
  #epochs = 0;

  constructor(options: RedisStoreOptions) {
    const { target, clock, random, log, checkEveryMs, onAnnouncement, onRestored } = options;
    this.#options = options;
    this.#publishCommand = isClusterTarget(target) ? 'SPUBLISH' : 'PUBLISH';
    this.#client = openRedisClient(target, log, clock);
    this.#channels = new RedisChannels({
      target,
      clock,
      random,
      log,
      checkEveryMs,
      onMessage: (channel, message) => {
        const key = this.#listened.get(channel);
        if (key !== undefined) onAnnouncement(key, announcementFrom(message));
      },
      onRestored: (channels) => onRestored(channels.flatMap((channel) => this.#listened.get(channel) ?? [])),
    });
  }

  async publish(topic: Topic, payload: Uint8Array, { sequence, after }: EventOptions): Promise<Published> {
    const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
    if (topic.mode === 'lossy') {
      await this.#client.call(
        this.#publishCommand,
        this.#channelOf(topic.key),
        Buffer.concat([lossyHead, bytes]),
      );
      return { position: null, isDuplicate: false };
    }
    const args = [...this.#topicArgs(topic), bytes, sequence ?? '', after ?? ''];
    const [epoch, offset, isDuplicate] = arrayFrom(
      await this.#client.run(publishScript, this.#keysOf(topic), args),
    );
    return { position: { epoch: String(epoch), offset: Number(offset) }, isDuplicate: isDuplicate === 1 };
  }

  async read(topic: Topic, after: number, { maxEvents, maxBytes }: PageBounds): Promise<HistoryPage> {
    const args = [...this.#topicArgs(topic), after, maxEvents, maxBytes];
    const reply = arrayFrom(await this.#client.run(readScript, this.#keysOf(topic), args));
    const [epoch, offset, sequence, first, bytesAfter] = reply;
    const sequenceText = String(sequence);
    return {
      head: {
        epoch: String(epoch),
        offset: Number(offset),
        sequence: sequenceText === '' ? null : Number(sequenceText),
      },
      first: Number(first),
      bytesAfter: Number(bytesAfter),
      events: eventsFrom(reply, 5),
    };
  }

  async advance(topic: Topic, sequence: number, after: number | undefined): Promise<void> {
    const args = [...this.#topicArgs(topic), sequence, after ?? ''];
    await this.#client.run(advanceScript, this.#keysOf(topic), args);
  }

  async restart(topic: Topic): Promise<TopicHead> {
    const reply = await this.#client.run(restartScript, this.#keysOf(topic), this.#topicArgs(topic));
    const [epoch, offset] = arrayFrom(reply);
    return { epoch: String(epoch), offset: Number(offset), sequence: null };
  }

  async listen(key: string): Promise<void> {
    const channel = this.#channelOf(key);
    this.#listened.set(channel, key);
    await this.#channels.listen(channel);
  }

  unlisten(key: string): void {
    const channel = this.#channelOf(key);
    this.#listened.delete(channel);
    this.#channels.unlisten(channel);
  }

  async close(): Promise<void> {
    this.#listened.clear();
    this.#channels.close();
    this.#client.close();
  }

  #channelOf(key: string): string {
    return `${this.#slotPrefix(key)}c:${key}`;
  }

  #keysOf({ key }: Topic): readonly string[] {
    const prefix = this.#slotPrefix(key);
    return [`${prefix}m:${key}`, `${prefix}s:${key}`, `${prefix}c:${key}`];
  }

  #slotPrefix(key: string): string {
    return `${this.#options.prefix}:{${partitionOf(key, this.#options.partitions)}}:`;
  }

  #topicArgs({ history }: Topic): readonly (string | number)[] {
    const { maxEvents, maxBytes, maxAgeMs } = history;
    this.#epochs += 1;
    const candidate = `${this.#instance}.${this.#epochs.toString(36)}`;
    return [candidate, maxEvents, maxBytes, maxAgeMs, maxAgeMs + rememberMs, this.#publishCommand];
  }
}

/** No epoch, offset 0. */
const lossyHead = Buffer.from(' 0 ');

/** The script writes `EPOCH OFFSET PAYLOAD`; the payload is any bytes. */
function announcementFrom(message: Buffer) {
  const epochEnd = message.indexOf(' ');
  const offsetEnd = message.indexOf(' ', epochEnd + 1);
  return {
    epoch: message.toString('latin1', 0, epochEnd),
    offset: Number(message.toString('latin1', epochEnd + 1, offsetEnd)),
    payload: message.subarray(offsetEnd + 1),
  };
}

function eventsFrom(reply: readonly unknown[], start: number): StoredEvent[] {
  const events: StoredEvent[] = [];
  for (let index = start; index + 1 < reply.length; index += 2) {
    const payload = reply[index + 1];
    if (!(payload instanceof Uint8Array)) throw new TypeError('Redis script: expected a payload of bytes.');
    events.push({ offset: Number(reply[index]), payload });
  }
  return events;
}

function arrayFrom(reply: unknown): readonly unknown[] {
  if (Array.isArray(reply)) return reply;
  throw new TypeError(`Redis script: expected an array, got ${typeof reply}.`);
}

/** FNV-1a, 32 bits (RFC 9923): which hash tag a topic belongs to, the same at every instance. */
function partitionOf(key: string, partitions: number): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < key.length; index += 1) {
    hash = Math.imul(hash ^ key.charCodeAt(index), 0x01000193);
  }
  return (hash >>> 0) % partitions;
}
