import { describe, expect, it } from 'vitest';
import { planSlices } from '../../bench/harness/contest.ts';

describe('planSlices()', () => {
  it('makes slices of a second and as many cycles as there is time for', () => {
    expect(planSlices(90, 3)).toEqual({ cycles: 30, sliceMs: 1000 });
  });

  it('makes 15 shorter slices when there is time for fewer', () => {
    expect(planSlices(15, 3)).toEqual({ cycles: 15, sliceMs: 15_000 / 45 });
  });

  it('never makes slices shorter than 100 ms', () => {
    expect(planSlices(1, 4)).toEqual({ cycles: 15, sliceMs: 100 });
  });
});
