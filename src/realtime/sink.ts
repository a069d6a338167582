import type { OverflowPolicy } from './queue.ts';

/** Why a subscription has ended: the label of its metric, and what a transport tells its client. */
export const endReasons = [
  /** The source has no more events. */
  'completed',
  /** The client asked for the end, or its connection is gone. */
  'client',
  /** The client reads slower than events come, and its field's policy is to disconnect. */
  'slow',
  /** This process is stopping politely; another takes over. */
  'drain',
  /** The connection has been here for so long that it is to be made anew, maybe at another process. */
  'rotated',
  /** The token has expired and was not replaced. */
  'expired',
  /** The token was revoked, or replaced by one with other rights. */
  'revoked',
  /** The budget is empty, and the field's policy is to end. */
  'budget',
  /** Events were lost that cannot be had again: the client must read its state anew. */
  'gap',
  /** The source failed for good. */
  'failed',
] as const;

/** One of {@link endReasons}. */
export type EndReason = (typeof endReasons)[number];

/** One event executed for an audience: shared by all its members, changed by none. */
export interface Delivered {
  /** JSON text of the execution result, without the cursor. */
  readonly json: string;
  /** Position behind the event, for resuming; undefined for topics that keep no history. */
  readonly cursor: string | undefined;
  /**
   * What becomes of it when its connection is full: the field's choice. The transport keeps the connection's
   * {@link SendQueue}; on `overflow` it ends the subscription as `slow`.
   */
  readonly policy: OverflowPolicy;
  /** `latest` only: what a newer event with the same key replaces. */
  readonly coalesceKey: string | undefined;
  /**
   * Bytes of the event as one transport writes them: made by the first member that asks for this encoding, the same
   * for all others, so that an event is framed once however many read it.
   */
  readonly frame: (encoding: string, encode: (delivered: Delivered) => Buffer) => Buffer;
}

/** Told once, when nothing that happens from now on can be missed. */
export interface Live {
  /** Position from which the subscription runs; undefined for topics that keep no history. */
  readonly cursor: string | undefined;
  /** For a client that came back with a cursor: whether everything after it follows; undefined for all others. */
  readonly recovered: boolean | undefined;
  /** Why it was not recovered. */
  readonly reason: string | undefined;
}

/** What a transport gives to take the events of one subscription. None of these may throw. */
export interface Sink {
  readonly live: (live: Live) => void;
  readonly next: (delivered: Delivered) => void;
  /** Events were dropped here, by the field's policy or because they are lost: their number where it is known. */
  readonly gap: (gap: { readonly dropped: number | undefined; readonly reason: string }) => void;
  /** The last call. `error` is the public JSON of a GraphQL error where there is one to tell. */
  readonly end: (reason: EndReason, error?: Readonly<Record<string, unknown>>) => void;
  /** Bytes given to this client's connection that have not left the process; see the queue's bound. */
  readonly bufferedBytes: () => number;
  /** Calls back once when the connection has taken what was given to it. */
  readonly onDrain: (listener: () => void) => void;
}

/** A subscription that runs; `stop` ends it without a further call to its sink. Idempotent. */
export interface Attached {
  readonly stop: (reason: EndReason) => void;
}

/**
 * What the pipeline's `subscribe` gives for an operation that was admitted: events come to one sink, pushed, since a
 * parked generator never runs its `finally`. It is an async iterable as well, for servers that know nothing of sinks.
 */
export interface Deliverable extends AsyncIterable<unknown> {
  /** Begins the events. To be called once; a deliverable that is not attached holds nothing. */
  readonly attach: (sink: Sink) => Attached;
}

/** Whether `value` is a {@link Deliverable} and no plain async iterable. */
export function isDeliverable(value: unknown): value is Deliverable {
  return typeof value === 'object' && value !== null && 'attach' in value;
}
