import {
  buildSchema,
  type FragmentDefinitionNode,
  GraphQLObjectType,
  type GraphQLSchema,
  Kind,
  type OperationDefinitionNode,
  parse,
} from 'graphql';
import { describe, expect, it } from 'vitest';
import { createReadMasks, type MaskInfo, needsExtension } from '../../src/upstream/mask.ts';

/** Every field of A, B and C needs the path of its own name. */
const schema = withNeeds(
  buildSchema(`
    interface Named { name: String }
    type A implements Named { id: ID name: String size: Int b: B as: [A!]! any: Any named: Named plain: Int }
    type B implements Named { id: ID name: String a: A c: C }
    type C { id: ID }
    type D { id: ID }
    union Any = A | B | D
    type Query { a: A b: B any: Any named: Named nothing: Int }
    type Mutation { change: A }
  `),
  ['A', 'B', 'C'],
);

describe('ReadMasks.paths()', () => {
  it.each([
    ['one field', '{ a { name } }', { A: ['name'], B: [], C: [] }],
    ['fields in any order, sorted', '{ a { size name id } }', { A: ['id', 'name', 'size'] }],
    ['an alias', '{ x: a { y: name } }', { A: ['name'] }],
    ['the same type in two places', '{ x: a { name } y: a { size } }', { A: ['name', 'size'] }],
    ['what is nested', '{ a { b { c { id } } } }', { A: ['b'], B: ['c'], C: ['id'] }],
    ['a type within itself', '{ a { as { as { size } } } }', { A: ['as', 'size'] }],
    ['an inline fragment', '{ a { ... { name } ... on A { size } } }', { A: ['name', 'size'] }],
    [
      'a fragment',
      '{ a { ...f } } fragment f on A { name ...g } fragment g on A { size }',
      { A: ['name', 'size'] },
    ],
    [
      'a fragment used twice',
      '{ a { ...f } b { a { ...f } } } fragment f on A { name }',
      { A: ['name'], B: ['a'] },
    ],
    ['an interface', '{ named { name } }', { A: ['name'], B: ['name'] }],
    ['a type behind an interface', '{ named { ... on A { size } } }', { A: ['size'], B: [] }],
    ['a fragment on an interface', '{ a { ...f } } fragment f on Named { name }', { A: ['name'] }],
    [
      'a union',
      '{ any { ... on A { size } ... on B { id } ... on D { id } } }',
      { A: ['size'], B: ['id'], D: [] },
    ],
    ['a union within', '{ a { any { ... on B { name } } } }', { A: ['any'], B: ['name'] }],
    ['what @skip leaves out, too', '{ a { name @skip(if: true) } }', { A: ['name'] }],
    ['names of types', '{ a { __typename } __typename }', { A: [] }],
    ['introspection', '{ __schema { types { name } } __type(name: "A") { name } }', { A: [] }],
    ['a mutation', 'mutation { change { name } }', { A: ['name'] }],
    [
      'a fragment with an odd name',
      '{ a { ...constructor } } fragment constructor on A { size }',
      { A: ['size'] },
    ],
  ])('finds %s', (_what, document, expected) => {
    const masks = createReadMasks(schema);
    const info = infoOf(document);
    for (const [typename, paths] of Object.entries(expected))
      expect(masks.paths(info, typename)).toEqual(paths);
  });

  it('is empty for a type that there is not, and for one without needs', () => {
    const masks = createReadMasks(schema);
    const info = infoOf('{ a { name } }');
    for (const typename of ['Nobody', 'constructor', '__proto__', 'D', 'Query']) {
      expect(masks.paths(info, typename)).toEqual([]);
    }
  });

  it('survives fragments in a circle, fields that there are not, and fragments that there are not', () => {
    const masks = createReadMasks(schema);
    const circle = '{ a { ...f } } fragment f on A { size as { ...g } } fragment g on A { name as { ...f } }';
    expect(masks.paths(infoOf(circle), 'A')).toEqual(['as', 'name', 'size']);
    expect(masks.paths(infoOf('{ a { nobody { name } ...nowhere constructor } ghost { id } }'), 'A')).toEqual(
      [],
    );
    expect(masks.paths(infoOf('{ a { ... on Ghost { name } id } }'), 'A')).toEqual(['id']);
  });

  it('is empty for a kind of operation that the schema has not', () => {
    expect(createReadMasks(schema).paths(infoOf('subscription { a { name } }'), 'A')).toEqual([]);
  });

  it('is remembered for an operation: the same array each time, others for another operation', () => {
    const masks = createReadMasks(schema);
    const info = infoOf('{ a { name } }');
    expect(masks.paths(info, 'A')).toBe(masks.paths({ ...info }, 'A'));
    expect(masks.paths(info, 'B')).toBe(masks.paths(info, 'B'));
    expect(masks.paths(info, 'A')).not.toBe(masks.paths(infoOf('{ a { name } }'), 'A'));
  });

  it('takes a document of 10,000 fields within 250 ms of CPU', () => {
    const fields = Array.from({ length: 10_000 }, (_, index) => `f${index}: named { name }`).join(' ');
    const info = infoOf(`{ ${fields} }`);
    const masks = createReadMasks(schema);
    const begun = process.threadCpuUsage();
    expect(masks.paths(info, 'A')).toEqual(['name']);
    const { user, system } = process.threadCpuUsage(begun);
    expect((user + system) / 1000).toBeLessThan(250);
  });
});

function infoOf(document: string): MaskInfo {
  const { definitions } = parse(document);
  const operations = definitions.filter(
    (node): node is OperationDefinitionNode => node.kind === Kind.OPERATION_DEFINITION,
  );
  const fragments = definitions.filter(
    (node): node is FragmentDefinitionNode => node.kind === Kind.FRAGMENT_DEFINITION,
  );
  const [operation] = operations;
  if (!operation) throw new Error('expected an operation');
  const byName: Record<string, FragmentDefinitionNode> = Object.create(null);
  for (const fragment of fragments) byName[fragment.name.value] = fragment;
  return { operation, fragments: byName };
}

function withNeeds(built: GraphQLSchema, typenames: readonly string[]): GraphQLSchema {
  for (const typename of typenames) {
    const type = built.getType(typename);
    if (!(type instanceof GraphQLObjectType)) throw new Error(`expected an object type ${typename}`);
    for (const field of Object.values(type.getFields())) {
      if (field.name !== 'plain') field.extensions = { ...field.extensions, [needsExtension]: [field.name] };
    }
  }
  return built;
}
