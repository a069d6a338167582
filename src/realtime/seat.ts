import type { Log } from '../observe/log.ts';
import type {
  BrokerEvent,
  Gap,
  Position,
  SubscriptionEnd,
  SubscriptionStart,
  TopicListener,
} from './broker.ts';

/**
 * One listener's place at a feed, with how far it has got: it may be ahead of the feed when it resumed from a cursor that
 * another instance gave. What a listener throws ends its own seat only.
 */
export class Seat {
  readonly listener: TopicListener;
  readonly #log: Log;
  readonly #onLeave: () => void;
  #delivered: Position | null = null;
  #isLeft = false;

  constructor(listener: TopicListener, log: Log, onLeave: () => void) {
    this.listener = listener;
    this.#log = log;
    this.#onLeave = onLeave;
  }

  get isLeft(): boolean {
    return this.#isLeft;
  }

  start(start: SubscriptionStart): void {
    this.#delivered = start.position;
    this.#call(() => this.listener.onLive?.(start));
  }

  /** Gives an event unless the listener has it. */
  deliver(event: BrokerEvent): void {
    if (event.position !== null) {
      if (this.#has(event.position)) return;
      this.#delivered = event.position;
    }
    this.#call(() => this.listener.onEvent(event));
  }

  /** Tells of a gap unless the listener was past it already. */
  gap(gap: Gap): void {
    if (this.#has(gap.position)) return;
    this.#delivered = gap.position;
    this.#call(() => this.listener.onGap(gap));
  }

  /** Of the listener's own accord: it hears nothing more. */
  leave(): void {
    if (this.#isLeft) return;
    this.#isLeft = true;
    this.#onLeave();
  }

  end(reason: SubscriptionEnd): void {
    if (this.#isLeft) return;
    this.leave();
    try {
      this.listener.onEnd(reason);
    } catch (thrown) {
      this.#log.error({ err: thrown }, 'A listener failed at its end.');
    }
  }

  #has({ epoch, offset }: Position): boolean {
    return this.#delivered !== null && this.#delivered.epoch === epoch && offset <= this.#delivered.offset;
  }

  #call(callback: () => void): void {
    if (this.#isLeft) return;
    try {
      callback();
    } catch (thrown) {
      this.#log.error({ err: thrown }, 'A listener of a topic failed; its subscription ends.');
      this.end('listenerFailed');
    }
  }
}
