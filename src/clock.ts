/** Ends a timer that a {@link Clock} started; calling it twice, or after the timer fired, does nothing. */
export type CancelTimer = () => void;

/** Time as a dependency, so that tests move it by hand. */
export interface Clock {
  /** Monotonic milliseconds from an arbitrary start: for durations and deadlines. */
  nowMs(): number;
  /** Milliseconds since the Unix epoch: for what leaves the process. May jump. */
  wallMs(): number;
  /** Runs `callback` once after `delayMs` (0 to 2^31 - 1). The timer does not keep the process alive. */
  after(delayMs: number, callback: () => void): CancelTimer;
}

/** The machine's own time. */
export const systemClock: Clock = {
  nowMs: () => performance.now(),
  wallMs: () => Date.now(),
  after: (delayMs, callback) => {
    const timer = setTimeout(callback, delayMs);
    timer.unref();
    return () => clearTimeout(timer);
  },
};
