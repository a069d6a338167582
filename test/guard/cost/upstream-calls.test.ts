import { describe, expect, it } from 'vitest';
import { libraryPlan } from '../../kit/library-schema.ts';

const callsOf = (document: string, variables: Readonly<Record<string, unknown>> = {}) =>
  libraryPlan(document).estimate(variables).upstreamCalls;

describe('upstreamCalls', () => {
  it('are one for each batch of the keys at a place, at the bound of a batch', () => {
    const document = 'query ($n: Int) { mixed(first: $n) { author { name } } }';
    for (const [n, calls] of [
      [0, 0],
      [1, 1],
      [8, 1],
      [9, 2],
      [16, 2],
      [17, 3],
    ])
      expect([n, callsOf(document, { n })]).toEqual([n, calls]);
  });

  it('are one for each object where there is no loader', () => {
    expect(callsOf('{ books(ids: ["1", "2", "3"]) { shelf { label } } }')).toBe(1 + 3);
  });

  it('below calls without a loader may be one for each of these, as their answers come one by one', () => {
    const below = '{ books(ids: $ids) { shelf { books(first: 4) { author { name } } } } }';
    const document = `query ($ids: [ID!]!) ${below}`;
    for (const [count, calls] of [
      [1, 1 + 1 + 1],
      // 8 keys are one batch, and 2 when they come at two times.
      [2, 1 + 2 + 2],
      [3, 1 + 3 + 4],
    ] as const)
      expect([count, callsOf(document, { ids: Array(count).fill('1') })]).toEqual([count, calls]);
    // No more than there are keys.
    expect(callsOf(document.replace('first: 4', 'first: 1'), { ids: ['1', '2', '3'] })).toBe(1 + 3 + 3);
  });

  it('below a loader may be one more for each other place that has asked for the same rows', () => {
    const authors = '{ name books { author { name } } }';
    const list = `mixed(first: 3) { author ${authors} }`;
    // In line: an author and the authors of their books come one after the other, each together.
    expect(callsOf(`{ ${list} }`)).toBe(1 + Math.ceil(30 / 8));
    // Some authors of the first list may still be on their way for the second, and the other way round.
    const both = 2 * (1 + Math.ceil(30 / 8) + 2);
    expect(callsOf(`{ a: ${list} b: ${list} }`)).toBe(both);
  });

  it('are one for an empty page of keys, which tells whether there is a page', () => {
    const document = 'query ($first: Int) { members(first: $first) { edges { node { name } } } }';
    for (const first of [0, 1, 8]) expect(callsOf(document, { first })).toBe(1);
    expect(callsOf(document, { first: 9 })).toBe(2);
  });

  it('are counted by the items of a list whose field loads these', () => {
    expect(callsOf('query ($ids: [ID!]!) { books(ids: $ids) { id } }', { ids: Array(17).fill('1') })).toBe(3);
    expect(callsOf('query ($ids: [ID!]!) { books(ids: $ids) { id } }', { ids: [] })).toBe(0);
  });

  it('are never merged over two places', () => {
    expect(callsOf('{ a: mixed(first: 1) { author { name } } b: mixed(first: 1) { author { name } } }')).toBe(
      2,
    );
    const fragment = 'fragment F on Item { author { name } }';
    expect(callsOf(`{ a: mixed(first: 9) { ...F } b: mixed(first: 9) { ...F } } ${fragment}`)).toBe(4);
  });

  it('are those of the dearest type for one object, and of all types for several', () => {
    const fields = '... on Book { author { name } } ... on Film { studio { name } }';
    expect(callsOf(`{ items(first: 1) { edges { node { ${fields} } } } }`)).toBe(1 + 1);
    expect(callsOf(`{ items(first: 2) { edges { node { ${fields} } } } }`)).toBe(1 + 2);
  });

  it('grow with the lists above them', () => {
    // 10 books of each of 4 authors are 40 keys at one place.
    expect(callsOf('{ mixed(first: 4) { author { books { author { name } } } } }')).toBe(1 + 5);
  });

  it('cost points by upstream, for calls and for keys', () => {
    const { upstreams } = libraryPlan('{ items(first: 9) { edges { node { author { name } } } } }').estimate(
      {},
    );
    expect(upstreams).toEqual({ stock: 2, people: 2 + 9 * 0.25 });
  });

  it('have no bound where a list has none', () => {
    expect(callsOf('{ endless { shelf { label } } }')).toBe(Infinity);
    expect(callsOf('{ endless { author { name } } }')).toBe(Infinity);
  });
});
