import type { Topic } from './topic.ts';

/**
 * A place in a topic: after its event number `offset`. Offsets count from 1 without holes within an epoch; 0 is before
 * the first event. The epoch changes whenever history was lost or may have been (store emptied, restarted or failed over).
 */
export interface Position {
  /** Opaque text of at most 64 ASCII characters. */
  readonly epoch: string;
  /** 0 to 2^53 - 1. */
  readonly offset: number;
}

/** Where a topic ends. */
export interface TopicHead extends Position {
  /** The last sequence of the source, see {@link EventOptions.sequence}; null when none is known. */
  readonly sequence: number | null;
}

/** One event as it is delivered. */
export interface BrokerEvent {
  /** Null in a `lossy` topic only. */
  readonly position: Position | null;
  /** Shared by all listeners of this process: nobody may change it. */
  readonly payload: Uint8Array;
}

/**
 * Why events could not be delivered. `epoch`: history was lost or may have been. `trimmed`: they are no longer kept.
 * `tooMany`: they exceed what one replay may hold. `lossy`: the topic keeps none.
 */
export type GapReason = 'epoch' | 'trimmed' | 'tooMany' | 'lossy';

/** Events may be missing here; delivery goes on with the first event after `position`. */
export interface Gap {
  readonly reason: GapReason;
  readonly position: Position;
}

/** How a subscription began: everything after `position` follows. */
export type SubscriptionStart =
  | {
      /** Nothing is missing between the position asked for (if any) and what follows. */
      readonly recovered: true;
      /** The position asked for; else where the topic stood. Null in a `lossy` topic. */
      readonly position: Position | null;
      /** The last event of the backlog that was asked for; absent where none was, or there is nothing to replay. */
      readonly until?: Position;
    }
  | {
      readonly recovered: false;
      /** Why nothing of the backlog is delivered. */
      readonly reason: GapReason;
      /** Where delivery begins. Null in a `lossy` topic. */
      readonly position: Position | null;
    };

/** A subscription that is live. */
export type Subscription = SubscriptionStart & {
  /** Leaves at once: nothing is called any more. Idempotent, the same as aborting the signal. */
  readonly close: () => void;
};

/** Why a subscription ended without having been left. */
export type SubscriptionEnd = 'brokerClosed' | 'listenerFailed';

/**
 * Who listens. Calls come one at a time, in order, never after leaving. They must return at once: what takes time
 * belongs in a bounded queue of the listener's own. One that throws ends its own subscription and disturbs nobody.
 */
export interface TopicListener {
  /** Replay everything after this position first. Absent: begin now (`latest`: with the current value, if any). */
  readonly after?: Position | undefined;
  /** Leaves when it aborts. */
  readonly signal: AbortSignal;
  /** Once, before any event. */
  readonly onLive?: (start: SubscriptionStart) => void;
  readonly onEvent: (event: BrokerEvent) => void;
  /** Never called for a `lossy` topic: there, loss is not noticed. */
  readonly onGap: (gap: Gap) => void;
  /** At most once, last. */
  readonly onEnd: (reason: SubscriptionEnd) => void;
}

/** How an event is published. */
export interface EventOptions {
  /**
   * The event's number at its source, 1 to 2^53 - 1, growing: one that is not above the topic's last is already there
   * and is not published again, so that two publishers of one source neither lose nor double. Not for `lossy` topics.
   */
  readonly sequence?: number;
  /**
   * The sequence that this one follows at its source, as its publisher knows it. A topic whose last is below that lacks
   * events, since somebody who lagged behind wrote to it: it begins a new epoch with this event, which tells so.
   */
  readonly after?: number;
}

/** What became of an event: `position` is its own, or the topic's head when the event was there already; null if `lossy`. */
export interface Published {
  readonly position: Position | null;
  readonly isDuplicate: boolean;
}

/**
 * Topics of events, shared by all instances that use the same store.
 *
 * Atomicity: an event gets its position, enters the history and is announced in one step, or none of it happens.
 * Ordering: all listeners everywhere see the events of a topic in one order, by position; topics are independent.
 * Delivery: to a listener of a `log` topic each event after its start exactly once, in order. Contiguity is checked at
 * each event; what is missing is fetched from the history, and `onGap` tells what cannot be proved complete. A `latest`
 * topic may skip to the newest event; a `lossy` topic delivers what arrives.
 * Loss: history is bounded, see {@link Topic}. When the store is away publishing rejects and listeners wait; after it
 * comes back every topic is verified. A listener on a topic that is quiet is verified every 30 s.
 */
export interface Broker {
  /**
   * Resolves when the event is in the topic. Rejects with `UPSTREAM_UNAVAILABLE` when the store does not answer in time,
   * and then the event may be there or not (retry with a `sequence`); RangeError above 256 KiB of payload.
   */
  publish(topic: Topic, payload: Uint8Array | string, options?: EventOptions): Promise<Published>;
  /**
   * Resolves when the subscription is live: announcements are confirmed, the position is captured. A backlog asked for
   * is delivered whole after `onLive`, or not at all. Rejects with `UPSTREAM_UNAVAILABLE` when the store is away, with
   * the signal's reason when it aborts first, and with `CANCELLED` when the broker is closed.
   */
  subscribe(topic: Topic, listener: TopicListener): Promise<Subscription>;
  /**
   * Notes that the source has nothing to publish up to `sequence` (0: its very beginning): who continues it begins there.
   * `after` as in {@link EventOptions}. Rejects for `lossy`.
   */
  advance(topic: Topic, sequence: number, after?: number): Promise<void>;
  /** Where the topic ends now: read before a query, it is where a subscription continues without a hole. Rejects for `lossy`. */
  head(topic: Topic): Promise<TopicHead>;
  /** Begins a new epoch: history is dropped and all listeners are told of a gap. For a source that lost events. */
  restart(topic: Topic): Promise<TopicHead>;
  /** Ends all subscriptions, then the connections. Idempotent. */
  close(): Promise<void>;
}
