import { GraphQLError } from 'graphql';
import { describe, expect, it } from 'vitest';
import { type PricedDocument, priceDocument } from '../../../src/guard/cost/price-document.ts';
import { costDirectives } from '../../kit/cost-directives.ts';

const sdl = `
  type Query { things(first: Int, filter: Filter): [Thing] @listSize(slicingArguments: ["first"]) @cost(weight: "2") }
  type Thing { id: ID }
  input Filter { since: Int! }`;

const price = (given: Partial<PricedDocument> = {}) =>
  priceDocument({
    sdl,
    operation: 'query Q($n: Int) { things(first: $n) { id } }',
    variables: { n: 3 },
    defaultListSize: 7,
    ...given,
  });

describe('priceDocument()', () => {
  it('prices with an SDL that declares its directives, and with one that does not', () => {
    const expected = { typeCost: 1 + 3, fieldCost: 2, points: 3 * 2 };
    expect(price()).toEqual(expected);
    expect(price({ sdl: costDirectives + sdl })).toEqual(expected);
  });

  it('takes null for the worst case, and no variables for none given', () => {
    expect(price({ variables: null }).typeCost).toBe(8);
    expect(price({ variables: {} }).typeCost).toBe(8);
    expect(price({ variables: {}, defaultListSize: Infinity }).points).toBe(Infinity);
  });

  it('ignores variables that the operation does not declare', () => {
    expect(price({ variables: { n: 3, other: true } })).toEqual(price());
  });

  it('picks the operation by its name', () => {
    const operation = 'query A { things(first: 1) { id } } query B { things(first: 5) { id } }';
    expect(price({ operation, operationName: 'B' }).typeCost).toBe(6);
    expect(() => price({ operation })).toThrow(RangeError);
    expect(() => price({ operation, operationName: 'C' })).toThrow('Expected one operation "C"');
  });

  it('throws for texts that do not parse and variables that do not fit', () => {
    expect(() => price({ sdl: 'type' })).toThrow(GraphQLError);
    expect(() => price({ operation: '{' })).toThrow(GraphQLError);
    expect(() => price({ variables: { n: 'three' } })).toThrow(AggregateError);
    expect(() => price({ variables: { n: 'three' } })).toThrow('Expected variables of the declared types:');
  });
});
