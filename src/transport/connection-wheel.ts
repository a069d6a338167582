import type { CancelTimer, Clock } from '../clock.ts';

/** What a {@link ConnectionWheel} calls when its moment has come. */
export interface Timed {
  /** Must not throw; may schedule itself anew. */
  readonly onTime: () => void;
  /** Kept by the wheel, and by nobody else: the slot that it waits in, -1 for none. Begins as -1. */
  slot: number;
}

/** Coarse timers for many connections: each tells its next moment, and one timer of the clock serves them all. */
export interface ConnectionWheel {
  /** Calls `entry.onTime` after `delayMs`, up to one tick late; replaces what was scheduled for it before. */
  readonly schedule: (entry: Timed, delayMs: number) => void;
  readonly cancel: (entry: Timed) => void;
  readonly close: () => void;
}

/** Milliseconds between two looks at the wheel: how late a connection's timer may be. */
export const wheelTickMs = 250;
const slots = 256;
/** Longest delay, in milliseconds; a longer one is cut to it, so whoever waits longer looks again then. */
export const wheelMaxDelayMs = wheelTickMs * (slots - 2);

/**
 * A timing wheel (Varghese and Lauck 1987, scheme 4): one timer per connection cost Centrifugo more than half of the
 * processor time of idle connections. It ticks only while something waits in it.
 */
export function createConnectionWheel(clock: Clock): ConnectionWheel {
  const wheel: Set<Timed>[] = Array.from({ length: slots }, () => new Set());
  let waiting = 0;
  let current = 0;
  let dueMs = 0;
  let cancelTick: CancelTimer | undefined;

  const cancel = (entry: Timed): void => {
    if (entry.slot < 0) return;
    wheel[entry.slot]?.delete(entry);
    entry.slot = -1;
    waiting -= 1;
  };
  const tick = (): void => {
    cancelTick = undefined;
    // A process that was held up has several ticks to make good.
    while (dueMs <= clock.nowMs() && waiting > 0) {
      current = (current + 1) % slots;
      dueMs += wheelTickMs;
      const due = [...(wheel[current] ?? [])];
      for (const entry of due) {
        if (entry.slot !== current) continue; // ended by one before it
        cancel(entry);
        entry.onTime();
      }
    }
    wind();
  };
  const wind = (): void => {
    if (cancelTick !== undefined || waiting === 0) return;
    cancelTick = clock.after(Math.max(0, dueMs - clock.nowMs()), tick);
  };
  const schedule = (entry: Timed, delayMs: number): void => {
    cancel(entry);
    if (waiting === 0 && cancelTick === undefined) dueMs = clock.nowMs() + wheelTickMs;
    const ticks = Math.ceil(Math.min(delayMs, wheelMaxDelayMs) / wheelTickMs) + 1;
    entry.slot = (current + ticks) % slots;
    wheel[entry.slot]?.add(entry);
    waiting += 1;
    wind();
  };
  const close = (): void => {
    cancelTick?.();
    for (const slot of wheel) for (const entry of slot) entry.slot = -1;
    for (const slot of wheel) slot.clear();
    waiting = 0;
  };
  return { schedule, cancel, close };
}
