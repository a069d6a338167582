import { describe, expect, it } from 'vitest';
import { callTimeoutMs } from '../../src/upstream/deadline.ts';

const policy = { deadlineMarginMs: 50, minTimeoutMs: 10 };

describe('callTimeoutMs()', () => {
  it.each([
    // left, timeout
    [5_000, 4_950],
    [61, 11],
    [60, 10],
    [59, 10],
    [11, 10],
    [10, 10],
    [9, 9],
    [0.5, 0.5],
    [0, undefined],
    [-1, undefined],
    [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY],
  ])(
    'leaves the margin, but gives the minimum while there is time, when %d ms are left',
    (leftMs, timeoutMs) => {
      expect(callTimeoutMs(1_000 + leftMs, 1_000, policy)).toBe(timeoutMs);
    },
  );

  it('shrinks with every hop when each takes the deadline of the one before', () => {
    const hops = [1, 2, 3].reduce<number[]>(
      (left) => [...left, callTimeoutMs(left.at(-1) ?? 0, 0, policy) ?? 0],
      [1_000],
    );
    expect(hops).toEqual([1_000, 950, 900, 850]);
  });
});
