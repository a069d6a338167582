import type { WhenEmpty } from '../realtime/member.ts';
import type { PumpItem } from '../realtime/pump-source.ts';
import type { OverflowPolicy } from '../realtime/queue.ts';
import { type Topic, type TopicOptions, topicFromOptions } from '../realtime/topic.ts';
import type { OperationUpstream } from './operation-upstream.ts';

/** What a subscription field gives in place of a stream: the topic that it reads, and where its events come from. */
export interface TopicSourceOptions<Event> extends TopicOptions {
  /**
   * Whether all audiences read one topic, as those do whose events clients publish; the resolver has made sure that its
   * caller may. Default false: each tenant or viewer has a topic, and an upstream stream, of its own.
   */
  readonly isShared?: boolean;
  /** What becomes of an event when its connection is full. Default: `disconnect` for `log`, `latest`, else `dropOldest`. */
  readonly onSlow?: OverflowPolicy;
  /** What becomes of a subscription whose caller has no points left. Default: `end` for `log`, else `skip`. */
  readonly whenEmpty?: WhenEmpty;
  /** What an event replaces among those that wait under `latest`. Default: every other of its subscription. */
  // A method, so that a source of any event is a source: what it is given is what its own `read` made.
  coalesceKey?(event: Event): string;
  /**
   * The events after a sequence, null for from now on, read from the upstreams as the topic's audience; see PumpSource.
   * Absent: events are published by {@link OperationContext.publish}.
   */
  readonly open?: (
    upstreams: Readonly<Record<string, OperationUpstream>>,
    after: number | null,
    signal: AbortSignal,
  ) => AsyncIterable<PumpItem>;
  /** Whether what `open` threw means that events are lost. Default: never. */
  readonly isExpired?: (thrown: unknown) => boolean;
  /** The root value of an event, of which the subscription's field is resolved. */
  readonly read: (payload: Uint8Array) => Event;
}

/**
 * The source of a subscription. It is async iterable for graphql-js and Pothos only, which ask for that: the pipeline
 * takes it whole and delivers by topic, and iterating it throws.
 */
export class TopicSource<Event = unknown> implements AsyncIterable<Event> {
  readonly options: TopicSourceOptions<Event>;
  readonly topic: Topic;

  /** Throws RangeError for a key or bounds out of theirs. */
  constructor(options: TopicSourceOptions<Event>) {
    this.options = options;
    this.topic = topicFromOptions(options);
  }

  [Symbol.asyncIterator](): AsyncIterator<Event> {
    throw new TypeError('A topic source is delivered by the pipeline of a gateway, and not iterated.');
  }
}

/** The source of a subscription field, to be returned by its `subscribe`. */
export function topicSource<Event>(options: TopicSourceOptions<Event>): TopicSource<Event> {
  return new TopicSource(options);
}
