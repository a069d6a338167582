import { randomBytes } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/clock.ts';
import { TimeoutFault, timely } from '../../../src/guard/budget/timely.ts';
import { createFakeClock } from '../../kit/fake-clock.ts';

const randomBytesLater = promisify(randomBytes);

describe('timely()', () => {
  it('passes on an outcome at once when there is one, and leaves no timer', async () => {
    const clock = createFakeClock();
    expect(timely(7, 50, clock)).toBe(7);
    expect(await timely(Promise.resolve(7), 50, clock)).toBe(7);
    await expect(timely(Promise.reject(new Error('broken')), 50, clock)).rejects.toThrow('broken');
    expect(clock.pendingTimers).toBe(0);
  });

  it('gives up at the limit, not before, and takes no notice of what comes then', async () => {
    const clock = createFakeClock();
    const { promise, reject } = Promise.withResolvers<number>();
    const outcome = Promise.resolve(timely(promise, 50, clock)).catch((error: unknown) => error);
    clock.advance(49);
    await nextTurn();
    expect(clock.pendingTimers).toBe(1);
    clock.advance(1);
    expect(await outcome).toBeInstanceOf(TimeoutFault);
    reject(new Error('too late'));
    await nextTurn();
  });

  it('does not take its own slowness for that of others: what has arrived by then counts', async () => {
    // Another thread has the bytes at once; they are taken over when timers have fired.
    const outcome = timely(randomBytesLater(8), 1, systemClock);
    const endMs = performance.now() + 20;
    while (performance.now() < endMs);
    expect(await outcome).toHaveLength(8);
  });
});
