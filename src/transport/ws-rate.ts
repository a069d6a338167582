/** Bounds of {@link MessageRate}. */
export interface RateLimits {
  readonly maxMessagesPerSecond: number;
  readonly maxPingsPerSecond: number;
}

const secondMs = 1000;

/** Counts what one connection sends in windows of a second, which costs less than anything finer. */
export class MessageRate {
  #startMs = Number.NEGATIVE_INFINITY;
  #messages = 0;
  #pings = 0;

  /** Counts what came in at `nowMs`; true when it is more than may come in one second. */
  exceeds(limits: RateLimits, nowMs: number, { messages, pings }: RateCount): boolean {
    if (nowMs - this.#startMs >= secondMs) {
      this.#startMs = nowMs;
      this.#messages = 0;
      this.#pings = 0;
    }
    this.#messages += messages;
    this.#pings += pings;
    return this.#messages > limits.maxMessagesPerSecond || this.#pings > limits.maxPingsPerSecond;
  }
}

/** What came in. */
export interface RateCount {
  readonly messages: number;
  readonly pings: number;
}
