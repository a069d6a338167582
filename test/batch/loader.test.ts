import { describe, expect, it } from 'vitest';
import { defineLoader } from '../../src/batch/loader.ts';

const definition = {
  name: 'rows',
  maxBatchSize: 100,
  fetch: async (keys: readonly string[]) => keys,
  keyOf: (row: string) => row,
};

describe('defineLoader()', () => {
  it('gives the definition back when it is sound', () => {
    expect(defineLoader(definition)).toBe(definition);
  });

  it.each([1, 10_000])('accepts a maxBatchSize of %d when that is a bound', (maxBatchSize) => {
    expect(defineLoader({ ...definition, maxBatchSize }).maxBatchSize).toBe(maxBatchSize);
  });

  it.each([0, 10_001, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])(
    'throws when maxBatchSize is %d',
    (maxBatchSize) => {
      expect(() => defineLoader({ ...definition, maxBatchSize })).toThrow(
        `Loader "rows": expected "maxBatchSize" to be a whole number from 1 to 10000, got ${maxBatchSize}.`,
      );
    },
  );

  it('throws when the name is empty', () => {
    expect(() => defineLoader({ ...definition, name: '' })).toThrow('A loader needs a name');
  });
});
