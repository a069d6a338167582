import type { EventOptions, Published, TopicHead } from './broker.ts';
import type { Topic } from './topic.ts';

/** One kept event. */
export interface StoredEvent {
  readonly offset: number;
  readonly payload: Uint8Array;
}

/** How much one read may answer; at least one event is answered, whatever its size, unless `maxEvents` is 0. */
export interface PageBounds {
  readonly maxEvents: number;
  readonly maxBytes: number;
}

/** What a topic keeps after an offset, all of one moment. */
export interface HistoryPage {
  readonly head: TopicHead;
  /** Offset of the oldest event that is kept; head.offset + 1 when there is none. */
  readonly first: number;
  /** Bytes of all payloads that are kept after the offset, on this page or not. */
  readonly bytesAfter: number;
  /** The first events after the offset that are kept, in order. */
  readonly events: readonly StoredEvent[];
}

/** An event as it is announced; `position` null for a `lossy` topic. */
export interface Announcement {
  readonly epoch: string;
  /** 0 in a `lossy` topic. */
  readonly offset: number;
  readonly payload: Uint8Array;
}

/** What a store tells the broker. Neither may throw. */
export interface StoreEvents {
  /** An announcement of a topic that is listened to. */
  readonly onAnnouncement: (key: string, announcement: Announcement) => void;
  /** Announcements of these topics may have been missed, and come again from now on. */
  readonly onRestored: (keys: Iterable<string>) => void;
}

/**
 * Where topics are kept: the half of a broker that knows memory or Redis. Every method is atomic; announcements of a
 * topic come in order of offset, each at most once. All reject with `UPSTREAM_UNAVAILABLE` when the store is away.
 */
export interface TopicStore {
  publish(topic: Topic, payload: Uint8Array, options: EventOptions): Promise<Published>;
  /** Keeps the topic's epoch from ageing, as publishing does. */
  read(topic: Topic, after: number, bounds: PageBounds): Promise<HistoryPage>;
  /** Sets the last sequence unless it is as high already. */
  advance(topic: Topic, sequence: number, after: number | undefined): Promise<void>;
  restart(topic: Topic): Promise<TopicHead>;
  /** Resolves when announcements are confirmed to come. Never asked for twice without `unlisten` between. */
  listen(key: string): Promise<void>;
  unlisten(key: string): void;
  close(): Promise<void>;
}
