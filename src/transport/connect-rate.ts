import type { Clock } from '../clock.ts';
import { charge, costUs, createBucket, debtUs, type Rate } from '../guard/budget/bucket.ts';

/**
 * How fast connections may begin: a bucket that holds those of one second and is refilled at that rate. So there are never
 * more than `maxPerSecond` x (window + 1 s) in any window.
 */
export class ConnectRate {
  readonly #bucket = createBucket();
  readonly #rate: Rate;
  readonly #clock: Clock;

  /** `maxPerSecond` is whole, from 1. */
  constructor(maxPerSecond: number, clock: Clock) {
    this.#rate = { limitPoints: maxPerSecond, restorePerSecond: maxPerSecond };
    this.#clock = clock;
  }

  /** Whether one more may begin now. */
  hasPlace(): boolean {
    return this.#hasPlaceAt(this.#nowUs());
  }

  /** Takes the place of one that begins now; false when there is none, and then nothing is taken. */
  take(): boolean {
    const nowUs = this.#nowUs();
    if (!this.#hasPlaceAt(nowUs)) return false;
    charge(this.#bucket, nowUs, debtUs(this.#bucket, this.#rate, nowUs), costUs(this.#rate, 1));
    return true;
  }

  /** The cost of one is rounded up, so a full bucket is that of so many, and not of the second that they are from. */
  #hasPlaceAt(nowUs: number): boolean {
    const mostUs = (this.#rate.limitPoints - 1) * costUs(this.#rate, 1);
    return debtUs(this.#bucket, this.#rate, nowUs) <= mostUs;
  }

  #nowUs(): number {
    return Math.floor(this.#clock.nowMs() * 1000);
  }
}
