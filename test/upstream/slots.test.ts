import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import type { Clock } from '../../src/clock.ts';
import { createSlots } from '../../src/upstream/slots.ts';

/** Time that moves by hand. */
function createHandClock(): Clock & { advance(byMs: number): void } {
  const timers = new Set<{ atMs: number; callback: () => void }>();
  let nowMs = 0;
  return {
    nowMs: () => nowMs,
    wallMs: () => nowMs,
    after: (delayMs, callback) => {
      const timer = { atMs: nowMs + delayMs, callback };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    advance: (byMs) => {
      nowMs += byMs;
      for (const timer of timers) {
        if (timer.atMs > nowMs) continue;
        timers.delete(timer);
        timer.callback();
      }
    },
  };
}

function setUp() {
  const clock = createHandClock();
  const slots = createSlots({ maxTaken: 2, maxWaiting: 2, maxWaitMs: 20 }, clock);
  const log: string[] = [];
  const take = (name: string, signal = new AbortController().signal) =>
    slots.take(
      signal,
      () => log.push(`${name} granted`),
      (why) => log.push(`${name} ${why}`),
    );
  return { clock, slots, log, take };
}

describe('createSlots()', () => {
  it('grants at once up to the bound, queues up to the next, refuses above', () => {
    const { slots, log, take } = setUp();
    for (const name of ['a', 'b', 'c', 'd', 'e']) take(name);
    expect(log).toEqual(['a granted', 'b granted', 'e overloaded']);
    expect([slots.taken, slots.waiting]).toEqual([2, 2]);
  });

  it('passes a released place to who waits longest', () => {
    const { slots, log, take } = setUp();
    for (const name of ['a', 'b', 'c', 'd']) take(name);
    slots.release();
    expect(log.at(-1)).toBe('c granted');
    slots.release();
    expect(log.at(-1)).toBe('d granted');
    slots.release();
    slots.release();
    expect([slots.taken, slots.waiting]).toEqual([0, 0]);
  });

  it('refuses a wait at 20 ms, not at 19', () => {
    const { clock, slots, log, take } = setUp();
    for (const name of ['a', 'b', 'c']) take(name);
    clock.advance(19);
    expect(log).not.toContain('c overloaded');
    clock.advance(1);
    expect(log.at(-1)).toBe('c overloaded');
    slots.release();
    expect([slots.taken, slots.waiting]).toEqual([1, 0]);
  });

  it('ends a wait with its signal and leaves no listener behind however it ends', () => {
    const { clock, slots, log, take } = setUp();
    const controllers = ['c', 'd'].map(() => new AbortController());
    take('a');
    take('b');
    take('c', controllers[0]?.signal);
    take('d', controllers[1]?.signal);
    controllers[0]?.abort();
    expect(log.at(-1)).toBe('c aborted');
    slots.release();
    expect(log.at(-1)).toBe('d granted');
    clock.advance(100);
    expect(log).toHaveLength(4);
    for (const { signal } of controllers) expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });

  it('refuses all who wait and all who come after close()', () => {
    const { slots, log, take } = setUp();
    for (const name of ['a', 'b', 'c', 'd']) take(name);
    slots.close();
    take('e');
    expect(log.slice(2)).toEqual(['c closed', 'd closed', 'e closed']);
  });
});
