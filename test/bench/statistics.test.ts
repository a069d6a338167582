import { describe, expect, it } from 'vitest';
import { medianInterval, quantile } from '../../bench/harness/statistics.ts';

const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

describe('medianInterval()', () => {
  it('gives the ranks of the table of the sign test when there are 6, 15 and 60 values', () => {
    expect(medianInterval(upTo(6))).toEqual([1, 3.5, 6]);
    expect(medianInterval(upTo(15))).toEqual([4, 8, 12]);
    expect(medianInterval(upTo(60))).toEqual([22, 30.5, 39]);
  });

  it('gives the whole range when there are too few values for 95 %', () => {
    expect(medianInterval(upTo(5))).toEqual([1, 3, 5]);
    expect(medianInterval([7])).toEqual([7, 7, 7]);
  });

  it('does not depend on the order of the values', () => {
    expect(medianInterval(upTo(15).reverse())).toEqual([4, 8, 12]);
  });

  it('throws when there is no value', () => {
    expect(() => medianInterval([])).toThrow(RangeError);
  });
});

describe('quantile()', () => {
  it('lies between neighbours by proportion', () => {
    expect(quantile([10, 20, 30], 0)).toBe(10);
    expect(quantile([10, 20, 30], 0.5)).toBe(20);
    expect(quantile([10, 20, 30], 0.75)).toBe(25);
    expect(quantile([10, 20, 30], 1)).toBe(30);
  });
});
