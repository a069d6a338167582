import { describe, expect, it } from 'vitest';
import { priceDocument } from '../../../src/guard/cost/price-document.ts';
import { costDirectives } from '../../kit/cost-directives.ts';

type Variables = Readonly<Record<string, unknown>> | null;

const sdl = `${costDirectives}
  input Filter { text: String @cost(weight: "2"), deep: Filter }
  interface Wild { danger: Int }
  type Dog { bark: Int @cost(weight: "6"), friends(first: Int): [Pet] @listSize(slicingArguments: ["first"]) }
  type Cat implements Wild { danger: Int @cost(weight: "4"), meow: Int @cost(weight: "3") }
  type Wolf implements Wild { danger: Int @cost(weight: "50") }
  union Pet = Dog | Cat
  type Review { stars: Int, author: Author }
  type Author { name: String }
  type Product {
    name: String
    reviews(first: Int = 10): [Review!]! @listSize(slicingArguments: ["first"])
  }
  type ProductEdge @cost(weight: "0") { node: Product }
  type PageInfo @cost(weight: "0") { endCursor: String }
  type ProductConnection { edges: [ProductEdge], nodes: [Product], pageInfo: PageInfo }
  type Payment { id: ID }
  type Query {
    pet: Pet
    products(first: Int, last: Int): [Product]
      @listSize(slicingArguments: ["first", "last"], assumedSize: 30, requireOneSlicingArgument: false)
    defaulted(first: Int = 20): [Product] @listSize(slicingArguments: ["first"])
    page(first: Int, last: Int): ProductConnection
      @listSize(slicingArguments: ["first", "last"], sizedFields: ["edges", "nodes"])
    product(ids: [ID!] = []): [Product] @listSize(slicingArguments: ["ids"])
    search(filter: Filter, limit: Int): [Product] @cost(weight: "5") @listSize(slicingArguments: ["limit"], assumedSize: 1, requireOneSlicingArgument: false)
  }
  type Shelf { books: [Product] @listSize(assumedSize: 2) }
  extend type Query {
    shelves(first: Int): [Shelf] @listSize(slicingArguments: ["first"], sizedFields: ["books"])
    find(order: Order = {} @cost(weight: "15")): Int @cost(weight: "5")
  }
  input Order { nested: Nested = {} @cost(weight: "4") }
  input Nested { approx: Boolean = true @cost(weight: "-12") }
  type Mutation { pay(amount: Int): Payment, value: Int }
`;

function price(operation: string, variables: Variables = {}) {
  const { typeCost, fieldCost, points } = priceDocument({ sdl, operation, variables, defaultListSize: 7 });
  return { typeCost, fieldCost, points };
}

/** `count` products, each with its name: Query 1 + count types, one call, a point for each. */
function products(count: number) {
  return { typeCost: 1 + count, fieldCost: 1, points: Math.max(1, count) };
}

describe('priceDocument()', () => {
  it.each([0, 1, 2, 100, -5])('prices a literal and a variable alike when they are %i', (first) => {
    const expected = products(Math.max(0, first));
    expect(price(`{ products(first: ${first}) { name } }`)).toEqual(expected);
    expect(price('query ($n: Int) { products(first: $n) { name } }', { n: first })).toEqual(expected);
    expect(price('query ($n: Int!) { products(first: $n) { name } }', { n: first })).toEqual(expected);
    expect(price(`query ($n: Int = ${first}) { products(first: $n) { name } }`)).toEqual(expected);
    expect(price(`{ ...F } fragment F on Query { products(first: ${first}) { name } }`)).toEqual(expected);
    expect(price(`{ other: products(first: ${first}) { name } }`)).toEqual(expected);
  });

  it.each([
    ['literals', '{ products(first: 1, last: 100) { name } }', {}],
    ['the greater in a variable', 'query ($l: Int) { products(first: 1, last: $l) { name } }', { l: 100 }],
    ['the smaller in a variable', 'query ($f: Int) { products(first: $f, last: 100) { name } }', { f: 1 }],
    ['the other order', '{ products(last: 100, first: 1) { name } }', {}],
  ])('takes the greatest of several slicing arguments when they are %s', (_how, operation, variables) => {
    expect(price(operation, variables)).toEqual(products(100));
  });

  it('lets a negative slice lower nothing', () => {
    // The dear pet costs the same beside it: 1 + bark 6.
    const alone = price('{ pet { ... on Dog { bark } } }');
    expect(alone).toEqual({ typeCost: 2, fieldCost: 7, points: 7 });
    const beside = price('{ pet { ... on Dog { bark } } products(first: -5) { name reviews { stars } } }');
    expect(beside).toEqual({ typeCost: 2, fieldCost: 8, points: 7 });
    expect(price('{ products(first: -5, last: 2) { name } }')).toEqual(products(2));
    expect(price('{ products(first: 3) { reviews(first: -5) { stars } } }')).toEqual({
      typeCost: 4,
      // Three products, each calling for its reviews.
      fieldCost: 4,
      points: 3,
    });
  });

  it('asks for at least one point, and for the call of an empty list', () => {
    expect(price('{ products(first: 0) { name reviews { author { name } } } }')).toEqual(products(0));
  });

  it('counts a null as given: no default of the schema or the operation comes in its place', () => {
    // Nothing else sizes the list: 7.
    expect(price('{ defaulted(first: null) { name } }')).toEqual(products(7));
    const operation = 'query ($n: Int = 3) { defaulted(first: $n) { name } }';
    expect(price(operation, { n: null })).toEqual(products(7));
    expect(price('query ($n: Int) { defaulted(first: $n) { name } }', { n: null })).toEqual(products(7));
    // Here an assumed size is left.
    expect(price('{ products(first: null) { name } }')).toEqual(products(30));
    expect(price('{ products(first: null, last: 2) { name } }')).toEqual(products(2));
  });

  it('takes a variable without a value as absent: the default of the operation counts, else that of the schema', () => {
    expect(price('{ defaulted { name } }')).toEqual(products(20));
    expect(price('query ($n: Int) { defaulted(first: $n) { name } }')).toEqual(products(20));
    expect(price('query ($n: Int = 3) { defaulted(first: $n) { name } }')).toEqual(products(3));
    expect(price('query ($n: Int = 3) { defaulted(first: $n) { name } }', { n: 4 })).toEqual(products(4));
    expect(price('query ($n: Int = null) { defaulted(first: $n) { name } }')).toEqual(products(7));
    expect(price('query ($n: Int) { products(first: $n) { name } }')).toEqual(products(30));
  });

  it('counts the items of a list that slices', () => {
    expect(price('{ product(ids: ["a", "b", "c"]) { name } }')).toEqual(products(3));
    expect(price('query ($ids: [ID!]) { product(ids: $ids) { name } }', { ids: ['a', 'b'] })).toEqual(
      products(2),
    );
    expect(price('{ product(ids: "12") { name } }')).toEqual(products(1));
    expect(price('{ product(ids: []) { name } }')).toEqual(products(0));
    expect(price('{ product { name } }')).toEqual(products(0));
    expect(price('query ($ids: [ID!]) { product(ids: $ids) { name } }', { ids: null })).toEqual(products(7));
  });

  it('counts one alias in two fragments once, and two aliases twice', () => {
    // search 5 + filter 1 + text 2 = 8 for the call; one item of 5 and 3 for the filter: 8 points.
    const once = { typeCost: 2, fieldCost: 8, points: 8 };
    const search = 'search(filter: { text: "t" }) { name }';
    expect(
      price(`{ ...A ...B } fragment A on Query { s: ${search} } fragment B on Query { s: ${search} }`),
    ).toEqual(once);
    expect(price(`{ s: ${search} ... { s: ${search} } }`)).toEqual(once);
    expect(price(`{ s: ${search} t: ${search} }`)).toEqual({ typeCost: 3, fieldCost: 16, points: 16 });
  });

  it('counts the arguments of each alias', () => {
    // 5 + 1 + 2, 5 + 1, 5, and 5 + 1 + deep 1 + 2.
    const operation = `{
      a: search(filter: { text: "t" }) { name }
      b: search(filter: {}) { name }
      c: search { name }
      d: search(filter: { deep: { text: "t" } }) { name }
    }`;
    expect(price(operation)).toEqual({ typeCost: 5, fieldCost: 28, points: 28 });
    const variables = { a: { text: 't' }, b: {}, d: { deep: { text: 't' } } };
    const varied = `query ($a: Filter, $b: Filter, $c: Filter, $d: Filter) {
      a: search(filter: $a) { name } b: search(filter: $b) { name }
      c: search(filter: $c) { name } d: search(filter: $d) { name }
    }`;
    expect(price(varied, variables)).toEqual({ typeCost: 5, fieldCost: 28, points: 28 });
  });

  it('pays arguments once, however many items the field brings', () => {
    // 5 + 1 for the call; 10 items: 10 x 5 + 1 points.
    expect(price('{ search(limit: 10, filter: {}) { name } }')).toEqual({
      typeCost: 11,
      fieldCost: 6,
      points: 51,
    });
  });

  it('takes the dearest of exclusive types', () => {
    // Dog 6, Cat 4 + 3 = 7.
    expect(price('{ pet { ... on Dog { bark } ... on Cat { danger meow } } }')).toEqual({
      typeCost: 2,
      fieldCost: 8,
      points: 8,
    });
  });

  it('never counts @include and @skip on one variable together', () => {
    const operation = `query ($x: Boolean!) {
      pet { ... on Dog @include(if: $x) { bark } ... on Dog @skip(if: $x) { loud: bark } } }`;
    const expected = { typeCost: 2, fieldCost: 7, points: 7 };
    for (const variables of [{ x: true }, { x: false }, null])
      expect(price(operation, variables)).toEqual(expected);
  });

  it('counts nothing of a fragment on an interface that the type does not implement', () => {
    // Danger is of the cat (4), never of the wolf (50), which is no pet, nor of the dog (6), which is not wild.
    expect(price('{ pet { ... on Wild { danger } } }')).toEqual({ typeCost: 2, fieldCost: 5, points: 5 });
    expect(price('{ pet { ... on Wild { danger } ... on Dog { bark } } }')).toEqual({
      typeCost: 2,
      fieldCost: 7,
      points: 7,
    });
    expect(price('{ pet { ... on Wild { ... on Pet { ... on Dog { bark } } } } }')).toEqual({
      typeCost: 2,
      fieldCost: 1,
      points: 1,
    });
  });

  it('charges ten points for each root field of a mutation', () => {
    expect(price('mutation { pay { id } }')).toEqual({ typeCost: 2, fieldCost: 1, points: 11 });
    expect(price('mutation { a: pay { id } b: pay(amount: 1) { id } }')).toEqual({
      typeCost: 3,
      fieldCost: 2,
      points: 22,
    });
    expect(price('mutation { value }')).toEqual({ typeCost: 1, fieldCost: 0, points: 10 });
    // One call: the nodes of one response name.
    expect(price('mutation { value ...F } fragment F on Mutation { value }').points).toBe(10);
    expect(price('mutation ($x: Boolean!) { value @skip(if: $x) }', { x: true }).points).toBe(1);
    // Only mutations: the same field of a query has no base.
    expect(price('{ pet { ... on Dog { bark } } }').points).toBe(7);
  });

  it('multiplies lists within lists', () => {
    // 50 products, 2,500 reviews, 2,500 authors.
    const operation = '{ products(first: 50) { reviews(first: 50) { author { name } } } }';
    expect(price(operation)).toEqual({
      typeCost: 1 + 50 + 2_500 + 2_500,
      // One call for products, 50 for reviews, 2,500 for authors.
      fieldCost: 1 + 50 + 2_500,
      points: 50 + 2_500 + 2_500,
    });
  });

  it('hands the size of a connection to its lists, and weighs no plumbing', () => {
    const operation =
      'query ($n: Int) { page(first: $n) { edges { node { name } } pageInfo { endCursor } } }';
    // Query, connection, 20 products. Calls: page, edges, pageInfo, and node 20 times. Points: the connection and the products.
    expect(price(operation, { n: 20 })).toEqual({ typeCost: 22, fieldCost: 23, points: 21 });
    // Two lists of one connection are two lists.
    expect(price('{ page(first: 20) { edges { node { name } } nodes { name } } }')).toEqual({
      typeCost: 42,
      fieldCost: 23,
      points: 41,
    });
    // No size to hand down: 7 each.
    expect(price('{ page { nodes { name } } }')).toEqual({ typeCost: 9, fieldCost: 2, points: 8 });
  });

  it('sizes the lists below a field that names them, and never the field itself by the same', () => {
    // Nothing sizes the shelves: 7, with 3 books each. Query 1 + 7 + 7 x 3; shelves once, books on each.
    expect(price('{ shelves(first: 3) { books { name } } }')).toEqual({
      typeCost: 29,
      fieldCost: 8,
      points: 28,
    });
    // Without a size to hand down, books have their own: 2.
    expect(price('{ shelves { books { name } } }')).toEqual({ typeCost: 22, fieldCost: 8, points: 21 });
    expect(price('{ shelves(first: null) { books { name } } }')).toEqual(
      price('{ shelves { books { name } } }'),
    );
  });

  it.each<[what: string, operation: string, variables: Variables, cost: number]>([
    // find 5 + order 15 + nested 4 - approx 12.
    ['everything is left out', '{ find }', {}, 12],
    ['a variable is left out', 'query ($o: Order) { find(order: $o) }', {}, 12],
    ['an object is empty', 'query ($o: Order) { find(order: $o) }', { o: {} }, 12],
    ['a variable within it is left out', 'query ($n: Nested) { find(order: { nested: $n }) }', {}, 12],
    // Null is given: what it is given for weighs, and no default below it.
    ['a null is within it', '{ find(order: { nested: null }) }', {}, 24],
    ['a null is within a variable', 'query ($o: Order) { find(order: $o) }', { o: { nested: null } }, 24],
    ['a variable within it is null', 'query ($n: Nested) { find(order: { nested: $n }) }', { n: null }, 24],
    ['it is null', '{ find(order: null) }', {}, 20],
    ['a variable is null', 'query ($o: Order = {}) { find(order: $o) }', { o: null }, 20],
    ['the leaf is null', '{ find(order: { nested: { approx: null } }) }', {}, 12],
  ])('weighs defaults within input objects when %s', (_what, operation, variables, cost) => {
    expect(price(operation, variables)).toEqual({ typeCost: 1, fieldCost: cost, points: cost });
  });

  it('clamps each item before it adds the arguments', () => {
    const { points } = priceDocument({
      sdl: `${costDirectives}
        type Cheap @cost(weight: "-7") { name: String @cost(weight: "2") }
        type Query { cheap(text: String @cost(weight: "15")): [Cheap] @listSize(assumedSize: 10) }`,
      operation: '{ cheap(text: "t") { name } }',
      variables: {},
      defaultListSize: 1,
    });
    // Ten items of -7 + 2 are nothing; the argument is 15.
    expect(points).toBe(15);
  });

  it('charges nothing for __typename', () => {
    expect(price('{ __typename pet { __typename } }')).toEqual(
      price('{ pet { ... on Dog { __typename } } }'),
    );
    expect(price('mutation { __typename }').points).toBe(1);
  });

  it('is never lower when nothing is known of the Boolean variables', () => {
    const operation = `query ($x: Boolean!, $y: Boolean!) {
      pet { ... on Dog @include(if: $x) { bark } ... on Cat @skip(if: $y) { meow danger } } }`;
    const worst = price(operation, null);
    for (const x of [true, false]) {
      for (const y of [true, false]) {
        const known = price(operation, { x, y });
        expect(known.fieldCost).toBeLessThanOrEqual(worst.fieldCost);
        expect(known.points).toBeLessThanOrEqual(worst.points);
      }
    }
    expect(worst).toEqual({ typeCost: 2, fieldCost: 8, points: 8 });
  });
});
