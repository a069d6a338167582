import { describe, expect, it } from 'vitest';
import { priceDocument } from '../../../src/guard/cost/price-document.ts';
import { costDirectives } from '../../kit/cost-directives.ts';

/** An operation, what is known of its variables, and its three prices; how they come about stands beside. */
type Case = readonly [
  operation: string,
  variables: Readonly<Record<string, unknown>> | null,
  typeCost: number,
  fieldCost: number,
  points: number,
];

/** Composite types and fields weigh 1 where nothing is said, leaves 0; the Query itself counts as a type. */
function expectPrices(sdl: string, cases: readonly Case[]): void {
  for (const [operation, variables, typeCost, fieldCost, points] of cases) {
    const price = priceDocument({ sdl: costDirectives + sdl, operation, variables, defaultListSize: 100 });
    const { typeCost: type, fieldCost: field, points: charged } = price;
    expect([operation, variables, type, field, charged]).toEqual([
      operation,
      variables,
      typeCost,
      fieldCost,
      points,
    ]);
  }
}

describe('priceDocument() takes the dearest of the object types that exclude each other', () => {
  it('when a union is asked for two of them', () => {
    const sdl = `
      union Result = Small | Large
      type Small { a: Int @cost(weight: "10"), part: Part }
      type Large { b: Int @cost(weight: "20") }
      type Part { c: Int }
      type Query { result: Result }`;
    expectPrices(sdl, [
      // Query 1 + Result 1; result 1 + max(10, 20); not 1 + 30.
      ['{ result { ... on Small { a } ... on Large { b } } }', null, 2, 21, 21],
      ['{ result { ...S ...L } } fragment S on Small { a } fragment L on Large { b }', null, 2, 21, 21],
      // Each number by itself: the types are most with Small (its part), the fields with Large.
      ['{ result { ... on Small { part { c } } ... on Large { b } } }', null, 3, 21, 21],
      // Small alone: 10 and its part 1, which is dearer than nothing of Large.
      ['{ result { ... on Small { a part { c } } } }', null, 3, 12, 12],
    ]);
  });

  it('when the fields of an interface weigh otherwise on each of them', () => {
    const sdl = `
      interface Shape { area: Int, edge: Int }
      type Circle implements Shape { area: Int @cost(weight: "3"), edge: Int, radius: Int @cost(weight: "4") }
      type Square implements Shape { area: Int, edge: Int @cost(weight: "6") }
      type Query { shape: Shape }`;
    expectPrices(sdl, [
      // Circle 3, Square 6. The dearest of each field alone would give 3 + 6.
      ['{ shape { area edge } }', null, 2, 7, 7],
      // Circle 3 + 4, Square 6.
      ['{ shape { area edge ... on Circle { radius } } }', null, 2, 8, 8],
    ]);
  });

  it('when they exclude each other below one another', () => {
    const sdl = `
      union Pair = Left | Right
      type Left { next: Pair, l: Int @cost(weight: "2") }
      type Right { next: Pair, r: Int @cost(weight: "7") }
      type Query { pair: Pair }`;
    const inner = 'next { ... on Left { l } ... on Right { r } }';
    expectPrices(sdl, [
      // next 1 + max(2, 7) = 8. As Left: 2 + 8 = 10, as Right: 7. With pair itself: 11. Types: Query, pair, next.
      [`{ pair { ... on Left { l ${inner} } ... on Right { r } } }`, null, 3, 11, 11],
      // As Right: 7 + 8 = 15.
      [`{ pair { ... on Left { l ${inner} } ... on Right { r ${inner} } } }`, null, 3, 16, 16],
    ]);
  });

  it('when an abstract type weighs as its heaviest member, whatever is asked of it', () => {
    const sdl = `
      union Work = Book | Magazine
      type Book { author: Author }
      type Magazine @cost(weight: "7") { title: Int }
      type Author { name: Int }
      type Query { work: Work }`;
    expectPrices(sdl, [
      // Query 1 + Work 7 + author 1 (IBM GraphQL Cost 7.2); work 1 + author 1; points 7 + 1.
      ['{ work { ... on Book { author { name } } } }', null, 9, 2, 8],
    ]);
  });
});

describe('priceDocument() takes list sizes from variables, with types that exclude each other', () => {
  const sdl = `
    union Result = Small | Large
    type Small { a: Int @cost(weight: "10") }
    type Large { b: Int @cost(weight: "20") }
    type Query {
      results(limit: Int!): [Result] @cost(weight: "1") @listSize(slicingArguments: ["limit"])
      some(limit: Int): [Result] @listSize(slicingArguments: ["limit"], assumedSize: 6, requireOneSlicingArgument: false)
    }`;
  const results = 'query ($n: Int!) { results(limit: $n) { ... on Small { a } ... on Large { b } } }';
  const some = 'query ($n: Int) { some(limit: $n) { ... on Small { a } ... on Large { b } } }';

  it('when the value is known', () => {
    expectPrices(sdl, [
      // Query 1 + 4 x 1; 1 + 4 x 20; 4 x (1 + 20).
      [results, { n: 4 }, 5, 81, 84],
      [results, { n: 1 }, 2, 21, 21],
      // No items: the call alone; a price of at least one point.
      [results, { n: 0 }, 1, 1, 1],
      // Null gives no size, so six are assumed: 1 + 6; 1 + 6 x 20; 6 x 21.
      [some, { n: null }, 7, 121, 126],
      [some, {}, 7, 121, 126],
    ]);
  });

  it('when nothing is known of it', () => {
    expectPrices(sdl, [
      // A hundred items where nothing is said: 1 + 100; 1 + 100 x 20; 100 x 21.
      [results, null, 101, 2001, 2100],
      [some, null, 7, 121, 126],
    ]);
  });
});

describe('priceDocument() never counts both of @include and @skip on one variable', () => {
  const sdl = `
    type Side { costly: Int @cost(weight: "10"), cheap: Int @cost(weight: "1") }
    type Query { left: Side, right: Side }`;
  const apart = 'query ($x: Boolean!) { left { costly @include(if: $x) } right { costly @skip(if: $x) } }';

  it('when they stand on different fields', () => {
    expectPrices(sdl, [
      // Query 1 + two sides; 1 + 1 + 10 once.
      [apart, { x: true }, 3, 12, 12],
      [apart, { x: false }, 3, 12, 12],
      [apart, null, 3, 12, 12],
    ]);
  });

  it('when one stands within the other', () => {
    const never = 'query ($x: Boolean!) { left @include(if: $x) { costly @skip(if: $x) } }';
    expectPrices(sdl, [
      [never, { x: true }, 2, 1, 1],
      // Nothing at all is left, and an operation is at least one point.
      [never, { x: false }, 1, 0, 1],
      [never, null, 2, 1, 1],
    ]);
  });

  it('when the variables differ, so that both can be', () => {
    const both =
      'query ($x: Boolean!, $y: Boolean!) { left { costly @include(if: $x) } right { costly @skip(if: $y) } }';
    expectPrices(sdl, [
      [both, null, 3, 22, 22],
      [both, { x: true, y: false }, 3, 22, 22],
      [both, { x: true, y: true }, 3, 12, 12],
    ]);
  });

  it('when a default decides', () => {
    const operation = `query ($x: Boolean = true) {
      left { costly @include(if: $x) } right { cheap @include(if: $x) costly @skip(if: $x) } }`;
    expectPrices(sdl, [
      // True: 10 below the left, 1 below the right. False: 10 below the right.
      [operation, {}, 3, 13, 13],
      [operation, { x: false }, 3, 12, 12],
      [operation, null, 3, 13, 13],
    ]);
  });
});

describe('priceDocument() counts one response name once', () => {
  it('when two fragments ask for it', () => {
    const sdl = `
      union Result = Small | Large
      type Small { a: Int @cost(weight: "10") }
      type Large { part: Part }
      type Part { x: Int @cost(weight: "2"), y: Int @cost(weight: "3") }
      type Query { result: Result }`;
    const twoParts = 'fragment F on Large { part { x } } fragment S on Large { part { x y } }';
    expectPrices(sdl, [
      ['{ result { ... on Small { label: a } ... on Small { label: a } } }', null, 2, 11, 11],
      ['{ result { ...F ...S } } fragment F on Small { l: a } fragment S on Small { l: a }', null, 2, 11, 11],
      // result 1 + part 1 + x 2 + y 3: what is asked of the part is merged too.
      [`{ result { ...F ...S } } ${twoParts}`, null, 3, 7, 7],
      // Two names are two calls: 1 + 10 + 10.
      ['{ result { ... on Small { a b: a } } }', null, 2, 21, 21],
    ]);
  });

  it('when exclusive types give it to different fields', () => {
    const sdl = `
      union Result = Small | Large
      type Small { a: Int @cost(weight: "10") }
      type Large { b: Int @cost(weight: "20") }
      type Query { result: Result }`;
    expectPrices(sdl, [
      ['{ result { ... on Small { value: a } ... on Large { value: b } } }', null, 2, 21, 21],
    ]);
  });

  it('when directives of different weight stand on it: the dearest', () => {
    const sdl = `
      directive @tag(level: Int @cost(weight: "4")) on FIELD
      type Query { value: Int @cost(weight: "5") }`;
    expectPrices(sdl, [
      ['{ value value @tag(level: 1) value @tag }', null, 1, 9, 9],
      ['{ value @tag(level: 1) other: value @tag }', null, 1, 14, 14],
    ]);
  });
});

describe('priceDocument() adds signed weights before it clamps', () => {
  it('when a selection of one field is split', () => {
    const sdl = `
      scalar Text @cost(weight: "5")
      type Query @cost(weight: "0") { book: Book }
      type Book @cost(weight: "-7") { title: Text, author: Author }
      type Author { name: Text }`;
    const split = `query ($a: Boolean!, $b: Boolean!) {
      book @include(if: $a) { title } book @include(if: $b) { author { name } } }`;
    expectPrices(sdl, [
      // -7 + title 5 + author 1 + name 5 = 4, where each half by itself is nothing; book 1 + author 1.
      [split, { a: true, b: true }, 4, 2, 4],
      ['{ book { title author { name } } }', null, 4, 2, 4],
      // -7 + 5 is clamped to 0; one point is the least.
      [split, { a: true, b: false }, 0, 1, 1],
      // -7 + 1 + 5 is clamped as well; book and author are called.
      [split, { a: false, b: true }, 0, 2, 1],
      [split, null, 4, 2, 4],
    ]);
  });

  it('when arguments lower their own field, and no other', () => {
    const sdl = `
      input Filter { approx: Boolean @cost(weight: "-30"), near: Boolean @cost(weight: "-12") }
      type Query { search(filter: Filter @cost(weight: "15")): Int @cost(weight: "5"), other: Int @cost(weight: "4") }`;
    expectPrices(sdl, [
      ['{ search(filter: {}) }', null, 1, 20, 20],
      // 5 + 15 - 12.
      ['{ search(filter: { near: true }) }', null, 1, 8, 8],
      // 5 + 15 - 30 is nothing, and leaves its sibling at 4.
      ['{ search(filter: { approx: true }) other }', null, 1, 4, 4],
    ]);
  });

  it('when the weight of a root type is negative', () => {
    const sdl = 'type Query @cost(weight: "-3") { value: Int, part: Query }';
    expectPrices(sdl, [
      ['{ value }', null, 0, 0, 1],
      // The part is clamped by itself: 0, and the root -3 + 0.
      ['{ part { value } }', null, 0, 1, 1],
    ]);
  });
});

describe('priceDocument() pays for the call of a list without items', () => {
  const sdl = `
    input Filter { x: Int }
    type Item { value: Int @cost(weight: "3"), parts: [Item] }
    type Query {
      items(limit: Int!, filter: Filter @cost(weight: "15")): [Item] @listSize(slicingArguments: ["limit"])
      none: [Item] @listSize(assumedSize: 0)
    }`;

  it('when the size is 0 by a literal, by a variable or by the schema', () => {
    expectPrices(sdl, [
      ['{ items(limit: 0) { value } }', null, 1, 1, 1],
      ['query ($n: Int!) { items(limit: $n) { value } }', { n: 0 }, 1, 1, 1],
      ['{ none { value } }', null, 1, 1, 1],
      // The arguments belong to the call: 1 + 15.
      ['{ items(limit: 0, filter: {}) { value } }', null, 1, 16, 15],
    ]);
  });

  it('when its items would be endless', () => {
    const { typeCost, fieldCost, points } = priceDocument({
      sdl: costDirectives + sdl,
      operation: '{ items(limit: 0) { parts { value } } }',
      variables: null,
      defaultListSize: Number.POSITIVE_INFINITY,
    });
    expect({ typeCost, fieldCost, points }).toEqual({ typeCost: 1, fieldCost: 1, points: 1 });
  });
});
