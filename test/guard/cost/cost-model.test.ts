import { buildSchema, getIntrospectionQuery, parse } from 'graphql';
import { describe, expect, it } from 'vitest';
import { type CostModelOptions, createCostModel } from '../../../src/guard/cost/cost-model.ts';
import { priceDocument } from '../../../src/guard/cost/price-document.ts';
import { compilePrice } from '../../../src/guard/cost/price-plan.ts';
import { costDirectives } from '../../kit/cost-directives.ts';

const schemaOf = (sdl: string) => buildSchema(costDirectives + sdl);

function pointsOf(sdl: string, document: string, options: CostModelOptions = {}): number {
  return compilePrice(createCostModel(schemaOf(sdl), options), parse(document)).estimate({}).points;
}

describe('createCostModel()', () => {
  it('takes Infinity for lists that nothing sizes, and any other size from 0', () => {
    const sdl = 'type Query { things: [Thing] } type Thing { id: ID }';
    const points = (options: CostModelOptions) =>
      pointsOf(sdl, '{ a: things { id } b: things { id } }', options);
    expect(points({})).toBe(Infinity);
    expect(points({ defaultListSize: 3 })).toBe(6);
    expect(points({ defaultListSize: 0 })).toBe(1);
    for (const defaultListSize of [-1, Number.NaN])
      expect(() => createCostModel(schemaOf(sdl), { defaultListSize })).toThrow(
        `Expected "defaultListSize" to be a number from 0, got ${defaultListSize}.`,
      );
  });

  it('throws RangeError, with its place, for a weight that is none', () => {
    const model = (sdl: string) => () => createCostModel(schemaOf(sdl));
    expect(model('type Query { a: Int @cost(weight: "much") }')).toThrow('Query.a: expected a finite number');
    expect(model('type Query { a(b: Int @cost(weight: "")): Int }')).toThrow(
      'Query.a.b: expected a finite number',
    );
    expect(model('type Query @cost(weight: "Infinity") { a: Int }')).toThrow(
      'Query: expected a finite number',
    );
    expect(model('type Query { a: [Int] @listSize(assumedSize: -1) }')).toThrow(
      'Query.a: expected "assumedSize" of its list size to be a whole number from 0',
    );
  });

  it('gives connections the pages of the gateway where they have none of their own', () => {
    const pages = { defaultSize: 10, maxSize: 50 };
    const sdl = `
      type Query {
        things(first: Int, last: Int): Things
          @listSize(slicingArguments: ["first", "last"], sizedFields: ["edges"], requireOneSlicingArgument: false)
      }
      type Things @cost(weight: "0") { edges: [Thing] }
      type Thing { id: ID }`;
    const points = (args: string) => pointsOf(sdl, `{ things${args} { edges { id } } }`, { pages });
    expect(points('')).toBe(10);
    expect(points('(last: 49)')).toBe(49);
    expect(points('(last: 50)')).toBe(50);
    expect(points('(last: 51)')).toBe(50);
    expect(pointsOf(sdl, '{ things { edges { id } } }')).toBe(Infinity);
    const plan = compilePrice(
      createCostModel(schemaOf(sdl), { pages }),
      parse('query ($n: Int) { things(first: $n) { edges { id } } }'),
    );
    expect(plan.estimate(null).points).toBe(50);
  });

  it('tells the fields of an interface apart by their price only', () => {
    const model = createCostModel(
      schemaOf(`
        interface Named { name: String, size: Int }
        type Query { named: Named }
        type A implements Named { name: String, size: Int }
        type B implements Named { name: String, size: Int @cost(weight: "1") }`),
    );
    const named = model.schema.getType('Named');
    if (!named) throw new Error('expected a type');
    expect(['name', 'size', '__typename', 'other'].map((name) => model.isAlike(named, name))).toEqual([
      true,
      false,
      true,
      false,
    ]);
  });
});

describe('19: the price of introspection', () => {
  const sdl = `
    type Query { a(x: Int, y: Int, z: Int): Node }
    interface Node { id: ID }
    type One implements Node { id: ID }
    type Two implements Node { id: ID, b: Int, c: Shade, d: Int, e: Int, f: Int }
    input In { a: Int, b: Int, c: Int, d: Int, e: Int, f: Int }
    enum Shade { ${Array.from({ length: 30 }, (_, index) => `S${index}`).join(' ')} }`;
  /** Objects answered at most, without the root; the root field's own first. */
  const objects = (document: string) =>
    priceDocument({ sdl, operation: document, variables: {}, defaultListSize: 1 }).typeCost - 1;

  it('is by the sizes that the schema really has', () => {
    const types = Object.keys(schemaOf(sdl).getTypeMap()).length;
    expect(objects('{ __schema { types { name } } }')).toBe(1 + types);
    expect(objects('{ __type(name: "Two") { possibleTypes { name } } }')).toBe(1 + 2);
    expect(objects('{ __type(name: "In") { inputFields { name } } }')).toBe(1 + 6);
    expect(objects('{ __type(name: "Shade") { enumValues { name } } }')).toBe(1 + 30);
    expect(objects('{ __type(name: "Query") { fields { args { name } } } }')).toBeGreaterThanOrEqual(
      1 + 6 * 4,
    );
    expect(objects('{ __schema { directives { args { name } } } }')).toBeLessThan(Infinity);
  });

  it('is the 256th of a point for each object, so that a tool can read all of a schema', () => {
    const all = getIntrospectionQuery();
    expect(pointsOf(sdl, all)).toBeCloseTo(objects(all) / 256, -1);
  });

  it('is that of the answer, for the names of the types', () => {
    expect(pointsOf(sdl, '{ __typename a { __typename } }')).toBe(1);
  });
});
