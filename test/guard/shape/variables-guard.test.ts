import { describe, expect, it } from 'vitest';
import { excessOfVariables } from '../../../src/guard/shape/variables-guard.ts';
import { defaultLimits } from './default-limits.ts';

const limits = { ...defaultLimits, jsonMaxDepth: 6, maxListLength: 4, variablesMaxBytes: 256 };

describe('excessOfVariables()', () => {
  it.each([undefined, null, {}, { a: 1, b: null, c: 'text', d: [], e: {} }])('takes %j', (variables) => {
    expect(excessOfVariables(variables, limits)).toBeUndefined();
  });

  it.each([
    ['lists', (depth: number) => JSON.parse(`${'['.repeat(depth)}${']'.repeat(depth)}`)],
    ['objects', (depth: number) => JSON.parse(`${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`)],
  ])('takes %s within each other as deep as the request may be', (_what, nested) => {
    // The request itself is one level, the object of variables another.
    expect(excessOfVariables({ a: nested(3) }, limits)).toBeUndefined();
    expect(excessOfVariables({ a: nested(4) }, limits)).toBeUndefined();
    expect(excessOfVariables({ a: nested(5) }, limits)).toBe('jsonMaxDepth');
  });

  it.each([
    ['a variable', (length: number) => ({ a: 1, b: listOf(length) })],
    ['an input object', (length: number) => ({ a: { b: listOf(length) } })],
    ['a list of input objects', (length: number) => ({ a: [{ b: listOf(length) }] })],
  ])('takes lists as long as they may be in %s', (_where, variablesOf) => {
    expect(excessOfVariables(variablesOf(3), limits)).toBeUndefined();
    expect(excessOfVariables(variablesOf(4), limits)).toBeUndefined();
    expect(excessOfVariables(variablesOf(5), limits)).toBe('maxListLength');
  });

  it.each<readonly [string, (count: number) => object]>([
    ['members', (count) => Object.fromEntries(Array.from({ length: count - 1 }, (_, at) => [`a${at}`, 1]))],
    ['lists', (count) => ({ a: Array.from({ length: count - 3 }, () => []) })],
    ['objects', (count) => ({ a: Array.from({ length: count - 3 }, () => ({})) })],
  ])('takes as many %s as there may be', (_what, variablesOf) => {
    const wide = { ...defaultLimits, jsonMaxMembers: 99 };
    expect(excessOfVariables(variablesOf(98), wide)).toBeUndefined();
    expect(excessOfVariables(variablesOf(99), wide)).toBeUndefined();
    expect(excessOfVariables(variablesOf(100), wide)).toBe('jsonMaxMembers');
  });

  it.each(['x', '"', 'é', '\u0000'])('takes as many bytes of %j as there may be', (character) => {
    const bytes = (count: number) => Buffer.byteLength(JSON.stringify({ a: character.repeat(count), b: '' }));
    const most =
      Array.from({ length: 256 }, (_, count) => count).findLast((count) => bytes(count) <= 256) ?? 0;
    const filled = { a: character.repeat(most), b: 'x'.repeat(256 - bytes(most)) };
    expect(excessOfVariables({ ...filled, a: filled.a.slice(1) }, limits)).toBeUndefined();
    expect(excessOfVariables(filled, limits)).toBeUndefined();
    expect(excessOfVariables({ ...filled, b: `${filled.b}x` }, limits)).toBe('variablesMaxBytes');
  });

  it('needs no stack for what nests 200,000 deep', () => {
    const nested = JSON.parse(`${'['.repeat(200_000)}${']'.repeat(200_000)}`);
    expect(excessOfVariables({ nested }, limits)).toBe('jsonMaxDepth');
  });
});

function listOf(length: number): number[] {
  return Array.from({ length }, () => 1);
}
