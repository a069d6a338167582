import type { Clock } from '../clock.ts';
import { onAbort } from '../signal.ts';

/** How long to wait between attempts. */
export interface BackOffOptions {
  readonly clock: Clock;
  /** From 0 up to 1, as Math.random. */
  readonly random: () => number;
  /** Longest wait after the first failure; it doubles with each. */
  readonly firstMs: number;
  /** Longest wait of all. */
  readonly maxMs: number;
}

/**
 * Waits before attempt `attempt` (from 1): between half of its longest wait and all of it, so that many who failed at one
 * moment do not come back at one moment. Ends early, without an error, when the signal aborts.
 */
export function backOff(attempt: number, options: BackOffOptions, signal: AbortSignal): Promise<void> {
  const { clock, random, firstMs, maxMs } = options;
  const longestMs = Math.min(maxMs, firstMs * 2 ** Math.min(attempt - 1, 30));
  return pause(longestMs * (0.5 + random() / 2), clock, signal);
}

/** Waits for `delayMs`, or until the signal aborts: neither is an error. */
export function pause(delayMs: number, clock: Clock, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const cancelTimer = clock.after(delayMs, resolve);
  const unlink = onAbort(signal, resolve);
  return promise.finally(() => {
    cancelTimer();
    unlink();
  });
}
