import { buildSchema } from 'graphql';
import { describe, expect, it } from 'vitest';
import { schemaChanges } from '../../src/cli/schema-changes.ts';
import { build } from '../pothos/tiny-builder.ts';

const frame = (types: string, fields = '') => `type Query { ok: Int ${fields} } ${types}`;

/** `level path` of each change, and what it affects. */
async function changesOf(before: string, after: string) {
  const changes = await schemaChanges(buildSchema(before), buildSchema(after));
  return changes.map(({ level, path, affects }) => [`${level} ${path}`, ...affects]);
}

describe('schemaChanges()', () => {
  it.each([
    ['f: Int', '', ['breaking Query.f', 'Query.f']],
    ['f: Int', 'f: Int!', ['safe Query.f', 'Query.f']],
    ['f: Int!', 'f: Int', ['breaking Query.f', 'Query.f']],
    ['f: Int', 'f: String', ['breaking Query.f', 'Query.f']],
    ['f(a: Int): Int', 'f: Int', ['breaking Query.f(a:)', 'Query.f(a:)']],
    ['f(a: Int): Int', 'f(a: Int!): Int', ['breaking Query.f(a:)', 'Query.f(a:)']],
    ['f(a: Int!): Int', 'f(a: Int): Int', ['safe Query.f(a:)', 'Query.f(a:)']],
    ['f: Int', 'f(a: Int): Int', ['dangerous Query.f(a:)', 'Query.f']],
    ['f: Int', 'f(a: Int!): Int', ['breaking Query.f(a:)', 'Query.f']],
    ['f(a: Int = 1): Int', 'f(a: Int = 2): Int', ['dangerous Query.f(a:)']],
    ['f(a: Int! = 1): Int', 'f(a: Int!): Int', ['breaking Query.f(a:)']],
  ])('classifies a field %j that becomes %j', async (before, after, change) => {
    expect(await changesOf(frame('', before), frame('', after))).toEqual([change]);
  });

  it.each([
    ['enum E { A B }', 'enum E { A }', ['breaking E.B', 'E.B']],
    ['enum E { A }', 'enum E { A B }', ['dangerous E.B', 'E.B']],
    ['input I { a: Int b: Int }', 'input I { a: Int }', ['breaking I.b', 'I.b']],
    ['input I { a: Int }', 'input I { a: Int b: Int! }', ['breaking I.b', 'I']],
    ['input I { a: Int }', 'input I { a: Int! }', ['breaking I.a', 'I.a']],
    ['input I { a: Int! = 1 }', 'input I { a: Int! }', ['breaking I.a', 'I']],
    ['input I { a: Int = 1 }', 'input I { a: Int }', ['dangerous I.a', 'I']],
    ['input I { a: Int b: Int }', 'input I @oneOf { a: Int b: Int }', ['breaking I', 'I']],
    ['scalar S', 'enum S { A }', ['breaking S', 'S']],
    ['scalar S', '', ['breaking S', 'S']],
    [
      'type A { a: Int } type B { a: Int } union U = A | B',
      'type A { a: Int } type B { a: Int } union U = A',
      ['breaking U', 'U', 'B'],
    ],
    [
      'interface N { a: Int } type T implements N { a: Int }',
      'interface N { a: Int } type T { a: Int }',
      ['breaking T', 'T', 'N'],
    ],
    ['type Mutation { a: Int }', 'type Other { a: Int }', ['breaking ', 'Mutation']],
    ['directive @d(a: Int) on FIELD', 'directive @d on FIELD', ['breaking @d(a:)', '@d(a:)']],
    ['directive @d(a: Int! = 1) on FIELD', 'directive @d(a: Int!) on FIELD', ['breaking @d(a:)', '@d(a:)']],
    ['directive @d on FIELD', 'directive @d(a: Int!) on FIELD', ['breaking @d', '@d']],
    ['directive @d on FIELD', '', ['breaking @d', '@d']],
    ['type T { a: Int }', 'type T { a: Int } type New { a: Int f(x: Int!): Int }', ['safe New', 'New']],
    ['"old" type T { a: Int }', '"new" type T { a: Int }', ['safe T', 'T']],
  ])('classifies %j that becomes %j', async (before, after, change) => {
    expect(await changesOf(frame(before), frame(after))).toContainEqual(change);
  });

  it('does not let a new description or interface hide what was removed', async () => {
    const before = frame('interface N { id: ID } type T { id: ID old: Int }');
    const after = frame('interface N { id: ID } "It is." type T implements N { id: ID }');
    expect(await changesOf(before, after)).toContainEqual(['breaking T.old', 'T.old']);
  });

  it('tells of a deprecation once', async () => {
    const old = '@deprecated(reason: "Use b.")';
    const before = frame('enum E { A } input I { a: Int }', 'f(a: Int, e: E, i: I): Int');
    const after = frame(
      `enum E { A ${old} } input I { a: Int ${old} }`,
      `f(a: Int ${old}, e: E, i: I): Int ${old}`,
    );
    const of = async (one: string, other: string) => (await changesOf(one, other)).map(([text]) => text);
    const changes = ['safe E.A', 'safe I.a', 'safe Query.f', 'safe Query.f(a:)'];
    expect(await of(before, after)).toEqual(changes);
    expect(await of(after, before)).toEqual(changes);
    // Another reason is told of fields and values alone; never as dangerous.
    expect(await of(after, after.replaceAll('Use b.', 'Use c.'))).toEqual(['safe E.A', 'safe Query.f']);
  });

  it('compares what code has built with a text, and no prices', async () => {
    const built = build((builder) =>
      builder.queryFields((t) => ({
        many: t.stringList({ cost: 7, listSize: { assumedSize: 3 }, resolve: () => [] }),
      })),
    );
    const text = buildSchema(`
      directive @cost(weight: String!) on FIELD_DEFINITION
      directive @listSize(assumedSize: Int) on FIELD_DEFINITION
      type Query { ready: Boolean many: [String!] @cost(weight: "9") @listSize(assumedSize: 5) }`);
    expect(await schemaChanges(text, built)).toEqual([]);
    expect(await schemaChanges(built, text)).toEqual([]);
  });

  it('puts the worst first, and says what was removed', async () => {
    const changes = await schemaChanges(
      buildSchema(frame('enum E { A }', 'a: Int b: Int')),
      buildSchema(frame('enum E { A B }', 'b: Int c: Int')),
    );
    expect(changes.map(({ level, isRemoval }) => [level, isRemoval])).toEqual([
      ['breaking', true],
      ['dangerous', false],
      ['safe', false],
    ]);
  });
});
