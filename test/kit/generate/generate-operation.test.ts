import fc from 'fast-check';
import {
  buildSchema,
  execute,
  executeSync,
  type GraphQLFieldResolver,
  getNamedType,
  getNullableType,
  isListType,
  OperationTypeNode,
  parse,
  validate,
} from 'graphql';
import { beforeAll, describe, expect, it } from 'vitest';
import { type GeneratedOperation, operations } from '../generate-operation.ts';
import type { OperationOptions } from './settings.ts';

/** Everything that an operation can meet. */
const schema = buildSchema(`
  scalar Moment
  enum Colour { RED GREEN BLUE }
  input Range { from: Int!, to: Int! = 10, not: [Int!] }
  input Choice @oneOf { range: Range, colours: [Colour!], text: String, deep: Deep }
  input Deep { deep: Deep, deeps: [[Deep!]], choice: Choice, must: Boolean! = true, when: Moment }
  interface Named { name: String!, friend(of: ID): Named }
  interface Coloured implements Named { name: String!, friend(of: ID): Named, colour: Colour }
  type Cat implements Named & Coloured { name: String!, friend(of: ID): Cat, colour: Colour, size: Int, lives(at: [Moment!]!): [[Int]] }
  type Dog implements Named { name: String!, friend(of: ID, at: Moment): Dog!, size: Float, cats: CatConnection }
  type Stone { size: Int!, colour: [Colour!]! }
  union Thing = Cat | Dog | Stone
  union Animal = Cat | Dog
  type CatConnection { edges: [CatEdge], nodes: [Cat!]! }
  type CatEdge { node: Cat, cursor: String }
  type Query {
    things(where: Choice, order: Colour! = RED, size: Int = 3): [Thing!]
    animals(deep: Deep!, nested: [[Choice!]!]): [Animal]
    cats(first: Int, last: Int, after: String, before: String, where: Choice): CatConnection
    named(id: ID!): Named
    coloured: Coloured
    stone: Stone
  }
  type Mutation { paint(thing: ID!, with: Choice!): Thing, rename(to: String): Named }
  type Subscription { painted(colour: Colour): Thing, renamed: Named }
`);

const options: OperationOptions = { sources: { Moment: (draw) => draw.pick(['2026-01-01', 5]) } };
const kinds = [OperationTypeNode.QUERY, OperationTypeNode.MUTATION, OperationTypeNode.SUBSCRIPTION];

function sample(numRuns: number, more: OperationOptions = {}): GeneratedOperation[] {
  return fc.sample(operations(schema, { ...options, ...more }), { seed: 7, numRuns });
}

describe('operations()', () => {
  let many: readonly GeneratedOperation[];

  beforeAll(() => {
    many = sample(300);
  });

  it.each(kinds)('makes valid operations whose variables can be coerced, when the kind is %s', (kind) => {
    for (const { document, operationName, variables: variableValues } of sample(200, { kind })) {
      const parsed = parse(document);
      expect(validate(schema, parsed)).toEqual([]);
      if (kind === OperationTypeNode.SUBSCRIPTION) continue;
      expect(execute({ schema, document: parsed, operationName, variableValues })).toMatchObject({
        data: {},
      });
    }
  });

  it('makes the same operations of the same seed, and others of another', () => {
    const first = sample(50);
    expect(sample(50)).toEqual(first);
    expect(fc.sample(operations(schema, options), { seed: 8, numRuns: 50 })).not.toEqual(first);
  });

  it.each([
    ['an alias', /\w: \w+/],
    ['a literal null', /: null/],
    ['a variable', /: \$v1/],
    ['a default of a variable', /\$v\d+: [\w!\]]+ = /],
    ['a variable that cannot be null', /\$v\d+: \w+!/],
    ['a variable within an object', /\{[^{}()]*\w: \$v\d+/],
    ['a list', /: \[(RED|GREEN|BLUE)/],
    ['an input object in another', /deep: \{\s*deep: \{/],
    ['@oneOf by a literal', /where: \{\s*text: "/],
    ['@oneOf by a variable', /where: \{\s*text: \$/],
    ['a named fragment that is spread twice', /\.\.\.(Fragment\d+)[\s\S]*\.\.\.\1\b/],
    ['an inline fragment with a type', /\.\.\. on Cat/],
    ['an inline fragment without one', /\.\.\. (@\w+\(if: [$\w]+\) )?\{/],
    ['@skip with a literal', /@skip\(if: (true|false)\)/],
    ['@include with a variable', /@include\(if: \$v\d+\)/],
    ['both directives', /@skip\(if: [$\w]+\) @include/],
    ['__typename', /__typename/],
    ['several operations', /query Operation1[\s\S]*query Operation2/],
    ['no name', /^(query \(|\{)/],
    ['an object field twice', /\bstone \{[^{}]*\}\s+stone \{/],
  ])('makes operations with %s', (_what, pattern) => {
    expect(many.some(({ document }) => pattern.test(document))).toBe(true);
  });

  it('never goes deeper than maxDepth', () => {
    expect(Math.max(...sample(150, { maxDepth: 3 }).map(depthOf))).toBe(3);
  });

  it.each([5, 40])('never brings more than maxObjects, when that is %i', (maxObjects) => {
    const counts = sample(150, { maxObjects }).map(countObjects);
    expect(Math.max(...counts)).toBeLessThanOrEqual(maxObjects);
    expect(Math.max(...counts)).toBeGreaterThan(maxObjects / 2);
  });

  it('never chooses a field of weight 0', () => {
    const documents = sample(150, { weights: { 'Query.cats': 0 } }).map(({ document }) => document);
    expect(documents.filter((document) => /\bcats\(/.test(document))).toEqual([]);
  });

  it('asks for a source when a scalar has none', () => {
    expect(() => fc.sample(operations(schema), { seed: 7, numRuns: 200 })).toThrow('sources.Moment');
  });

  it('shrinks to a valid operation that is as small as can be', () => {
    const hasCats = fc.property(operations(schema, options), ({ document }) => {
      expect(validate(schema, parse(document))).toEqual([]);
      return !/colour/.test(document);
    });
    const { counterexample } = fc.check(hasCats, { seed: 7, numRuns: 500 });
    expect(counterexample?.[0].document.split('\n').length).toBeLessThan(12);
  });
});

/** Braces within each other, without those of arguments. */
function depthOf({ document }: GeneratedOperation): number {
  let open = 0;
  let deepest = 0;
  for (const [brace] of document.replace(/\([\s\S]*?\)/g, '').matchAll(/[{}]/g)) {
    open += brace === '{' ? 1 : -1;
    deepest = Math.max(deepest, open);
  }
  return deepest;
}

const leaves: Readonly<Record<string, unknown>> = { Int: 1, Float: 1.5, String: 'x', Colour: 'RED' };

/** The objects of an answer in which every list has three items, and every page as many as were asked for. */
function countObjects({ document, operationName, variables: variableValues }: GeneratedOperation): number {
  let count = 0;
  const fieldResolver: GraphQLFieldResolver<{ readonly rows?: number }, unknown> = (
    source,
    args,
    _,
    info,
  ) => {
    const { name } = getNamedType(info.returnType);
    const isList = isListType(getNullableType(info.returnType));
    if (Object.hasOwn(leaves, name)) return isList ? [] : leaves[name];
    const length = info.parentType.name === 'CatConnection' ? (source.rows ?? 0) : 3;
    count += isList ? length : 1;
    const object = { __typename: 'Cat', rows: args['first'] ?? args['last'] ?? 20 };
    return isList ? Array.from({ length }, () => object) : object;
  };
  executeSync({
    schema,
    document: parse(document),
    operationName,
    variableValues,
    fieldResolver,
    rootValue: {},
  });
  return count;
}
