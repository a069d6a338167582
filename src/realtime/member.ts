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
  // Not the options as they came: with a thousand members of an event each object more is one more that no cache holds.
  readonly #sink: Sink;
  readonly #account: Account;
  readonly #whenEmpty: WhenEmpty;
  readonly #onEnd: MemberOptions['onEnd'];
  #isEnded = false;
  /** Events left out since the last that was given. */
  #skipped = 0;

  constructor({ sink, account, whenEmpty, onEnd }: MemberOptions) {
    this.#sink = sink;
    this.#account = account;
    this.#whenEmpty = whenEmpty;
    this.#onEnd = onEnd;
  }

  live(live: Live): void {
    if (!this.#isEnded) this.#sink.live(live);
  }

  give(delivered: Delivered, points: number): void {
    if (this.#isEnded) return;
    if (!this.#account.pay(points)) {
      if (this.#whenEmpty === 'end') this.end('budget');
      else this.#skipped += 1;
      return;
    }
    if (this.#skipped > 0) this.#sink.gap({ dropped: this.#skipped, reason: 'budget' });
    this.#skipped = 0;
    this.#sink.next(delivered);
  }

  gap(reason: string): void {
    if (!this.#isEnded) this.#sink.gap({ dropped: undefined, reason });
  }

  /** Ends it and tells its client why. Idempotent. */
  end(reason: EndReason, error?: Readonly<Record<string, unknown>>): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#sink.end(reason, error);
    this.#onEnd(this, reason);
  }

  stop(reason: EndReason): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#onEnd(this, reason);
  }
}
