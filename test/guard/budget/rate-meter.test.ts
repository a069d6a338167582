import { describe, expect, it } from 'vitest';
import { createRateMeter } from '../../../src/guard/budget/rate-meter.ts';
import { createFakeClock } from '../../kit/fake-clock.ts';

describe('createRateMeter()', () => {
  it('finds the rate of a steady load, and forgets it when that ends', () => {
    const clock = createFakeClock();
    const meter = createRateMeter(clock, 10);
    let rate = 0;
    for (let turn = 0; turn < 1_000; turn += 1) {
      clock.advance(10);
      rate = meter.add('one', 5);
    }
    expect(rate).toBeGreaterThan(495);
    expect(rate).toBeLessThan(505);
    clock.advance(5_000);
    expect(meter.add('one', 0)).toBeLessThan(5);
  });

  it('tells keys apart', () => {
    const meter = createRateMeter(createFakeClock(), 10);
    meter.add('one', 100);
    expect(meter.add('other', 1)).toBe(1);
  });
});
