import { describe, expect, it } from 'vitest';
import { planSlices } from '../../bench/harness/contest.ts';

describe('planSlices()', () => {
  it('makes slices of half a second and as many cycles as there is time for', () => {
    expect(planSlices(90, 3)).toEqual({ cycles: 60, sliceMs: 500 });
  });

  it('makes 15 shorter slices when there is time for fewer', () => {
    expect(planSlices(9, 3)).toEqual({ cycles: 15, sliceMs: 200 });
  });

  it('never makes slices shorter than 100 ms', () => {
    expect(planSlices(1, 4)).toEqual({ cycles: 15, sliceMs: 100 });
  });
});
