import { buildSchema, lexicographicSortSchema, printSchema } from 'graphql';
import { describe, expect, it } from 'vitest';
import { listSizeOf, weightOf } from '../../src/guard/cost/weights.ts';
import { printPricedSchema } from '../../src/pothos/print-schema.ts';
import { build, fieldOf } from './tiny-builder.ts';

const priced = build((builder) => {
  const Color = builder.enumType('Color', {
    values: ['RED'],
    cost: 0.5,
    description: 'It has @cost(weight: "9").',
  });
  const Named = builder.interfaceRef<object>('Named').implement({
    fields: (t) => ({ name: t.string({ resolve: () => '' }) }),
  });
  const Thing = builder.objectRef<object>('Thing').implement({
    cost: 2,
    interfaces: [Named],
    fields: (t) => ({
      color: t.field({
        type: Color,
        cost: 3,
        deprecated: { reason: 'Use "name" { }', since: '2026-11-01', removal: '2027-03-01' },
        resolve: () => 'RED' as const,
      }),
    }),
  });
  const Filter = builder.inputType('Filter', {
    fields: (t) => ({ text: t.string({ cost: 4, defaultValue: 'a } "b"' }) }),
  });
  builder.queryFields((t) => ({
    things: t.connection({
      type: Thing,
      args: { filter: t.arg({ type: Filter, cost: -6 }) },
      resolve: () => null,
    }),
    own: t.connection({ type: Thing, pageSize: { default: 5, maximum: 10 }, resolve: () => null }),
    each: t.stringList({
      args: { ids: t.arg.idList({ required: true }) },
      cost: 7,
      listSize: { slicingArguments: ['ids'], maximum: 3 },
      resolve: () => [],
    }),
    all: t.stringList({ listSize: { assumedSize: 8 }, resolve: () => [] }),
  }));
});

describe('printPricedSchema()', () => {
  it('prints the prices as directives of the IBM specification, with their definitions', () => {
    const lines = printPricedSchema(priced, { defaultSize: 20, maxSize: 100 }).split('\n');
    expect(lines.filter((line) => /[^"]@(cost|listSize)/.test(line)).map((line) => line.trim())).toEqual([
      'directive @cost(weight: String!) on ARGUMENT_DEFINITION | ENUM | FIELD_DEFINITION | INPUT_FIELD_DEFINITION | OBJECT | SCALAR',
      'directive @listSize(',
      '"""It has @cost(weight: "9")."""',
      'enum Color @cost(weight: "0.5") {',
      'text: String = "a } \\"b\\"" @cost(weight: "4")',
      'type PageInfo @cost(weight: "0") {',
      'all: [String!] @listSize(assumedSize: 8)',
      'each(ids: [ID!]!): [String!] @cost(weight: "7") @listSize(slicingArguments: ["ids"]) @listBound(maximum: 3)',
      'own(after: String, before: String, first: Int, last: Int): QueryOwnConnection @listSize(assumedSize: 5, slicingArguments: ["first", "last"], sizedFields: ["edges"], requireOneSlicingArgument: false) @listBound(maximum: 10)',
      'things(after: String, before: String, filter: Filter @cost(weight: "-6"), first: Int, last: Int): QueryThingsConnection @listSize(assumedSize: 20, slicingArguments: ["first", "last"], sizedFields: ["edges"], requireOneSlicingArgument: false) @listBound(maximum: 100)',
      'type QueryOwnConnectionEdge @cost(weight: "0") {',
      'type QueryThingsConnectionEdge @cost(weight: "0") {',
      'type Thing implements Named @cost(weight: "2") {',
      'color: Color @deprecated(reason: "Use \\"name\\" { }. Deprecated since 2026-11-01. Removed after 2027-03-01.") @cost(weight: "3")',
    ]);
  });

  it('prints what reads as the same schema, and the same prices', () => {
    const read = buildSchema(printPricedSchema(priced, { defaultSize: 20, maxSize: 100 }));
    expect(printSchema(read).endsWith(printSchema(lexicographicSortSchema(priced)))).toBe(true);
    expect(weightOf(fieldOf(read, 'Query', 'each'), '')).toBe(7);
    expect(listSizeOf(fieldOf(read, 'Query', 'own'), '')).toEqual({
      assumedSize: 5,
      maximum: 10,
      slicingArguments: ['first', 'last'],
      sizedFields: ['edges'],
      requireOneSlicingArgument: false,
    });
  });

  it('says nothing of the size of a page when the gateway is not known', () => {
    expect(printPricedSchema(priced)).toContain('@listSize(slicingArguments: ["first", "last"], sizedFields');
  });

  it('prints a schema without prices as graphql-js does', () => {
    const schema = buildSchema('type Query { zebra: Int ant: Int } "unused" scalar Zoo');
    expect(printPricedSchema(schema)).toBe(`${printSchema(lexicographicSortSchema(schema))}\n`);
  });

  it('keeps definitions that are there already', () => {
    const schema = buildSchema(
      'directive @cost(weight: String!) on FIELD_DEFINITION type Query { one: Int @cost(weight: "2") }',
    );
    expect(printPricedSchema(schema)).toBe(
      'directive @cost(weight: String!) on FIELD_DEFINITION\n\ntype Query {\n  one: Int @cost(weight: "2")\n}\n',
    );
  });
});
