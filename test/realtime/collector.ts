import type {
  Broker,
  Gap,
  Position,
  Subscription,
  SubscriptionEnd,
  SubscriptionStart,
} from '../../src/realtime/broker.ts';
import { type Topic, type TopicOptions, topicFromOptions } from '../../src/realtime/topic.ts';

/** What one listener was told, in order: events as their text, all else as objects. */
export interface Collector {
  readonly subscription: Subscription;
  readonly starts: SubscriptionStart[];
  readonly texts: string[];
  readonly positions: (Position | null)[];
  readonly gaps: Gap[];
  readonly ends: SubscriptionEnd[];
  /** Everything in the order it came: `live`, an event's text, `gap REASON`, `end REASON`. */
  readonly calls: string[];
  /** Resolves when `condition` holds; looked at after every call. */
  until(condition: (collector: Collector) => boolean): Promise<void>;
  stop(): void;
}

/** How a collector subscribes. */
export interface CollectOptions {
  readonly after?: Position;
  /** Runs at each event, after it was noted. */
  readonly onEvent?: (text: string) => void;
}

/** Subscribes and notes what comes. */
export async function collect(
  broker: Broker,
  topic: Topic,
  options: CollectOptions = {},
): Promise<Collector> {
  const waiters = new Set<() => void>();
  const stopping = new AbortController();
  const notes = {
    starts: [] as SubscriptionStart[],
    texts: [] as string[],
    positions: [] as (Position | null)[],
    gaps: [] as Gap[],
    ends: [] as SubscriptionEnd[],
    calls: [] as string[],
  };
  const note = (call: string) => {
    notes.calls.push(call);
    for (const look of waiters) look();
  };
  const subscription = await broker.subscribe(topic, {
    after: options.after,
    signal: stopping.signal,
    onLive: (start) => {
      notes.starts.push(start);
      note('live');
    },
    onEvent: ({ position, payload }) => {
      const text = Buffer.from(payload).toString();
      notes.positions.push(position);
      notes.texts.push(text);
      note(text);
      options.onEvent?.(text);
    },
    onGap: (gap) => {
      notes.gaps.push(gap);
      note(`gap ${gap.reason}`);
    },
    onEnd: (reason) => {
      notes.ends.push(reason);
      note(`end ${reason}`);
    },
  });
  const collector: Collector = {
    ...notes,
    subscription,
    until: (condition) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      const look = () => {
        if (!condition(collector)) return;
        waiters.delete(look);
        resolve();
      };
      waiters.add(look);
      look();
      return promise;
    },
    stop: () => stopping.abort(),
  };
  return collector;
}

/** A `log` topic with a name of its own. */
export function topicOf(options: Partial<TopicOptions> = {}): Topic {
  return topicFromOptions({ key: `test:${crypto.randomUUID()}`, mode: 'log', ...options });
}

/** Texts `from` to `to`, both included, as `publishNumbers` publishes them. */
export function numbers(from: number, to: number): string[] {
  return Array.from({ length: Math.max(0, to - from + 1) }, (_, index) => String(from + index));
}

/** Publishes the numbers one after the other. */
export async function publishNumbers(broker: Broker, topic: Topic, from: number, to: number): Promise<void> {
  for (const text of numbers(from, to)) await broker.publish(topic, text);
}
