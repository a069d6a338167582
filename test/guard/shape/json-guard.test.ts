import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { excessOfJson } from '../../../src/guard/shape/json-guard.ts';

const unbounded = { jsonMaxDepth: 1e9, jsonMaxMembers: 1e9 };

describe('excessOfJson()', () => {
  it.each([
    ['1', 0, 0],
    ['"[[[::"', 0, 0],
    ['[]', 1, 1],
    ['{"a":[]}', 2, 3],
    ['[[],[[]],{}]', 3, 5],
    ['{"[{":"]}:","b":{"c":[1,2]}}', 3, 6],
    ['["\\"[[[,","\\\\",["\\\\\\"[["]]', 2, 2],
    ['[1', 1, 1],
    ['["[[', 1, 1],
    ['["\\', 1, 1],
  ])('finds in %s a depth of %i and %i members', (text, depth, members) => {
    expect(excessOfJson(text, { jsonMaxDepth: depth, jsonMaxMembers: members })).toBeUndefined();
    if (depth > 0) expect(excessOfJson(text, { ...unbounded, jsonMaxDepth: depth - 1 })).toBe('jsonMaxDepth');
    if (members > 0)
      expect(excessOfJson(text, { ...unbounded, jsonMaxMembers: members - 1 })).toBe('jsonMaxMembers');
  });

  it('agrees with what JSON.parse makes of the text', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        const { depth, members } = measure(JSON.parse(text));
        expect(excessOfJson(text, { jsonMaxDepth: depth, jsonMaxMembers: members })).toBeUndefined();
        if (depth === 0) return;
        expect(excessOfJson(text, { ...unbounded, jsonMaxDepth: depth - 1 })).toBe('jsonMaxDepth');
        expect(excessOfJson(text, { ...unbounded, jsonMaxMembers: members - 1 })).toBe('jsonMaxMembers');
      }),
      { numRuns: 2000 },
    );
  });
});

function measure(value: unknown): { depth: number; members: number } {
  if (typeof value !== 'object' || value === null) return { depth: 0, members: 0 };
  const below = Object.values(value).map(measure);
  return {
    depth: 1 + Math.max(0, ...below.map(({ depth }) => depth)),
    members: below.reduce((sum, { members }) => sum + members, Array.isArray(value) ? 1 : 1 + below.length),
  };
}
