import fc from 'fast-check';
import { buildSchema, parse, print, validate } from 'graphql';
import { describe, expect, it } from 'vitest';
import { casesOf, firstDifference, type PriceEngine } from '../../kit/cost-difference.ts';
import { costDirectives } from '../../kit/cost-directives.ts';
import { priceBatches } from '../../kit/cost-generate.ts';
import { definition, referencePrice } from '../../kit/cost-reference.ts';
import type { Price, PriceRules } from '../../kit/cost-reference-case.ts';

/** The examples of the IBM GraphQL Cost specification: sections 3 and 5.3.2.2. */
const schema = buildSchema(`${costDirectives}
  directive @approx(tolerance: Float! @cost(weight: "-1.0")) on FIELD
  enum Approximate { YES }
  input Filter { approx: Approximate @cost(weight: "-12.0") }
  type User { name: String, age: Int @cost(weight: "2.0") }
  type Product { name: String }
  type Query {
    users(max: Int): [User] @listSize(slicingArguments: ["max"])
    topProducts(filter: Filter @cost(weight: "15.0")): [String] @cost(weight: "5.0") @listSize(assumedSize: 10)
    mostPopularProduct(approx: Approximate @cost(weight: "-3.0")): Product @cost(weight: "5.0")
  }
`);

function price(operation: string, variables: Readonly<Record<string, unknown>> | null = {}): Price {
  const document = parse(operation);
  expect(validate(schema, document)).toEqual([]);
  return referencePrice({ schema, document, variables, defaultListSize: Number.POSITIVE_INFINITY });
}

/** The reference model with one rule broken, in the place of an engine. */
function flawed(rules: Partial<PriceRules>): PriceEngine {
  return (schema, defaultListSize) => (document) => (variables) =>
    referencePrice({ schema, document, variables, defaultListSize }, { ...definition, ...rules });
}

function sum(prices: readonly Price[]): Price {
  const total = (part: keyof Price) => prices.reduce((sum, price) => sum + price[part], 0);
  return { typeCost: total('typeCost'), fieldCost: total('fieldCost'), points: total('points') };
}

describe('referencePrice()', () => {
  it.each<[operation: string, typeCost: number, fieldCost: number, points: number]>([
    // A field of 1 that brings five users, each with an age of 2; and the Query itself beside the five users.
    ['{ users(max: 5) { age } }', 6, 11, 15],
    ['{ topProducts }', 1, 5, 50],
    ['{ topProducts(filter: {}) }', 1, 20, 65],
    ['{ topProducts(filter: { approx: YES }) }', 1, 8, 53],
    ['{ mostPopularProduct { name } }', 2, 5, 5],
    ['{ mostPopularProduct(approx: YES) { name } }', 2, 2, 2],
    ['{ mostPopularProduct @approx(tolerance: 0.5) { name } }', 2, 4, 4],
  ])('agrees with the examples of the specification on %s', (operation, typeCost, fieldCost, points) => {
    expect(price(operation)).toEqual({ typeCost, fieldCost, points });
  });

  it('takes a list without a size as endless', () => {
    expect(price('{ users { age } }')).toEqual({
      typeCost: Number.POSITIVE_INFINITY,
      fieldCost: Number.POSITIVE_INFINITY,
      points: Number.POSITIVE_INFINITY,
    });
  });

  it('refuses variables that are not of the declared types', () => {
    expect(() => price('query ($max: Int!) { users(max: $max) { age } }')).toThrow('declared types');
  });

  it.each<[flaw: string, rules: Partial<PriceRules>]>([
    ['adds up exclusive types', { oneOfTypes: sum }],
    ['takes null as absent', { given: () => undefined }],
    ['lowers prices by negative slices', { sliceSize: (slice) => slice }],
  ])('is told from a model that %s', (_flaw, rules) => {
    const batches = fc.sample(priceBatches(), { seed: 1, numRuns: 10 });
    const differences = batches.values().map((batch) => firstDifference(batch, flawed(rules)));
    const difference = differences.find((found) => found !== undefined);
    expect(difference).toBeDefined();
    expect(difference?.got).not.toEqual(difference?.expected);
  });
});

describe('priceBatches()', () => {
  const batches = fc.sample(priceBatches(), { seed: 5, numRuns: 20 });

  it('makes valid operations, and more than 200 cases a batch', () => {
    for (const { schema, operations } of batches)
      for (const { document } of operations) expect(validate(schema, document)).toEqual([]);
    expect(batches.reduce((total, batch) => total + casesOf(batch), 0)).toBeGreaterThan(200 * batches.length);
  });

  it('makes the same batches of the same seed', () => {
    const again = fc.sample(priceBatches(), { seed: 5, numRuns: 20 });
    expect(again.map(({ sdl }) => sdl)).toEqual(batches.map(({ sdl }) => sdl));
  });

  it.each<[what: string, pattern: RegExp]>([
    ['a condition on a variable', /@include\(if: \$x\)/],
    ['the opposite condition on it', /@skip\(if: \$x\)/],
    ['a literal condition', /@skip\(if: (true|false)\)/],
    ['a weighed directive', /@tag\(level: \$level/],
    ['a named fragment', /\.\.\.Fragment/],
    ['an inline fragment', /\.\.\. on (A|Node|Any)/],
    ['a negative slice', /(first|limit|max): -5/],
    ['a slice of nothing', /(first|limit|max): 0/],
    ['a null', /(first|filter): null/],
    ['a variable with a default', /\$v1: \w+!? = /],
    ['an alias', /a: f\d/],
    ['a mutation', /^mutation/],
  ])('makes %s', (_what, pattern) => {
    const documents = batches.flatMap(({ operations }) => operations.map(({ document }) => print(document)));
    expect(documents.filter((document) => pattern.test(document)).length).toBeGreaterThan(0);
  });

  it.each<[what: string, pattern: RegExp]>([
    ['a negative weight', /@cost\(weight: "-3"\)/],
    ['several slicing arguments', /slicingArguments: \["\w+","\w+"/],
    ['sized fields', /sizedFields: \["f\d+"/],
    ['an assumed size beside slicing arguments', /slicingArguments: [^)]*assumedSize/],
    ['a default within an input object', /next: Order = \{/],
  ])('makes schemas with %s', (_what, pattern) => {
    expect(batches.filter(({ sdl }) => pattern.test(sdl)).length).toBeGreaterThan(0);
  });
});
