import { describe, expect, it } from 'vitest';
import { replayPoints } from '../../src/realtime/replay-points.ts';

describe('replayPoints()', () => {
  it.each([
    { points: 5, percent: 100, price: 5 },
    { points: 5, percent: 99, price: 5 },
    { points: 5, percent: 50, price: 3 },
    { points: 4, percent: 50, price: 2 },
    { points: 300, percent: 1, price: 3 },
    { points: 301, percent: 1, price: 4 },
    { points: 5, percent: 1, price: 1 },
    { points: 5, percent: 0, price: 1 },
    { points: 1, percent: 50, price: 1 },
    { points: 0, percent: 0, price: 1 },
    { points: 0.5, percent: 100, price: 1 },
    { points: 2.5, percent: 100, price: 2.5 },
    { points: 2.5, percent: 50, price: 2 },
  ])('is $price of $points points at $percent %', ({ points, percent, price }) => {
    expect(replayPoints(points, percent)).toBe(price);
  });

  it('is never above the whole price, nor below a point', () => {
    for (let points = 0; points <= 40; points += 0.25)
      for (let percent = 0; percent <= 100; percent += 1) {
        const price = replayPoints(points, percent);
        expect(price).toBeGreaterThanOrEqual(1);
        expect(price).toBeLessThanOrEqual(Math.max(1, points));
      }
  });
});
