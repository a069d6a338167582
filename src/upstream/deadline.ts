/** How a call's time follows from the operation's. */
export interface DeadlinePolicy {
  readonly deadlineMarginMs: number;
  readonly minTimeoutMs: number;
}

/**
 * Milliseconds that a call may take when the operation ends at `deadlineMs` and it is now `nowMs` (one clock): what is
 * left minus the margin, so that each hop has less than the one before; at least the minimum, yet never more than what
 * is left. `undefined` when the deadline has passed: do not send. No deadline (Infinity) gives Infinity.
 */
export function callTimeoutMs(deadlineMs: number, nowMs: number, policy: DeadlinePolicy): number | undefined {
  const leftMs = deadlineMs - nowMs;
  if (!(leftMs > 0)) return undefined; // so that NaN is refused too
  return Math.max(leftMs - policy.deadlineMarginMs, Math.min(policy.minTimeoutMs, leftMs));
}

/** Throws a TypeError unless `deadlineMs` is finite: a call that waits for one answer must know when to give up. */
export function assertDeadline(path: string, deadlineMs: number): void {
  if (!Number.isFinite(deadlineMs))
    throw new TypeError(`${path} needs a finite deadlineMs, got ${deadlineMs}.`);
}
