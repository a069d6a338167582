import type { Clock } from '../../clock.ts';

/** `closed`: calls pass. `open`: none does. `probing`: one is under way that decides. */
export type BreakerState = 'closed' | 'open' | 'probing';

/** Keeps calls from something that does not answer. */
export interface Breaker {
  readonly state: () => BreakerState;
  /** Whether a call may be made now; whoever is told so must tell how it ended. */
  readonly enter: () => boolean;
  readonly succeeded: () => void;
  readonly failed: () => void;
  /** Whole milliseconds until a call may be made, 1 at least; 0 when one may be made now. */
  readonly retryAfterMs: () => number;
}

/** Bounds of {@link createBreaker}. */
export interface BreakerOptions {
  readonly clock: Clock;
  /** Numbers in [0, 1), for the jitter: nodes that failed together do not come back together. */
  readonly random: () => number;
  /** Failures in a row that open it. Default 3. */
  readonly maxFailures?: number;
  /** It is open for this long, less up to half of it. Default 1,000. */
  readonly openMs?: number;
}

/** A breaker that is closed. No timer: the first who asks after its time is up is the probe. */
export function createBreaker(options: BreakerOptions): Breaker {
  const { clock, random, maxFailures = 3, openMs = 1_000 } = options;
  let failures = 0;
  let opensAtMs = 0;
  let state: BreakerState = 'closed';
  return {
    state: () => state,
    enter: () => {
      if (state === 'open' && clock.nowMs() >= opensAtMs) {
        state = 'probing';
        return true;
      }
      return state === 'closed';
    },
    succeeded: () => {
      failures = 0;
      state = 'closed';
    },
    failed: () => {
      failures += 1;
      // While it is open, only calls that began before can still fail: they prolong nothing.
      if (state === 'open' || (state === 'closed' && failures < maxFailures)) return;
      state = 'open';
      opensAtMs = clock.nowMs() + openMs * (1 - random() / 2);
    },
    retryAfterMs: () => (state === 'closed' ? 0 : Math.max(1, Math.ceil(opensAtMs - clock.nowMs()))),
  };
}
