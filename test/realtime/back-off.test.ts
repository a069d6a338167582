import { describe, expect, it } from 'vitest';
import { backOff } from '../../src/realtime/back-off.ts';
import { createFakeClock } from '../kit/fake-clock.ts';

describe('backOff()', () => {
  it.each([
    [1, 0, 50],
    [1, 1, 100],
    [2, 1, 200],
    [4, 0, 400],
    [5, 1, 1000],
    [10_000, 0, 500],
  ])('waits before attempt %i with random %d for %i ms', async (attempt, random, expectedMs) => {
    const clock = createFakeClock();
    const options = { clock, random: () => random, firstMs: 100, maxMs: 1000 };
    let isOver = false;
    const waiting = backOff(attempt, options, new AbortController().signal).then(() => {
      isOver = true;
    });
    clock.advance(expectedMs - 1);
    await new Promise((resolve) => setImmediate(resolve));
    expect(isOver).toBe(false);
    clock.advance(1);
    await waiting;
  });

  it('ends at once when the signal aborts, and leaves no timer', async () => {
    const clock = createFakeClock();
    const ending = new AbortController();
    const options = { clock, random: () => 1, firstMs: 100, maxMs: 1000 };
    const waiting = backOff(1, options, ending.signal);
    ending.abort();
    await waiting;
    await backOff(1, options, ending.signal);
    expect(clock.pendingTimers).toBe(0);
  });
});
