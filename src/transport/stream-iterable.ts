import { GraphQLError } from 'graphql';
import type { Attached, Deliverable, Delivered, EndReason, Sink } from '../realtime/sink.ts';

/** Bytes on the way to the client from which nothing more is asked of the events, as streams of Node do. */
const highWaterBytes = 65_536;

const always = { cursor: undefined, recovered: undefined, reason: undefined } as const;

/**
 * Events of any async iterable for a transport's sink. They are pulled, one at a time, while the client reads; so the
 * iterable's own source decides what happens to events that come meanwhile. `abort` ends what the source waits for.
 */
export function deliverableFrom(events: AsyncIterable<unknown>, abort: () => void): Deliverable {
  return {
    attach: (sink) => new IterablePump(events[Symbol.asyncIterator](), sink, abort),
    [Symbol.asyncIterator]: () => events[Symbol.asyncIterator](),
  };
}

class IterablePump implements Attached {
  readonly #iterator: AsyncIterator<unknown>;
  readonly #sink: Sink;
  readonly #abort: () => void;
  #isOver = false;

  constructor(iterator: AsyncIterator<unknown>, sink: Sink, abort: () => void) {
    this.#iterator = iterator;
    this.#sink = sink;
    this.#abort = abort;
    sink.live(always);
    void this.#pump();
  }

  /**
   * Nobody waits for `return`: a generator that is parked at an `await` takes it only when that is over, which the
   * signal of its operation sees to.
   */
  stop(_reason: EndReason): void {
    if (this.#isOver) return;
    this.#isOver = true;
    // Nothing is told of the failure of a source that nobody reads any more.
    this.#iterator.return?.().then(undefined, () => {});
    this.#abort();
  }

  async #pump(): Promise<void> {
    try {
      while (!this.#isOver) {
        const step = await this.#iterator.next();
        if (this.#isOver) return;
        if (step.done) {
          this.#isOver = true;
          return this.#sink.end('completed');
        }
        this.#sink.next(deliveredFrom(step.value));
        if (this.#sink.bufferedBytes() > highWaterBytes) await this.#drained();
      }
    } catch (thrown) {
      if (this.#isOver) return;
      // What the pipeline throws is public already; anything else stays inside.
      const error = thrown instanceof GraphQLError ? thrown : undefined;
      const reason = error?.extensions['reason'] === 'budget' ? 'budget' : 'failed';
      this.stop(reason);
      this.#sink.end(reason, error && { ...error.toJSON() });
    }
  }

  #drained(): Promise<void> {
    return new Promise((resolve) => this.#sink.onDrain(resolve));
  }
}

/** An event that one client alone gets. */
export function deliveredFrom(result: unknown): Delivered {
  const delivered: Delivered = {
    json: JSON.stringify(result),
    cursor: undefined,
    // It is pulled only while the client reads, so that there is nothing to drop.
    policy: 'disconnect',
    coalesceKey: undefined,
    frame: (_encoding, encode) => encode(delivered),
  };
  return delivered;
}
