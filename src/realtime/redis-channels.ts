import { Redis } from 'ioredis';
import type { Clock } from '../clock.ts';
import { WeirError } from '../errors.ts';
import type { Log } from '../observe/log.ts';
import { backOff, pause } from './back-off.ts';
import { connectionOptions, isClusterTarget, type RedisTarget } from './redis-client.ts';

/** What channels are made of. */
export interface RedisChannelsOptions {
  readonly target: RedisTarget;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  /** How often each connection has to confirm its channels again. */
  readonly checkEveryMs: number;
  /** Must not throw. */
  readonly onMessage: (channel: string, message: Buffer) => void;
  /** Messages on these channels may have been missed, and come again from now on. Must not throw. */
  readonly onRestored: (channels: readonly string[]) => void;
}

/** One connection, to one node, with the channels that were confirmed on it. */
interface Link {
  readonly address: string;
  readonly redis: Redis;
  readonly connected: Promise<void>;
  readonly channels: Set<string>;
}

/** Channels of one hash tag are in one slot, so at one node, and are asked for together. */
const maxChannelsPerCommand = 500;
const maxRedirections = 5;
const maxCandidates = 3;
const retry = { firstMs: 20, maxMs: 1000 };

/**
 * The channels that this instance listens to: classic ones on a single Redis, sharded ones (Redis 7, SSUBSCRIBE) over one
 * connection per node on a Cluster, where the nodes themselves say who has a channel. What a lost connection carried is
 * subscribed anew, wherever it is by then, and told as restored. Now and then each connection confirms one channel of each
 * hash tag again: a connection that is dead without knowing, or no longer responsible, does not stay unnoticed.
 */
export class RedisChannels {
  readonly #options: RedisChannelsOptions;
  readonly #isSharded: boolean;
  readonly #wanted = new Set<string>();
  readonly #links = new Map<string, Link>();
  /** Which address has the channels of a hash tag, as far as it is known. As many as there are tags. */
  readonly #homes = new Map<string, string>();
  readonly #lost = new Set<string>();
  readonly #closing = new AbortController();
  #isRestoring = false;

  constructor(options: RedisChannelsOptions) {
    this.#options = options;
    this.#isSharded = isClusterTarget(options.target);
    void this.#checkRegularly();
  }

  /** Resolves when the channel is confirmed; rejects with `UPSTREAM_UNAVAILABLE`. Not twice without `unlisten` between. */
  async listen(channel: string): Promise<void> {
    this.#wanted.add(channel);
    try {
      await this.#place([channel]);
    } catch (thrown) {
      throw new WeirError('UPSTREAM_UNAVAILABLE', {
        message: 'The store of live events does not answer; try again shortly.',
        cause: thrown,
      });
    }
  }

  unlisten(channel: string): void {
    this.#wanted.delete(channel);
    this.#lost.delete(channel);
    const link = this.#links.get(this.#homes.get(tagOf(channel)) ?? '');
    if (link === undefined) return;
    link.channels.delete(channel);
    this.#unsubscribe(link, channel);
  }

  close(): void {
    this.#closing.abort();
    this.#wanted.clear();
    this.#lost.clear();
    for (const { redis } of this.#links.values()) redis.disconnect();
  }

  /** Subscribes to channels of one tag, wherever they are. */
  async #place(channels: readonly string[]): Promise<void> {
    let failure: unknown;
    for (const address of this.#candidates(tagOf(channels[0] ?? ''))) {
      try {
        await this.#placeFrom(address, channels);
        return;
      } catch (thrown) {
        failure = thrown;
      }
    }
    throw failure;
  }

  /** Where they were, then two more that may know better: connected ones first. */
  #candidates(tag: string): readonly string[] {
    const seeds = this.#options.target.urls.map((url) => new URL(url).host);
    if (!this.#isSharded) return seeds.slice(0, 1);
    const home = this.#homes.get(tag);
    const known = new Set([...(home === undefined ? [] : [home]), ...this.#links.keys(), ...seeds]);
    return [...known].slice(0, maxCandidates);
  }

  async #placeFrom(start: string, channels: readonly string[]): Promise<void> {
    let address = start;
    for (let hop = 0; hop <= maxRedirections; hop += 1) {
      // No connection is opened that nobody would close.
      this.#closing.signal.throwIfAborted();
      const link = this.#linkTo(address);
      const moved = await this.#subscribe(link, channels);
      if (moved === undefined) {
        this.#settle(link, channels);
        return;
      }
      address = moved;
    }
    throw new Error(`Redis Cluster: expected at most ${maxRedirections} redirections of a channel.`);
  }

  /** Answers the address that has the channels when it is another one. */
  async #subscribe(
    { redis, connected, address }: Link,
    channels: readonly string[],
  ): Promise<string | undefined> {
    try {
      await connected;
      for (let start = 0; start < channels.length; start += maxChannelsPerCommand) {
        const some = channels.slice(start, start + maxChannelsPerCommand);
        await (this.#isSharded ? redis.ssubscribe(...some) : redis.subscribe(...some));
      }
      return undefined;
    } catch (thrown) {
      const moved = movedTo(thrown, address);
      if (moved !== undefined) return moved;
      // What does not answer may be dead without knowing; what it carried is subscribed anew over another connection.
      if (!isReply(thrown)) redis.disconnect();
      throw thrown;
    }
  }

  #settle(link: Link, channels: readonly string[]): void {
    for (const channel of channels) {
      this.#homes.set(tagOf(channel), link.address);
      if (this.#wanted.has(channel)) link.channels.add(channel);
      else this.#unsubscribe(link, channel);
    }
  }

  #unsubscribe({ redis }: Link, channel: string): void {
    const done = this.#isSharded ? redis.sunsubscribe(channel) : redis.unsubscribe(channel);
    // A connection that is going away takes its subscriptions with it.
    done.catch(() => {});
  }

  #linkTo(address: string): Link {
    const known = this.#links.get(address);
    if (known !== undefined) return known;
    const { target, onMessage } = this.#options;
    const url = new URL(target.urls[0] ?? '');
    url.host = address;
    const redis = new Redis(url.href, {
      ...connectionOptions(target),
      lazyConnect: true,
      retryStrategy: () => null,
    });
    const link: Link = { address, redis, connected: redis.connect(), channels: new Set() };
    this.#links.set(address, link);
    redis.on('error', () => {}); // whoever waits for the connection hears of it, and `end` follows
    redis.once('end', () => this.#lose(link));
    redis.on('moved', () => void this.#check(link));
    redis.on(this.#isSharded ? 'smessageBuffer' : 'messageBuffer', (channel: Buffer, message: Buffer) =>
      onMessage(channel.toString(), message),
    );
    return link;
  }

  #lose(link: Link): void {
    this.#links.delete(link.address);
    this.#restore(link.channels);
  }

  #restore(channels: Iterable<string>): void {
    for (const channel of channels) if (this.#wanted.has(channel)) this.#lost.add(channel);
    if (this.#isRestoring || this.#lost.size === 0) return;
    this.#isRestoring = true;
    void this.#restoreAll();
  }

  async #restoreAll(): Promise<void> {
    const { clock, random, log } = this.#options;
    for (let attempt = 1; this.#lost.size > 0; attempt += 1) {
      const groups = Map.groupBy(this.#lost, tagOf).values();
      this.#lost.clear();
      const failures = await Promise.all([...groups].map((group) => this.#restoreGroup(group)));
      const failure = failures.find((thrown) => thrown !== undefined);
      if (failure === undefined) continue;
      if (attempt === 1)
        log.warn({ err: failure }, 'Channels of live events are lost; they are tried again.');
      await backOff(attempt, { clock, random, ...retry }, this.#closing.signal);
    }
    this.#isRestoring = false;
  }

  async #restoreGroup(group: readonly string[]): Promise<unknown> {
    const channels = group.filter((channel) => this.#wanted.has(channel));
    if (channels.length === 0) return undefined;
    try {
      await this.#place(channels);
    } catch (thrown) {
      for (const channel of channels) if (this.#wanted.has(channel)) this.#lost.add(channel);
      return thrown;
    }
    this.#options.onRestored(channels);
    return undefined;
  }

  async #checkRegularly(): Promise<void> {
    const { signal } = this.#closing;
    const { clock, checkEveryMs } = this.#options;
    while (!signal.aborted) {
      await pause(checkEveryMs, clock, signal);
      if (!signal.aborted) await Promise.all([...this.#links.values()].map((link) => this.#check(link)));
    }
  }

  /** Confirms one channel of each tag again; those that are elsewhere by now are subscribed there. */
  async #check(link: Link): Promise<void> {
    for (const group of Map.groupBy(link.channels, tagOf).values()) {
      try {
        if ((await this.#subscribe(link, group.slice(0, 1))) === undefined) continue;
      } catch {
        return; // the connection is being given up, or the Cluster is in no state to tell: the next check does
      }
      for (const channel of group) link.channels.delete(channel);
      this.#restore(group);
    }
  }
}

/** The hash tag that decides the slot (Redis Cluster specification, hash tags). */
function tagOf(channel: string): string {
  return channel.slice(channel.indexOf('{') + 1, channel.indexOf('}'));
}

/** Where a node says that a slot is; without a host, at the host that was asked. */
function movedTo(thrown: unknown, asked: string): string | undefined {
  if (!isReply(thrown)) return undefined;
  const [, address] = /^MOVED \d+ (\S*:\d+)$/.exec(thrown.message) ?? [];
  return address?.startsWith(':') ? asked.replace(/:\d+$/, address) : address;
}

/** Whether Redis itself said so, rather than the connection failing. */
function isReply(thrown: unknown): thrown is Error {
  return thrown instanceof Error && thrown.name === 'ReplyError';
}
