import type { Attached, Deliverable, Delivered, EndReason, Live, Sink } from '../../src/realtime/sink.ts';

/** One subscription of a {@link TestTopic}. */
export interface TestSubscription {
  readonly sink: Sink;
  /** Why its transport stopped it; undefined while it has not. */
  stopped: EndReason | undefined;
}

/** A source of events that a test pushes by hand, as delivery does it. */
export interface TestTopic {
  readonly deliverable: Deliverable;
  readonly subscriptions: TestSubscription[];
  /** Those that are neither stopped nor ended. */
  readonly running: () => readonly TestSubscription[];
  /** Pushes one event to all who run; `options` are members of {@link Delivered}. */
  readonly publish: (data: unknown, options?: Partial<Delivered>) => Delivered;
  /** Frames that were made, by encoding. */
  readonly encoded: Map<string, number>;
  /** What is told first of each subscription. */
  live: Live;
  /** Resolves once `count` subscriptions run. */
  readonly untilRunning: (count: number) => Promise<void>;
}

export function createTestTopic(): TestTopic {
  const subscriptions: TestSubscription[] = [];
  const waiting = new Set<() => void>();
  const encoded = new Map<string, number>();
  const running = () => subscriptions.filter(({ stopped }) => stopped === undefined);
  const changed = () => {
    for (const check of waiting) check();
  };
  const topic: TestTopic = {
    subscriptions,
    running,
    encoded,
    live: { cursor: undefined, recovered: undefined, reason: undefined },
    deliverable: {
      attach: (sink): Attached => {
        const subscription: TestSubscription = { sink, stopped: undefined };
        subscriptions.push(subscription);
        sink.live(topic.live);
        queueMicrotask(changed);
        return {
          stop: (reason) => {
            subscription.stopped ??= reason;
            changed();
          },
        };
      },
      [Symbol.asyncIterator]: () => {
        throw new Error('A transport has to attach.');
      },
    },
    publish: (data, options = {}) => {
      const delivered = deliveredOf({ data }, encoded, options);
      for (const { sink } of running()) sink.next(delivered);
      return delivered;
    },
    untilRunning: (count) =>
      new Promise((resolve) => {
        const check = () => {
          if (running().length !== count) return;
          waiting.delete(check);
          resolve();
        };
        waiting.add(check);
        check();
      }),
  };
  return topic;
}

function deliveredOf(result: object, encoded: Map<string, number>, options: Partial<Delivered>): Delivered {
  const frames = new Map<string, Buffer>();
  const delivered: Delivered = {
    json: JSON.stringify(result),
    cursor: undefined,
    policy: 'disconnect',
    coalesceKey: undefined,
    frame: (encoding, encode) => {
      const known = frames.get(encoding);
      if (known) return known;
      const made = encode(delivered);
      frames.set(encoding, made);
      encoded.set(encoding, (encoded.get(encoding) ?? 0) + 1);
      return made;
    },
    ...options,
  };
  return delivered;
}
