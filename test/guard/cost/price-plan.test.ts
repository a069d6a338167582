import { buildSchema, parse } from 'graphql';
import { describe, expect, it } from 'vitest';
import { createCostModel } from '../../../src/guard/cost/cost-model.ts';
import { compilePrice } from '../../../src/guard/cost/price-plan.ts';
import type { Tally } from '../../../src/guard/cost/tally.ts';
import { costDirectives } from '../../kit/cost-directives.ts';
import { libraryPlan, librarySchema } from '../../kit/library-schema.ts';

const page = `query ($n: Int) {
  items(first: $n) { edges { node { title author { name } } } pageInfo { hasNextPage } }
}`;

describe('compilePrice()', () => {
  it('prices a page of 20 with an object each at 1 + 20 x 2', () => {
    expect(libraryPlan(page).estimate({ n: 20 })).toEqual({
      typeCost: 1 + 1 + 20 * 2,
      fieldCost: 1 + 1 + 1 + 20 * 2,
      points: 41,
      upstreamCalls: 1 + 3,
      upstreams: { stock: 2, people: 3 + 20 * 0.25 },
    });
  });

  it('prices a literal as the variable of that value, and one that is absent by its default', () => {
    const plan = libraryPlan(page);
    for (const n of [0, 1, 7, 100])
      expect(libraryPlan(page.replace('$n)', `${n})`)).estimate({})).toEqual(plan.estimate({ n }));
    expect(plan.estimate({})).toEqual(plan.estimate({ n: 20 }));
  });

  it('does not take a member that an object inherits for a variable', () => {
    const plan = libraryPlan('query ($toString: Int) { mixed(first: $toString) { id } }', {
      defaultListSize: 3,
    });
    expect(plan.estimate({}).points).toBe(3);
  });

  it('charges the base of a mutation for each root field that it has, and at least a point for any operation', () => {
    const points = (document: string) => libraryPlan(document).estimate({}).points;
    expect(points('mutation { touch }')).toBe(10);
    expect(points('mutation { a: touch b: touch __typename }')).toBe(20);
    expect(points('mutation { lend(id: 1) { title } renew(id: 2) { title } }')).toBe(22);
    expect(points('mutation { touch lend(id: 1) @skip(if: true) { title } }')).toBe(10);
    expect(points('subscription { lent { title } }')).toBe(1);
    expect(points('{ __typename }')).toBe(1);
  });

  it('clamps the points of an object at 0, so that it lowers no other', () => {
    // The discount weighs -2, its shelf 1: the field `discount` is free, and the shelf stays 1.
    expect(libraryPlan('{ shelf { discount { reason } } }').estimate({}).points).toBe(1);
    expect(libraryPlan('{ shelf { discount { reason } books(first: 2) { id } } }').estimate({}).points).toBe(
      3,
    );
  });

  it('says Infinity for a list that nothing sizes, and nothing for none of its items', () => {
    expect(libraryPlan('{ endless { title } }').estimate({})).toMatchObject({
      typeCost: Infinity,
      fieldCost: 1,
    });
    expect(
      libraryPlan('{ mixed(first: 0) { author { books { author { name } } } } }').estimate({}).points,
    ).toBe(1);
    const nested = libraryPlan('query ($n: Int) { mixed(first: $n) { author { name } } }');
    expect(nested.estimate({ n: null }).points).toBe(Infinity);
    expect(nested.estimate({ n: 0 }).upstreamCalls).toBe(0);
  });

  it('takes both sides of a condition without a value, but never both of one variable at once', () => {
    const plan = libraryPlan(`query ($x: Boolean!, $y: Boolean = true) {
      search @include(if: $x) { id }
      books(ids: ["1"]) @skip(if: $x) { id }
      tags @include(if: $y)
    }`);
    expect(plan.estimate({ x: true, y: false }).points).toBe(5);
    expect(plan.estimate({ x: false, y: false }).points).toBe(1);
    expect(plan.estimate({ x: true, y: true }).points).toBe(7);
    expect(plan.estimate({ y: true }).points).toBe(7);
    expect(plan.estimate(null).points).toBe(7);
    expect(plan.estimate(null).upstreamCalls).toBe(1);
  });

  it('throws RangeError for an operation, a fragment, a field or a root type that there is not', () => {
    const model = createCostModel(librarySchema());
    const compile = (document: string, name?: string) => () => compilePrice(model, parse(document), name);
    expect(compile('query A { tags } query B { tags }')).toThrow(RangeError);
    expect(compile('query A { tags }', 'B')).toThrow('Expected one operation "B" in the document.');
    expect(compile('query A { ...F }')).toThrow('Expected the document to define the fragment "F".');
    expect(compile('{ nothing }')).toThrow('Query has no field "nothing"');
    expect(compile('query A { tags } query B { nothing }', 'A')().estimate({}).points).toBe(2);
  });
});

describe('PricePlan.actual()', () => {
  const tally = (counts: Readonly<Record<string, number>>): Tally => ({
    isCounted: true,
    entries: () => Object.entries(counts),
  });

  it('charges for the objects that there were', () => {
    const counts = {
      ' Query': 1,
      'items ItemConnection': 1,
      'items.edges ItemEdge': 3,
      'items.edges.node Book': 2,
      'items.edges.node.author Author': 2,
    };
    expect(libraryPlan(page).actual({ n: 20 }, tally(counts))).toBe(1 + 2 + 2);
    expect(libraryPlan(page).actual({ n: 20 }, tally({}))).toBe(1);
  });

  it('charges for what there was when another operation of the document has conditions', () => {
    const document = parse(
      `query A { mixed(first: 9) { id } } query B($x: Boolean!) { tags @include(if: $x) }`,
    );
    const plan = compilePrice(createCostModel(librarySchema()), document, 'A');
    expect(plan.actual({}, tally({ 'mixed Film': 2 }))).toBe(2);
  });

  it('charges for the outcome of the conditions', () => {
    const plan = libraryPlan('query ($x: Boolean!) { mixed(first: 9) @include(if: $x) { id } tags }');
    expect(plan.actual({ x: true }, tally({ 'mixed Film': 2 }))).toBe(2 + 2);
    expect(plan.actual({ x: false }, tally({}))).toBe(2);
  });

  it('charges the estimate when nothing was counted', () => {
    const uncounted: Tally = { isCounted: false, entries: () => [] };
    expect(libraryPlan(page).actual({ n: 20 }, uncounted)).toBe(41);
  });

  it('is not above the estimate by a rounding', () => {
    const schema = buildSchema(`${costDirectives}
      type Query { parts: [Part] @listSize(assumedSize: 3) }
      type Part @cost(weight: "0.1") { piece: Piece }
      type Piece @cost(weight: "0.4") { id: ID }`);
    const plan = compilePrice(createCostModel(schema), parse('{ parts { piece { id } } }'));
    expect(3 * 0.1 + 3 * 0.4).toBeGreaterThan(3 * (0.1 + 0.4));
    expect(plan.actual({}, tally({ 'parts Part': 3, 'parts.piece Piece': 3 }))).toBe(1.5);
    expect(plan.actual({}, tally({ 'parts Part': 4, 'parts.piece Piece': 3 }))).toBeGreaterThan(1.5);
  });

  it('charges arguments, leaves and the base of a mutation whatever came of them', () => {
    expect(libraryPlan('mutation { lend(id: 1) { title } }').actual({}, tally({ ' Mutation': 1 }))).toBe(10);
    expect(libraryPlan('{ search(filter: {}) { id } tags }').actual({}, tally({ ' Query': 1 }))).toBe(5 + 2);
  });

  it('charges the fields of each object type by how many objects had it', () => {
    const plan = libraryPlan('{ mixed(first: 9) { ... on Book { summary } ... on Film { minutes } } }');
    expect(plan.estimate({}).points).toBe(9 * 4);
    expect(plan.actual({}, tally({ 'mixed Book': 3, 'mixed Film': 2 }))).toBe(3 * 3 + 2 * 4);
  });

  it('takes the lower weight where two fields share a response name', () => {
    const plan = libraryPlan(`{ mixed(first: 2) {
      ... on Book { x: shelf { label } }
      ... on Film { x: studio { name } }
    } }`);
    expect(
      plan.actual({}, tally({ 'mixed Book': 1, 'mixed Film': 1, 'mixed.x Shelf': 1, 'mixed.x Author': 1 })),
    ).toBe(4);
  });

  it('takes less where objects of one type are asked in several ways', () => {
    const schema = buildSchema(`${costDirectives}
      interface Node { id: ID }
      type Query { nodes: [Node] @listSize(assumedSize: 2) }
      type A implements Node { id: ID, part: Part }
      type B implements Node { id: ID, part: Part }
      type Part { label(size: Int @cost(weight: "5")): String, note: String @cost(weight: "3") }`);
    const document = parse('{ nodes { ... on A { part { label(size: 1) } } ... on B { part { note } } } }');
    const plan = compilePrice(createCostModel(schema), document);
    expect(plan.estimate({}).points).toBe(2 * (1 + 1 + 5));
    // Both parts are of B's: 2 * (1 + 1 + 3) at most.
    expect(plan.actual({}, tally({ 'nodes B': 2, 'nodes.part Part': 2 }))).toBe(4);
  });

  it('counts what is below a field that its arguments make free', () => {
    const schema = buildSchema(`${costDirectives}
      interface Node { part(cheap: Boolean): Part }
      type Query { nodes: [Node] @listSize(assumedSize: 2) }
      type A implements Node { part(cheap: Boolean): Part @cost(weight: "4") }
      type B implements Node { part(cheap: Boolean @cost(weight: "-7")): Part @cost(weight: "4") }
      type Part @cost(weight: "0") { note: String }`);
    const plan = compilePrice(createCostModel(schema), parse('{ nodes { part(cheap: true) { note } } }'));
    expect(plan.estimate({}).points).toBe(2 * (1 + 4));
    expect(plan.actual({}, tally({ 'nodes B': 2, 'nodes.part Part': 2 }))).toBe(2);
    expect(plan.actual({}, tally({ 'nodes A': 2, 'nodes.part Part': 2 }))).toBe(10);
  });
});
