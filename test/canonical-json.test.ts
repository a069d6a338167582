import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson } from '../src/canonical-json.ts';

const { plainData } = fc.letrec((tie) => ({
  plainData: fc.oneof(
    { maxDepth: 3 },
    fc.string({ maxLength: 3 }),
    fc.integer({ min: -2, max: 2 }),
    fc.bigInt({ min: -2n, max: 2n }),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('plainData'), { maxLength: 3 }),
    fc.dictionary(fc.string({ maxLength: 2 }), tie('plainData'), { maxKeys: 3 }),
  ),
}));

describe('canonicalJson()', () => {
  it('gives one text when only the order of members differs', () => {
    expect(canonicalJson({ b: 1, a: { d: 2, c: 3 } })).toBe(canonicalJson({ a: { c: 3, d: 2 }, b: 1 }));
  });

  it('gives one text when a member is undefined or absent', () => {
    expect(canonicalJson({ a: 1, b: undefined })).toBe(canonicalJson({ a: 1 }));
  });

  it('gives one text when an object has no prototype, as GraphQL arguments have none', () => {
    expect(canonicalJson(Object.assign(Object.create(null), { a: 1 }))).toBe('{"a":1}');
  });

  it.each([
    [1, '1'],
    [1, 1n],
    ['1n', 1n],
    [null, 'null'],
    [
      [1, 2],
      [2, 1],
    ],
    [[[1], 2], [[1, 2]]],
    [['a,b'], ['a', 'b']],
    [{ a: 1 }, { a: '1' }],
    [{ a: { b: 1 } }, { a: 1, b: 1 }],
    [9007199254740993n, 9007199254740992n],
    [[], {}],
    [[undefined], [null]],
  ])('gives two texts when %o and %o differ', (left, right) => {
    expect(canonicalJson(left)).not.toBe(canonicalJson(right));
  });

  it('gives equal texts exactly when the data is deeply equal', () => {
    const pair = fc.tuple(plainData, plainData);
    fc.assert(
      fc.property(pair, ([left, right]) => {
        const equal = isDeepStrictEqual(structuredClone(left), structuredClone(right));
        expect(canonicalJson(left) === canonicalJson(right)).toBe(equal);
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    ['Map', new Map()],
    ['Set', new Set()],
    ['Date', new Date(0)],
    ['Uint8Array', new Uint8Array(1)],
    ['function', () => {}],
    ['symbol', Symbol('s')],
  ])('throws and names it when it meets a %s', (name, value) => {
    expect(() => canonicalJson({ deep: [value] })).toThrow(
      new RegExp(`Expected plain data .* got a ${name}`),
    );
  });
});
