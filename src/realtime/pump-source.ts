/** What a source gives. */
export interface PumpItem {
  /** The event's number at the source, 1 to 2^53 - 1, growing; of a mark from 0. */
  readonly sequence: number;
  /** Null for a mark: nothing happened up to `sequence`. A source that begins with one says from where it watches. */
  readonly payload: Uint8Array | string | null;
}

/** Where the events of one topic come from: mostly a server-streaming call. */
export interface PumpSource {
  /**
   * The events after a sequence, in order and without holes; null for from now on. Ends with the signal. It is asked for
   * the next when the last one is in the topic, so a broker that is slow, or away, holds the service back.
   */
  readonly open: (after: number | null, signal: AbortSignal) => AsyncIterable<PumpItem>;
  /** Whether what `open` threw means that the events after the sequence are no longer to be had. Default: never. */
  readonly isExpired?: (thrown: unknown) => boolean;
}

/** A topic that is fed. */
export interface PumpHold {
  /**
   * Resolves when nothing that happens from now on can be missed, whichever instance feeds the topic: a sequence to
   * continue from is known. A source without marks knows one from its first event on, so wait with a deadline.
   */
  readonly ready: Promise<void>;
  /** Lets go; the last one stops feeding after `lingerMs`. Idempotent. */
  readonly release: () => void;
}
