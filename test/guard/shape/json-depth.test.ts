import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isDeeperJson } from '../../../src/guard/shape/json-depth.ts';

describe('isDeeperJson()', () => {
  it.each([
    ['1', 0],
    ['"[[["', 0],
    ['[]', 1],
    ['{"a":[]}', 2],
    ['[[],[[]],{}]', 3],
    ['{"[{":"]}","b":{"c":[1]}}', 3],
    ['["\\"[[[","\\\\",["\\\\\\"[["]]', 2],
    ['[1', 1],
    ['["[[', 1],
    ['["\\', 1],
  ])('says of %s that it is not deeper than %i, and deeper than one less', (text, depth) => {
    expect(isDeeperJson(text, depth)).toBe(false);
    if (depth > 0) expect(isDeeperJson(text, depth - 1)).toBe(true);
  });

  it('agrees with what JSON.parse makes of the text', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        const depth = depthOf(JSON.parse(text));
        expect(isDeeperJson(text, depth)).toBe(false);
        expect(isDeeperJson(text, depth - 1)).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });
});

function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}
