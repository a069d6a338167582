import type { Attached, Delivered, EndReason, Live, Sink } from './sink.ts';

/** Pays for the events of one subscriber. */
export interface Account {
  /** Charges an event; false when there is nothing left to pay with, and then the event is not given. Must not throw. */
  readonly pay: (points: number) => boolean;
}

/** What becomes of a subscription whose account is empty: it ends, or events are left out until there are points again. */
export type WhenEmpty = 'end' | 'skip';

/** What a member is made of. */
export interface MemberOptions {
  readonly sink: Sink;
  readonly account: Account;
  readonly whenEmpty: WhenEmpty;
  /** Told once, whoever ended it. */
  readonly onEnd: (member: Member, reason: EndReason) => void;
}

/** One subscriber of a topic: the sink of its connection, and the account that pays. */
export class Member implements Attached {
  readonly #options: MemberOptions;
  #isEnded = false;
  /** Events left out since the last that was given. */
  #skipped = 0;

  constructor(options: MemberOptions) {
    this.#options = options;
  }

  live(live: Live): void {
    if (!this.#isEnded) this.#options.sink.live(live);
  }

  give(delivered: Delivered, points: number): void {
    if (this.#isEnded) return;
    const { account, whenEmpty, sink } = this.#options;
    if (!account.pay(points)) {
      if (whenEmpty === 'end') this.end('budget');
      else this.#skipped += 1;
      return;
    }
    if (this.#skipped > 0) sink.gap({ dropped: this.#skipped, reason: 'budget' });
    this.#skipped = 0;
    sink.next(delivered);
  }

  gap(reason: string): void {
    if (!this.#isEnded) this.#options.sink.gap({ dropped: undefined, reason });
  }

  /** Ends it and tells its client why. Idempotent. */
  end(reason: EndReason, error?: Readonly<Record<string, unknown>>): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#options.sink.end(reason, error);
    this.#options.onEnd(this, reason);
  }

  stop(reason: EndReason): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#options.onEnd(this, reason);
  }
}
