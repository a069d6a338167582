import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { alignRows } from '../../src/batch/align.ts';

interface Row {
  readonly id: string;
  readonly version: number;
}

const row = (id: string, version = 1): Row => ({ id, version });
const idOf = ({ id }: Row) => id;

describe('alignRows()', () => {
  it('follows the keys when the rows come in another order', () => {
    expect(alignRows(['a', 'b', 'c'], [row('c'), row('a'), row('b')], idOf).rows.map((r) => r?.id)).toEqual([
      'a',
      'b',
      'c',
    ]);
  });

  it('gives null and counts it when a row is missing', () => {
    expect(alignRows(['a', 'b'], [row('b')], idOf)).toEqual({
      rows: [null, row('b')],
      missing: 1,
      foreign: 0,
      repeated: 0,
    });
  });

  it('keeps the first and counts the rest when a row is repeated', () => {
    expect(alignRows(['a'], [row('a', 1), row('a', 2), row('a', 3)], idOf)).toEqual({
      rows: [row('a', 1)],
      missing: 0,
      foreign: 0,
      repeated: 2,
    });
  });

  it('drops and counts a row when nobody asked for its key', () => {
    expect(alignRows(['a'], [row('x'), row('a')], idOf)).toEqual({
      rows: [row('a')],
      missing: 0,
      foreign: 1,
      repeated: 0,
    });
  });

  it('tells a number, a bigint and text apart when they print alike', () => {
    const keys: readonly (string | number | bigint)[] = [1, 1n, '1'];
    expect(alignRows(keys, ['1', 1n], (value) => value).rows).toEqual([null, 1n, '1']);
  });

  it('finds keys when they are beyond 2^53', () => {
    const keys = [9007199254740993n, 9007199254740992n];
    expect(alignRows(keys, [...keys].reverse(), (key) => key).rows).toEqual(keys);
  });

  it('gives an empty alignment when there are no keys', () => {
    expect(alignRows([], [row('a')], idOf)).toEqual({ rows: [], missing: 0, foreign: 1, repeated: 0 });
  });

  it('gives each key its own row or null and accounts for every row when the upstream answers anything', () => {
    const ids = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', '__proto__', 'constructor');
    fc.assert(
      fc.property(fc.uniqueArray(ids), fc.array(fc.record({ id: ids, version: fc.nat() })), (keys, rows) => {
        const { rows: aligned, missing, foreign, repeated } = alignRows(keys, rows, idOf);
        expect(aligned).toEqual(keys.map((key) => rows.find(({ id }) => id === key) ?? null));
        expect(missing).toBe(aligned.filter((entry) => entry === null).length);
        expect(foreign).toBe(rows.filter(({ id }) => !keys.includes(id)).length);
        expect(keys.length - missing + foreign + repeated).toBe(rows.length);
      }),
    );
  });
});
