import { type CancelTimer, type Clock, systemClock } from '../clock.ts';
import { WeirError } from '../errors.ts';
import type { Log } from '../observe/log.ts';
import type { Broker, EventOptions, Published, Subscription, TopicHead, TopicListener } from './broker.ts';
import { type Judge, judgeContiguity } from './contiguity.ts';
import { type FeedHost, TopicFeed } from './feed.ts';
import { createGate } from './gate.ts';
import type { Topic } from './topic.ts';
import type { PageBounds, StoreEvents, TopicStore } from './topic-store.ts';

/** Largest payload of an event, in bytes: what is larger belongs behind a query. */
export const maxPayloadBytes = 256 * 1024;

/** What brokers of every store take. */
export interface BrokerOptions {
  readonly log: Log;
  readonly clock?: Clock;
  /** From 0 up to 1, for the jitter of retries. Default Math.random. */
  readonly random?: () => number;
  /** Most that the backlog of one subscription may hold. Default 1,000 events and 512 KiB. */
  readonly replayBounds?: PageBounds;
  /** Backlogs in memory at once, from 1; further subscriptions wait for their turn. Default 16. */
  readonly maxReplays?: number;
  /** How often topics with listeners are compared with the store. Default 30 s. */
  readonly verifyEveryMs?: number;
  /** For negative controls in tests. */
  readonly judge?: Judge;
}

const defaultReplayBounds: PageBounds = { maxEvents: 1000, maxBytes: 512 * 1024 };
const defaultMaxReplays = 16;
const defaultVerifyEveryMs = 30_000;
/** Topics that are verified side by side in the regular round. */
const roundWidth = 32;

/** The broker over any store: what memory and Redis have in common. */
export class TopicBroker implements Broker {
  readonly #store: TopicStore;
  readonly #clock: Clock;
  readonly #host: FeedHost;
  readonly #verifyEveryMs: number;
  readonly #feeds = new Map<string, TopicFeed>();
  #cancelRound: CancelTimer;
  #closed: Promise<void> | undefined;

  /** `open` is given what the store tells, and answers the store, which the broker closes. */
  constructor(open: (events: StoreEvents) => TopicStore, options: BrokerOptions) {
    const { clock = systemClock, verifyEveryMs = defaultVerifyEveryMs } = options;
    this.#clock = clock;
    this.#verifyEveryMs = verifyEveryMs;
    this.#store = open({
      onAnnouncement: (key, announcement) => this.#feeds.get(key)?.announce(announcement),
      onRestored: (keys) => this.#verify(keys),
    });
    this.#host = {
      store: this.#store,
      clock,
      random: options.random ?? Math.random,
      log: options.log,
      judge: options.judge ?? judgeContiguity,
      replayBounds: options.replayBounds ?? defaultReplayBounds,
      replayGate: createGate(options.maxReplays ?? defaultMaxReplays),
      onEmpty: (feed) => this.#drop(feed),
    };
    this.#cancelRound = this.#scheduleRound();
  }

  async publish(topic: Topic, payload: Uint8Array | string, options: EventOptions = {}): Promise<Published> {
    this.#assertOpen();
    const { sequence, after } = options;
    if (sequence !== undefined) assertSequence(topic, sequence, 1);
    if (after !== undefined) assertSequence(topic, after, 0);
    return this.#store.publish(topic, bytesOf(payload), options);
  }

  async subscribe(topic: Topic, listener: TopicListener): Promise<Subscription> {
    this.#assertOpen();
    return this.#feedOf(topic).join(listener);
  }

  async advance(topic: Topic, sequence: number, after?: number): Promise<void> {
    this.#assertOpen();
    if (after !== undefined) assertSequence(topic, after, 0);
    await this.#store.advance(topic, assertSequence(topic, sequence, 0), after);
  }

  async head(topic: Topic): Promise<TopicHead> {
    this.#assertOpen();
    assertKept(topic);
    return (await this.#store.read(topic, 0, { maxEvents: 0, maxBytes: 0 })).head;
  }

  async restart(topic: Topic): Promise<TopicHead> {
    this.#assertOpen();
    assertKept(topic);
    return this.#store.restart(topic);
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#cancelRound();
    for (const feed of this.#feeds.values()) feed.close();
    this.#feeds.clear();
    await this.#store.close();
  }

  #feedOf(topic: Topic): TopicFeed {
    const known = this.#feeds.get(topic.key);
    if (known !== undefined) return known;
    const feed = new TopicFeed(topic, this.#host);
    this.#feeds.set(topic.key, feed);
    return feed;
  }

  #drop({ topic }: TopicFeed): void {
    this.#feeds.delete(topic.key);
    this.#store.unlisten(topic.key);
  }

  /** Each tries until it succeeds or the feed closes; who waits for a feed that never opened hears of it in `join`. */
  #verify(keys: Iterable<string>): void {
    for (const key of keys)
      this.#feeds
        .get(key)
        ?.verify()
        .catch(() => {});
  }

  #scheduleRound(): CancelTimer {
    return this.#clock.after(this.#verifyEveryMs, () => {
      void verifyAll(this.#feeds).then(() => {
        if (this.#closed === undefined) this.#cancelRound = this.#scheduleRound();
      });
    });
  }

  #assertOpen(): void {
    if (this.#closed === undefined) return;
    throw new WeirError('CANCELLED', { message: 'The event broker was closed.' });
  }
}

async function verifyAll(feeds: ReadonlyMap<string, TopicFeed>): Promise<void> {
  const all = [...feeds.values()];
  for (let start = 0; start < all.length; start += roundWidth) {
    await Promise.allSettled(all.slice(start, start + roundWidth).map((feed) => feed.verify()));
  }
}

function bytesOf(payload: Uint8Array | string): Uint8Array {
  const bytes = typeof payload === 'string' ? Buffer.from(payload, 'utf8') : payload;
  if (bytes.length <= maxPayloadBytes) return bytes;
  throw new RangeError(
    `Event payload: expected at most ${maxPayloadBytes} bytes, got ${bytes.length}. Publish a reference and let it be queried.`,
  );
}

function assertSequence(topic: Topic, sequence: number, min: number): number {
  assertKept(topic);
  if (Number.isSafeInteger(sequence) && sequence >= min) return sequence;
  throw new RangeError(`Event sequence: expected a whole number from ${min} to 2^53 - 1, got ${sequence}.`);
}

function assertKept({ key, mode }: Topic): void {
  if (mode === 'lossy')
    throw new RangeError(`Topic ${key}: a lossy topic has neither positions nor sequences.`);
}
