import type { CancelTimer, Clock } from '../clock.ts';

/** What a wheel is made of. */
export interface TimingWheelOptions {
  readonly clock: Clock;
  /** How late a callback may be, from 1 ms: what falls due within one tick runs together. Default 250 ms. */
  readonly tickMs?: number;
  /** Told what a callback threw; the others run all the same. */
  readonly onError: (thrown: unknown) => void;
}

const defaultTickMs = 250;

/**
 * One timer for the heartbeats and expiries of all connections: a timer of its own for each costs more than what it does.
 * Ticks only while something waits. Adding and cancelling are O(1). A callback runs up to one tick late, never early.
 */
export class TimingWheel {
  readonly #clock: Clock;
  readonly #tickMs: number;
  readonly #onError: (thrown: unknown) => void;
  /** Callbacks by the number of the tick that they are due at. */
  readonly #slots = new Map<number, Set<() => void>>();
  readonly #startMs: number;
  #tick = 0;
  #size = 0;
  #cancelTimer: CancelTimer | undefined;
  #isTurning = false;
  #isClosed = false;

  constructor({ clock, tickMs = defaultTickMs, onError }: TimingWheelOptions) {
    if (!(tickMs >= 1)) throw new RangeError(`Timing wheel tickMs: expected at least 1, got ${tickMs}.`);
    this.#clock = clock;
    this.#tickMs = tickMs;
    this.#onError = onError;
    this.#startMs = clock.nowMs();
  }

  /** Callbacks that wait. */
  get size(): number {
    return this.#size;
  }

  /** Runs `callback` once, `delayMs` (0 or more) from now or up to one tick later. */
  after(delayMs: number, callback: () => void): CancelTimer {
    if (this.#isClosed) return () => {};
    // It stood still while nothing waited.
    if (this.#cancelTimer === undefined && !this.#isTurning) this.#tick = this.#currentTick();
    const due = Math.max(this.#tick + 1, Math.ceil(this.#ticksSince(delayMs)));
    const slot = this.#slots.get(due) ?? new Set();
    // A function of its own, so that one callback may wait twice.
    const entry = () => callback();
    slot.add(entry);
    this.#slots.set(due, slot);
    this.#size += 1;
    this.#schedule();
    return () => {
      if (!slot.delete(entry)) return;
      this.#size -= 1;
      if (slot.size === 0 && this.#slots.get(due) === slot) this.#slots.delete(due);
      if (this.#size === 0) this.#stop();
    };
  }

  /** Runs `callback` every `periodMs`, the first time after a random part of it: many who start together spread out. */
  every(periodMs: number, random: () => number, callback: () => void): CancelTimer {
    let cancel: CancelTimer = () => {};
    let isCancelled = false;
    const run = () => {
      callback();
      if (!isCancelled) cancel = this.after(periodMs, run);
    };
    cancel = this.after(periodMs * random(), run);
    return () => {
      isCancelled = true;
      cancel();
    };
  }

  /** Lets go of everything that waits, without running it. Idempotent. */
  close(): void {
    this.#isClosed = true;
    this.#slots.clear();
    this.#size = 0;
    this.#stop();
  }

  /** Ticks between the start and `delayMs` from now, with their fraction. */
  #ticksSince(delayMs: number): number {
    return (this.#clock.nowMs() + delayMs - this.#startMs) / this.#tickMs;
  }

  #currentTick(): number {
    return Math.floor(this.#ticksSince(0));
  }

  #schedule(): void {
    if (this.#cancelTimer !== undefined || this.#isTurning) return;
    const nextMs = this.#startMs + (this.#tick + 1) * this.#tickMs;
    this.#cancelTimer = this.#clock.after(Math.max(0, nextMs - this.#clock.nowMs()), () => this.#turn());
  }

  #stop(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
  }

  /** All ticks that have passed: a process that was held up has missed some. */
  #turn(): void {
    this.#cancelTimer = undefined;
    this.#isTurning = true;
    const current = this.#currentTick();
    while (this.#tick < current && this.#size > 0) {
      this.#tick += 1;
      this.#run(this.#tick);
    }
    this.#isTurning = false;
    if (this.#size > 0) this.#schedule();
  }

  #run(tick: number): void {
    const slot = this.#slots.get(tick);
    this.#slots.delete(tick);
    for (const entry of slot ?? []) {
      if (this.#isClosed) return;
      slot?.delete(entry);
      this.#size -= 1;
      try {
        entry();
      } catch (thrown) {
        this.#onError(thrown);
      }
    }
  }
}
