import type { Attached, Delivered, EndReason, Live, Sink } from './sink.ts';

/** Pays for the events of one subscriber. */
export interface Account {
  /**
   * Charges an event that cannot wait; false when there is nothing left to pay with, and then the event is not given.
   * Where a shared store has to be asked, what it refuses shows from the next event on. Must not throw.
   */
  readonly pay: (points: number) => boolean;
  /** The same for an event that waits for the answer. Must not reject. */
  readonly payFirst: (points: number) => boolean | Promise<boolean>;
  /** Why the last was refused, as the public JSON of a GraphQL error; undefined for what its end says anyway. */
  readonly refusal?: () => Readonly<Record<string, unknown>> | undefined;
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
    if (!this.#isEnded) this.#take(delivered, this.#account.pay(points));
  }

  /** As {@link give}, of what can wait; resolves when it is given, or left out. */
  giveWhenPaid(delivered: Delivered, points: number): Promise<void> | undefined {
    if (this.#isEnded) return undefined;
    const isPaid = this.#account.payFirst(points);
    if (isPaid instanceof Promise) return isPaid.then((known) => this.#take(delivered, known));
    this.#take(delivered, isPaid);
    return undefined;
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

  #take(delivered: Delivered, isPaid: boolean): void {
    // It may have left while it was paid for.
    if (this.#isEnded) return;
    if (!isPaid) {
      if (this.#whenEmpty === 'end') this.end('budget', this.#account.refusal?.());
      else this.#skipped += 1;
      return;
    }
    if (this.#skipped > 0) this.#sink.gap({ dropped: this.#skipped, reason: 'budget' });
    this.#skipped = 0;
    this.#sink.next(delivered);
  }
}
