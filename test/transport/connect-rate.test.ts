import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ConnectRate } from '../../src/transport/connect-rate.ts';
import { createFakeClock } from '../kit/fake-clock.ts';
import { mostBeyond } from '../kit/most-beyond.ts';

describe('ConnectRate', () => {
  it.each([1, 3, 7, 1000, 1_000_000])('lets in %d at once after a quiet second, and no more', (rate) => {
    const connects = new ConnectRate(rate, createFakeClock());
    for (let count = 0; count < rate; count += 1) if (!connects.take()) throw new Error(`refused ${count}`);
    expect([connects.hasPlace(), connects.take()]).toEqual([false, false]);
  });

  it('lets in the next one when its place is restored, and not a moment before', () => {
    const clock = createFakeClock();
    const connects = new ConnectRate(10, clock);
    while (connects.take());
    clock.advance(99.9);
    expect(connects.take()).toBe(false);
    clock.advance(0.1);
    expect([connects.hasPlace(), connects.take(), connects.take()]).toEqual([true, true, false]);
    clock.advance(10_000);
    let count = 0;
    while (connects.take()) count += 1;
    expect(count).toBe(10);
  });

  it('takes nothing for one that it refuses', () => {
    const clock = createFakeClock();
    const connects = new ConnectRate(2, clock);
    while (connects.take());
    for (let ms = 0; ms < 499; ms += 1) {
      clock.advance(1);
      connects.take();
    }
    clock.advance(1);
    expect(connects.take()).toBe(true);
  });

  it('never lets in more than rate x window + one second, however they come', () => {
    const arrivals = fc.array(fc.nat(400), { maxLength: 200 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 50 }), arrivals, (rate, gapsMs) => {
        const clock = createFakeClock();
        const connects = new ConnectRate(rate, clock);
        const moments: number[] = [];
        for (const gapMs of gapsMs) {
          clock.advance(gapMs < 200 ? 0 : gapMs / 10);
          if (connects.take()) moments.push(clock.nowMs());
        }
        expect(mostBeyond(moments, rate)).toBeLessThanOrEqual(rate + 1e-6);
      }),
      { numRuns: 300 },
    );
  });

  it('mostBeyond() tells a rate that counts in windows of a second', () => {
    const atTheEdge = [...Array<number>(10).fill(999), ...Array<number>(10).fill(1000)];
    expect(mostBeyond(atTheEdge, 10)).toBeGreaterThan(19);
  });
});
