import type { Clock } from '../../src/clock.ts';

/** A clock that stands still until a test moves it. */
export interface FakeClock extends Clock {
  /** Moves both times on by `ms` (0 or more) and fires the timers that fall due, each at its own moment. */
  readonly advance: (ms: number) => void;
  /** Sets the wall time, forward or back, as an operator or NTP would: no timer fires. */
  readonly jumpWall: (wallMs: number) => void;
  /** Timers that are neither fired nor cancelled. */
  readonly pendingTimers: number;
}

interface Timer {
  readonly dueMs: number;
  readonly callback: () => void;
}

/** A hand-moved {@link Clock}: monotonic time starts at 0, wall time at `wallMs` (default 2026-01-01T00:00:00Z). */
export function createFakeClock(wallMs: number = Date.UTC(2026, 0, 1)): FakeClock {
  const timers = new Set<Timer>();
  let nowMs = 0;
  let wallOffsetMs = wallMs;

  const advance = (ms: number): void => {
    const targetMs = nowMs + ms;
    for (let timer = firstDue(timers, targetMs); timer; timer = firstDue(timers, targetMs)) {
      nowMs = timer.dueMs;
      timers.delete(timer);
      timer.callback();
    }
    nowMs = targetMs;
  };

  return {
    nowMs: () => nowMs,
    wallMs: () => wallOffsetMs + nowMs,
    after: (delayMs, callback) => {
      const timer = { dueMs: nowMs + delayMs, callback };
      timers.add(timer);
      return () => {
        timers.delete(timer);
      };
    },
    advance,
    jumpWall: (ms) => {
      wallOffsetMs = ms - nowMs;
    },
    get pendingTimers() {
      return timers.size;
    },
  };
}

/** The earliest timer due by `byMs`; of equals the one started first, as Node's own timers fire. */
function firstDue(timers: ReadonlySet<Timer>, byMs: number): Timer | undefined {
  let first: Timer | undefined;
  for (const timer of timers) {
    if (timer.dueMs <= byMs && timer.dueMs < (first?.dueMs ?? Number.POSITIVE_INFINITY)) first = timer;
  }
  return first;
}
